"""Temporary shortages: a full disk, an exhausted quota, no room for another process or file descriptor.

The program that meets one is not at fault. The functions here wait for its end, warn once, and give up after an hour.
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

PATIENCE = 3600.0  # longest wait in seconds; the wall time of a job may end it sooner
RETRY = 1.0  # seconds between two attempts

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
_PROBE = 1 << 16  # bytes of the test file

T = TypeVar("T")


def is_full(error: BaseException) -> bool:
    """Return whether an error is about a full disk or quota, in bytes or in files."""
    return isinstance(error, OSError) and error.errno in _FULL


def is_passing(error: BaseException) -> bool:
    """Return whether an error may be temporary: a full disk, or a process that cannot be started now."""
    return is_full(error) or (isinstance(error, OSError) and error.errno in _SCARCE)


def has_room(folder: Path) -> bool:
    """Return whether a small file can be created and written in a folder, or in its nearest existing parent."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".hyperspace-") as file:
            file.write(b"\0" * _PROBE)
            file.flush()
            os.fsync(file.fileno())  # a network file system may report only now that it is full
    except OSError as error:
        return not is_full(error)
    return True


class Shortage:
    """Shortage during a wait: the times to retry and to give up, and one warning.

    Args:
        what: the delayed action, such as "trial 3-12 cannot begin".
        error: the exception.
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
        """Whether the wait has been long enough to give up."""
        return time.monotonic() - self._begun > PATIENCE

    def goes_on(self, error: OSError) -> None:
        """Record another failed attempt."""
        self.error = error
        self._next = time.monotonic() + RETRY


def wait_while_full(attempt: Callable[[], T], what: str) -> T:
    """Return the result of `attempt`, repeated while the disk is full; see `wait_while_short`."""
    return wait_while_short(attempt, what, is_full)


def wait_while_short(attempt: Callable[[], T], what: str, passes: Callable[[OSError], bool] = is_passing) -> T:
    """Return the result of `attempt`, repeated during a shortage.

    Args:
        attempt: the action; it must leave no partial state when it fails.
        what: the delayed action, for the warning.
        passes: returns whether an error is waited for.

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
    """Return the message of an error, with the file if it names one."""
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said
