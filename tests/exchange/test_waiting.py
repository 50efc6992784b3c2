import math
from itertools import pairwise

import pytest

from hyperspace.exchange import waiting
from hyperspace.exchange.waiting import (
    GRACE,
    GRACE_VARIABLE,
    ROOT_FACTOR,
    Patience,
    grace,
    nap,
    naps_between_tests,
    naps_of_a_transfer,
)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("asked_at", "deadline", "begun", "longest", "ends"),
    [
        (5.0, None, 0.0, 0.0, 35.0),
        (5.0, None, 20.0, 0.0, 50.0),
        (5.0, None, 0.0, 60.0, 95.0),
        (None, 10.0, 0.0, 60.0, 40.0),
        (None, 10.0, 20.0, 60.0, 110.0),
        (20.0, 10.0, 0.0, 60.0, 40.0),
        (None, None, 0.0, 0.0, None),
        (5.0, None, 0.0, float("inf"), None),
        (None, 5.0, 0.0, float("inf"), None),
        (None, float("inf"), 0.0, 0.0, None),
    ],
)
def test_how_long_others_are_waited_for(monkeypatch, asked_at, deadline, begun, longest, ends):
    monkeypatch.delenv(GRACE_VARIABLE, raising=False)
    clock = Clock()
    patience = Patience(lambda: asked_at is not None and clock.now >= asked_at, lambda: longest, deadline, clock)
    given_up = None
    for second in range(int(begun), 1000):
        clock.now = float(second)
        if patience.is_over(begun):
            given_up = clock.now
            break
    assert given_up == ends
    if ends is not None:
        assert not patience.is_over(begun, ROOT_FACTOR)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "inf", ""])
def test_a_grace_period_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv(GRACE_VARIABLE, text)
    with pytest.raises(ValueError, match=f"{GRACE_VARIABLE} must be a positive number of seconds"):
        grace()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(waiting.time, "monotonic", clock)
    return clock


def test_a_grace_period_is_read_from_the_environment(monkeypatch):
    monkeypatch.delenv(GRACE_VARIABLE, raising=False)
    assert grace() == GRACE
    monkeypatch.setenv(GRACE_VARIABLE, "2.5")
    assert grace() == 2.5
    assert Patience().grace == 2.5
    monkeypatch.setenv(GRACE_VARIABLE, "soon")
    assert Patience().grace == GRACE  # the study refuses it on all ranks together


def test_sleep_adds_a_twentieth_to_a_wait_within_bounds():
    assert nap(0.0) == 0.5e-3
    assert nap(1.0) == pytest.approx(0.05)
    assert nap(3600.0) == 0.2
    assert all(first <= second for first, second in pairwise(nap(0.01 * number) for number in range(1000)))


def test_a_long_wait_is_tested_a_few_times_a_second(clock):
    naps, tests = naps_between_tests(), 0
    while clock.now < 60.0:
        clock.now += next(naps)
        tests += 1
    assert 60.0 / 0.2 < tests < 500


def test_the_sleep_counts_from_the_first_test(clock):
    naps = naps_between_tests()
    clock.now = 100.0
    assert next(naps) == 0.5e-3
    clock.now = 102.0
    assert next(naps) == pytest.approx(0.1)


def test_a_transfer_is_tested_at_once_and_less_often_if_it_takes_long(clock):
    naps, before = naps_of_a_transfer(), []
    while clock.now < 2.0:
        before.append((clock.now, next(naps)))
        clock.now += before[-1][1]
    assert {sleep for now, sleep in before if now < 1.0} == {50e-6}
    assert {sleep for now, sleep in before if now > 1.0} == {1e-3}


def test_the_request_that_another_rank_tells_of_counts_from_then_on():
    clock = Clock()
    patience = Patience(clock=clock)
    clock.now = 1e6
    assert not patience.is_over(0.0)  # nothing was asked: no limit
    patience.tell()
    clock.now += 20.0
    patience.tell()  # it is told once more
    assert not patience.is_over(0.0)
    clock.now += GRACE - 20.0
    assert patience.is_over(0.0)


def test_a_request_is_seen_while_the_wait_is_still_short():
    """And counts from then on, even if its file is removed."""
    clock, asked = Clock(), [True]
    patience = Patience(lambda: asked[0], clock=clock)
    assert not patience.is_over(0.0)
    asked[0] = False
    clock.now = GRACE
    assert patience.is_over(0.0)


def test_an_evaluation_of_unknown_length_is_waited_for_without_end_and_one_that_is_known_is_not():
    clock, longest = Clock(), [math.inf]
    patience = Patience(lambda: True, lambda: longest[0], clock=clock)
    patience.is_over(0.0)
    clock.now = 1e9
    assert not patience.is_over(0.0)
    longest[0] = 60.0
    assert patience.is_over(0.0)
