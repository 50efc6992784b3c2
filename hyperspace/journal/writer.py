"""Appends to a segment of a journal; a line is on disk before the call returns.

A segment has one writer in all its life. It is named by the attempt of the lease under which it was begun, and its header says
how many lines of the earlier segments count. An owner that has lost its lease finds out before its next write; should it have
stood still between that look and the write, then what it writes stands in its own segment, after the lines that count, and it
finds out by a second look before the call returns.
"""

from __future__ import annotations

import errno
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.folder import StudyFolder
from hyperspace.journal.lease import LeaseLostError
from hyperspace.journal.lines import FORMAT, encode_line
from hyperspace.journal.reader import DriveReader
from hyperspace.space.space import Space
from hyperspace.system import disk
from hyperspace.system.durable_files import once_more, sync_file, sync_folder
from hyperspace.system.terminal import printable
from hyperspace.trials.metrics import Value
from hyperspace.trials.records import Record, dump_metric, finished_record, started_record
from hyperspace.trials.trial import Trial


class Journal:
    """Appends a drive's events to a segment of its own, which is created by the first write.

    On a full disk the end of an evaluation is held in memory until there is space. Until then nobody hears of it: a kill would
    take it back, and what others had built on it could not be read any more. The file is opened for each write: a process may
    carry any number of drives, and a folder that was removed or renamed is found out at once.

    Args:
        path: the file; it must not be there yet.
        study: identity of the study.
        drive: number of the drive.
        space: turns points into JSON.
        attempt: number of the lease under which the segment is begun.
        follows: attempt -> lines that count of that earlier segment.
        check: called before and after each write; raises where this process may not write any more.
    """

    def __init__(
        self,
        path: Path,
        study: str,
        drive: int,
        space: Space,
        attempt: int = 0,
        follows: Mapping[int, int] | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self.attempt = attempt
        self._space = space
        self._check = check
        self._process = os.getpid()
        self._created = False
        self._lost = False
        self._sequence = 0
        # One attribute, so that an interrupt finds either all of what was written counted as written, or nothing of it.
        self._written: tuple[int, tuple[bytes, ...]] = 0, ()  # bytes that are durable, lines that are not
        earlier = {str(attempt): lines for attempt, lines in (follows or {}).items()}
        self._add({"event": "study", "format": FORMAT, "study": study, "drive": drive, "attempt": attempt, "follows": earlier})

    def started(self, trial: Trial) -> None:
        """Record that the evaluation of `trial` begins; waits for space on a full disk.

        Raises:
            StudyError: the file cannot be written, or this process may not write any more.
        """
        self._add({"event": "started"} | started_record(trial, self._space))
        self._write_all()

    def reported(self, trial: Trial, step: int, metrics: Mapping[str, Value]) -> None:
        """Record what the objective reported from within the evaluation of `trial`.

        Raises:
            StudyError: the file cannot be written, for another reason than a full disk; or this process may not write any more.
        """
        values = {name: dump_metric(value) for name, value in metrics.items()}
        self._add(_event("reported", trial) | {"step": step, "metrics": values})
        self._write()

    def finished(self, trial: Trial) -> None:
        """Record how the evaluation of `trial` ended; waits for space on a full disk.

        Raises:
            StudyError: the file cannot be written, or this process may not write any more.
        """
        self._add(_event("finished", trial) | finished_record(trial))
        self._write_all()

    def close(self) -> None:
        """Write what is held.

        Raises:
            StudyError: the disk is full, or the file cannot be written.
        """
        if self._sequence > 1 and not self._lost and os.getpid() == self._process:
            self._write_all()

    def _add(self, record: Record) -> None:
        size, held = self._written
        self._written = size, (*held, encode_line(record | {"sequence": self._sequence}))
        self._sequence += 1

    def _write_all(self) -> None:
        """Write what is held, waiting for space."""
        begun = time.monotonic()
        while not self._write():
            if time.monotonic() - begun > disk.PATIENCE:
                raise StudyError(f"{self.path} cannot be written: the disk is full; free space and start again")
            time.sleep(disk.RETRY)

    def _write(self) -> bool:
        """Write what is held, all or nothing; return False on a full disk."""
        size, held = self._written
        if not held:
            return True
        if os.getpid() != self._process:
            raise StudyError(
                f"{self.path} is written by process {self._process} only, and this is a child that it has forked; "
                f"a child must not go on with the study"
            )
        self._check_lease()
        # The header goes first, by itself: what comes after it is the journal of a known study.
        data = held[0] if size == 0 else b"".join(held)
        try:
            once_more(lambda: self._append(data, size))
        except FileExistsError as error:
            self._lost = True
            raise LeaseLostError(
                f"{self.path} was there already: another process has begun it, while this one stood still; this one ends"
            ) from error
        except OSError as error:
            if not disk.is_full(error):
                raise StudyError(f"{self.path} cannot be written: {error.strerror}") from error
            warnings.warn(
                f"{printable(self.path)}: the disk is full. Nothing is lost: what has ended is kept in memory, and nothing new "
                f"begins until there is space again",
                RuntimeWarning,
                stacklevel=2,
            )
            return False
        self._written = size + len(data), held[1:] if size == 0 else ()
        if self._written[1]:
            return self._write()
        # A process that stood still between the look and the write finds out before it tells anyone. If the lease stands, then
        # whoever takes it over later reads this line.
        self._check_lease()
        return True

    def _check_lease(self) -> None:
        if self._check is None:
            return
        try:
            self._check()
        except StudyError:
            self._lost = True
            raise

    def _append(self, data: bytes, size: int) -> None:
        """Put `data` after the first `size` bytes, and make it durable."""
        new = 0 if self._created else os.O_CREAT | os.O_EXCL
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | new, 0o666)
        self._created = True
        try:
            there = os.fstat(file).st_size
            if there < size:
                raise OSError(errno.EIO, f"it has lost its end: {size} bytes were written, and {there} are there")
            if there > size:
                os.ftruncate(file, size)  # left by a write that was interrupted, or that the disk had no space for
            written = 0
            while written < len(data):
                written += os.write(file, data[written:])
            sync_file(file)
        except OSError:
            _truncate(file, size)  # a reader should find whole lines all the time
            raise
        finally:
            os.close(file)
        if size == 0:
            sync_folder(self.path.parent)


def open_journal(
    folder: StudyFolder, study: str, drive: int, space: Space, read: DriveReader | None, attempt: int, check: Callable[[], None]
) -> Journal:
    """Return a journal in which a drive goes on, in a segment of its own.

    Args:
        folder: the study's files.
        study: identity of the study.
        drive: number of the drive.
        space: turns points into JSON.
        read: what was read of the drive; None if there was nothing. What it has not seen does not count from here on.
        attempt: of the lease under which this process writes.
        check: raises where the lease is lost.
    """
    segments = {} if read is None else read.segments
    if segments and (last := segments[max(segments)]).torn:
        warnings.warn(
            f"{printable(last.path)}: its last line was cut short by a kill and is dropped", RuntimeWarning, stacklevel=2
        )
    follows = {earlier: segment.lines for earlier, segment in segments.items()}
    return Journal(folder.journal_file(drive, attempt), study, drive, space, attempt, follows, check)


def _truncate(file: int, size: int) -> None:
    try:
        os.ftruncate(file, size)
    except OSError:
        return  # the next write tries again


def _event(name: str, trial: Trial) -> Record:
    return {"event": name, "drive": trial.drive, "iteration": trial.iteration, "attempt": trial.attempt}
