"""An evaluation that cannot begin at this moment is begun later; one that a full disk has failed is repeated."""

import errno
import os

import pytest

from hyperspace.evaluators import starting
from hyperspace.evaluators.base import Outcome
from hyperspace.evaluators.starting import Repeats, Start
from hyperspace.system import disk
from hyperspace.trials.trial import FAILED, Trial

TRIAL = Trial(drive=3, iteration=2, x=(0.5,))


@pytest.fixture
def full(monkeypatch):
    """A list that holds something while the disk is full."""
    state = []
    monkeypatch.setattr(disk, "RETRY", 0.0)
    monkeypatch.setattr(starting, "has_room", lambda folder: not state)
    return state


def start(number, times):
    begun = []

    def begin():
        begun.append(True)
        if len(begun) <= times:
            raise OSError(number, os.strerror(number), "file")

    return Start(begin, "the evaluation of trial 3-2"), begun


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.EMFILE, errno.ETXTBSY])
def test_a_shortage_is_waited_for(full, number):
    beginning, begun = start(number, 2)
    with pytest.warns(RuntimeWarning, match="the evaluation of trial 3-2 cannot begin: file: ") as warned:  # noqa: PT031
        assert beginning.advance() is None
        assert not beginning.begun
        assert os.strerror(number) in beginning.held_up_by
        assert beginning.advance() is None
        assert beginning.advance() is None
    assert beginning.begun
    assert beginning.held_up_by is None
    assert beginning.advance() is None
    assert (len(begun), len(warned)) == (3, 1)


def test_another_error_is_the_evaluators(full):
    with pytest.raises(PermissionError):
        start(errno.EACCES, 1)[0].advance()


def test_it_is_given_up_in_the_end(full, monkeypatch):
    monkeypatch.setattr(disk, "PATIENCE", -1.0)
    with pytest.warns(RuntimeWarning):
        outcome = start(errno.ENOSPC, 9)[0].advance()
    assert (outcome.status, outcome.fault, outcome.again) == ("failed", "infrastructure", False)
    assert "could not begin: file: No space left on device" in outcome.error


def test_a_repetition_waits_for_room(full, monkeypatch, tmp_path):
    now = [0.0]
    monkeypatch.setattr(starting.time, "monotonic", lambda: now[0])
    repeats, begun = Repeats(), []
    repeats.start(lambda: begun.append(1), TRIAL, tmp_path).advance()
    full.append(True)
    outcome = repeats.judge(Outcome(FAILED, error="exit code 1", fault="objective"), tmp_path)
    assert (outcome.fault, outcome.again, outcome.error) == ("infrastructure", True, "the disk is full\nexit code 1")
    again = repeats.start(lambda: begun.append(2), TRIAL, tmp_path)
    again.advance()
    assert "it is repeated" in again.held_up_by
    now[0] += 5.0
    with pytest.warns(RuntimeWarning):
        again.advance()
    assert begun == [1]
    full.clear()
    now[0] += 5.0
    again.advance()
    assert begun == [1, 2]


def test_an_objective_that_always_finds_it_full_is_given_up_although_there_is_room(full, tmp_path):
    repeats = Repeats()
    outcomes = []
    for _ in range(7):
        repeats.start(lambda: None, TRIAL, tmp_path)
        outcomes.append(repeats.judge(Outcome(FAILED, error="ENOSPC", fault="infrastructure", again=True), tmp_path))
    assert [outcome.again for outcome in outcomes] == [True] * 5 + [False] * 2
    assert {outcome.fault for outcome in outcomes} == {"infrastructure"}


def test_any_other_failure_is_what_it_was(full, tmp_path):
    failure = Outcome(FAILED, error="no mesh", fault="objective")
    assert Repeats().judge(failure, tmp_path) is failure
    good = Outcome(metrics={"objective": 1.0})
    full.append(True)
    assert Repeats().judge(good, tmp_path) is good
