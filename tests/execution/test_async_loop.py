"""exchange="async": real ranks of different speed, and the replay of what they did from their journals."""

import re

import pytest
from replay import replayed

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError

SPACE = [(2, 10), (0.0, 1.0), ["a", "b"]]

PROGRAM = """
import json, sys, time
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
def objective(x):
    time.sleep(0.03 * (1 + 3 * rank))
    return (x[0] - 5) ** 2 + abs(x[1] - 0.3) + (x[2] == "a")
space = [(2, 10), (0.0, 1.0), ["a", "b"]]
result = hyperdrive(objective, space, sys.argv[1], n_drives=8, n_samples=2, exchange="async", **json.loads(sys.argv[2]))
sys.stdout.write(f"RESULT {len(result.trials)} {result.fun!r}\\n")
"""


@pytest.mark.parametrize("strategy", ["adaptive", "static"])
def test_every_drive_makes_its_iterations_and_every_answer_can_be_replayed(mpirun, tmp_path, strategy):
    run = mpirun(3, PROGRAM, tmp_path / "study", f'{{"n_iterations": 6, "strategy": "{strategy}"}}')
    results = re.findall("RESULT (.*)", run.stdout)
    assert len(set(results)) == 1
    assert results[0].startswith("48 ")
    asked = list(replayed(tmp_path / "study", SPACE, "async", strategy))
    assert len(asked) == 48
    for trial, x in asked:
        assert x == trial.x, trial
    assert any(len(batch) > 1 for trial, _ in asked for batch in trial.known)
    assert any(trial.pending for trial, _ in asked)


BESIDE = """
import os, signal, sys, time
from hyperspace import hyperdrive
def objective(x):
    time.sleep(0.4)
    return (x[0] - 5) ** 2 + abs(x[1] - 0.3) + (x[2] == "a")
def callback(trial):
    if trial.iteration == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    space = [(2, 10), (0.0, 1.0), ["a", "b"]]
    options = {"exchange": "async", "isolate": True, "n_drives": 8, "n_samples": 2, "callback": callback}
    hyperdrive(objective, space, sys.argv[1], n_iterations=int(sys.argv[2]), **options)
"""


def test_ranks_think_ahead_beside_evaluations_and_every_answer_can_be_replayed(mpirun, tmp_path):
    mpirun(3, BESIDE, tmp_path / "study", 5, -1)
    mpirun(2, BESIDE, tmp_path / "study", 6, -1)
    asked = list(replayed(tmp_path / "study", SPACE, "async"))
    assert len(asked) == 48
    assert all(x == trial.x for trial, x in asked)
    assert sum(len(trial.known) > 1 for trial, _ in asked) > 10


def test_what_was_thought_ahead_to_evaluations_that_were_killed_does_not_come_back(mpirun, tmp_path):
    killed = mpirun(3, BESIDE, tmp_path / "study", 5, 3, check=False)
    assert killed.returncode != 0
    mpirun(2, BESIDE, tmp_path / "study", 5, -1)
    asked = list(replayed(tmp_path / "study", SPACE, "async"))
    assert len(asked) == 40
    assert all(x == trial.x for trial, x in asked)
    assert any(len(trial.known) > 1 for trial, _ in asked)


def test_the_budget_of_calls_is_the_studys_and_fast_ranks_do_more(mpirun, tmp_path):
    run = mpirun(4, PROGRAM, tmp_path / "study", '{"n_calls": 80, "model": "RAND"}')
    assert int(re.findall(r"RESULT (\d+)", run.stdout)[0]) == 80
    by_rank = load_results(tmp_path / "study").trials["rank"].value_counts()
    assert by_rank[0] > by_rank[3]


def test_a_budget_that_is_nearly_spent_goes_to_what_an_earlier_run_left_unfinished(mpirun, tmp_path):
    program = PROGRAM.replace("3 * rank", "20 * rank")
    options = '{"n_calls": 20, "model": "RAND"}'
    mpirun(2, program, tmp_path, options)
    last = max(tmp_path.glob("journals/*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    lines = last.read_text().splitlines(keepends=True)
    assert '"status"' in lines[-1]
    last.write_text("".join(lines[:-1]))  # as if the run had been killed while all else was finished
    mpirun(2, program, tmp_path, options)
    trials = load_results(tmp_path).all_trials
    assert len(trials) == 20
    assert {trial.status for trial in trials} == {"ok"}
    assert sum(trial.attempt for trial in trials) == 1


BROKEN = """
import sys, time
from hyperspace import hyperdrive
from hyperspace.surrogates.gp.surrogate import GP
class Broken(GP):
    def fit(self, X, Y, noise=None):
        if len(X) >= 10:
            raise RuntimeError("ten are too many")
        return super().fit(X, Y, noise)
def objective(x):
    time.sleep(0.3)
    return x[1]
if __name__ == "__main__":
    space = [(2, 10), (0.0, 1.0), ["a", "b"]]
    options = {"n_drives": 8, "exchange": "async", "isolate": True, "n_samples": 2, "model": Broken()}
    hyperdrive(objective, space, sys.argv[1], n_iterations=4, **options)
"""


def test_an_error_in_thinking_ahead_does_not_cost_the_evaluation_beside_it(mpirun, tmp_path):
    run = mpirun(1, BROKEN, tmp_path, check=False)
    assert run.returncode != 0
    assert "ten are too many" in run.stderr
    trials = load_results(tmp_path).all_trials
    assert len(trials) == 16
    assert {trial.status for trial in trials} == {"ok"}


def test_a_run_in_rounds_after_it_makes_no_more_than_was_planned(mpirun, tmp_path):
    mpirun(4, PROGRAM, tmp_path, '{"n_calls": 80, "model": "RAND"}')
    assert load_results(tmp_path).trials["drive"].value_counts().nunique() > 1

    def objective(x):
        return (x[0] - 5) ** 2 + abs(x[1] - 0.3) + (x[2] == "a")

    objective.__qualname__ = "objective"
    for n_calls in (80, 96):
        result = hyperdrive(objective, SPACE, tmp_path, model="RAND", n_drives=8, n_samples=2, n_calls=n_calls, exchange="round")
        assert len(result.trials) == n_calls


def test_a_study_goes_on_on_other_ranks_and_stays_replayable(mpirun, tmp_path):
    mpirun(4, PROGRAM, tmp_path / "study", '{"n_iterations": 3}')
    mpirun(3, PROGRAM, tmp_path / "study", '{"n_iterations": 5}')
    asked = list(replayed(tmp_path / "study", SPACE, "async"))
    assert len(asked) == 40
    assert all(x == trial.x for trial, x in asked)


def test_a_callback_that_stops_ends_all_ranks(mpirun, tmp_path):
    program = PROGRAM.replace("exchange=", "callback=lambda trial: trial.iteration == 2 and trial.drive == 0, exchange=")
    run = mpirun(3, program, tmp_path / "study", '{"n_iterations": 500, "model": "RAND"}')
    assert int(re.findall(r"RESULT (\d+)", run.stdout)[0]) < 1000


def test_one_process_works_too(tmp_path):
    result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, n_drives=2, exchange="async")
    assert len(result.trials) == 10


def test_a_journal_that_lost_lines_is_found_by_what_others_knew(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, n_drives=2, exchange="async")
    journal = tmp_path / "journals" / "00000.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-4]))
    with pytest.raises(StudyError, match=r"drive 1 knew of drive 0's iteration 3, which that drive's journal .* has lost"):
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, n_drives=2, exchange="async")
