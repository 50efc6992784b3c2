import signal
import threading

import pytest

from hyperspace.evaluators import interrupts as calls


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
    assert not calls.is_under_way()
    assert calls.under_way() is None
    with calls.calling():
        outer = calls.under_way()
        assert outer is not None
        with calls.calling():  # a study within the objective
            assert calls.under_way() not in (None, outer)
        assert calls.under_way() is outer
        assert calls.is_under_way()
    assert not calls.is_under_way()


def test_a_call_that_fails_is_no_longer_under_way():
    with pytest.raises(ZeroDivisionError), calls.calling():
        raise ZeroDivisionError
    assert not calls.is_under_way()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_of_calls_in_two_threads_the_one_that_is_left_is_under_way():
    begun, end = threading.Event(), threading.Event()
    marks = []

    def other():
        with calls.calling():
            marks.append(calls.under_way())
            begun.set()
            end.wait(10.0)

    with calls.calling():
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait(10.0)
        assert calls.under_way() is marks[0]
    assert calls.under_way() is marks[0]
    end.set()
    thread.join()
    assert not calls.is_under_way()


def test_ctrl_c_is_told_from_an_interrupt_of_the_objectives_own():
    with calls.calling() as interrupts:
        assert not interrupts.caused(KeyboardInterrupt())
        assert interrupts.caused(interrupt())
        assert not interrupts.caused(ValueError())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_of_an_earlier_call_causes_nothing_in_a_later_one():
    with calls.calling():
        interrupt()
    with calls.calling() as interrupts:
        assert not interrupts.caused(KeyboardInterrupt())


def test_ctrl_c_within_an_inner_call_is_the_outer_ones_too():
    with calls.calling() as outer:
        with calls.calling() as inner:
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
    with calls.calling() as interrupts:
        assert signal.getsignal(signal.SIGINT) is own
        assert interrupts.caused(interrupt())
        assert interrupts.caused(KeyboardInterrupt())
    assert received == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with calls.calling():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_the_objective_sets_stays():
    def own(number, frame):
        raise KeyboardInterrupt

    with calls.calling():
        signal.signal(signal.SIGINT, own)
    assert signal.getsignal(signal.SIGINT) is own


def test_in_another_thread_no_handler_is_set_and_every_interrupt_counts():
    found = []

    def other():
        with calls.calling() as interrupts:
            found.append((signal.getsignal(signal.SIGINT) is signal.default_int_handler, interrupts.caused(KeyboardInterrupt())))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [(True, True)]


def test_a_study_records_its_signals_itself():
    def handle(number, frame):
        if requests:
            calls.note_request()
        else:
            calls.note_interrupt()
            raise KeyboardInterrupt

    handle.is_of_a_study = True
    assert calls.is_of_a_study(handle)
    assert not calls.is_of_a_study(signal.default_int_handler)
    assert not calls.is_of_a_study(None)
    signal.signal(signal.SIGINT, handle)
    requests = True
    with calls.calling() as interrupts:
        assert signal.getsignal(signal.SIGINT) is handle
        assert not interrupts.came_as_request
        signal.raise_signal(signal.SIGINT)
        assert interrupts.came_as_request
        assert not interrupts.caused(KeyboardInterrupt())  # of the objective's own
        requests = False
        assert interrupts.caused(interrupt())
    with calls.calling() as interrupts:
        assert not interrupts.came_as_request
    assert signal.getsignal(signal.SIGINT) is handle
