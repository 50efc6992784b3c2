"""Ranks that hang: whoever asks the study to end gets its result, without them."""

import os
import re

import pytest

from hyperspace.exchange.waiting import GRACE_VARIABLE, ROOT_FACTOR, Patience, grace

PROGRAM = """
import json, os, signal, sys, time
from hyperspace import hyperdrive
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
    if rank == options.get("asks") and done == 4:
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.02)
    return x[0] + x[1]
def callback(trial):
    pass
asks = options.pop("asks", None)
options["asks"] = asks
call = {name: value for name, value in options.items() if name != "asks"}
if moment == "merge" and rank == silent:
    from hyperspace.loop.session import Session
    merge = Session._merge
    def stopping(self, finished):
        os.kill(os.getpid(), signal.SIGSTOP)
        return merge(self, finished)
    Session._merge = stopping
result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], sys.argv[2] if call.get("checkpoints", True) else None, model="RAND",
                    n_subspaces=2, n_drives=6, **call)
sys.stdout.write(f"RESULT {result.nfev} {result.fun!r} {result.silent_ranks}\\n")
by_rank = result.trials["rank"].value_counts().to_dict()
sys.stdout.write(f"BY {sorted(by_rank)}\\n")
sys.stdout.flush()
if rank == 0:
    time.sleep(1.0)  # what a program does with its result
    sys.stdout.write("WORKED WITH IT\\n")
"""
ENVIRONMENT = {GRACE_VARIABLE: "2"}
UNDISTURBED = {"n_calls": 100_000, "silent": 1, "moment": "evaluation"}


def run(mpirun, folder, **options):
    import json

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


@pytest.mark.parametrize("exchange", ["round", "async", "none"])
@pytest.mark.parametrize("checkpoints", [True, False])
def test_a_deadline_ends_a_study_whose_rank_hangs(mpirun, tmp_path, exchange, checkpoints):
    options = {"exchange": exchange, "checkpoints": checkpoints, "deadline": 4}
    done = run(mpirun, tmp_path / "study", strategy="static" if exchange == "none" else "adaptive", **options)
    check(done)
    if checkpoints or exchange == "round":
        assert done.stdout.count("BY [0, 1, 2]") == 2  # what it had finished is there


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_a_signal_to_one_rank_ends_a_study_whose_rank_hangs(mpirun, tmp_path, exchange):
    # In rounds no rank comes to a fourth evaluation of its own before the others have made their third.
    check(run(mpirun, tmp_path / "study", exchange=exchange, asks=2, n_iterations=50, n_calls=None))


def test_a_rank_that_hangs_at_the_merge_is_named(mpirun, tmp_path):
    check(run(mpirun, tmp_path / "study", exchange="async", deadline=3, moment="merge"))


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


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("asked_at", "deadline", "begun", "longest", "ends"),
    [
        (5.0, None, 0.0, 0.0, 35.0),
        (5.0, None, 20.0, 0.0, 50.0),
        (5.0, None, 0.0, 60.0, 95.0),
        (None, 10.0, 0.0, 60.0, 40.0),
        (None, 10.0, 20.0, 60.0, 110.0),
        (20.0, 10.0, 0.0, 60.0, 40.0),
        (None, None, 0.0, 0.0, None),
        (5.0, None, 0.0, float("inf"), None),
        (None, float("inf"), 0.0, 0.0, None),
    ],
)
def test_how_long_others_are_waited_for(monkeypatch, asked_at, deadline, begun, longest, ends):
    monkeypatch.delenv(GRACE_VARIABLE, raising=False)
    clock = Clock()
    patience = Patience(lambda: asked_at is not None and clock.now >= asked_at, lambda: longest, deadline, clock)
    given_up = None
    for second in range(int(begun), 1000):
        clock.now = float(second)
        if patience.is_over(begun):
            given_up = clock.now
            break
    assert given_up == ends
    if ends is not None:
        assert not patience.is_over(begun, ROOT_FACTOR)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "inf", ""])
def test_a_grace_period_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv(GRACE_VARIABLE, text)
    with pytest.raises(ValueError, match=f"{GRACE_VARIABLE} must be a positive number of seconds"):
        grace()
