"""Appends to a journal; a line is on disk before the call returns."""

from __future__ import annotations

import errno
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.folder import StudyFolder, sync_folder
from hyperspace.journal.lines import FORMAT, encode_line
from hyperspace.journal.reader import DriveReader, JournalReader
from hyperspace.metrics import Value
from hyperspace.records import Record, dump_metric, finished_record, started_record
from hyperspace.space import Space
from hyperspace.trial import Trial

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PATIENCE = 3600.0  # seconds that a full disk is waited for; the wall time of a job ends it sooner
_RETRY = 1.0  # seconds between two attempts to write to a full disk


class Journal:
    """Appends a drive's events to its file.

    On a full disk the end of an evaluation is held in memory, so that the others can still hear of it; nothing new is begun
    before it is written.

    Args:
        path: the file; created if it is not there.
        study: identity of the study.
        drive: number of the drive.
        space: turns points into JSON.
        contents: what was read of the file; a torn last line is cut off here, by its owner. None for a new file.

    Raises:
        StudyError: the file cannot be opened or written.
        FileExistsError: the file is there, and was expected to be new.
    """

    def __init__(self, path: Path, study: str, drive: int, space: Space, contents: JournalReader | None) -> None:
        self._path = path
        self._space = space
        self._sequence = 0 if contents is None else contents.lines
        self._size = 0 if contents is None else contents.size
        self._held: list[bytes] = []
        try:
            new = os.O_CREAT | os.O_EXCL if contents is None else 0
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | new, 0o666)
            if contents is not None and contents.torn:
                warnings.warn(f"{path}: its last line was cut short by a kill and is dropped", RuntimeWarning, stacklevel=2)
                os.ftruncate(self._file, contents.size)
        except FileExistsError:
            raise
        except OSError as error:
            raise StudyError(f"{path} cannot be opened: {error.strerror}") from error
        if self._sequence == 0:
            self._add({"event": "study", "format": FORMAT, "study": study, "drive": drive})
            self._write_all()
            sync_folder(path.parent)

    def started(self, trial: Trial) -> None:
        """Record that the evaluation of `trial` begins; waits for space on a full disk.

        Raises:
            StudyError: the file cannot be written.
        """
        self._add({"event": "started"} | started_record(trial, self._space))
        self._write_all()

    def reported(self, trial: Trial, step: int, metrics: Mapping[str, Value]) -> None:
        """Record what the objective reported from within the evaluation of `trial`."""
        values = {name: dump_metric(value) for name, value in metrics.items()}
        self._add(_event("reported", trial) | {"step": step, "metrics": values})
        self._write()

    def finished(self, trial: Trial) -> None:
        """Record how the evaluation of `trial` ended.

        Raises:
            StudyError: the file cannot be written, for another reason than a full disk.
        """
        self._add(_event("finished", trial) | finished_record(trial))
        self._write()

    def close(self) -> None:
        """Write what is held, and close the file.

        Raises:
            StudyError: the disk is full.
        """
        try:
            self._write_all()
        finally:
            os.close(self._file)

    def _add(self, record: Record) -> None:
        self._held.append(encode_line(record | {"sequence": self._sequence}))
        self._sequence += 1

    def _write_all(self) -> None:
        """Write what is held, waiting for space."""
        begun = time.monotonic()
        while not self._write():
            if time.monotonic() - begun > _PATIENCE:
                raise StudyError(f"{self._path} cannot be written: the disk is full; free space and start again")
            time.sleep(_RETRY)

    def _write(self) -> bool:
        """Write what is held, all or nothing; return False on a full disk."""
        data = b"".join(self._held)
        if not data:
            return True
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError as error:
            if error.errno not in _FULL:
                raise StudyError(f"{self._path} cannot be written: {error.strerror}") from error
            os.ftruncate(self._file, self._size)  # no half line may stand before the next one
            warnings.warn(
                f"{self._path}: the disk is full. Nothing is lost: what has ended is kept in memory, and nothing new begins "
                f"until there is space again",
                RuntimeWarning,
                stacklevel=2,
            )
            return False
        self._size += len(data)
        self._held.clear()
        return True


def open_journal(
    folder: StudyFolder, study: str, drive: int, space: Space, read: DriveReader | None, takeover: bool = False
) -> Journal:
    """Return the journal in which a drive goes on: its last segment, or its first one.

    Args:
        folder: the study's files.
        study: identity of the study.
        drive: number of the drive.
        space: turns points into JSON.
        read: what was read of the drive; None if there was nothing.
        takeover: begin a new segment, since the owner of the last one may only have been stalled.

    Raises:
        StudyError: the file cannot be opened or written.
        FileExistsError: a new file was to be begun, and somebody else has done so.
    """
    segments = [] if read is None else read.segments
    if takeover or not segments:
        return Journal(folder.journal_file(drive, len(segments)), study, drive, space, None)
    return Journal(segments[-1].path, study, drive, space, segments[-1])


def _event(name: str, trial: Trial) -> Record:
    return {"event": name, "drive": trial.drive, "iteration": trial.iteration, "attempt": trial.attempt}
