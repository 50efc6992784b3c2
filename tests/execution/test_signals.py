"""A study that is asked to end does so on every rank, cleanly, and goes on as if nobody had asked."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from launch import clean_environment

from hyperspace import hyperdrive, load_results
from hyperspace.execution import signals
from hyperspace.execution.signals import signals_end_the_study
from hyperspace.journal import StudyFolder
from hyperspace.journal.stop_request import request_stop
from hyperspace.results.state import study_state

PROGRAM = """
import os, sys, time
from pathlib import Path
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
study, exchange, n_calls, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
def objective(x):
    time.sleep(pause)
    return (x[0] - 0.3) ** 2 + x[1]
Path(f"{study}.pid-{rank}").write_text(str(os.getpid()))
result = hyperdrive(objective, [(0.0, 1.0), (1, 9)], study, n_calls=n_calls, n_drives=4, exchange=exchange, verbose=True)
sys.stdout.write(f"RANK {rank} OF {MPI.COMM_WORLD.Get_size()} HAS {result.nfev}\\n")
"""


@pytest.fixture
def start(tmp_path):
    """Start PROGRAM on 3 ranks; return the process when some evaluations have ended."""
    (tmp_path / "program.py").write_text(PROGRAM)
    started = []

    def run(study, exchange, n_calls):
        mpirun = Path(sys.executable).with_name("mpirun")
        words = [mpirun, "-n", "3", sys.executable, "program.py", study, exchange, n_calls, 0.05]
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        wait_until(lambda: process.poll() is not None or (study_exists(study) and study_state(study).finished >= 6))
        assert process.poll() is None, process.communicate()[0]
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def wait_until(ready):
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.1)


def study_exists(study):
    return StudyFolder(study).study_file.exists()


def rows(result):
    return result.trials[["drive", "iteration", "x0", "x1", "objective"]].to_numpy().tolist()


def kill(study, process, who, number):
    os.kill(process.pid if who == "mpirun" else int(Path(f"{study}.pid-{who}").read_text()), number)


@pytest.mark.parametrize(
    ("exchange", "ask", "said"),
    [
        ("round", lambda study, process: kill(study, process, 0, signal.SIGTERM), "SIGTERM"),
        ("round", lambda study, process: kill(study, process, "mpirun", signal.SIGTERM), "SIGTERM"),
        ("round", lambda study, process: request_stop(study), "hyperspace stop"),
        ("async", lambda study, process: kill(study, process, 2, signal.SIGUSR1), "SIGUSR1"),
        ("none", lambda study, process: kill(study, process, 1, signal.SIGUSR1), ""),
    ],
    ids=["round, TERM to a rank", "round, TERM to mpirun", "round, file", "async, USR1 to a rank", "none, USR1 to a rank"],
)
def test_every_rank_ends_cleanly_and_the_study_goes_on(start, mpirun, tmp_path, exchange, ask, said):
    study, n_calls = tmp_path / "study", 1000
    process = start(study, exchange, n_calls)
    ask(study, process)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    done = study_state(study).finished
    assert 6 <= done < n_calls
    assert study_state(study).running == 0
    assert [f"RANK {rank} OF 3 HAS {done}" in out for rank in range(3)] == [True] * 3
    assert f"stopped by {said}" in out
    assert f"after {done} of 1000 evaluations; start the same program again to go on" in out

    more = 2 * done + 8  # with "none" some drives are ahead of others
    out = mpirun(2, PROGRAM, study, exchange, more, 0).stdout
    assert f"RANK 1 OF 2 HAS {more}" in out
    assert f"goes on after {done} evaluations" in out
    assert "stopped" not in out
    assert not (study / "stop").exists()
    if exchange != "async":  # which promises no repeatability
        resumed = hyperdrive_again(study, exchange, more)
        assert rows(resumed) == rows(hyperdrive_again(tmp_path / "whole", exchange, more))


WORKER = """
import sys, time
from hyperspace import hyperdrive
def objective(x):
    time.sleep(0.05)
    return (x[0] - 0.3) ** 2 + x[1]
result = hyperdrive(objective, [(0.0, 1.0), (1, 9)], sys.argv[1], n_calls=2000, n_drives=4, exchange="files", verbose=True)
print("RETURNED")
"""


def test_a_signal_ends_one_worker_without_mpi_and_the_file_ends_all(tmp_path):
    study = tmp_path / "study"
    (tmp_path / "worker.py").write_text(WORKER)
    words, pipes = [sys.executable, "worker.py", study], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    workers = [subprocess.Popen(words, cwd=tmp_path, env=clean_environment(), **pipes) for _ in range(3)]
    try:
        wait_until(lambda: study_exists(study) and len(set(load_results(study).trials["rank"])) == 3)  # "rank" is a process here
        workers[0].send_signal(signal.SIGTERM)
        out, _ = workers[0].communicate(timeout=60)
        assert "stopped by SIGTERM" in out
        assert out.endswith("RETURNED\n")
        done = study_state(study).finished
        wait_until(lambda: study_state(study).finished > done + 5)
        request_stop(study)
        for worker in workers[1:]:
            out, _ = worker.communicate(timeout=60)
            assert "stopped by hyperspace stop" in out
            assert out.endswith("RETURNED\n")
        assert [worker.returncode for worker in workers] == [0, 0, 0]
        state = study_state(study)
        assert state.running == 0
        assert done < state.finished < 2000
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def hyperdrive_again(study, exchange, n_calls):
    def objective(x):
        return (x[0] - 0.3) ** 2 + x[1]

    objective.__qualname__ = "objective"
    return hyperdrive(objective, [(0.0, 1.0), (1, 9)], study, n_calls=n_calls, n_drives=4, exchange=exchange)


ISOLATED = """
import os, sys, time
from hyperspace import hyperdrive
def objective(x):
    if os.path.exists("slow"):
        open("pid", "w").write(str(os.getpid()))
        time.sleep(60)
    return (x[0] - 0.3) ** 2 + x[1]
if __name__ == "__main__":
    options = {"n_calls": 12, "n_drives": 4, "exchange": sys.argv[2], "isolate": True, "retries": 1, "verbose": True}
    result = hyperdrive(objective, [(0.0, 1.0), (1, 9)], sys.argv[1], **options)
    print(result.nfev, set(result.trials["status"]))
"""


@pytest.mark.parametrize("exchange", ["round", "files"])
def test_an_evaluation_that_is_ended_together_with_its_study_is_begun_again(python, tmp_path, exchange):
    (tmp_path / "slow").touch()
    (tmp_path / "worker.py").write_text(ISOLATED)
    words, pipes = [sys.executable, "worker.py", "study", exchange], {"stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, cwd=tmp_path, env=clean_environment(), **pipes)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    for number in (int((tmp_path / "pid").read_text()), process.pid):  # as Slurm does with all processes of a job
        os.kill(number, signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped by SIGTERM after 0 of 12 evaluations" in out
    assert study_state(tmp_path / "study").running == 1
    (tmp_path / "slow").unlink()
    assert python(ISOLATED, "study", exchange).stdout.splitlines()[-1] == "12 {'ok'}"


@pytest.fixture
def fresh_process(monkeypatch):
    """Let this process forget afterwards that it was told to end."""
    monkeypatch.setattr(signals, "_received", None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_the_study_of_one_process_and_every_later_one(tmp_path, capsys, fresh_process, number):
    former = signal.getsignal(number)

    def objective(x):
        if len(calls) == 4:
            os.kill(os.getpid(), number)
        calls.append(x)
        return x[0]

    calls = [None]
    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path / "a", n_calls=20, verbose=True)
    assert result.nfev == 4
    assert f"stopped by {number.name} after 4 of 20 evaluations" in capsys.readouterr().out
    assert hyperdrive(objective, [(0.0, 1.0)], None, checkpoints=False, n_calls=20).nfev == 0
    assert signal.getsignal(number) == former


def test_a_second_term_does_what_it_did_before(tmp_path, fresh_process, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    seen = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with signals_end_the_study(None):
            os.kill(os.getpid(), signal.SIGTERM)
            now[0] += 0.5
            os.kill(os.getpid(), signal.SIGTERM)  # passed on by a launcher that got the first one too
            assert seen == []
            now[0] += 1.0
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, former)


def test_a_thread_of_the_callers_works_without_handlers(tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_calls=3)))
    thread.start()
    thread.join()
    assert results[0].nfev == 3


FORKS = """
import multiprocessing, os, signal, subprocess, sys, time
from hyperspace import hyperdrive
def square(x):
    return x * x
def objective(parameters):
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:  # its end sends SIGTERM
        assert pool.map(square, [1, 2]) == [1, 4]
    for _ in range(5):
        child = context.Process(target=time.sleep, args=(1000,))
        child.start()
        child.terminate()  # often before the child's first line
        child.join()
        assert child.exitcode == -signal.SIGTERM, child.exitcode
    child = subprocess.Popen(["sleep", "1000"])
    child.terminate()
    assert child.wait() == -signal.SIGTERM
    if os.fork() == 0:
        os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and signal.getsignal(signal.SIGUSR1) is before else 1)
    assert os.wait()[1] == 0
    return parameters[0]
if __name__ == "__main__":
    before = signal.SIG_IGN
    signal.signal(signal.SIGUSR1, before)
    result = hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=4, n_subspaces=1, n_drives=1, model="RAND")
    print(result.nfev, *sorted({trial.error or trial.status for trial in result.all_trials}))
"""


def test_signals_to_children_of_an_objective_are_about_the_children(python):
    assert python(FORKS).stdout == "4 ok\n"


def test_a_child_has_the_handlers_from_before_the_first_of_nested_studies(tmp_path, fresh_process):
    def first(number, frame):
        raise AssertionError

    def inner(x):
        if os.fork() == 0:
            os._exit(0 if signal.getsignal(signal.SIGUSR1) is first else 1)
        return float(os.wait()[1])

    def outer(x):
        return hyperdrive(inner, [(0.0, 1.0)], None, checkpoints=False, n_calls=1, n_drives=1, n_subspaces=1).fun

    former = signal.signal(signal.SIGUSR1, first)
    try:
        result = hyperdrive(outer, [(0.0, 1.0)], tmp_path, n_calls=2, n_drives=1, n_subspaces=1)
        assert (result.nfev, result.fun) == (2, 0.0)
        assert signal.getsignal(signal.SIGUSR1) is first
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
    finally:
        signal.signal(signal.SIGUSR1, former)
