"""How a run ends: why, what it says, and what is left where the files are gone."""

import math
import os
import shutil
import signal

import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import StudyError
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


@pytest.mark.parametrize(
    ("exchange", "how"),
    # A worker of exchange="files" opens a journal for each trial, and goes on where the files are in place again.
    [("round", "removed"), ("round", "moved"), ("round", "replaced"), ("files", "removed"), ("files", "moved")],
)
def test_what_the_files_have_lost_is_kept_from_memory(tmp_path, exchange, how):
    home, aside = tmp_path / "study", tmp_path / "aside"

    def objective(x):
        calls.append(x)
        if len(calls) == 5:
            if how == "removed":
                shutil.rmtree(home)
            else:
                home.rename(aside)
            if how == "replaced":
                shutil.copytree(aside, home)
        return x[0]

    calls = []
    try:
        assert study(home, objective, exchange=exchange).nfev == len(calls) == 8
        assert how == "replaced"
        return
    except StudyError as error:
        result, told = error.result, str(error)
    assert result.nfev == len(calls)
    assert result.fun == min(x[0] for x in calls)
    place = next(tmp_path.glob("study.rescued-*"))
    assert str(place) in told
    assert load_results(place).nfev == len(calls)


RANKS = """
import shutil
from mpi4py import MPI
from hyperspace import hyperdrive
def objective(x):
    if MPI.COMM_WORLD.Get_rank() == 0:
        shutil.rmtree("study", ignore_errors=True)
    return x[0]
hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=8, model="RAND", exchange="round")
"""


def test_ranks_keep_what_they_know(mpirun, tmp_path):
    done = mpirun(2, RANKS, check=False)
    assert done.returncode != 0
    assert "holds 0" in done.stderr
    assert load_results(tmp_path / "study.rescued-1").nfev >= 1


def test_a_study_without_a_feasible_trial_says_so(tmp_path, capsys):
    metrics = [Metric("loss"), Metric("mass", "constrain", upper=1.0)]
    result = study(tmp_path, lambda x: {"loss": x[0], "mass": 2.0}, metrics=metrics)
    assert result.x is None
    assert "there is no optimum: no trial has kept the constraints so far" in capsys.readouterr().err
