"""Files that are replaced as a whole: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


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
