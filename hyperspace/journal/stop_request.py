"""Why a study ends, and the file in its folder that asks its runs to end before the budget is spent."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.folder import StudyFolder
from hyperspace.system.durable_files import replace_whole

BY_COMMAND = "hyperspace stop"
BUDGET = "the budget"
DEADLINE = "the deadline"
CALLBACK = "the callback"
FOLDER_GONE = "the loss of its folder"
_LOOKS_APART = 1.0  # seconds between two looks for the file, a rank: a stat is a request to a cluster's file server

Mark = tuple[int, int]


class StopRequest:
    """Tells whether a study was asked to end, and why.

    It also tells when the study's folder was removed, moved or unmounted: what would be evaluated then would not be kept.

    Args:
        file: the file whose appearance asks the study to end; None if the study keeps no files.
        before: what `mark_of` gave when the run began: an earlier run's request, which does not count.
        clock: tells seconds.
        needed: a file without which the study cannot go on; None if there is none.
        received: returns the name of the signal that has told this process to end; None if none has.
    """

    def __init__(
        self,
        file: Path | None,
        before: Mark | None = None,
        clock: Callable[[], float] = time.monotonic,
        needed: Path | None = None,
        received: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._received = received
        self._file = file
        self._before = before
        self._clock = clock
        self._next_look = clock()
        self._found: str | None = None
        self._needed = needed
        self._looks_in_vain = 0

    @property
    def reason(self) -> str | None:
        """What asked the study to end; None if nothing has. Looks for the file at most once a second."""
        signal = self._received()
        if signal is not None:
            return signal
        if self._file is not None and self._found is None and self._clock() >= self._next_look:
            self._next_look = self._clock() + _LOOKS_APART
            if mark_of(self._file) not in (None, self._before):
                self._found = _read(self._file)
            elif self._needed is not None and self._is_gone(self._needed):
                self._found = FOLDER_GONE
        return self._found

    def _is_gone(self, file: Path) -> bool:
        """Return whether a file was not there at two looks in a row: at one, somebody may be replacing it."""
        try:
            os.stat(file)
        except (FileNotFoundError, NotADirectoryError):
            self._looks_in_vain += 1
        except OSError:  # the file server is away, and comes back
            pass
        else:
            self._looks_in_vain = 0
        return self._looks_in_vain >= 2


def mark_of(file: Path) -> Mark | None:
    """Return what tells this file from any that replaces it; None if there is none."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def recorded_request(folder: StudyFolder) -> tuple[str, float] | None:
    """Return what asked the study's last runs to end, and when (seconds since the epoch); None if nothing did."""
    mark = mark_of(folder.stop_file)
    return None if mark is None else (_read(folder.stop_file), mark[0] / 1e9)


def forget_request(folder: StudyFolder, alone: bool) -> Mark | None:
    """Return the mark of what an earlier run was asked, which is none of this run's business.

    Args:
        folder: the study's files.
        alone: whether this run is the study's only one, so that nobody else needs the file any more and it is removed.

    Raises:
        StudyError: the file cannot be removed.
    """
    if not alone:
        return mark_of(folder.stop_file)
    try:
        folder.stop_file.unlink(missing_ok=True)
    except OSError as error:
        raise StudyError(f"{folder.stop_file} cannot be removed: {error.strerror}") from error
    return None


def request_stop(results_path: str | os.PathLike[str]) -> None:
    """Ask the runs of a study to end; they look about once a second. What is under way comes to its end first.

    Args:
        results_path: the folder of the study.

    Raises:
        StudyError: no study there, or the folder cannot be written.
    """
    folder = StudyFolder(results_path)
    folder.refuse_file()
    if not folder.study_file.exists():
        raise StudyError(f"{folder.path} holds no study (there is no {folder.study_file.name} in it)")
    try:
        write_request(folder, BY_COMMAND)
    except OSError as error:
        raise StudyError(f"{folder.stop_file} cannot be written: {error.strerror}") from error


def write_request(folder: StudyFolder, why: str) -> None:
    """Write the file that asks the study's runs to end; it says why, and who wrote it.

    Raises:
        OSError: the file cannot be written.
    """
    replace_whole(folder.stop_file, f"{why}: process {os.getpid()} on {socket.gethostname()}, {time.ctime()}\n")


def _read(file: Path) -> str:
    """Return what a file says asked for the end; somebody may have made it by hand, or removed it again."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").partition(":")[0].strip()[:40] or f"the file {file.name}"
    except OSError:
        return f"the file {file.name}"
