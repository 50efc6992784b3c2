"""Ranks that hang: whoever asks the study to end gets its result, without them."""

import json
import os
import re

import pytest

from hyperspace.exchange.waiting import GRACE_VARIABLE

PROGRAM = """
import json, os, signal, sys, time
from hyperspace import hyperdrive
from hyperspace.journal.stop_request import request_stop
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
options = json.loads(sys.argv[1])
silent, moment = options.pop("silent"), options.pop("moment")
done = 0
def objective(x):
    global done
    done += 1
    if rank == silent and done == 3 and moment == "evaluation":
        os.kill(os.getpid(), signal.SIGSTOP)
    if rank == 2 and done == 4 and asks == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    if rank == 2 and done == 4 and asks == "command":
        request_stop(sys.argv[2])
    time.sleep(0.02)
    return x[0] + x[1]
asks = options.pop("asks", None)
if moment == "merge" and rank == silent:
    from hyperspace.execution.merging import Merger
    merge = Merger.merge
    def stopping(self, finished, **options):
        os.kill(os.getpid(), signal.SIGSTOP)
        return merge(self, finished, **options)
    Merger.merge = stopping
if moment == "opening" and rank == silent:
    from hyperspace.api import hyperdrive as module
    module._check_same_call = lambda *arguments: os.kill(os.getpid(), signal.SIGSTOP)
result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], sys.argv[2] if options.get("checkpoints", True) else None, model="RAND",
                    n_subspaces=2, n_drives=6, **options)
sys.stdout.write(f"RESULT {result.nfev} {result.fun!r} {result.silent_ranks}\\n")
by_rank = result.trials["rank"].value_counts().to_dict()
sys.stdout.write(f"ENDED BY {result.ended_by}\\n")
sys.stdout.write(f"BY {sorted(by_rank)}\\n")
sys.stdout.flush()
if rank == 0:
    time.sleep(1.0)  # what a program does with its result
    sys.stdout.write("WORKED WITH IT\\n")
"""
ENVIRONMENT = {GRACE_VARIABLE: "2"}
UNDISTURBED = {"n_calls": 100_000, "silent": 1, "moment": "evaluation"}


def run(mpirun, folder, **options):
    return mpirun(3, PROGRAM, json.dumps(UNDISTURBED | options), folder, check=False, timeout=90, **ENVIRONMENT)


def check(done, ranks=(0, 2)):
    host = os.uname().nodename
    results = re.findall(r"RESULT (\d+) (\S+) (.*)", done.stdout)
    assert len(results) == len(ranks), done.stderr
    assert len(set(results)) == 1
    assert int(results[0][0]) > 6
    assert results[0][2] == f"('rank 1 on {host}',)"
    assert done.returncode != 0
    assert done.stdout.count("WORKED WITH IT") == 1
    assert f"hyperspace: rank 1 on {host} has not answered after the study was asked to end" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rank_that_hangs_while_the_study_is_opened_ends_the_job_after_the_deadline(mpirun, tmp_path):
    done = run(mpirun, tmp_path / "study", moment="opening", deadline=2)
    assert done.returncode != 0
    sentence = f"rank 1 on {os.uname().nodename} has not answered after the study was asked to end; all ranks are ended without"
    assert done.stderr.count(sentence) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("exchange", "checkpoints"), [("round", True), ("async", True), ("none", True), ("async", False)])
def test_a_deadline_ends_a_study_whose_rank_hangs(mpirun, tmp_path, exchange, checkpoints):
    options = {"exchange": exchange, "checkpoints": checkpoints, "deadline": 4}
    done = run(mpirun, tmp_path / "study", strategy="static" if exchange == "none" else "adaptive", **options)
    check(done)
    assert done.stdout.count("ENDED BY the deadline") == 2
    if checkpoints or exchange == "round":
        assert done.stdout.count("BY [0, 1, 2]") == 2  # what it had finished is there


@pytest.mark.parametrize(("exchange", "asks"), [("round", "signal"), ("async", "command")])
def test_a_request_ends_a_study_whose_rank_hangs(mpirun, tmp_path, exchange, asks):
    check(run(mpirun, tmp_path / "study", exchange=exchange, asks=asks, n_iterations=50, n_calls=None))


def test_a_signal_is_enough_where_no_files_are_kept(mpirun, tmp_path):
    options = {"exchange": "async", "asks": "signal", "checkpoints": False, "n_iterations": 50, "n_calls": None}
    check(run(mpirun, tmp_path / "study", **options))


def test_ranks_whose_first_one_hangs_end_the_job(mpirun, tmp_path):
    done = mpirun(
        3,
        PROGRAM,
        '{"silent": 0, "moment": "evaluation", "exchange": "async", "deadline": 3, "n_calls": 100000}',
        tmp_path / "study",
        check=False,
        timeout=90,
        **{GRACE_VARIABLE: "0.5"},
    )
    assert done.returncode != 0
    assert "RESULT" not in done.stdout
    assert f"hyperspace: rank 0 on {os.uname().nodename} has not answered after the study was asked to end" in done.stderr


def test_a_rank_that_hangs_at_the_merge_is_named_and_no_other_study_begins(mpirun, tmp_path):
    again = """
try:
    hyperdrive(objective, [(0.0, 1.0)], None, checkpoints=False, n_iterations=1)
except RuntimeError as error:
    sys.stdout.write(f"REFUSED {error}\\n")
"""
    options = UNDISTURBED | {"exchange": "async", "deadline": 3, "moment": "merge"}
    done = mpirun(3, PROGRAM + again, json.dumps(options), tmp_path / "study", check=False, timeout=90, **ENVIRONMENT)
    check(done)
    assert done.stdout.count("has not answered after the study was asked to end; no other study can begin in this job") == 2


def test_a_rank_that_wakes_up_too_late_waits_for_the_end(mpirun, tmp_path):
    waking = """
if rank == 0:  # its program goes on with the result
    os.kill(int(open(sys.argv[2] + ".pid").read()), signal.SIGCONT)
    time.sleep(3.0)
    sys.stdout.write("WORKED ON\\n")
"""
    noted = PROGRAM.replace(
        "result =", 'open(sys.argv[2] + ".pid", "w").write(str(os.getpid())) if rank == 1 else None\nresult ='
    )
    options = UNDISTURBED | {"exchange": "round", "deadline": 3}
    done = mpirun(3, noted + waking, json.dumps(options), tmp_path / "study", check=False, timeout=90, **ENVIRONMENT)
    check(done)
    assert "WORKED ON" in done.stdout
    assert "hyperspace: rank 1 has answered too late, and waits until the job is aborted" in done.stderr


GROUPS = """
import os, signal, sys, time
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
done = 0
def objective(x, trial):
    global done
    done += 1
    if rank == int(sys.argv[1]) and done == 3:
        os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.02)
    return x[0]
result = hyperdrive(objective, [(0.0, 1.0)], sys.argv[2], model="RAND", n_calls=100000, deadline=3, ranks_per_trial=2)
sys.stdout.write(f"RESULT {result.nfev} {result.silent_ranks}\\n")
"""


@pytest.mark.parametrize("silent", [1, 2])
def test_ranks_that_evaluate_together_do_not_wait_for_one_that_hangs(mpirun, tmp_path, silent):
    done = mpirun(4, GROUPS, silent, tmp_path / "study", check=False, timeout=90, **ENVIRONMENT)
    assert done.returncode != 0
    assert "has not answered after the study was asked to end" in done.stderr
