"""How signals end a study before its budget is spent; Ctrl-C is one of them.

After a signal the study begins no further evaluation. The evaluations under way end, everything is merged, and every rank returns
as it would at the end of the budget. The next run of the same program goes on.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from hyperspace.evaluators import calls, children
from hyperspace.journal import StudyFolder
from hyperspace.journal.stop_request import write_request
from hyperspace.system.terminal import tell

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
_TWICE = (signal.SIGTERM, signal.SIGINT)  # signals that end the process when they come again
INTERRUPT = signal.SIGINT.name
_INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended
SIGNALS = tuple(number.name for number in _SIGNALS)
_SAME_SIGNAL = 1.0  # seconds within which a second signal is the first one, passed on by a launcher that got it too

Handler = Callable[[int, FrameType | None], Any] | int

# The handlers that were there before each of the studies under way in this process, the first study's first.
_former: list[dict[signal.Signals, Handler]] = []
_while_forking = threading.local()  # the signals that this thread held back before

# A process that was told to end is not to begin its program's next study either.
_received: str | None = None


def received() -> str | None:
    """Return the name of the signal that has told this process to end; None if none has."""
    return _received


class StudyInterrupted(SystemExit):
    """Ctrl-C has ended a study: all that it has evaluated is merged, and the program ends with exit code 130.

    Attributes:
        result: the Result of the study.
    """

    def __init__(self, result: Any) -> None:
        super().__init__(_INTERRUPTED)
        self.result = result


@contextmanager
def signals_end_the_study(folder: StudyFolder | None, speaks: bool = True) -> Iterator[None]:
    """Take SIGTERM, SIGUSR1 and SIGINT as requests to end the study, and give their former handlers back afterwards.

    A second SIGTERM or SIGINT does what it did before. Where that ends this process at once, what it has started in the meantime
    ends, too. A SIGINT that is ignored, as in the background, stays ignored. Nothing is caught outside of the main thread, where
    Python has no handlers.

    Args:
        folder: the study that a signal to this process ends on all ranks; None if it ends this process's part only.
        speaks: whether this process tells the user that a signal has come.
    """
    global _received
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = {number: handler for number, handler in former.items() if handler is not None}  # None: not Python's to give back
    if former[signal.SIGINT] == signal.SIG_IGN:
        del ours[signal.SIGINT]
    first: dict[int, float] = {}  # when each signal came first
    begun = children.now()

    def handle(number: int, frame: FrameType | None) -> None:
        global _received
        try:
            if children.give_up_if_asked():
                return
        except calls.GivenUp as error:
            if speaks:
                _tell(f"the evaluation under way is given up: {error}; the next run begins it again")
            raise
        again = number in first
        if not again:
            children.watch_call(number)
        if number in _TWICE and time.monotonic() - first.setdefault(number, time.monotonic()) > _SAME_SIGNAL:
            signal.signal(number, ours[signal.Signals(number)])
            if number == signal.SIGINT:
                calls.note_interrupt()
            if ours[signal.Signals(number)] == signal.SIG_DFL:  # nothing else ends them then
                children.end_children(begun)
            os.kill(os.getpid(), number)
            return
        if speaks and not again and _received is None:
            _tell(_stopping(signal.Signals(number)))
        _received = signal.Signals(number).name
        if number == signal.SIGINT:
            calls.note_request()
        with suppress(OSError):
            if folder is not None and folder.study_file.exists():
                write_request(folder, _received)

    handle.is_of_a_study = True  # type: ignore[attr-defined]
    _former.append(ours)
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    except KeyboardInterrupt:  # the second Ctrl-C is the program's own; where that goes on, its next study does, too
        if len(_former) == 1 and _received == INTERRUPT:
            _received = None
        raise
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        _former.remove(ours)


def leave_if_interrupted(result: Any) -> None:
    """End the program after a study that Ctrl-C has ended; call it when the study has given the signals back.

    At a prompt or in a notebook the result is what the user waits for, and the next study is another matter.

    Raises:
        StudyInterrupted: Ctrl-C has ended the study, or came in its last evaluation.
    """
    global _received
    if INTERRUPT not in (result.ended_by, _received) or _former:
        return
    if hasattr(sys, "ps1") or hasattr(builtins, "get_ipython"):
        _received = None
    elif threading.current_thread() is threading.main_thread():
        raise StudyInterrupted(result)


def _stopping(number: signal.Signals) -> str:
    """Return what a signal does, and what it does when it comes again."""
    again = {signal.SIGINT: "; Ctrl-C again ends the program at once", signal.SIGTERM: "; SIGTERM again ends the program at once"}
    return f"{number.name}: stopping after the evaluation under way{again.get(number, '')}"


def _tell(text: str) -> None:
    try:
        tell(text)
    except RuntimeError:  # the signal came while this thread was printing
        os.write(2, f"hyperspace: {text}\n".encode())


def _hold_signals() -> None:
    """Hold the signals back while a process forks: one that comes too early for the child's handlers would be lost."""
    if _former:
        _while_forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _let_signals_come() -> None:
    mask = _while_forking.__dict__.pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _forget_studies() -> None:
    """Give a forked child the handlers from before the study, which is its parent's: a signal to the child is about the child."""
    while _former:
        for number, handler in _former.pop().items():
            with suppress(ValueError, OSError):
                signal.signal(number, handler)
    _let_signals_come()


os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_forget_studies)
