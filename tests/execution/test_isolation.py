"""Studies whose objective fails in a process of its own: what is recorded, repeated and shared."""

import threading
from pathlib import Path

import faults
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError, StudyError

TESTS = Path(__file__).parents[1]
SEARCHED = f"{TESTS.parent}:{TESTS}"  # where programs find faults.py


def study(space, path, **options):
    return hyperdrive(faults.behave, {"x": (0.0, 1.0)} | space, path, model="RAND", n_drives=1, n_subspaces=1, **options)


def test_what_the_infrastructure_fails_is_repeated_and_teaches_nothing(tmp_path):
    repeated = study({"do": "is killed", "attempts": 2}, tmp_path / "a", n_calls=1, retries=2)
    assert repeated.trials[["status", "attempt", "objective"]].to_numpy().tolist() == [["ok", 2, 2.0]]
    given = {"x0": [{"x": 0.5}], "y0": [1.0]}
    failed = study({"do": "is killed", "attempts": 2}, tmp_path / "b", n_calls=1, retries=1, **given).trials.iloc[-1]
    assert (failed["status"], failed["fault"], failed["attempt"]) == ("failed", "infrastructure", 1)
    assert "SIGKILL" in failed["error"]


def test_what_the_objective_fails_is_not_repeated(tmp_path):
    trials = study({"do": ["raises"]}, tmp_path, n_calls=1, retries=3, x0=[{"x": 0.5, "do": "raises"}], y0=[1.0]).trials
    assert trials[["status", "attempt"]].to_numpy().tolist() == [["ok", 0], ["failed", 0]]


def test_trials_that_all_fail_end_the_study_with_the_last_error(tmp_path):
    with pytest.raises(
        StudyError, match=r"the first 10 trials all failed\. .*The last one said:\n(.*\n)*ZeroDivisionError: no mesh"
    ):
        study({"do": ["raises"]}, tmp_path, n_calls=1000, isolate=True)


def test_an_objective_that_cannot_be_sent_is_refused_before_the_study_begins(tmp_path):
    lock = threading.Lock()
    with pytest.raises(InputError, match=r"the objective .*<lambda> cannot be evaluated in a process of its own.* lock, which"):
        hyperdrive(lambda x: lock, [(0.0, 1.0)], tmp_path / "study", timeout=1.0)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"timeout": 0}, "timeout must be a positive number of seconds, got 0"),
        ({"timeout": "1 s"}, "timeout must be"),
        ({"retries": -1}, "retries must be a whole number of at least 0, got -1"),
        ({"retries": 0.5}, "retries must be"),
        ({"ranks_per_trial": 2, "timeout": 1.0}, "needs? an MPI run|need processes of their own"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, option, message):
    with pytest.raises(InputError, match=message):
        study({}, tmp_path / "study", **option)


FAULTS = """
import sys
from hyperspace import hyperdrive
from faults import TURNS, fails_in_turn
options = {"n_drives": 2, "n_subspaces": 2, "model": "RAND"}
result = hyperdrive(fails_in_turn, [(0.0, 1.0)], sys.argv[1], n_iterations=len(TURNS), timeout=1.0, retries=1, **options)
for trial in result.trials.sort_values(["iteration", "drive"]).itertuples():
    print(TURNS[trial.iteration], trial.drive, trial.status, trial.attempt, trial.fault, sep=",")
"""
EXPECTED = """
value,0,ok,0,nan
value,1,ok,0,nan
raises,0,failed,0,objective
raises,1,failed,0,objective
leaves,0,failed,0,objective
leaves,1,failed,0,objective
crashes,0,failed,0,objective
crashes,1,failed,0,objective
hangs,0,timeout,0,objective
hangs,1,timeout,0,objective
is killed,0,ok,1,nan
is killed,1,ok,1,nan
nan,0,failed,0,objective
nan,1,failed,0,objective
"""


def test_a_study_outlives_all_faults(python, tmp_path):
    assert python(FAULTS, tmp_path / "study", PYTHONPATH=SEARCHED).stdout == EXPECTED.lstrip()


def test_ranks_outlive_all_faults(mpirun, tmp_path):
    assert mpirun(2, FAULTS, tmp_path / "study", PYTHONPATH=SEARCHED).stdout == 2 * EXPECTED.lstrip()


def test_a_rank_hears_of_others_while_its_evaluation_runs_in_a_worker(mpirun, tmp_path):
    """Rank 0's first evaluation ends when a file appears, which rank 0 writes on hearing of rank 1's third trial."""
    program = """
import os, sys, time
from hyperspace import hyperdrive
from hyperspace.exchange.gossip import Gossip
def objective(x, trial):
    while trial.id == "0-0" and not os.path.exists("heard"):
        time.sleep(0.01)
    return x[0]
class Listening(Gossip):
    def unpack(self, source, payload):
        super().unpack(source, payload)
        if self.ledger.finished[1] > 2 and os.environ["PMI_RANK"] == "0":
            open("heard", "w").close()
if __name__ == "__main__":
    import hyperspace.execution.async_loop as asynchronous
    asynchronous.Gossip = Listening
    settings = {"n_drives": 2, "n_subspaces": 2, "model": "RAND", "exchange": "async"}
    result = hyperdrive(objective, [(0.0, 1.0)], sys.argv[1], n_iterations=5, timeout=60, **settings)
    print("OK", len(result.x_iters))
"""
    assert mpirun(2, program, tmp_path / "study").stdout == "OK 10\nOK 10\n"
