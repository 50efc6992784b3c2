"""Input files of a program: templates with placeholders, filled in and written to the trial's folder."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from hyperspace.errors import InputError
from hyperspace.system.paths import expanded

_PLACE = re.compile(r"\{([^{}:!]+)(?::([^{}]*))?\}")


class Template:
    """Text file with placeholders {name} or {name:format}. Other braces are unchanged.

    It is read once, when the study starts.

    Args:
        file: the template; the filled-in file has its name.

    Raises:
        InputError: a missing file, or one that is not a text.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        path = expanded(file, "the template")
        self.name = path.name
        try:
            self._text = path.read_bytes().decode()
        except OSError as error:
            raise InputError(f"the template {str(file)!r} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError(f"the template {str(file)!r} is no text in UTF-8") from None
        self._path = path.absolute()

    def is_file(self, path: str) -> bool:
        """Return whether this is the file of the template itself."""
        try:
            return os.path.samefile(path, self._path)
        except (OSError, ValueError):
            return False

    def names(self, known: Iterable[str]) -> set[str]:
        """Return the known names for which it has a placeholder."""
        return {name for name, _ in _PLACE.findall(self._text)} & set(known)

    def check(self, known: Iterable[str]) -> None:
        """Refuse a place for something that no trial has.

        Raises:
            InputError: {trial.something} that is not one of the known names.
        """
        names = set(known)
        for name, _ in _PLACE.findall(self._text):
            if name.startswith("trial.") and name not in names:
                own = ", ".join(sorted(known for known in names if known.startswith("trial.")))
                raise InputError(f"the template {self.name!r} has a place for {{{name}}}, which is none of {own}")

    def likely_misspellings(self, known: Iterable[str]) -> dict[str, str]:
        """Return the names in braces that are left as they are and resemble a known one, with that one."""
        names = set(known)
        others = [name for name, _ in _PLACE.findall(self._text) if name not in names]
        near = {name: difflib.get_close_matches(name, names, n=1, cutoff=0.7) for name in others}
        return {name: found[0] for name, found in near.items() if found}

    def fill(self, known: Iterable[str], show: Callable[[str, str], str]) -> str:
        """Return the text with show(name, format) in each placeholder of a known name."""
        names = set(known)

        def value(place: re.Match[str]) -> str:
            return show(place[1], place[2] or "") if place[1] in names else place[0]

        return _PLACE.sub(value, self._text)


def write_new(folder: Path, name: str, text: str) -> None:
    """Write a file to the trial's folder, replacing one of an earlier attempt; links are not followed."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_old(folder, name)
    with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w", encoding="utf-8", newline="") as stream:
        stream.write(text)


def remove_old(folder: Path, name: str) -> None:
    """Remove a file of an earlier attempt, so that it cannot be mistaken for one of this attempt."""
    (folder / name).unlink(missing_ok=True)
