"""How a run ends: why, what it says, and what is left where the files are gone."""

import math
import os
import signal

import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.execution import signals


def study(path, objective=lambda x: x[0], n_calls=8, **options):
    objective.__qualname__ = "objective"
    return hyperdrive(objective, [(0.0, 1.0)], path, n_calls=n_calls, model="RAND", n_drives=2, **options)


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
