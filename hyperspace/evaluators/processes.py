"""Processes that evaluate: each with a session of its own, without the launcher's variables, and ended with all it has started.

A rank's child that kept the launcher's variables would take itself for that rank as soon as it loads MPI, or starts a program
that does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

_LAUNCHER_VARIABLES = (
    "HYD",
    "MPI_LOCAL",
    "MV2_",
    "OMPI_",
    "PMI",
    "PRTE_",
    "SLURM_GTIDS",
    "SLURM_LOCALID",
    "SLURM_PMI",
    "SLURM_PROCID",
    "SLURM_SRUN_COMM",
    "SLURM_STEP",
)
# Ends the process group when the rank's end of the pipe closes without a word: the rank was killed.
_GUARD = 'read -r word || kill -s KILL -- "-$0"'
_PATIENCE = 10.0  # seconds for the kernel to end a killed process; one that waits for a broken file system stays
_NAP = 2e-3  # seconds

# A program that gets one of these signals has caused it; any other one came from outside.
_OWN_DOING = {
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGPIPE,
    signal.SIGSEGV,
    signal.SIGSYS,
    signal.SIGTRAP,
    signal.SIGXFSZ,
}
# What a shell makes of SIGKILL (out of memory) and SIGTERM; and "temporary failure, try again" of sysexits.h.
_NOT_ITS_OWN_DOING = {128 + signal.SIGKILL, 128 + signal.SIGTERM, os.EX_TEMPFAIL}


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what makes a process a rank."""
    return {name: value for name, value in environment.items() if not name.startswith(_LAUNCHER_VARIABLES)}


class ProcessGroup:
    """A program and whatever it starts, in a session of their own; they do not outlive this process.

    Args:
        words: the program and its arguments.
        **options: what subprocess.Popen takes beside; standard input is empty.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        self._process = subprocess.Popen(
            words, env=clean_environment(os.environ), stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
        self.id = self._process.pid
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(self.id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def exit_code(self) -> int | None:
        """Return the program's exit code, minus the signal that ended it, once it has ended; None while it runs.

        Whatever it has left running ends with it.
        """
        # A look that leaves the process to be waited for, so that its group's number cannot pass to another one meanwhile.
        if self._process.returncode is None and os.waitid(os.P_PID, self.id, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self.kill()
        return self._process.returncode

    def wait(self, seconds: float) -> None:
        """Wait until the program ends, at most so long, and end what is left."""
        end = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < end:
            time.sleep(_NAP)
        self.kill()

    def kill(self) -> None:
        """End the program and all that it has started, at once."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.id, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._guard.communicate(b"done\n")


def describe_end(exit_code: int) -> tuple[str, str]:
    """Return how a program ended, such as "was ended by SIGSEGV", and whose fault that is, as `Trial.fault` has it.

    Args:
        exit_code: minus the number of the signal that ended it; of a shell's script, 128 plus that number.
    """
    if exit_code < 0:
        fault = "objective" if -exit_code in _OWN_DOING else "infrastructure"
        return f"was ended by {_signal_name(-exit_code)}", fault
    return f"ended with exit code {exit_code}", "infrastructure" if exit_code in _NOT_ITS_OWN_DOING else "objective"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
