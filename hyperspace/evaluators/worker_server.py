"""The other side of a worker: what runs in the process that `hyperspace.evaluators.worker_client` starts.

Messages to this process are pickled, since parameters may be any Python values; its answers are JSON, a line each.
"""

from __future__ import annotations

import ctypes
import faulthandler
import io
import json
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from hyperspace.disk import is_full
from hyperspace.evaluators.base import Outcome
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import evaluate, takes_handle
from hyperspace.evaluators.main_script import Unguarded, load_main
from hyperspace.evaluators.output import TrialOutput, limit_error
from hyperspace.evaluators.protocol import Record
from hyperspace.metrics import Metrics, Value
from hyperspace.pruning import Pruned
from hyperspace.trial import FAILED


def main(commands: int, replies: int, traces: int) -> None:
    """Load the objective, then evaluate what is asked for until the rank closes its end.

    Args:
        commands: descriptor to read from.
        replies: descriptor to write answers to.
        traces: descriptor to write the traceback of a crash to.
    """
    for descriptor in (commands, replies, traces):
        os.set_inheritable(descriptor, False)
    faulthandler.enable(traces)
    _be_the_first_to_go()
    with open(commands, "rb") as stream, open(replies, "w", encoding="utf-8") as answers:

        def reply(record: Record) -> None:
            answers.write(json.dumps(record) + "\n")
            answers.flush()

        _Server(stream, reply).serve()


def _be_the_first_to_go() -> None:
    """Ask the kernel to end this process before any rank when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


class _Server:
    """Answers the rank's messages."""

    def __init__(self, stream: BinaryIO, reply: Callable[[Record], object]) -> None:
        self._stream = stream
        self._write = reply
        self._trial = 0  # number of the evaluation under way

    def _reply(self, answer: Record) -> None:
        self._write({"process": os.getpid(), "trial": self._trial} | answer)

    def serve(self) -> None:
        """Serve until the rank closes its end."""
        settings = self._receive()
        try:
            objective, metrics = _load(settings)
        except BaseException as error:
            self._reply({"event": "refused", "reason": _reason(error, settings["main"])})
            return
        self._reply({"event": "ready"})
        with suppress(EOFError):
            while True:
                self._evaluate(objective, metrics, self._receive())

    def _receive(self) -> Any:
        return pickle.load(self._stream)

    def _evaluate(self, objective: Callable[..., Any], metrics: Metrics, task: Mapping[str, Any]) -> None:
        self._trial = task["trial"]
        folder, attempt = task["handle"]["folder"], task["handle"]["attempt"]
        metrics.reopen(task["goal"])
        handle = TrialHandle(**task["handle"], report=self._report) if takes_handle(objective) else None
        try:
            with _output_to(folder, attempt):
                try:
                    outcome = evaluate(objective, task["parameters"], handle, metrics)
                except BaseException:  # an interrupt of the objective's own making; the rank's do not come here
                    outcome = Outcome(FAILED, error=traceback.format_exc(), fault="objective")
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
                "fatal": outcome.fatal is not None,
                "again": outcome.again,
                "note": outcome.note,
                "memory": _memory(),
            }
        )

    def _report(self, step: int, metrics: Mapping[str, Value]) -> None:
        self._reply({"event": "reported", "step": step, "metrics": metrics})
        pruned = self._receive()
        if pruned is not None:
            raise Pruned(pruned)


class _Unpickler(pickle.Unpickler):
    """Finds what is defined in the rank's main module; that is run only if it is needed."""

    def __init__(self, data: bytes, main: tuple[str, str] | None) -> None:
        super().__init__(io.BytesIO(data))
        self._main = main

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__" and self._main is not None:
            load_main(self._main)
            self._main = None
        return super().find_class(module, name)


def _load(settings: Mapping[str, Any]) -> tuple[Callable[..., Any], Metrics]:
    """Return the objective and the metrics, in surroundings like the rank's."""
    sys.path[:] = settings["path"]
    sys.argv[:] = settings["arguments"]
    objective, metrics, _ = _Unpickler(settings["objective"], settings["main"]).load()
    return objective, metrics


def _reason(error: BaseException, main: tuple[str, str] | None) -> str:
    """Return in a few words why the objective could not be loaded."""
    if isinstance(error, Unguarded):
        return str(error)
    if main is None and "__main__" in str(error):
        return "it is defined in an interactive session; write it into a file, and import it from there"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@contextmanager
def _output_to(folder: Path | None, attempt: int) -> Iterator[None]:
    """Lead what is printed within the block, by libraries in C and by child processes too, to files in `folder`."""
    if folder is None:
        yield
        return
    kept = os.dup(1), os.dup(2)
    files = TrialOutput(folder, attempt).open()
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
    ctypes.CDLL(None).fflush(None)  # what C's own buffers hold belongs to where it was printed
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)


def _memory() -> int:
    """Return the bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
