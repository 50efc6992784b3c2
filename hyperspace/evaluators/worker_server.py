"""Server of a worker: it runs in the process that `hyperspace.evaluators.worker_client` starts.

Messages to this process are pickled, since parameters may be any Python values. Its answers are JSON, one per line.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

from hyperspace.errors import message_of
from hyperspace.evaluators.base import Outcome
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.importing import Unguarded, hear_of_unguarded_processes
from hyperspace.evaluators.inline import describe_raised, evaluate
from hyperspace.evaluators.protocol import Record
from hyperspace.evaluators.receiving import Received, read_parts
from hyperspace.evaluators.trial_output import TrialOutput, limit_error
from hyperspace.pruning import Pruned
from hyperspace.system.disk import is_full
from hyperspace.trials.metrics import Value
from hyperspace.trials.trial import FAILED


def main(commands: int, replies: int, traces: int) -> None:
    """Load the objective, then evaluate trials until the rank closes its end.

    Args:
        commands: descriptor to read from.
        replies: descriptor to write answers to.
        traces: descriptor to write the traceback of a crash to.
    """
    for descriptor in (commands, replies, traces):
        os.set_inheritable(descriptor, False)
    faulthandler.enable(traces)
    _be_the_first_to_go()
    hear_of_unguarded_processes()
    with open(commands, "rb") as stream, open(replies, "w", encoding="utf-8") as answers:

        def reply(record: Record) -> None:
            answers.write(json.dumps(record) + "\n")
            answers.flush()

        _Server(stream, reply).serve()


def _be_the_first_to_go() -> None:
    """Ask the kernel to end this process before any rank if memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


class _Server:
    """Server of the rank's messages."""

    def __init__(self, stream: BufferedReader, reply: Callable[[Record], object]) -> None:
        self._stream = stream
        self._write = reply
        self._trial = 0  # number of the running evaluation

    def _reply(self, answer: Record) -> None:
        self._write({"process": os.getpid(), "trial": self._trial} | answer)

    def serve(self) -> None:
        """Serve until the rank closes its end."""
        with suppress(EOFError):
            settings = pickle.load(self._stream)
            parts = read_parts(self._stream, settings["sizes"], settings["writable"])
            try:
                received = _load(settings, parts)
            except BaseException as error:
                self._reply({"event": "refused", "reason": _reason(error)})
                return
            del parts
            self._reply({"event": "ready"})
            while True:
                self._evaluate(received, received.load(self._stream))

    def _evaluate(self, received: Received, task: Mapping[str, Any]) -> None:
        self._trial = task["trial"]
        folder, attempt = task["handle"]["folder"], task["handle"]["attempt"]
        received.metrics.reopen(task["goal"])
        handle = TrialHandle(**task["handle"], report=partial(self._report, received))
        try:
            with _output_to(folder, attempt):
                try:
                    outcome = evaluate(received.objective, task["parameters"], handle, received.metrics)
                except BaseException as error:  # an interrupt of the objective itself; the rank's do not arrive here
                    outcome = Outcome(FAILED, error=describe_raised(error), fault="objective")
        except OSError as error:
            outcome = Outcome(
                FAILED, {}, 0.0, f"what the trial prints cannot be kept: {error}", "infrastructure", again=is_full(error)
            )
        self._reply(
            {
                "event": "finished",
                "status": outcome.status,
                "metrics": outcome.metrics,
                "seconds": outcome.seconds,
                "error": None if outcome.error is None else limit_error(outcome.error, folder, attempt),
                "fault": outcome.fault,
                "fatal": None if outcome.fatal is None else type(outcome.fatal).__name__,
                "again": outcome.again,
                "note": outcome.note,
                "memory": _memory(),
            }
        )

    def _report(self, received: Received, step: int, metrics: Mapping[str, Value]) -> None:
        self._reply({"event": "reported", "step": step, "metrics": metrics})
        pruned = received.load(self._stream)
        if pruned is not None:
            raise Pruned(pruned)


def _load(settings: Mapping[str, Any], parts: Sequence[memoryview]) -> Received:
    """Return the objective, in an environment like the rank's."""
    sys.path[:] = settings["path"]
    sys.argv[:] = settings["arguments"]
    if settings["folder"] is not None:
        with suppress(OSError):  # removed in the meantime
            os.chdir(settings["folder"])
    return Received(parts)


def _reason(error: BaseException) -> str:
    """Return a short reason why the objective could not be loaded."""
    if isinstance(error, Unguarded):
        return str(error)
    message = message_of(error)
    told = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return told.splitlines()[0]


@contextmanager
def _output_to(folder: Path | None, attempt: int) -> Iterator[None]:
    """Redirect output within the block, also of C libraries and child processes, to files in `folder`."""
    if folder is None:
        yield
        return
    files = TrialOutput(folder, attempt).open()
    kept = os.dup(1), os.dup(2)
    try:
        _redirect(files)
        yield
    finally:
        _redirect(kept)
        for descriptor in (*files, *kept):
            os.close(descriptor)


def _redirect(descriptors: tuple[int, int]) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the objective may have closed or replaced it
            stream.flush()
    ctypes.CDLL(None).fflush(None)  # earlier output in C's buffers belongs to the earlier destination
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)


def _memory() -> int:
    """Return the memory of this process in bytes; 0 if the system does not provide it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
