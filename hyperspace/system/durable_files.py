"""Durable reading and writing of whole files of a study. Only this module opens them by name.

Only regular files are read, so that a FIFO or a directory is an error instead of a wait. A temporary file has an unpredictable
name and is never opened through a link. Name and content are durable when a write returns.
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

_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # errors of file systems that cannot sync a file
_UNSUPPORTED_FOLDER = (*_UNSUPPORTED, errno.EBADF, errno.EACCES)
_warned = False


def open_regular(path: Path) -> int:
    """Return a descriptor for reading; the caller closes it.

    Raises:
        OSError: the file is missing, cannot be opened, or is not a regular file.
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
    """Return `action()`, repeated once if the file server has lost the file's handle (ESTALE), as NFS may do."""
    try:
        return action()
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
    return action()


def replace_whole(path: Path, text: str) -> None:
    """Replace a file by another one; a reader sees either the old or the new one."""
    temporary = _write_beside(path, text)
    try:
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        raise
    sync_folder(path.parent)


def create_whole(path: Path, text: str) -> bool:
    """Create a file with all its content in one step; return False if it exists.

    On a file system without hard links it is created empty and then filled.
    """
    temporary = _write_beside(path, text)
    try:
        os.link(temporary, path)  # fails if the file exists, also over NFS
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
    """Create a folder and its missing parents; their names are durable."""
    missing = []
    folder = path
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, if the file system supports it (CIFS does not)."""
    try:
        descriptor = once_more(lambda: os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except PermissionError:  # a writable folder that cannot be listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED_FOLDER:
            raise
    finally:
        os.close(descriptor)


def sync_file(descriptor: int) -> bool:
    """Make the content of a file durable; return False if the file system does not support it (CIFS and some FUSE)."""
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
    """Return the time by the file system's clock: the clocks of the hosts may differ."""
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
    """Write a new, durable file; remove it if it cannot be written completely."""
    descriptor = create(path)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if not sync_file(descriptor):
                _warn_once(path.parent)  # here instead of for each journal: at least one process of a run writes such files
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
