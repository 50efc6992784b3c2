"""Reads and writes whole files of a study: the one place that opens them by name.

A file is read only if it is a regular file, so that a FIFO or a directory in its place is an error instead of a wait. A temporary
file has a name that cannot be guessed and is never opened through a link. What was written is durable, name and content, when
the call returns.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from hyperspace.system.terminal import tell
from hyperspace.system.whole_file import create, unused_name

T = TypeVar("T")

_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # what file systems say that cannot sync a file
_UNSUPPORTED_FOLDER = (*_UNSUPPORTED, errno.EBADF, errno.EACCES)
_warned = False


def open_regular(path: Path) -> int:
    """Return a descriptor for reading; its owner closes it.

    Raises:
        OSError: there is no such file, it cannot be opened, or it is no regular file.
    """
    descriptor = once_more(lambda: os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_whole(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: see `open_regular`.
    """

    def read() -> bytes:
        with open(open_regular(path), "rb") as file:
            return file.read()

    return once_more(read)


def once_more(action: Callable[[], T]) -> T:
    """Return `action()`, tried again once if the file server has forgotten the file's handle (ESTALE), as NFS may do."""
    try:
        return action()
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
    return action()


def replace_whole(path: Path, text: str) -> None:
    """Replace a file by another one; a reader sees either the one or the other."""
    temporary = _write_beside(path, text)
    try:
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        raise
    sync_folder(path.parent)


def create_whole(path: Path, text: str) -> bool:
    """Create a file with all its content at once; return False if there is one already.

    On a file system without hard links it is created empty and then filled.
    """
    temporary = _write_beside(path, text)
    try:
        os.link(temporary, path)  # fails if there is a file, over NFS too
    except FileExistsError:
        return False
    except OSError:
        try:
            _write_new(path, text)
        except FileExistsError:
            return False
    finally:
        _remove(temporary)
    sync_folder(path.parent)
    return True


def make_folder(path: Path) -> None:
    """Make a folder and the folders above it, where they are missing; their names are durable, too."""
    missing = []
    folder = path
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, on a file system that can do so (CIFS cannot, for one)."""
    try:
        descriptor = once_more(lambda: os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except PermissionError:  # a folder that may be written and not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED_FOLDER:
            raise
    finally:
        os.close(descriptor)


def sync_file(descriptor: int) -> bool:
    """Make what was written to a file durable; return False on a file system that cannot do so (CIFS and some FUSE cannot)."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return True


def _warn_once(folder: Path) -> None:
    global _warned
    if not _warned:
        _warned = True
        tell(f"the file system of {folder} cannot sync files (fsync): a power cut may lose evaluations that have ended")


def file_system_time(folder: Path) -> float:
    """Return the time by the clock of the file system: the hosts that share it need not agree on theirs."""
    path = unused_name(folder / "clock")
    descriptor = create(path)
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        _remove(path)


def _write_beside(path: Path, text: str) -> Path:
    temporary = unused_name(path)
    _write_new(temporary, text)
    return temporary


def _write_new(path: Path, text: str) -> None:
    """Write a durable file that was not there before; one that cannot be written whole is removed."""
    descriptor = create(path)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if not sync_file(descriptor):
                _warn_once(path.parent)  # here, and not for each journal: one process of a run at least writes such files
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
