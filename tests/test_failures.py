"""Failures that are no longer the points' fault use up no budget."""

import os
import sys

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.evaluators.command import Command
from hyperspace.failures import SUSPECT, OwnFailures, failing_workers, streak_of
from hyperspace.trial import Trial


def trials(text, drive=0, rank=0, seconds=0.1):
    """Return trials of one drive, from a text such as "++--": an evaluation that succeeded or failed each."""
    return [
        Trial(drive=drive, iteration=i, x=(0.5,), rank=rank, host="node", started=float(i)).finish(
            "ok" if mark == "+" else "failed", seconds=seconds, error=None if mark == "+" else "Error: broken"
        )
        for i, mark in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("before", "failures", "no_chance"),
    [
        ("++", 9, False),
        ("++", 10, True),
        ("", 50, False),  # there is nothing to compare with
        ("----", 50, False),
        ("+-" * 10, 10, False),  # half of the points fail
        ("+-" * 10, 25, True),
        ("+" + "-" * 20, 40, False),  # hardly any point succeeds
    ],
)
def test_a_row_of_failures_is_held_against_what_is_known(before, failures, no_chance):
    known = trials(before + "-" * failures)
    assert streak_of(known[len(before) :], known).is_no_chance == no_chance


def test_evaluations_that_took_long_are_left_alone():
    assert not streak_of(trials("-" * 20, drive=1, seconds=50.0), trials("+" * 9, seconds=2.0)).is_no_chance


def test_a_worker_without_evidence_waits_for_others():
    own = OwnFailures()
    for number, trial in enumerate(trials("-" * SUSPECT), start=1):
        own.count(trial)
        assert own.must_wait(n_known=number) == (number == SUSPECT)
    assert not own.must_wait(n_known=SUSPECT + 1)
    own.count(trials("+")[0])
    assert not own.must_wait(n_known=SUSPECT + 1)


def test_the_worker_that_only_fails_is_named():
    known = trials("+" * 9) + trials("-" * 12, drive=1, rank=1) + trials("+-+--", drive=2, rank=2)
    assert [sentence.split(":")[0] for sentence in failing_workers(known)] == ["worker 1 on node seems to be broken"]
    assert failing_workers(trials("-" * 12) + trials("-" * 12, drive=1, rank=1)) == []


def test_a_program_that_breaks_during_a_study_ends_it(tmp_path):
    """With exchange="none", too, where every drive has its own trials."""

    def objective(x):
        calls.append(x)
        if len(calls) > 4:
            raise FileNotFoundError("data.csv")
        return x[0]

    for exchange in ("round", "none", "async", "files"):
        calls = []
        with pytest.raises(StudyError, match=r"last 10 evaluations all failed, where 0 of \d others did.*\n?.*data.csv|data.csv"):
            hyperdrive(objective, [(0.0, 1.0)], tmp_path / exchange, n_calls=40, n_drives=2, model="RAND", exchange=exchange)
        assert len(calls) == 14
        assert load_results(tmp_path / exchange).nfev == 14


def test_points_that_fail_end_no_study(tmp_path):
    def objective(x):
        if x[0] > 0.4:
            raise ValueError("diverged")
        return x[0]

    assert hyperdrive(objective, [(0.0, 1.0)], tmp_path, n_calls=60, model="RAND").nfev == 60


@pytest.mark.parametrize("how", ["moved", "replaced"])
def test_a_command_that_cannot_be_started_is_no_fault_of_the_objective(tmp_path, monkeypatch, how):
    monkeypatch.setattr("hyperspace.evaluators.command._REPLACED", 0.3)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sim").write_text(f"#!{sys.executable}\nimport sys; print(sys.argv[1])\n")
    (tmp_path / "sim").chmod(0o755)

    def move(trial):
        if how == "moved" and trial.iteration == 1:
            os.rename("sim", "gone")

    def again(**options):
        space = {"x": (0.0, 1.0)}
        return hyperdrive(Command("./sim {x}"), space, "study", n_calls=8, n_drives=2, model="RAND", **options)

    if how == "moved":
        with pytest.raises(StudyError, match="could not be started") as raised:
            again(callback=move)
        assert raised.value.result.nfev == 3
        assert set(load_results("study").trials["status"]) == {"ok", "running"}
        os.rename("gone", "sim")
    result = again()
    assert (result.nfev, set(result.trials["status"])) == (8, {"ok"})


BROKEN_RANK = """
import sys, time
from mpi4py import MPI
from hyperspace import hyperdrive
rank = MPI.COMM_WORLD.Get_rank()
def objective(x):
    if rank == 1:
        raise RuntimeError("no GPU")
    time.sleep(float(sys.argv[2]))
    return x[0]
r = hyperdrive(objective, [(0.0, 1.0)] * 2, "study", n_calls=40, model="RAND", exchange=sys.argv[1])
if rank == 0:
    print(r.nfev, r.ended_by, (r.trials["status"] == "failed").sum(), len(r.failing_workers))
"""


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0])
def test_a_broken_rank_gets_no_more_of_a_shared_budget(mpirun, seconds):
    done = mpirun(3, BROKEN_RANK, "async", seconds)
    nfev, _, ended_by, failed, named = done.stdout.split()
    assert (nfev, ended_by, named) == ("40", "budget", "1")
    assert int(failed) <= 16
    assert "rank 1 on" in done.stderr
    assert "no GPU" in done.stderr


def test_a_broken_rank_with_trials_of_its_own_is_named(mpirun):
    done = mpirun(3, BROKEN_RANK, "round", 0.0)
    assert done.stdout.split()[0] == "40"
    assert done.stderr.count("worker 1 on") == 1
