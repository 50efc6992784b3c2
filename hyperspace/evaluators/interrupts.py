"""Calls of the objective in this process: whether one is running, and which of its errors come from signals.

Ctrl-C ends the study, and a second Ctrl-C the program. A KeyboardInterrupt of the objective itself must not end later runs.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_under_way: list[object] = []  # a mark for each running call, the innermost last
_received = 0  # number of SIGINTs during an evaluation that raised KeyboardInterrupt
_requests = 0  # number of SIGINTs that asked a study to end, without an exception


class GivenUp(BaseException):
    """Exception that ends a call of the objective from outside."""


class Interrupts:
    """Detection of errors that come from signals.

    Args:
        noted: whether signals are recorded; if not, every KeyboardInterrupt counts as one.
    """

    def __init__(self, noted: bool) -> None:
        self._noted = noted
        self._before = _received
        self._requests_before = _requests

    def caused(self, error: BaseException) -> bool:
        """Return whether `error` comes from a signal instead of the objective."""
        return isinstance(error, KeyboardInterrupt) and (not self._noted or _received > self._before)

    @property
    def came_as_request(self) -> bool:
        """Whether a SIGINT during the call has asked the study to end: the objective's children may have received it too."""
        return _requests > self._requests_before


def is_under_way() -> bool:
    """Return whether the objective is running in this process."""
    return bool(_under_way)


def under_way() -> object | None:
    """Return the mark of the innermost running call of the objective in this process; None if there is none."""
    return _under_way[-1] if _under_way else None


@contextmanager
def calling() -> Iterator[Interrupts]:
    """Call the objective within the block, and record SIGINTs; a handler of the caller is not replaced."""
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
        if replaced and signal.getsignal(signal.SIGINT) is _note:  # the objective may have set another handler
            signal.signal(signal.SIGINT, former)


def note_interrupt() -> None:
    """Record that a SIGINT will raise KeyboardInterrupt in this process."""
    global _received
    _received += 1


def note_request() -> None:
    """Record that a SIGINT has asked a study to end, without an exception."""
    global _requests
    _requests += 1


def is_of_a_study(handler: object) -> bool:
    """Return whether a handler of SIGINT belongs to a study, which records its signals itself."""
    return getattr(handler, "is_of_a_study", False) is True


def _note(number: int, frame: FrameType | None) -> None:
    note_interrupt()
    signal.default_int_handler(number, frame)
