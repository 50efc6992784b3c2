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

_under_way = 0
_received = 0  # SIGINTs that came while an objective was evaluated, and raised KeyboardInterrupt


class Interrupts:
    """Tells which errors come from outside.

    Args:
        noted: whether signals are noted; if not, every KeyboardInterrupt counts as one.
    """

    def __init__(self, noted: bool) -> None:
        self._noted = noted
        self._before = _received

    def caused(self, error: BaseException) -> bool:
        """Return whether `error` comes from a signal, and not from the objective."""
        return isinstance(error, KeyboardInterrupt) and (not self._noted or _received > self._before)


def is_under_way() -> bool:
    """Return whether the objective is being called in this process."""
    return _under_way > 0


@contextmanager
def calling() -> Iterator[Interrupts]:
    """Call the objective within the block, and note the SIGINTs that come; a handler of the caller's own is left alone."""
    global _under_way
    main = threading.current_thread() is threading.main_thread()
    former = signal.getsignal(signal.SIGINT)
    noted = main and (former in (signal.default_int_handler, _note) or is_of_a_study(former))
    replaced = noted and not is_of_a_study(former)
    if replaced:
        signal.signal(signal.SIGINT, _note)
    _under_way += 1
    try:
        yield Interrupts(noted)
    finally:
        _under_way -= 1
        if replaced and signal.getsignal(signal.SIGINT) is _note:  # the objective may have set another one
            signal.signal(signal.SIGINT, former)


def note_interrupt() -> None:
    """Note that a SIGINT is about to raise KeyboardInterrupt in this process."""
    global _received
    _received += 1


def is_of_a_study(handler: object) -> bool:
    """Return whether a handler of SIGINT is a study's, which notes what it raises by itself."""
    return getattr(handler, "is_of_a_study", False) is True


def _note(number: int, frame: FrameType | None) -> None:
    note_interrupt()
    signal.default_int_handler(number, frame)
