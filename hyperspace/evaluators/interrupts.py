"""Tells Ctrl-C from an objective that raises KeyboardInterrupt itself.

The first ends the program. The second is a failed trial: if it ended the program, the same trial would end every later run too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_received = 0  # SIGINTs that came while an objective was evaluated


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


@contextmanager
def noting_interrupts() -> Iterator[Interrupts]:
    """Note the SIGINTs that come within the block; a handler of the caller's own is left alone."""
    main = threading.current_thread() is threading.main_thread()
    former = signal.getsignal(signal.SIGINT)
    if not main or former not in (signal.default_int_handler, _note):
        yield Interrupts(noted=False)
        return
    signal.signal(signal.SIGINT, _note)
    try:
        yield Interrupts(noted=True)
    finally:
        if signal.getsignal(signal.SIGINT) is _note:  # the objective may have set another one
            signal.signal(signal.SIGINT, former)


def _note(number: int, frame: FrameType | None) -> None:
    global _received
    _received += 1
    signal.default_int_handler(number, frame)
