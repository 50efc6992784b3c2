"""Files that are replaced as a whole: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hyperspace.errors import InputError


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file in one step, by a temporary file with an unpredictable name; a device or pipe is written directly.

    Raises:
        OSError: it cannot be written; an existing file is not changed.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = unused_name(path)
    descriptor = create(temporary)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def check_output(file: Path, what: str = "the file") -> None:
    """Check that a file of the user could be written, before the work that makes its content.

    Args:
        file: the file.
        what: name of it, for messages.

    Raises:
        InputError: there is no such folder, or the name is that of a folder.
    """
    with told_as_unwritable(file, what):  # no permission, or a name that is too long
        is_place, is_folder = file.parent.is_dir(), file.is_dir()
    if not is_place:
        raise _unwritable(file, what, f"there is no folder {str(file.parent)!r}; create it, or name another file")
    if is_folder:
        raise _unwritable(file, what, "it is a folder; name a file in it")


def write_output(file: Path, content: bytes, what: str = "the file") -> None:
    """Write a file of the user in one step.

    Args:
        file: the file.
        content: what it holds.
        what: name of it, for messages.

    Raises:
        InputError: it cannot be written; an existing file is not changed.
    """
    check_output(file, what)
    with told_as_unwritable(file, what):
        write_whole(file, content)


@contextmanager
def told_as_unwritable(file: Path, what: str) -> Iterator[None]:
    """Raise an OSError of the block as an InputError: a file of the user cannot be written."""
    try:
        yield
    except OSError as error:
        raise _unwritable(file, what, f"{error.strerror or error}; name another file") from error


def _unwritable(file: Path, what: str, reason: str) -> InputError:
    return InputError(f"{what} {str(file)!r} cannot be written: {reason}")


def unused_name(path: Path) -> Path:
    """Return an unused, unpredictable name beside `path`."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.tmp")


def create(path: Path) -> int:
    """Return a descriptor for writing a new file that does not exist, not even as a link.

    Raises:
        OSError: the name exists, or the file cannot be created.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o666)
