"""Signals that end a study before its budget is spent; Ctrl-C is one of them.

After a signal the study starts no further evaluation. Running evaluations are completed, the result is merged, and every rank
returns as at the end of the budget. The next run of the same program resumes the study.
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

from hyperspace.evaluators import children, interrupts
from hyperspace.journal import StudyFolder
from hyperspace.journal.stop_request import write_request
from hyperspace.system.terminal import tell

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
_TWICE = (signal.SIGTERM, signal.SIGINT)  # signals that end the process when they come twice
INTERRUPT = signal.SIGINT.name
_INTERRUPTED = 130  # exit code of a program that was ended by Ctrl-C
SIGNALS = tuple(number.name for number in _SIGNALS)
_SAME_SIGNAL = 1.0  # seconds within which a second signal is a copy, passed on by a launcher that also received it

Handler = Callable[[int, FrameType | None], Any] | int

# Handlers before each of the running studies of this process, the first study's first.
_former: list[dict[signal.Signals, Handler]] = []
_while_forking = threading.local()  # signals that this thread blocked before

# A process that was asked to end must not start its program's next study either.
_received: str | None = None


def received() -> str | None:
    """Return the name of the signal that has asked this process to end; None if there was none."""
    return _received


class StudyInterrupted(SystemExit):
    """Exit after Ctrl-C has ended a study: its evaluations are merged, and the program ends with exit code 130.

    Attributes:
        result: the Result of the study.
    """

    def __init__(self, result: Any) -> None:
        super().__init__(_INTERRUPTED)
        self.result = result


@contextmanager
def signals_end_the_study(folder: StudyFolder | None, speaks: bool = True) -> Iterator[None]:
    """Treat SIGTERM, SIGUSR1 and SIGINT as requests to end the study, and restore their handlers afterwards.

    A second SIGTERM or SIGINT has its former effect. If that ends this process at once, its child processes end too. An ignored
    SIGINT, as in the background, stays ignored. Outside of the main thread no signal is handled, since Python has no handlers
    there.

    Args:
        folder: the study that a signal to this process ends on all ranks; None if it only ends this process's part.
        speaks: whether this process reports the signal to the user.
    """
    global _received
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = {number: handler for number, handler in former.items() if handler is not None}  # None: not set by Python
    if former[signal.SIGINT] == signal.SIG_IGN:
        del ours[signal.SIGINT]
    first: dict[int, float] = {}  # time of the first signal of each kind
    begun = children.now()

    def handle(number: int, frame: FrameType | None) -> None:
        global _received
        try:
            if children.give_up_if_asked():
                return
        except interrupts.GivenUp as error:
            if speaks:
                _tell(f"the evaluation under way is given up: {error}; the next run begins it again")
            raise
        again = number in first
        if not again:
            children.watch_call(number)
        if number in _TWICE and time.monotonic() - first.setdefault(number, time.monotonic()) > _SAME_SIGNAL:
            signal.signal(number, ours[signal.Signals(number)])
            if number == signal.SIGINT:
                interrupts.note_interrupt()
            if ours[signal.Signals(number)] == signal.SIG_DFL:  # nothing else would end them
                children.end_children(begun)
            os.kill(os.getpid(), number)
            return
        if speaks and not again and _received is None:
            _tell(_stopping(signal.Signals(number)))
        _received = signal.Signals(number).name
        if number == signal.SIGINT:
            interrupts.note_request()
        with suppress(OSError):
            if folder is not None and folder.study_file.exists():
                write_request(folder, _received)

    handle.is_of_a_study = True  # type: ignore[attr-defined]
    _former.append(ours)
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    except KeyboardInterrupt:  # the second Ctrl-C is for the program; if that continues, so does its next study
        if len(_former) == 1 and _received == INTERRUPT:
            _received = None
        raise
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        _former.remove(ours)


def leave_if_interrupted(result: Any) -> None:
    """End the program after a study that Ctrl-C has ended; call this after the signal handlers are restored.

    At a prompt or in a notebook the result is returned instead, and the next study can run.

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
    """Return a message on the effect of a signal, and on that of a second one."""
    again = {signal.SIGINT: "; Ctrl-C again ends the program at once", signal.SIGTERM: "; SIGTERM again ends the program at once"}
    return f"{number.name}: stopping after the evaluation under way{again.get(number, '')}"


def _tell(text: str) -> None:
    try:
        tell(text)
    except RuntimeError:  # the signal came while this thread was printing
        os.write(2, f"hyperspace: {text}\n".encode())


def _hold_signals() -> None:
    """Block the signals while a process forks: one that comes before the child has its handlers would be lost."""
    if _former:
        _while_forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _let_signals_come() -> None:
    mask = _while_forking.__dict__.pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _forget_studies() -> None:
    """Restore the handlers from before the study in a forked child: a signal to the child concerns only the child."""
    while _former:
        for number, handler in _former.pop().items():
            with suppress(ValueError, OSError):
                signal.signal(number, handler)
    _let_signals_come()


os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_forget_studies)
