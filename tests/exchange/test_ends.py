"""How ranks end together, whatever one of them does; and studies within a study."""

import os
import re

import pytest

PROGRAM = """
import asyncio, ctypes, os, signal, sys, time
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
way = sys.argv[1]
class Panic(BaseException):
    pass
class Mute(Exception):
    def __str__(self):
        raise ValueError("this error has no message")
def objective(x):
    if rank == 1:
        if way == "canceled":
            raise asyncio.CancelledError
        if way == "panic":
            raise Panic("a panic")
        if way == "own interrupt":
            raise KeyboardInterrupt
        if way == "signal":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.5)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        if way == "exit of C":
            ctypes.CDLL(None).exit(0)
    return x[0]
def callback(trial):
    if rank == 1 and way == "sys.exit":
        sys.exit(4)
    if rank == 1 and way == "interrupt":
        raise KeyboardInterrupt
    if rank == 1 and way == "no message":
        raise Mute("nothing")
options = {"checkpoints": False, "model": "RAND", "n_calls": 12, "n_subspaces": 2, "exchange": "round", "callback": callback}
result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], None, **options)
sys.stdout.write(f"RESULT {len(result.trials)} {set(result.trials.status)}\\n")
"""


@pytest.mark.parametrize("way", ["canceled", "panic"])
def test_whatever_an_objective_raises_is_a_failed_trial(mpirun, way):
    run = mpirun(2, PROGRAM, way)
    assert run.stdout.count("RESULT 12") == 2
    assert "failed" in run.stdout


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("signal", "it was interrupted"),
        ("own interrupt", "it was interrupted"),
        ("interrupt", "it was interrupted"),
        ("sys.exit", "sys.exit(4) was called"),
        ("no message", "its message cannot be shown"),
        ("exit of C", "called exit() during an evaluation"),
    ],
)
def test_a_rank_that_leaves_ends_all_and_is_named(mpirun, way, told):
    run = mpirun(3, PROGRAM, way, check=False)
    assert run.returncode != 0
    assert re.search(rf"hyperspace: rank 1 on {os.uname().nodename} ends all ranks: .*{re.escape(told)}", run.stderr)
    assert run.stderr.count("ends all ranks") == 1


@pytest.mark.parametrize("exchange", ["async", "round"])
def test_a_study_within_a_study_has_its_process_alone(mpirun, exchange):
    program = """
        import sys
        from hyperspace import hyperdrive
        def inner(x, trial):
            found = hyperdrive(lambda y: (y[0] - x[0]) ** 2, [(0.0, 1.0)], trial.folder / "inner", model="RAND", n_calls=4)
            assert set(found.trials["rank"]) == {0}, found.trials["rank"]
            return len(found.trials)
        result = hyperdrive(inner, [(0.0, 1.0)], "study", model="RAND", n_calls=6, n_subspaces=1, exchange=sys.argv[1])
        sys.stdout.write(f"RESULT {sorted(set(result.trials['rank']))} {set(map(float, result.func_vals))}\\n")
    """
    assert mpirun(2, program, exchange).stdout.count("RESULT [0, 1] {4.0}") == 2


def test_a_study_within_a_group_shares_the_trials_communicator(mpirun):
    program = """
        import sys
        from hyperspace import hyperdrive
        def inner(x, trial):
            path = f"inner-{trial.id}"
            found = hyperdrive(lambda y: y[0], [(0.0, 1.0)], path, model="RAND", n_calls=4, n_subspaces=1, comm=trial.comm)
            return len(set(found.trials["rank"]))
        result = hyperdrive(inner, [(0.0, 1.0)], "study", model="RAND", n_calls=2, n_subspaces=1, ranks_per_trial=2)
        sys.stdout.write(f"RESULT {set(map(float, result.func_vals))}\\n")
    """
    assert mpirun(4, program).stdout.count("RESULT {2.0}") == 4


def test_a_group_outlives_whatever_its_members_raise(mpirun):
    program = """
        import asyncio, sys
        from hyperspace import hyperdrive
        def objective(x, trial):
            if trial.id.endswith("-1"):
                raise KeyboardInterrupt if trial.comm.rank else asyncio.CancelledError
            return x[0]
        result = hyperdrive(objective, [(0.0, 1.0)], "study", model="RAND", n_iterations=3, n_subspaces=1, ranks_per_trial=2)
        sys.stdout.write(f"RESULT {sorted(result.trials.status)}\\n")
    """
    assert mpirun(2, program).stdout.count("RESULT ['failed', 'ok', 'ok']") == 2
