import signal
import threading

import pytest

from hyperspace.evaluators import interrupts


@pytest.fixture(autouse=True)
def _handler():
    """Ctrl-C as Python itself takes it; whatever a test sets is taken back."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def interrupt():
    """Raise what a SIGINT raises now; return the exception."""
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGINT)
    return caught.value


def test_a_call_is_under_way_within_the_block():
    assert not interrupts.is_under_way()
    assert interrupts.under_way() is None
    with interrupts.calling():
        outer = interrupts.under_way()
        assert outer is not None
        with interrupts.calling():  # a study within the objective
            assert interrupts.under_way() not in (None, outer)
        assert interrupts.under_way() is outer
        assert interrupts.is_under_way()
    assert not interrupts.is_under_way()


def test_a_call_that_fails_is_no_longer_under_way():
    with pytest.raises(ZeroDivisionError), interrupts.calling():
        raise ZeroDivisionError
    assert not interrupts.is_under_way()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_of_calls_in_two_threads_the_one_that_is_left_is_under_way():
    begun, end = threading.Event(), threading.Event()
    marks = []

    def other():
        with interrupts.calling():
            marks.append(interrupts.under_way())
            begun.set()
            end.wait(10.0)

    with interrupts.calling():
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait(10.0)
        assert interrupts.under_way() is marks[0]
    assert interrupts.under_way() is marks[0]
    end.set()
    thread.join()
    assert not interrupts.is_under_way()


def test_ctrl_c_is_told_from_an_interrupt_of_the_objectives_own():
    with interrupts.calling() as noted:
        assert not noted.caused(KeyboardInterrupt())
        assert noted.caused(interrupt())
        assert not noted.caused(ValueError())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_of_an_earlier_call_causes_nothing_in_a_later_one():
    with interrupts.calling():
        interrupt()
    with interrupts.calling() as noted:
        assert not noted.caused(KeyboardInterrupt())


def test_ctrl_c_within_an_inner_call_is_the_outer_ones_too():
    with interrupts.calling() as outer:
        with interrupts.calling() as inner:
            assert not inner.caused(KeyboardInterrupt())
            error = interrupt()
            assert inner.caused(error)
        assert outer.caused(error)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_callers_is_left_and_every_interrupt_counts():
    received = []

    def own(number, frame):
        received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, own)
    with interrupts.calling() as noted:
        assert signal.getsignal(signal.SIGINT) is own
        assert noted.caused(interrupt())
        assert noted.caused(KeyboardInterrupt())
    assert received == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.calling():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_the_objective_sets_stays():
    def own(number, frame):
        raise KeyboardInterrupt

    with interrupts.calling():
        signal.signal(signal.SIGINT, own)
    assert signal.getsignal(signal.SIGINT) is own


def test_in_another_thread_no_handler_is_set_and_every_interrupt_counts():
    found = []

    def other():
        with interrupts.calling() as noted:
            found.append((signal.getsignal(signal.SIGINT) is signal.default_int_handler, noted.caused(KeyboardInterrupt())))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [(True, True)]


def test_a_study_records_its_signals_itself():
    def handle(number, frame):
        if requests:
            interrupts.note_request()
        else:
            interrupts.note_interrupt()
            raise KeyboardInterrupt

    handle.is_of_a_study = True
    assert interrupts.is_of_a_study(handle)
    assert not interrupts.is_of_a_study(signal.default_int_handler)
    assert not interrupts.is_of_a_study(None)
    signal.signal(signal.SIGINT, handle)
    requests = True
    with interrupts.calling() as noted:
        assert signal.getsignal(signal.SIGINT) is handle
        assert not noted.came_as_request
        signal.raise_signal(signal.SIGINT)
        assert noted.came_as_request
        assert not noted.caused(KeyboardInterrupt())  # of the objective's own
        requests = False
        assert noted.caused(interrupt())
    with interrupts.calling() as noted:
        assert not noted.came_as_request
    assert signal.getsignal(signal.SIGINT) is handle
