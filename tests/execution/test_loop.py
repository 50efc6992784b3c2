"""What all loops have in common: when they end, what they say of failures, and which trials of a budget are left."""

import math
import time

import numpy as np
import pytest
from studies import context, ended, planned

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.loop import carried_drives
from hyperspace.execution.round_loop import RoundLoop
from hyperspace.stopping import TargetValue

SPACE = [(0.0, 1.0), (0.0, 1.0)]
FEW = {"model": "RAND", "n_drives": 4, "n_subspaces": 4}


def sometimes(x):
    """Return the loss but for a third of the space."""
    return {"loss": 1.0 + x[0], "seconds": 3.0} if x[0] < 0.67 else {"seconds": 0.01}


@pytest.mark.parametrize("answer", [True, np.True_, np.array(True), np.array([True])])
def test_true_of_any_kind_ends_the_study(answer):
    result = hyperdrive(sometimes, SPACE, None, n_iterations=4, checkpoints=False, callback=lambda trial: answer, **FEW)
    assert result.nfev < 16


@pytest.mark.parametrize("answer", [None, 1, "yes", [1], np.array([True, True]), np.False_, object()])
def test_nothing_but_true_ends_the_study(answer):
    result = hyperdrive(sometimes, SPACE, None, n_iterations=2, checkpoints=False, callback=lambda trial: answer, **FEW)
    assert result.nfev == 8


def rounds(study, objective=lambda x: x[0], **options):
    """A loop in rounds, after its run."""
    loop = RoundLoop(study, context(study, objective, **options))
    loop.run()
    return loop


def test_a_rank_carries_every_drive_whose_number_is_its_own_modulo_the_ranks():
    study, ranks = planned(n_drives=5), SerialRanks()
    assert carried_drives(study, ranks) == [0, 1, 2, 3, 4]
    ranks.size, ranks.rank = 2, 1
    assert carried_drives(study, ranks) == [1, 3]
    ranks.size, ranks.rank = 8, 6
    assert carried_drives(study, ranks) == []


@pytest.mark.parametrize(("seconds", "begun", "reason"), [(1000.0, 3, None), (50.0, 0, "the deadline")])
def test_no_evaluation_begins_that_would_take_longer_than_what_is_left(seconds, begun, reason):
    study = planned(n_drives=1, n_calls=4)
    loop = rounds(study, recorded=[ended(0, 0, seconds=100.0)], deadline=time.monotonic() + seconds)
    assert (loop.begun, loop.ended_by) == (begun, reason)


def test_the_longest_of_the_recent_evaluations_is_known():
    study = planned(n_drives=1, n_calls=40)
    recorded = [ended(0, i, seconds=100.0 - i) for i in range(30)]  # the first ones are forgotten
    assert RoundLoop(study, context(study, recorded=recorded)).longest == 90.0
    ranks = SerialRanks()
    ranks.size, ranks.rank = 2, 1
    assert RoundLoop(study, context(study, ranks=ranks, recorded=recorded)).longest == math.inf


def test_a_request_ends_the_loop_before_another_evaluation():
    loop = rounds(planned(n_drives=2, n_calls=4), stop="SIGTERM")
    assert (loop.begun, loop.ended_by, loop.finished) == (0, "SIGTERM", {})


def test_the_end_of_an_earlier_loop_is_that_of_this_one():
    study = planned(n_drives=2, n_calls=4)
    loop = RoundLoop(study, context(study))
    loop.continue_after("the deadline", begun=3)
    loop.run()
    assert (loop.begun, loop.ended_by, loop.finished) == (3, "the deadline", {})


def test_the_first_failure_is_told_at_once_and_later_ones_are_not(capsys):
    def fails(x):
        raise ArithmeticError("no mesh")

    loop = rounds(planned(n_drives=1, n_calls=4), fails, recorded=[ended(0, 0)])
    told = capsys.readouterr().err
    assert told.count("ArithmeticError: no mesh") == 1
    assert "evaluation 0-1 failed, the first of this run to fail" in told
    assert [trial.status for trial in loop.known()] == ["ok", "failed", "failed", "failed"]


def test_the_same_mistake_in_the_first_evaluations_ends_the_study_and_they_are_known():
    study = planned(n_drives=1, n_calls=9)
    loop = RoundLoop(study, context(study, lambda x: undefined))  # noqa: F821
    with pytest.raises(StudyError, match="NameError"):
        loop.run()
    assert len(list(loop.known())) == 3


def test_a_target_that_a_given_evaluation_has_reached_ends_the_loop_before_it_begins():
    study = planned(n_drives=1, n_calls=9, x0=[[0.5]], y0=[0.25])
    assert rounds(study, rules=[TargetValue(0.1)]).begun > 0
    loop = rounds(study, rules=[TargetValue(0.3)])
    assert (loop.begun, loop.ended_by) == (0, "the target value 0.3")


def test_what_some_drives_made_beyond_their_share_is_not_made_again_by_others():
    """As after exchange="async", where a fast rank makes more."""
    study = planned(n_drives=2, n_subspaces=1, n_calls=8, exchange="round")
    loop = rounds(study, recorded=[ended(0, i) for i in range(6)])
    assert loop.begun == 2
    assert sorted(key.iteration for key in loop.finished if key.drive == 1) == [0, 1]


def test_a_message_is_shown_once(capsys):
    loop = rounds(planned(n_drives=1, n_calls=3), lambda x: {"loss": x[0], "note": "fine"})
    assert capsys.readouterr().err.count("'note' (str) is not kept") == 1
    assert len(loop.notes) == 1


def test_the_callback_gets_every_trial_of_this_run_and_ends_it():
    seen = []
    study = planned(n_drives=1, n_calls=9)
    loop = rounds(study, recorded=[ended(0, 0)], callback=lambda trial: seen.append(trial.key) or len(seen) == 2)
    assert seen == [(1, 0), (2, 0)]
    assert loop.ended_by == "the callback"
