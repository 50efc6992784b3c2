"""The goal of a study whose metrics are not declared: its first answer fixes it, on every rank and for good."""

import json
import re

import numpy as np
import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError, StudyError
from hyperspace.journal import StudyFolder
from hyperspace.results.state import study_state

SPACE = [(0.0, 1.0), (0.0, 1.0)]
FEW = {"model": "RAND", "n_drives": 4, "n_subspaces": 4}


def sometimes(x):
    """Return the loss but for a third of the space."""
    return {"loss": 1.0 + x[0], "seconds": 3.0} if x[0] < 0.67 else {"seconds": 0.01}


@pytest.mark.parametrize("exchange", ["round", "none", "async", "files"])
def test_an_answer_without_the_goal_has_failed_and_the_goal_is_kept(tmp_path, exchange, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")  # a worker begins with the drive of its number
    result = hyperdrive(sometimes, SPACE, tmp_path / "s", n_iterations=4, exchange=exchange, **FEW)
    assert result.goals.goal == "loss"
    assert 1.0 <= result.fun < 2.0
    failed = [trial for trial in result.all_trials if trial.status == "failed"]
    assert failed
    assert all("'loss' each time" in trial.error for trial in failed)
    assert StudyFolder(tmp_path / "s").read_goal() == "loss"
    read = load_results(tmp_path / "s")
    assert (read.fun, read.goals.goal) == (result.fun, "loss")
    assert study_state(tmp_path / "s").failed == len(failed)
    more = hyperdrive(sometimes, SPACE, tmp_path / "s", n_iterations=6, exchange=exchange, **FEW)
    whole = hyperdrive(sometimes, SPACE, tmp_path / "t", n_iterations=6, exchange=exchange, **FEW)
    assert [(t.x, t.status, t.metrics) for t in more.all_trials] == [(t.x, t.status, t.metrics) for t in whole.all_trials]


def test_a_study_without_files_fixes_its_goal_as_well():
    result = hyperdrive(sometimes, SPACE, None, n_iterations=4, checkpoints=False, **FEW)
    assert (result.goals.goal, result.fun >= 1.0) == ("loss", True)


def test_the_goal_lasts_where_the_next_run_would_begin_with_another_answer(tmp_path):
    hyperdrive(lambda x: {"loss": 5.0, "seconds": 3.0}, SPACE, tmp_path, n_iterations=1, **FEW)
    result = hyperdrive(lambda x: {"seconds": 0.01}, SPACE, tmp_path, n_iterations=2, **FEW)
    assert result.fun == 5.0


def test_a_given_answer_by_name_is_the_first_and_a_given_number_goes_with_any_goal():
    result = hyperdrive(sometimes, SPACE, None, n_iterations=3, checkpoints=False, x0=[[0.5, 0.5]], y0=[0.25], **FEW)
    assert (result.goals.goal, result.fun, result.x) == ("loss", 0.25, [0.5, 0.5])
    with pytest.raises(InputError, match=r"y0\[1\]: .*'loss' each time"):
        hyperdrive(sometimes, SPACE, None, checkpoints=False, x0=[[0.5, 0.5]] * 2, y0=[{"loss": 1.0}, {"seconds": 1.0}], **FEW)


def test_a_loss_that_is_not_the_goal_is_told_once(tmp_path, capfd):
    answers = iter([{"seconds": 3.0}] * 4 + [{"seconds": 2.0, "loss": 1.0}] * 8)
    result = hyperdrive(lambda x: next(answers), SPACE, tmp_path, n_iterations=3, **FEW)
    assert (result.goals.goal, result.fun) == ("seconds", 2.0)
    assert capfd.readouterr().err.count("the study's goal is 'seconds'") == 1


def test_what_is_not_kept_is_told_once_and_every_loss_is(tmp_path, capfd):
    result = hyperdrive(
        lambda x: {"loss": x[0], "status": "ok", "note": None, "image": np.eye(2), "curve": np.arange(3)},
        SPACE,
        tmp_path,
        n_iterations=3,
        **FEW,
    )
    assert [trial.status for trial in result.all_trials] == ["ok"] * 12
    assert result.metrics["curve"] == (0.0, 1.0, 2.0)
    told = capfd.readouterr().err
    assert told.count("'status' (str), 'note' (NoneType), 'image' (ndarray) is not kept") == 1


def test_a_worker_knows_the_goal(tmp_path, capfd):
    result = hyperdrive(sometimes, SPACE, tmp_path, n_iterations=3, isolate=True, **FEW)
    assert {trial.status for trial in result.all_trials} == {"ok", "failed"}
    assert result.fun >= 1.0


def test_a_damaged_goal_is_named(tmp_path):
    hyperdrive(sometimes, SPACE, tmp_path, n_iterations=1, **FEW)
    file = tmp_path / "goal.json"
    for text in ["", "{}", "[]", '{"goal": 3}', json.dumps({"goal": "seconds", "crc": "0"})]:
        file.write_text(text)
        with pytest.raises(StudyError, match=r"goal\.json"):
            load_results(tmp_path)


def test_of_several_that_claim_a_goal_one_is_first(tmp_path):
    folder = StudyFolder(tmp_path)
    assert folder.read_goal() is None
    assert [folder.claim_goal(name) for name in ("loss", "seconds", "loss")] == ["loss"] * 3


PROGRAM = """
import sys
from hyperspace import hyperdrive
def objective(x):
    return {"loss": 1.0 + x[0], "seconds": 3.0} if x[0] < 0.67 else {"seconds": 0.01}
result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], sys.argv[1], n_iterations=4, exchange=sys.argv[2],
                    model="RAND", n_drives=4, n_subspaces=4)
states = [(t.x, t.status) for t in result.all_trials]
sys.stdout.write(f"RESULT {result.goals.goal} {result.fun!r} {states}\\n")
"""


@pytest.mark.parametrize("exchange", ["round", "none", "async"])
def test_every_rank_has_the_same_goal(mpirun, tmp_path, exchange):
    lines = re.findall("RESULT (.*)", mpirun(3, PROGRAM, tmp_path / "s", exchange).stdout)
    assert len(lines) == 3
    assert len(set(lines)) == 1
    serial = hyperdrive(sometimes, SPACE, tmp_path / "t", n_iterations=4, exchange=exchange, **FEW)
    if exchange != "async":
        assert lines[0] == f"{serial.goals.goal} {serial.fun!r} {[(t.x, t.status) for t in serial.all_trials]}"
