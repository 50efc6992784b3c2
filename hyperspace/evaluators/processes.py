"""Processes that evaluate: each has its own supervisor, and is ended together with all processes that it has started.

All descendants of a process end with it, in any session or process group: see `hyperspace.evaluators.supervisor`. If this
itself was killed, a mark in the environment identifies the remaining processes.

Control groups would also find a process that has cleared its environment. They are not used: few users may create them, and a
killed rank would leave its group behind, so that Slurm could not remove that of the job step.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperspace.evaluators import supervisor
from hyperspace.evaluators.environment import clean_environment

_SUPERVISOR = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import supervisor; supervisor.main(sys.argv[1:])"
_MARK = "HYPERSPACE_EVALUATION"  # environment variable: the evaluations that a process belongs to, separated by colons
_marks = itertools.count()
_groups: weakref.WeakSet[ProcessGroup] = weakref.WeakSet()  # of this process

# A program that gets one of these signals has caused it itself; others come from outside.
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
# A shell's exit codes for SIGKILL (out of memory) and SIGTERM; and "temporary failure, try again" of sysexits.h.
_NOT_ITS_OWN_DOING = {128 + signal.SIGKILL, 128 + signal.SIGTERM, os.EX_TEMPFAIL}


class ProcessGroup:
    """Program and all processes that it starts; they do not outlive this process.

    Args:
        words: the program and its arguments.
        pass_fds: descriptors that the program receives.
        **options: further options of subprocess.Popen; standard input is empty.

    Attributes:
        id: number of the program's process.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(self, words: Sequence[str], pass_fds: Sequence[int] = (), **options: Any) -> None:
        self._mark = f"{os.getpid()}-{time.time_ns():x}-{next(_marks)}"
        environment = clean_environment(os.environ)
        environment[_MARK] = ":".join(filter(None, [environment.get(_MARK), self._mark]))
        self._told = b""
        self._code: int | None = None
        request = supervisor.pack(words)
        control, self._control = os.pipe()
        try:
            self._status, status = os.pipe()
        except OSError:
            _close(control, self._control)
            raise
        try:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, *_bare(), "-c", _SUPERVISOR, str(control), str(status), str(os.getpid())],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=(control, status, *pass_fds),
                    **options,
                )
            finally:
                _close(control, status)
            self.id = self._await_start(request, words[0])
        except BaseException:
            _close(self._control, self._status)
            raise
        os.set_blocking(self._status, False)
        _groups.add(self)

    @property
    def supervisor(self) -> int:
        """The number of the supervisor's process."""
        return self._process.pid

    def _await_start(self, request: bytes, program: str) -> int:
        """Return the number of the program's process once it is started."""
        with contextlib.suppress(BrokenPipeError):
            while request:
                request = request[os.write(self._control, request) :]
        while b"\n" not in self._told:
            data = os.read(self._status, 256)
            if not data:
                self._process.wait()
                raise OSError(errno.ECHILD, "the process that was to supervise it has ended", sys.executable)
            self._told += data
        line, _, self._told = self._told.partition(b"\n")
        word, number = line.split()
        if word == b"failed":
            self._process.wait()
            raise OSError(int(number), os.strerror(int(number)), program)
        return int(number)

    def exit_code(self) -> int | None:
        """Return the program's exit code, or minus the signal that ended it; None while it runs.

        Its remaining processes have ended by then.
        """
        if self._code is None and self._supervisor_has_ended():
            self._close()
        return self._code

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds` for the program to end, and end its remaining processes."""
        if self._code is None:
            _await_data(self._status, seconds)
        self.kill()

    def kill(self) -> None:
        """End the program and all processes that it has started, immediately."""
        if self._code is not None:
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(self._control, b"end")
        deadline = time.monotonic() + 2 * supervisor.PATIENCE
        while not self._supervisor_has_ended() and (left := deadline - time.monotonic()) > 0:
            _await_data(self._status, left)
        self._close()

    def end_orphans(self, spared: set[int]) -> None:
        """End the processes whose own parent has ended, with their descendants.

        Args:
            spared: processes that are not ended.
        """

        def find() -> list[int]:
            return [number for orphan in self.orphans() - spared for number in (orphan, *supervisor.descendants(orphan))]

        supervisor.end_found(find)

    def orphans(self) -> set[int]:
        """Return the processes that the program has started, directly or not, and whose own parent has ended."""
        number = self._process.pid
        try:
            children = {int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_bytes().split()}
        except OSError:  # the kernel does not list them
            children = set(supervisor.children_by_parent().get(number, ()))
        return children - {self.id}

    def _supervisor_has_ended(self) -> bool:
        """Return whether the supervisor has closed its end, and keep its earlier messages."""
        try:
            while data := os.read(self._status, 256):
                self._told += data
        except BlockingIOError:
            return False
        return True

    def _close(self) -> None:
        word, _, status = self._told.decode().strip().partition(" ")
        if word == "ended":
            self._code = os.waitstatus_to_exitcode(int(status))
        else:
            self._code = -signal.SIGKILL  # the supervisor was killed, or waits for an unkillable process
            self._process.kill()
            supervisor.end_found(self._marked)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(supervisor.PATIENCE)
        _close(self._control, self._status)

    def _marked(self) -> list[int]:
        """Return the living processes that belong to this evaluation by their environment."""
        return [number for number in supervisor.numbers() if number != os.getpid() and self._mark in _marks_of(number)]


def supervisors() -> set[int]:
    """Return the supervisors that this process has started: they end with it, after all their descendants."""
    return {group.supervisor for group in list(_groups)}


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _await_data(descriptor: int, seconds: float) -> None:
    poll = select.poll()  # select() does not support descriptors above 1023
    poll.register(descriptor, select.POLLIN)
    poll.poll(1000 * seconds)


def _bare() -> list[str]:
    """Return the interpreter options for a quick start without imports of the user's code."""
    return ["-S", "-P", "-s"] if "PYTHONHOME" in os.environ else ["-S", "-I"]


def _marks_of(number: int) -> list[str]:
    """Return the evaluations that a process belongs to; empty for one that has ended or belongs to another user."""
    try:
        entries = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
    start = f"{_MARK}=".encode()
    return [
        mark for entry in entries if entry.startswith(start) for mark in entry[len(start) :].decode(errors="replace").split(":")
    ]


def describe_end(exit_code: int) -> tuple[str, str]:
    """Return a description of a program's end, such as "was ended by SIGSEGV", and its fault, as in `Trial.fault`.

    Args:
        exit_code: minus the number of the signal that ended it; for a shell script, 128 plus that number.
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
