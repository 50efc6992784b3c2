"""Absolute names of files and folders, resolved when the user gives them.

An objective may change the working folder, so that a relative name would refer to another place later in the same run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError, shown

_LONGEST_NAME = 255  # bytes of one name: the limit of nearly all file systems
_LONGEST_PATH = 3900  # bytes of a path: the limit is 4096, minus the names of the study's files


def expanded(path: Any, what: str) -> Path:
    """Return a path with the home folder instead of a leading `~`.

    Args:
        path: the user's path.
        what: name of the argument, for messages.

    Raises:
        InputError: an invalid name of a file or folder.
    """
    try:
        text = os.fspath(path)
    except TypeError:
        raise InputError(f"{what} must be the name of a file or folder, got {shown(path)}") from None
    except Exception as error:  # a user's path object
        raise InputError(
            f"{what} must be the name of a file or folder, and {shown(path)} fails to give one: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"{what} must be the name of a file or folder, got {shown(text)}")
    with_home = os.path.expanduser(text)
    if with_home.startswith("~") and with_home == text:
        raise InputError(
            f"{what} {text!r} begins with the home folder of a user that this machine does not know; write the whole path"
        )
    return Path(with_home)


def absolute_folder(path: Any, what: str = "results_path") -> Path:
    """Return the absolute path of a study's folder, with `~` expanded.

    Args:
        path: the user's path.
        what: name of the argument, for messages.

    Raises:
        InputError: an invalid name of a folder, the root of the file system, or a name that is too long.
    """
    relative = expanded(path, what)
    try:
        folder = relative.absolute()
        longest = max(len(os.fsencode(part)) for part in folder.parts)
        length = len(os.fsencode(folder))
    except FileNotFoundError:
        raise InputError(f"{what} {str(relative)!r} is relative, and the working folder is gone; write the whole path") from None
    except UnicodeEncodeError:
        raise InputError(
            f"{what} {str(relative)!r} has characters that the name of a file cannot have; take another name"
        ) from None
    if longest > _LONGEST_NAME or length > _LONGEST_PATH:
        size, limit = (longest, _LONGEST_NAME) if longest > _LONGEST_NAME else (length, _LONGEST_PATH)
        raise InputError(f"{what} {str(relative)[:60]!r}... is too long: {size} bytes, of which {limit} are allowed; shorten it")
    if os.path.normpath(folder) in ("/", "//"):
        raise InputError(f"{what} must be a folder for one study, got the root of the file system, {str(relative)!r}")
    return folder


def working_folder() -> str | None:
    """Return this process's working folder; None if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None
