"""Runs programs in processes of their own, alone or as the ranks of an mpirun, in a clean environment and with a time-out."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_LAUNCHERS = ("PMI", "PMIX", "OMPI", "MPI_", "MPIR", "MV2", "HYD", "SLURM")


def clean_environment(**changes):
    """Return this process's environment without any launcher's variables, one thread a process, the package importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LAUNCHERS)}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | changes


def run_group(command, timeout, cwd, **changes):
    """Run a command in a process group of its own, which is ended whole if the time runs out."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"still running after {timeout} s: {process.args}\n{out}\n{err}")
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_program(launcher, folder, text, arguments, timeout, check, environment):
    """Write a program, given as text, into a folder and run it there, behind a launcher's words."""
    program = folder / "program.py"
    program.write_text(textwrap.dedent(text))
    done = run_group([*launcher, sys.executable, program, *arguments], timeout, folder, **environment)
    if check and done.returncode != 0:
        pytest.fail(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def await_end(processes):
    """Wait until processes have ended; one that nobody has waited for yet counts as ended."""
    for process in processes:
        while not _has_ended(process):
            time.sleep(0.01)


def _has_ended(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
