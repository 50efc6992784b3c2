"""Calls of the objective in this process: whether one is under way, and what of its errors comes from outside.

Ctrl-C ends the study, and pressed again the program. A KeyboardInterrupt that the objective raises itself must not end all later
runs, too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_under_way: list[object] = []  # a mark for each call, the innermost last
_received = 0  # SIGINTs that came while an objective was evaluated, and raised KeyboardInterrupt
_requests = 0  # SIGINTs that asked a study to end, and raised nothing


class GivenUp(BaseException):
    """Ends a call of the objective from outside."""


class Interrupts:
    """Tells which errors come from outside.

    Args:
        noted: whether signals are noted; if not, every KeyboardInterrupt counts as one.
    """

    def __init__(self, noted: bool) -> None:
        self._noted = noted
        self._before = _received
        self._requests_before = _requests

    def caused(self, error: BaseException) -> bool:
        """Return whether `error` comes from a signal, and not from the objective."""
        return isinstance(error, KeyboardInterrupt) and (not self._noted or _received > self._before)

    @property
    def came_as_request(self) -> bool:
        """Whether a SIGINT during the call has asked the study to end: the objective's children may have got it, too."""
        return _requests > self._requests_before


def is_under_way() -> bool:
    """Return whether the objective is being called in this process."""
    return bool(_under_way)


def under_way() -> object | None:
    """Return the mark of the innermost call of the objective in this process; None if none is under way."""
    return _under_way[-1] if _under_way else None


@contextmanager
def calling() -> Iterator[Interrupts]:
    """Call the objective within the block, and note the SIGINTs that come; a handler of the caller's own is left alone."""
    main = threading.current_thread() is threading.main_thread()
    former = signal.getsignal(signal.SIGINT)
    noted = main and (former in (signal.default_int_handler, _note) or is_of_a_study(former))
    replaced = noted and not is_of_a_study(former)
    if replaced:
        signal.signal(signal.SIGINT, _note)
    mark = object()
    _under_way.append(mark)
    try:
        yield Interrupts(noted)
    finally:
        _under_way.remove(mark)
        if replaced and signal.getsignal(signal.SIGINT) is _note:  # the objective may have set another one
            signal.signal(signal.SIGINT, former)


def note_interrupt() -> None:
    """Note that a SIGINT is about to raise KeyboardInterrupt in this process."""
    global _received
    _received += 1


def note_request() -> None:
    """Note that a SIGINT has asked a study to end, and raises nothing."""
    global _requests
    _requests += 1


def is_of_a_study(handler: object) -> bool:
    """Return whether a handler of SIGINT is a study's, which notes what it raises by itself."""
    return getattr(handler, "is_of_a_study", False) is True


def _note(number: int, frame: FrameType | None) -> None:
    note_interrupt()
    signal.default_int_handler(number, frame)
