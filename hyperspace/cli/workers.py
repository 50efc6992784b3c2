"""Start of the processes of `hyperspace run --workers N`, which share the study through its folder (exchange="files")."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from hyperspace.evaluators.devices import VARIABLE, count_devices, share_devices
from hyperspace.evaluators.processes import describe_end
from hyperspace.evaluators.supervisor import SET_PARENT_DEATH_SIGNAL, control_process
from hyperspace.exchange.files import SILENT_VARIABLE, WORKERS_VARIABLE
from hyperspace.journal import Leases, StudyFolder, take_study

PARENT_VARIABLE = "HYPERSPACE_PARENT"  # number of the process that started this one as a worker
_PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
_NAP = 0.02  # seconds
_INTERRUPTED = 130  # exit code after Ctrl-C
_LOOKS_APART = 1.0  # seconds between two checks that the parent is alive


def run_workers(n: int, results: Path, restart: bool) -> int:
    """Run this process's command in `n` others; return the exit code: 0 if one of them has seen the end of the study.

    The first worker starts alone, so that errors of the command are reported once. It also shows the progress.
    """
    folder = StudyFolder(results)
    if restart and folder.study_file.exists():
        _set_aside(folder)
    with _passing_signals_on() as (processes, passed_on):

        def start(number: int) -> None:
            before = len(passed_on)
            processes.append(_start(number, n))
            for late in passed_on[before:]:  # arrived before the process was in the list
                processes[-1].send_signal(late)

        start(0)
        while processes[0].poll() is None and not folder.study_file.exists():
            time.sleep(_NAP)
        if processes[0].returncode is not None:
            return _exit_code(processes[0].returncode)
        for number in range(1, n):
            if not passed_on:  # otherwise the study is about to end
                start(number)
        codes = [process.wait() for process in processes]
    if -signal.SIGINT in codes or _INTERRUPTED in codes:
        return _INTERRUPTED
    for number, code in enumerate(codes):
        if code < 0:
            sys.stderr.write(f"hyperspace: worker {number} {describe_end(code)[0]}\n")
    return 0 if 0 in codes else max(map(_exit_code, codes))


def _exit_code(code: int) -> int:
    """Return a shell's exit code for a process that was ended by a signal, or the process's own."""
    return 128 - code if code < 0 else code


def end_with_parent() -> None:
    """Kill this process when its parent ends without a signal to it, for example because the parent was killed.

    A signal of the parent arrives before that, since the parent waits for its workers.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdigit():
        return
    if control_process(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL):
        if os.getppid() != int(parent):  # it has already ended
            sys.exit(1)
        return
    threading.Thread(target=_watch, args=(int(parent),), name="hyperspace-parent", daemon=True).start()


def _watch(parent: int) -> None:
    """Do the same if the kernel does not support it."""
    while os.getppid() == parent:
        time.sleep(_LOOKS_APART)
    os.kill(os.getpid(), signal.SIGKILL)


def _set_aside(folder: StudyFolder) -> None:
    """Set aside a study that no process works on."""
    leases = Leases(folder.leases)
    try:
        take_study(leases, folder.path)
    finally:
        leases.close()
    folder.set_aside()


def _start(number: int, n: int) -> subprocess.Popen[bytes]:
    arguments = [*sys.argv[1:], "--workers", "1", "--exchange", "files", "--no-restart"]
    environment = os.environ | {WORKERS_VARIABLE: str(n), PARENT_VARIABLE: str(os.getpid())}
    if number:
        environment[SILENT_VARIABLE] = "1"
    devices = share_devices([(socket.gethostname(), os.environ.get(VARIABLE))] * n, number, count_devices())
    if devices is not None:
        environment[VARIABLE] = devices
    # -P: files of the working folder do not replace libraries.
    return subprocess.Popen([sys.executable, "-P", "-m", "hyperspace", *arguments], env=environment)


@contextmanager
def _passing_signals_on() -> Iterator[tuple[list[subprocess.Popen[bytes]], list[int]]]:
    """Pass the signals that end a study on to the processes in the list; a signal that they also received directly counts once.

    Yields:
        The processes, for the block to fill, and the signals so far.
    """
    processes: list[subprocess.Popen[bytes]] = []
    passed_on: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed_on.append(number)
        for process in processes:
            if process.returncode is None:
                process.send_signal(number)

    before: dict[int, Any] = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield processes, passed_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
