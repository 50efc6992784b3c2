"""Real MPI ranks: what every rank returns, how they wait, and how they end."""

import json
import os
import re

import pytest

HEAD = """
import json, os, sys, time
from hyperspace import hyperdrive, load_results
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
def objective(x):
    return (x[0] - 5) ** 2 + abs(x[1] - 0.3) + x[2]
def rows(result):
    return result.trials[["drive", "iteration", "x0", "x1", "x2", "objective"]].to_numpy().tolist()
"""

SEED_CALL = (
    HEAD
    + """
result = hyperdrive(objective=objective, hyperparameters=[(2, 10), (10.0**-2, 10.0**0), (1, 10)],
           results_path=sys.argv[1], model="GP", n_iterations=15, verbose=True,
           random_state=0, sampler="lhs", n_samples=5, checkpoints=True)
drives = int(sys.argv[2])
assert len(result.x_iters) == len(result.trials) == 15 * drives, len(result.x_iters)
assert sum(len(part.x_iters) for part in result.subspaces) == 15 * drives
assert rows(result) == rows(load_results(sys.argv[1]))
sys.stdout.write(f"RESULT {result.fun!r} {result.x!r}\\n")
"""
)

REPEATED = (
    HEAD
    + """
options = json.loads(sys.argv[1])
result = hyperdrive(objective, [(2, 10), (0.0, 1.0), (1, 10)], sys.argv[2], n_iterations=6, n_drives=8, n_samples=3, **options)
if rank == 0:
    print("ROWS", json.dumps(rows(result)))
"""
)


@pytest.mark.parametrize("ranks", [8, 3])
def test_the_seed_call_runs_word_for_word(mpirun, tmp_path, ranks):
    run = mpirun(ranks, SEED_CALL, tmp_path / "study", ranks)
    results = re.findall(r"RESULT (.*)", run.stdout)
    assert len(results) == ranks
    assert len(set(results)) == 1
    over = {8: " over 8 subspaces", 3: ""}[ranks]
    planned = 15 * ranks
    assert f"{planned} evaluations planned, 15 by each of {ranks} drives{over}, on {ranks} ranks" in run.stdout
    assert f"{planned}/{planned}" in run.stdout


def test_the_seed_call_runs_in_plain_python(python, tmp_path):
    assert "RESULT" in python(SEED_CALL, tmp_path / "study", 1).stdout


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "static", "exchange": "none"},
        {"strategy": "static", "exchange": "round"},
        {"strategy": "static", "exchange": "round", "n_subspaces": 2},
        {"exchange": "round"},
    ],
)
def test_the_number_of_ranks_changes_no_trial(mpirun, python, tmp_path, options):
    def trials(run):
        return json.loads(re.search("ROWS (.*)", run.stdout)[1])

    alone = trials(python(REPEATED, json.dumps(options), tmp_path / "1"))
    assert len(alone) == 48
    for ranks in (2, 3, 4, 8):
        assert trials(mpirun(ranks, REPEATED, json.dumps(options), tmp_path / str(ranks))) == alone


def test_a_study_goes_on_with_another_number_of_ranks(mpirun, python, tmp_path):
    part = REPEATED.replace("n_iterations=6", "n_iterations=3")
    options = '{"exchange": "round"}'
    whole = python(REPEATED, options, tmp_path / "whole").stdout
    mpirun(3, part, options, tmp_path / "study")
    assert mpirun(2, REPEATED, options, tmp_path / "study").stdout == whole


def test_ranks_without_a_drive_wait_and_say_so(mpirun, tmp_path):
    program = (
        HEAD
        + """
space = [(2, 10), (0.0, 1.0), (1, 10)]
result = hyperdrive(objective, space, sys.argv[1], n_iterations=2, n_subspaces=2, n_drives=2, verbose=True)
sys.stdout.write(f"RESULT {len(result.trials)}\\n")
"""
    )
    run = mpirun(4, program, tmp_path / "study")
    assert "2 ranks have no drive and wait" in run.stdout
    assert run.stdout.count("RESULT 4") == 4


def test_waiting_takes_under_one_percent_of_a_core(mpirun, tmp_path):
    program = (
        HEAD
        + """
def waited(seconds):
    def slow(x):
        time.sleep(seconds)
        return x[0]
    before = os.times()
    hyperdrive(slow, [(0.0, 1.0)], None, checkpoints=False, n_iterations=1, n_subspaces=1, n_drives=1, n_samples=1)
    after = os.times()
    return after.user + after.system - before.user - before.system, after.elapsed - before.elapsed
waited(0.1)  # loads everything
used, elapsed = waited(9.0)
if rank:
    sys.stdout.write(f"WAITED {used / elapsed}\\n")
"""
    )
    shares = [float(share) for share in re.findall(r"WAITED (.*)", mpirun(3, program).stdout)]
    assert len(shares) == 2
    assert max(shares) < 0.01


def test_an_error_on_one_rank_ends_all_naming_rank_and_host(mpirun, tmp_path):
    program = (
        HEAD
        + """
import hyperspace.evaluators.selection
class Broken(hyperspace.evaluators.selection.InlineEvaluator):
    def submit(self, trial, parameters):
        if trial.drive == 1:
            raise OSError("out of file handles")
        super().submit(trial, parameters)
hyperspace.evaluators.selection.InlineEvaluator = Broken
hyperdrive(objective, [(2, 10), (0.0, 1.0), (1, 10)], sys.argv[1], n_iterations=1000, model="RAND")
"""
    )
    run = mpirun(4, program, tmp_path / "study", check=False, timeout=60)
    assert run.returncode != 0
    assert f"hyperspace: rank 1 on {os.uname().nodename} ends all ranks: out of file handles" in run.stderr


def test_bad_input_is_raised_on_every_rank(mpirun, tmp_path):
    program = (
        HEAD
        + """
try:
    hyperdrive(objective, [(2, 10), (3.0, 1.0)], sys.argv[1])
except ValueError as error:
    sys.stdout.write(f"REFUSED {error}\\n")
"""
    )
    assert mpirun(3, program, tmp_path / "study").stdout.count("REFUSED") == 3


def test_ranks_called_differently_are_refused_and_none_is_left_waiting(mpirun, tmp_path):
    program = (
        HEAD
        + """
try:
    hyperdrive(objective, [(2, 10), (0.0, 1.0 + rank)], sys.argv[1])
except (ValueError, RuntimeError) as error:
    sys.stdout.write(f"REFUSED {error}\\n")
"""
    )
    out = mpirun(2, program, tmp_path / "study").stdout
    assert out.count("REFUSED") == 2
    assert "same arguments" in out


def test_processes_that_are_each_alone_are_refused(python, tmp_path):
    run = python(
        HEAD + "hyperdrive(objective, [(0.0, 1.0)], sys.argv[1])", tmp_path / "study", check=False, OMPI_COMM_WORLD_SIZE="4"
    )
    assert "the launcher started 4 processes, but mpi4py's MPI sees each of them alone" in run.stderr
    assert not (tmp_path / "study").exists()


def test_a_communicator_of_the_callers_own_is_used(mpirun, tmp_path):
    program = (
        HEAD
        + """
half = MPI.COMM_WORLD.Split(rank % 2)
result = hyperdrive(objective, [(2, 10), (0.0, 1.0), (1, 10)], f"{sys.argv[1]}-{rank % 2}", n_iterations=2, comm=half)
sys.stdout.write(f"RANKS {sorted(set(result.trials['rank']))}\\n")
"""
    )
    assert mpirun(4, program, tmp_path / "study").stdout.count("RANKS [0, 1]") == 4


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_going_on_tells_no_rank_what_it_knows(mpirun, tmp_path, exchange):
    program = (
        HEAD
        + """
from hyperspace.exchange.gossip import Gossip
from hyperspace.exchange.mpi_ranks import MPIRanks
before, sent = Gossip.end, []
def end(self):
    before(self)
    sent.append(self.bytes)
Gossip.end = end
closing = MPIRanks.close
def close(self):
    sys.stdout.write(f"TALLIES {self._sent}\\n")
    closing(self)
MPIRanks.close = close
result = hyperdrive(objective, [(2, 10), (0.0, 1.0), (1, 10)], sys.argv[1], model="RAND", n_drives=4, n_subspaces=4,
                    n_iterations=int(sys.argv[2]), exchange=sys.argv[3])
assert result.nfev == 4 * int(sys.argv[2])
sys.stdout.write(f"BYTES {sent}\\n")
"""
    )
    mpirun(3, program, tmp_path / "study", 40, exchange)
    run = mpirun(3, program, tmp_path / "study", 41, exchange)
    assert all(int(tallies) <= 3 for tallies in re.findall(r"TALLIES (\d+)", run.stdout))
    for told in re.findall(r"BYTES \[(\d+)\]", run.stdout):
        assert int(told) < 20_000  # four trials, not 160
