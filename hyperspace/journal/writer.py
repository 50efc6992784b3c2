"""Writer of a segment of a journal; a line is on disk before the call returns.

A segment has a single writer. It is named by the attempt of the lease under which it was started. Its header gives the
number of valid lines of earlier segments. An owner that has lost its lease notices before its next write. If it was suspended
between that check and the write, its line is in its own segment, after the valid lines. A second check then notices the loss
before the call returns.
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
    """Journal of a drive, which appends events to its own segment. The first write creates the file.

    On a full disk the end of an evaluation is held in memory until there is space. Until then it is not shared: a kill would lose
    it, and trials that depend on it could not be read. The file is opened for each write. So a process can carry any number of
    drives, and notices at once when the folder was removed or renamed.

    Args:
        path: the file; it must not exist yet.
        study: identity of the study.
        drive: number of the drive.
        space: converts points to JSON.
        attempt: number of the lease under which the segment is started.
        follows: attempt -> number of valid lines of that earlier segment.
        check: called before and after each write; raises if this process may no longer write.
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
        # One attribute, so that an interrupt leaves it consistent: all of a write counts as written, or nothing.
        self._written: tuple[int, tuple[bytes, ...]] = 0, ()  # durable bytes, and lines that are not durable
        earlier = {str(attempt): lines for attempt, lines in (follows or {}).items()}
        self._add({"event": "study", "format": FORMAT, "study": study, "drive": drive, "attempt": attempt, "follows": earlier})

    def started(self, trial: Trial) -> None:
        """Record the start of the evaluation of `trial`; waits for space on a full disk.

        Raises:
            StudyError: the file cannot be written, or this process may no longer write.
        """
        self._add({"event": "started"} | started_record(trial, self._space))
        self._write_all()

    def reported(self, trial: Trial, step: int, metrics: Mapping[str, Value]) -> None:
        """Record a report of the objective from the evaluation of `trial`.

        Raises:
            StudyError: the file cannot be written, for another reason than a full disk; or this process may no longer write.
        """
        values = {name: dump_metric(value) for name, value in metrics.items()}
        self._add(_event("reported", trial) | {"step": step, "metrics": values})
        self._write()

    def finished(self, trial: Trial) -> None:
        """Record the end of the evaluation of `trial`; waits for space on a full disk.

        Raises:
            StudyError: the file cannot be written, or this process may no longer write.
        """
        self._add(_event("finished", trial) | finished_record(trial))
        self._write_all()

    def close(self) -> None:
        """Write held lines.

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
        """Write held lines, waiting for space."""
        begun = time.monotonic()
        while not self._write():
            if time.monotonic() - begun > disk.PATIENCE:
                raise StudyError(f"{self.path} cannot be written: the disk is full; free space and start again")
            time.sleep(disk.RETRY)

    def _write(self) -> bool:
        """Write held lines, all or none; return False on a full disk."""
        size, held = self._written
        if not held:
            return True
        if os.getpid() != self._process:
            raise StudyError(
                f"{self.path} is written by process {self._process} only, and this is a child that it has forked; "
                f"a child must not go on with the study"
            )
        self._check_lease()
        # The header is written first, separately: the lines after it belong to a known study.
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
        # A process that was suspended between check and write notices before it shares the event. If the lease is still held, a
        # later owner will read this line.
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
        """Write `data` after the first `size` bytes, and make it durable."""
        new = 0 if self._created else os.O_CREAT | os.O_EXCL
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | new, 0o666)
        self._created = True
        try:
            there = os.fstat(file).st_size
            if there < size:
                raise OSError(errno.EIO, f"it has lost its end: {size} bytes were written, and {there} are there")
            if there > size:
                os.ftruncate(file, size)  # remains of a write that was interrupted or ran out of space
            written = 0
            while written < len(data):
                written += os.write(file, data[written:])
            sync_file(file)
        except OSError:
            _truncate(file, size)  # readers should always find complete lines
            raise
        finally:
            os.close(file)
        if size == 0:
            sync_folder(self.path.parent)


def open_journal(
    folder: StudyFolder, study: str, drive: int, space: Space, read: DriveReader | None, attempt: int, check: Callable[[], None]
) -> Journal:
    """Return a journal in which a drive continues, with a new segment.

    Args:
        folder: the study's files.
        study: identity of the study.
        drive: number of the drive.
        space: converts points to JSON.
        read: reader of the drive's records; None if there are none. Lines that it has not read are invalid from here on.
        attempt: number of the lease under which this process writes.
        check: raises if the lease is lost.
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
        return  # retried by the next write


def _event(name: str, trial: Trial) -> Record:
    return {"event": name, "drive": trial.drive, "iteration": trial.iteration, "attempt": trial.attempt}
