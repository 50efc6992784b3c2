"""Shortages that pass: a full disk, a quota that is used up, no room for another process or file descriptor.

They are no fault of the program that meets them. Wait until they have passed, say so once, and give up after an hour.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hyperspace.system.terminal import printable

PATIENCE = 3600.0  # seconds that a shortage is waited for; the wall time of a job ends it sooner
RETRY = 1.0  # seconds between two attempts

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
_PROBE = 1 << 16  # bytes that must fit where there is room

T = TypeVar("T")


def is_full(error: BaseException) -> bool:
    """Return whether an error says that the disk or a quota is full: of bytes, or of files."""
    return isinstance(error, OSError) and error.errno in _FULL


def is_passing(error: BaseException) -> bool:
    """Return whether an error may pass by itself: a full disk, or a process that cannot be started at this moment."""
    return is_full(error) or (isinstance(error, OSError) and error.errno in _SCARCE)


def has_room(folder: Path) -> bool:
    """Return whether a small file can be created and written in a folder, or in the nearest one above it that exists."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".hyperspace-") as file:
            file.write(b"\0" * _PROBE)
            file.flush()
            os.fsync(file.fileno())  # a network file system may say only now that it is full
    except OSError as error:
        return not is_full(error)
    return True


class Shortage:
    """A shortage that is waited for: when to try again, when to give up, and one warning.

    Args:
        what: what cannot be done meanwhile, such as "trial 3-12 cannot begin".
        error: what was raised.
    """

    def __init__(self, what: str, error: OSError) -> None:
        self._begun = time.monotonic()
        self._next = self._begun + RETRY
        self.error = error
        warnings.warn(
            f"{printable(what)}: {describe(error)}. It is tried again until this has passed", RuntimeWarning, stacklevel=2
        )

    @property
    def is_due(self) -> bool:
        """Whether it is time for another attempt."""
        return time.monotonic() >= self._next

    @property
    def is_hopeless(self) -> bool:
        """Whether it was waited for long enough."""
        return time.monotonic() - self._begun > PATIENCE

    def goes_on(self, error: OSError) -> None:
        """Take note of an attempt that has failed again."""
        self.error = error
        self._next = time.monotonic() + RETRY


def wait_while_full(attempt: Callable[[], T], what: str) -> T:
    """Return what `attempt` returns, repeating it while the disk is full; see `wait_while_short`."""
    return wait_while_short(attempt, what, is_full)


def wait_while_short(attempt: Callable[[], T], what: str, passes: Callable[[OSError], bool] = is_passing) -> T:
    """Return what `attempt` returns, repeating it while a shortage keeps it from that.

    Args:
        attempt: what needs space; it must leave nothing half done when it fails.
        what: what cannot be done meanwhile, for the warning.
        passes: tells the errors that are waited for.

    Raises:
        OSError: any other error; or the shortage has lasted for an hour.
    """
    shortage: Shortage | None = None
    while True:
        try:
            return attempt()
        except OSError as error:
            if not passes(error) or (shortage is not None and shortage.is_hopeless):
                raise
            if shortage is None:
                shortage = Shortage(what, error)
        time.sleep(RETRY)


def describe(error: OSError) -> str:
    """Return what an error says, with the file where it names one."""
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said
