"""Real processes that stand still for longer than their lease lasts, as if on another machine, and go on later."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from hyperspace import load_results
from hyperspace.journal import StudyFolder

PROGRAM = """
import sys, time
import hyperspace.journal.lease as lease
lease.EXPIRY, lease.HEARTBEAT = 2.0, 0.3
from hyperspace import hyperdrive
def objective(p):
    time.sleep(0.05)
    return (p[0] - 0.3) ** 2
hyperdrive(objective, [(0.0, 1.0)], "study", model="RAND", exchange=sys.argv[1], n_calls=int(sys.argv[2]),
           n_subspaces=2, n_drives=4)
"""


class Program:
    """A running program with all the processes that it has started: its launcher's ranks are not in its process group."""

    def __init__(self, words, folder):
        self._mark = f"TAKEOVER={uuid.uuid4()}"
        environment = os.environ | dict([self._mark.split("=")])
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": environment}
        self._process = subprocess.Popen(words, cwd=folder, **options)

    def signal(self, number):
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and self._mark in (folder / "environ").read_text(errors="replace"):
                    os.kill(int(folder.name), number)

    def end(self):
        """Wait for the end; return the exit code and what was printed."""
        out, _ = self._process.communicate(timeout=90)
        return self._process.returncode, out


@pytest.fixture
def start(tmp_path):
    """Start the program, here or as if on another machine."""
    programs = []
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(exchange, n_calls, elsewhere=False, ranks=0):
        words = [sys.executable, "program.py", exchange, str(n_calls)]
        if ranks:
            words = [str(Path(sys.executable).with_name("mpirun")), "-n", str(ranks), *words]
        if elsewhere:
            words = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere; exec "$@"', "sh", *words]
        programs.append(Program(words, tmp_path))
        return programs[-1]

    yield run
    for program in programs:
        program.signal(signal.SIGCONT)
        program.signal(signal.SIGKILL)
        program.end()


needs_root = pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="another machine is played by unshare, which needs root"
)


def wait_until(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 60 s")


def finished(path):
    return len(load_results(path).func_vals) if StudyFolder(path).study_file.exists() else 0


def counted(path):
    result = load_results(path)
    return sorted(
        (int(drive), int(iteration)) for drive, iteration in zip(result.trials["drive"], result.trials["iteration"], strict=True)
    )


@needs_root
@pytest.mark.parametrize(("exchange", "ranks"), [("round", 0), ("async", 2)])
def test_a_run_that_stood_still_ends_by_itself(start, tmp_path, exchange, ranks):
    path = tmp_path / "study"
    first = start(exchange, 400, elsewhere=True, ranks=ranks)
    wait_until(lambda: finished(path) >= 4)
    first.signal(signal.SIGSTOP)
    second = start(exchange, 100)
    wait_until(lambda: (path / "leases" / "study.1.json").exists())
    first.signal(signal.SIGCONT)
    code, told = first.end()
    assert code != 0
    assert "was taken over by process" in told, told
    code, out = second.end()
    assert code == 0, out
    assert counted(path) == [(drive, iteration) for drive in range(4) for iteration in range(25)]


@needs_root
def test_a_worker_that_stood_still_leaves_its_drive_and_ends_if_a_run_has_taken_all(start, tmp_path):
    path = tmp_path / "study"
    worker = start("files", 400, elsewhere=True)
    wait_until(lambda: finished(path) >= 4)
    worker.signal(signal.SIGSTOP)
    run = start("round", 60)
    wait_until(lambda: not list(path.glob("leases/worker-*")))
    worker.signal(signal.SIGCONT)
    code, told = worker.end()
    assert code != 0
    assert "was taken over" in told, told
    code, out = run.end()
    assert code == 0, out
    assert counted(path) == [(drive, iteration) for drive in range(4) for iteration in range(15)]


@needs_root
def test_a_worker_that_stood_still_goes_on_beside_the_others(start, tmp_path):
    path = tmp_path / "study"
    stalled = start("files", 120, elsewhere=True)
    wait_until(lambda: finished(path) >= 4)
    stalled.signal(signal.SIGSTOP)
    other = start("files", 120)
    wait_until(lambda: finished(path) >= 40)
    time.sleep(2.5)  # the lease has expired by now
    stalled.signal(signal.SIGCONT)
    for program in (stalled, other):
        code, told = program.end()
        assert code == 0, told
    assert counted(path) == [(drive, iteration) for drive in range(4) for iteration in range(30)]


def test_a_run_does_not_begin_beside_a_worker(start, tmp_path):
    worker = start("files", 200)
    wait_until(lambda: finished(tmp_path / "study") >= 2)
    _, told = start("round", 200).end()
    assert "is being worked by process" in told
    code, out = worker.end()
    assert code == 0, out
    assert len(counted(tmp_path / "study")) == 200
