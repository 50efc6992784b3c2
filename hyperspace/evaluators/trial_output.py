"""Output and errors of a trial: files in its folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

STDERR_FOLLOWS = "Its standard error ends with:"  # line of an error before the standard error of a program
_SHOWN = 2000  # bytes of the standard error in an error message
_HEAD, _TAIL = 2000, 6000  # characters at both ends of an error that are kept; a traceback ends with the exception


class TrialOutput:
    """Output files of one attempt at a trial: stdout.txt and stderr.txt, for a repetition stdout-1.txt and so on.

    Args:
        folder: the trial's folder.
        attempt: number of the attempt, from 0.
    """

    def __init__(self, folder: Path, attempt: int) -> None:
        number = f"-{attempt}" if attempt else ""
        self._folder = folder
        self.stdout, self.stderr = folder / f"stdout{number}.txt", folder / f"stderr{number}.txt"

    def open(self) -> tuple[int, int]:
        """Return descriptors of the two files, empty and writable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
        stdout = os.open(self.stdout, flags, 0o666)
        try:
            return stdout, os.open(self.stderr, flags, 0o666)
        except OSError:
            os.close(stdout)
            raise

    def create(self) -> None:
        """Create the two files, so that another process can open them even on a full disk."""
        for descriptor in self.open():
            os.close(descriptor)

    def drop_empty(self) -> None:
        """Remove empty files, and the folder if it is empty then."""
        with contextlib.suppress(OSError):
            for file in (self.stdout, self.stderr):
                if file.stat().st_size == 0:
                    file.unlink()
            self._folder.rmdir()  # fails if it is not empty

    def quote_errors(self) -> str:
        """Return the end of the standard error as an addition to an error; empty without output."""
        text = read_end(self.stderr, _SHOWN).strip()
        return f"\n{STDERR_FOLLOWS}\n{text}" if text else ""


def limit_error(error: str, folder: Path | None, attempt: int) -> str:
    """Return an error's text without its middle if it is long; a file in the trial's folder then holds all of it.

    Args:
        error: the text.
        folder: the trial's folder; None if the study keeps no files.
        attempt: number of the attempt, from 0.
    """
    if len(error) <= 2 * (_HEAD + _TAIL):
        return error
    kept = ""
    if folder is not None:
        file = folder / (f"error-{attempt}.txt" if attempt else "error.txt")
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(error, encoding="utf-8", errors="backslashreplace")
            kept = f"; all of it is in {file.name} of the trial's folder"
    left_out = len(error) - _HEAD - _TAIL
    return f"{error[:_HEAD]}\n[{left_out} characters are left out here{kept}]\n{error[-_TAIL:]}"


def read_end(file: Path, size: int) -> str:
    """Return the last `size` bytes of a file as text; empty if there is no file."""
    try:
        with open(file, "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
