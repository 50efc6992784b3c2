"""Files that are replaced whole: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file at once, under a name beside it that nobody can guess or has taken; a device or pipe is written to.

    Raises:
        OSError: it cannot be written; what was there before stays.
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


def unused_name(path: Path) -> Path:
    """Return a name beside `path` that nobody can guess or has taken."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.tmp")


def create(path: Path) -> int:
    """Return a descriptor for writing a file that was not there before, not even as a link.

    Raises:
        OSError: there is something of that name, or it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o666)
