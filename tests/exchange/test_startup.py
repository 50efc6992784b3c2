"""What ranks do first: name those that are missing, and refuse to go on with different arguments."""

import os
import re

import pytest

from hyperspace.exchange.startup import witnesses

LATE = """
import sys, time
import hyperspace.exchange.startup as arrival
from hyperspace import hyperdrive
from mpi4py import MPI
arrival._PATIENCE = 1.0
rank = MPI.COMM_WORLD.Get_rank()
if rank in map(int, sys.argv[1].split(",")):
    time.sleep(4)
options = {"checkpoints": False, "model": "RAND", "n_calls": 6, "n_subspaces": 1}
result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, **options)
sys.stdout.write(f"RESULT {len(result.trials)}\\n")
"""

DIFFERENT = """
import json, sys, time
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
cases = {
    "n_calls": [12, 16],
    "n_iterations": [3, 4],
    "exchange": ["async", "round"],
    "ranks_per_trial": [1, 2],
    "deadline": [100.0, None],
    "checkpoints": [True, False],
    "restart": [False, True],
    "results_path": ["study", f"study-{time.time_ns()}-{rank}"],
    "retries": [0, 1],
    "timeout": [None, 3.0],
    "isolate": [False, True],
    "callback": [None, print],
    "random_state": [0, None],
    "x0": [None, [[0.5]]],
    "strategy": ["adaptive", "static"],
    "comm": [None, 5],
}
for name, values in cases.items():
    options = {"results_path": "study", "model": "RAND"} | ({} if name == "n_iterations" else {"n_calls": 12})
    try:
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], **options | {name: values[rank]})
    except ValueError as error:
        text = str(error).replace("\\n", " ")
        sys.stdout.write(f"REFUSED {name}: {text}\\n")
result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], "near", model="RAND", n_calls=6, deadline=100.0 + rank, verbose=rank == 1)
sys.stdout.write(f"RESULT {len(result.trials)}\\n")
"""


@pytest.mark.parametrize(("late", "speaker"), [("1", 0), ("0", 1), ("0,1", 2)])
def test_missing_ranks_are_named_with_host_and_process(mpirun, late, speaker):
    run = mpirun(4, LATE, late)
    assert run.stdout.count("RESULT 6") == 4
    host = re.escape(os.uname().nodename)
    told = re.findall(rf"rank (\d) on {host} has called hyperdrive, and has waited \d+ s for .* not\. Every rank", run.stderr)
    assert set(told) == {str(speaker)}
    for rank in late.split(","):
        assert re.search(rf"rank {rank} \(process \d+ on {host}\)", run.stderr)


@pytest.mark.parametrize("missing", [0, 2])
def test_a_rank_that_never_calls_is_waited_for_until_the_deadline(mpirun, missing):
    program = """
    import os, sys, time
    os.environ["HYPERSPACE_GRACE"] = "1"
    from hyperspace import hyperdrive
    from mpi4py import MPI
    if MPI.COMM_WORLD.Get_rank() == int(sys.argv[1]):
        time.sleep(600)
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, checkpoints=False, n_calls=6, deadline=2.0)
    """
    run = mpirun(3, program, str(missing), check=False)
    assert run.returncode != 0
    told = re.findall(
        r"ends all ranks: the deadline has passed, and 1 of 3 ranks: rank (\d) .* has not called hyperdrive", run.stderr
    )
    assert told == [str(missing)]


def test_different_arguments_are_refused_on_every_rank(mpirun):
    run = mpirun(2, DIFFERENT)
    refused = re.findall(r"REFUSED (\w+): (.*)", run.stdout)
    names = [name for name, _ in refused]
    assert {name: names.count(name) for name in names} == dict.fromkeys(names, 2)
    assert len(set(names)) == 16
    for name, text in refused:
        expected = "comm must be an mpi4py communicator" if name == "comm" else f"differ in   {name}: "
        assert expected in text
    assert run.stdout.count("RESULT 6") == 2


def test_a_bad_argument_is_told_once(mpirun):
    program = "from hyperspace import hyperdrive\nhyperdrive(lambda x: x[0], [(0.0, 1.0)], None, checkpoints=False, n_calls='x')"
    run = mpirun(4, program, check=False)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert run.stderr.count("hyperspace: InputError: n_calls must be a whole number of at least 1, got 'x'\n") == 1
    assert run.stderr.count("n_calls must be a whole number") == 1


def test_witnesses_are_few_and_far_apart():
    assert list(witnesses(1)) == [0]
    assert list(witnesses(2)) == [0, 1]
    assert list(witnesses(1000)) == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
