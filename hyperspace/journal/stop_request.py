"""Stop requests: reasons for the early end of a study, and the file in its folder that requests it."""

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
_LOOKS_APART = 1.0  # seconds between two checks of the file by a rank: a stat is a request to a cluster's file server

Mark = tuple[int, int]


class StopRequest:
    """Check whether a study was asked to end, and why.

    It also detects that the study's folder was removed, moved or unmounted, since new evaluations could not be saved.

    Args:
        file: the file whose existence requests the end; None if the study keeps no files.
        before: mark of an earlier run's request, by `mark_of`; it is ignored.
        clock: returns seconds.
        needed: a file that the study needs to continue; None if there is none.
        received: returns the name of the signal that has asked this process to end; None if there was none.
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
        """Reason for the end of the study; None if there is none. The file is checked at most once a second."""
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
        """Return whether a file was missing in two consecutive checks; during one check it may be being replaced."""
        try:
            os.stat(file)
        except (FileNotFoundError, NotADirectoryError):
            self._looks_in_vain += 1
        except OSError:  # a temporary outage of the file server
            pass
        else:
            self._looks_in_vain = 0
        return self._looks_in_vain >= 2


def mark_of(file: Path) -> Mark | None:
    """Return a mark that distinguishes this file from a later one; None if there is no file."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def recorded_request(folder: StudyFolder) -> tuple[str, float] | None:
    """Return the reason and time (seconds since the epoch) of the recorded stop request; None if there is none."""
    mark = mark_of(folder.stop_file)
    return None if mark is None else (_read(folder.stop_file), mark[0] / 1e9)


def forget_request(folder: StudyFolder, alone: bool) -> Mark | None:
    """Return the mark of an earlier run's request, which this run ignores.

    Args:
        folder: the study's files.
        alone: whether this run is the study's only one. Then the file is removed.

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
    """Ask the runs of a study to end; they check about once a second. Running evaluations are completed.

    Args:
        results_path: the folder of the study.

    Raises:
        StudyError: the folder does not hold a study, or cannot be written.
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
    """Write the file that requests the end of the study's runs, with the reason and the writer.

    Raises:
        OSError: the file cannot be written.
    """
    replace_whole(folder.stop_file, f"{why}: process {os.getpid()} on {socket.gethostname()}, {time.ctime()}\n")


def _read(file: Path) -> str:
    """Return the reason in a file. A user may have created it by hand, or removed it again."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").partition(":")[0].strip()[:40] or f"the file {file.name}"
    except OSError:
        return f"the file {file.name}"
