"""A run of a study: why it ends, what it says, what is on record of its end, and its lease."""

import math
import os
import signal
from functools import partial

import pytest
from studies import arguments, planned

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.evaluators.inline import InlineEvaluator
from hyperspace.evaluators.objective import Objective
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution import signals
from hyperspace.execution.options import RunOptions
from hyperspace.execution.session import Session, _describe_plan
from hyperspace.journal import Leases, StudyFolder
from hyperspace.space import check_space
from hyperspace.stopping import AllPoints, TargetValue, TimeLimit


def study(path, objective=lambda x: x[0], n_calls=8, space=((0.0, 1.0),), **options):
    objective.__qualname__ = "objective"
    return hyperdrive(objective, list(space), path, n_calls=n_calls, model="RAND", n_drives=2, **options)


def test_a_result_says_what_ended_the_run(tmp_path, capsys):
    assert study(tmp_path / "a").ended_by == "the budget"
    assert load_results(tmp_path / "a").ended_by == "the budget"
    assert capsys.readouterr().err.count("\n") == 1  # what is planned
    assert study(tmp_path / "b", callback=lambda trial: True).ended_by == "the callback"
    assert load_results(tmp_path / "b").ended_by is None
    assert study(None, checkpoints=False, deadline=math.inf).ended_by == "the budget"


@pytest.mark.parametrize("exchange", ["round", "async", "none", "files"])
def test_a_run_without_an_evaluation_says_why(tmp_path, capsys, exchange):
    result = study(tmp_path, deadline=1e-9, exchange=exchange)
    assert (result.nfev, result.ended_by) == (0, "the deadline")
    assert "no evaluation was begun: deadline=" in capsys.readouterr().err
    study(tmp_path, exchange=exchange)
    study(tmp_path, exchange=exchange)
    assert "is complete with 8 evaluations" in capsys.readouterr().err


def test_a_study_after_a_signal_says_why_it_does_nothing(tmp_path, capsys, monkeypatch):
    def objective(x):
        os.kill(os.getpid(), signal.SIGTERM)
        return x[0]

    monkeypatch.setattr(signals, "_received", None)
    assert study(tmp_path / "a", objective).ended_by == "SIGTERM"
    assert load_results(tmp_path / "a").ended_by == "SIGTERM"
    assert study(None, checkpoints=False).ended_by == "SIGTERM"
    assert "no evaluation was begun: a process that was told to end by SIGTERM" in capsys.readouterr().err


def test_a_study_without_a_feasible_trial_says_so(tmp_path, capsys):
    metrics = [Metric("loss"), Metric("mass", "constrain", upper=1.0)]
    result = study(tmp_path, lambda x: {"loss": x[0], "mass": 2.0}, metrics=metrics)
    assert result.x is None
    assert "there is no optimum: no trial has kept the constraints so far" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason", "lasts"),
    [
        ({"stopping": TargetValue(2.0)}, "the target value 2.0", True),
        ({"stopping": TimeLimit(1e-9)}, "the deadline", False),
        ({"callback": lambda trial: True}, "the callback", False),
        ({"space": [(1, 2)]}, AllPoints(check_space([(1, 2)])).reason, True),
        ({"space": [(1, 2)], "exchange": "none"}, AllPoints(check_space([(1, 2)])).reason, True),
    ],
)
def test_an_end_is_on_record_if_the_same_call_would_end_at_once_again(tmp_path, options, reason, lasts):
    assert study(tmp_path, n_calls=20, **options).ended_by == reason
    assert StudyFolder(tmp_path).read_ending() == (reason if lasts else None)
    study(tmp_path, n_calls=20, space=options.get("space", [(0.0, 1.0)]), deadline=1e-9)
    # Another call may go on, so that the end on record is that of the last one.
    assert StudyFolder(tmp_path).read_ending() == (reason if "space" in options else None)


def run(path=None, restart=False, objective=lambda x: x[0], **options):
    """A session of one process."""
    arguments_, folder = arguments(**options), None if path is None else StudyFolder(path)
    session = Session(arguments_, SerialRanks(), folder, RunOptions(restart=restart))
    return session.run(partial(InlineEvaluator, Objective(objective), session.study.metrics))


def test_a_session_leaves_no_lease_whether_it_ends_well_or_not(tmp_path):
    run(tmp_path, n_calls=3)
    assert list(Leases(StudyFolder(tmp_path).leases).names()) == []
    with pytest.raises(StudyError, match="random_state"):
        run(tmp_path, n_calls=3, random_state=5)
    assert list(Leases(StudyFolder(tmp_path).leases).names()) == []

    def broken(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, n_calls=6, objective=broken)
    assert list(Leases(StudyFolder(tmp_path).leases).names()) == []
    assert run(tmp_path, n_calls=6).nfev == 6


def test_the_plan_names_evaluations_drives_subspaces_and_ranks():
    assert _describe_plan(planned(n_calls=1, n_drives=1), 1) == "1 evaluation planned, by 1 drive, in one process"
    shares = planned([(0.0, 1.0)] * 2, n_iterations=5, n_drives=4, n_subspaces=4)
    assert _describe_plan(shares, 2) == "20 evaluations planned, 5 by each of 4 drives over 4 subspaces, on 2 ranks"
    workers = planned(n_calls=8, n_drives=2, n_subspaces=2, exchange="files")
    expected = "8 evaluations planned, by 2 drives over 2 subspaces, shared by any number of workers"
    assert _describe_plan(workers, 1) == expected


def test_failures_of_earlier_runs_are_told_with_the_remedy(tmp_path, capsys):
    def sometimes(x):
        if x[0] > 0.5:
            raise ArithmeticError("no mesh")
        return x[0]

    failed = sum(trial.failed for trial in study(tmp_path, sometimes).all_trials)
    assert failed
    capsys.readouterr()
    study(tmp_path, sometimes, n_calls=9)
    assert f"{failed} of the 8 evaluations on record failed in earlier runs, and stay failed; retry_failed=True" in (
        capsys.readouterr().err
    )
    study(tmp_path, sometimes, n_calls=9, retry_failed=True)
    assert "of the 9 evaluations on record failed in earlier runs, and are evaluated again" in capsys.readouterr().err


def test_an_early_end_says_how_to_go_on(tmp_path, capsys):
    study(tmp_path, verbose=True, callback=lambda trial: True)
    assert "stopped by the callback after 1 of 8 evaluations; start the same program again to go on" in capsys.readouterr().out
    study(tmp_path, verbose=True, n_calls=9)
    assert f"the study in {tmp_path.name} goes on after" in capsys.readouterr().out.replace(str(tmp_path), tmp_path.name)
    study(None, verbose=True, checkpoints=False, callback=lambda trial: True)
    assert "to go on" not in capsys.readouterr().out
