"""Readers of journals, complete or still being written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.lines import FORMAT, decode_line
from hyperspace.space.space import Space
from hyperspace.system.durable_files import once_more, open_regular, sync_file
from hyperspace.trials.records import Record, load_end, load_trial
from hyperspace.trials.trial import Trial, TrialKey


class JournalReader:
    """Content of one segment as far as it was read; `read` continues from there.

    An incomplete last line is ignored for now: it was cut by a kill, or is being written.

    Args:
        path: the file; it may not exist yet.
        space: converts JSON to points.
        drive: required number of the drive; None skips the check.
        study: required identity of the study; None skips the check.
        durable: sync the file before its lines count, so that a power failure cannot remove lines that were used.
        attempt: required number of the lease; None skips the check.

    Attributes:
        study: identity of the file's study; None while the file is empty.
        follows: attempt -> number of valid lines of that earlier segment; None if the file does not give it.
        trials: one trial a key, finished or still running; of two finished records the first, unless the second is a retry.
        lines: number of complete lines read.
        size: bytes up to the end of the last complete line.
        torn: bytes after it.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        drive: int | None = None,
        study: str | None = None,
        durable: bool = False,
        attempt: int | None = None,
    ) -> None:
        self.path = path
        self._attempt = attempt
        self._space = space
        self._drive = drive
        self._expected = study
        self._durable = durable
        self._limit: int | None = None
        self._clear()

    def _clear(self) -> None:
        self.study: str | None = None
        self.follows: Mapping[int, int] | None = None
        self.trials: dict[TrialKey, Trial] = {}
        self._retries: dict[TrialKey, Trial] = {}  # running retries of trials that count as failed until they finish
        self.lines = 0
        self.size = 0
        self.torn = 0

    def read(self) -> list[TrialKey]:
        """Read new lines; return the keys of the trials that changed.

        Raises:
            StudyError: a damaged line, with the file and its number; or the file cannot be read.
        """
        try:
            data = once_more(self._read_rest)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StudyError(f"{self.path} cannot be read: {error.strerror}") from error
        if data is None:
            return []
        *lines, _ = data.split(b"\n")
        if self._limit is not None:
            lines = lines[: self._limit - self.lines]
        begun = self.size
        changed = [key for key in map(self._read_line, lines) if key is not None]
        self.torn = len(data) - (self.size - begun)
        return changed

    def _read_rest(self) -> bytes | None:
        """Return the bytes after the lines that were read; None if the file has not grown."""
        status = os.stat(self.path)
        if stat.S_ISREG(status.st_mode) and status.st_size <= self.size + self.torn:
            return None
        with open(open_regular(self.path), "rb") as file:
            file.seek(self.size)
            data = file.read()
            if self._durable:
                _sync(file.fileno())
        return data

    def end_at(self, lines: int) -> list[TrialKey]:
        """Ignore the lines after the first `lines` ones; return the keys of the trials that changed."""
        if self._limit == lines:
            return []
        before = []
        self._limit = lines
        self.torn = 0  # unread lines may count now
        if self.lines > lines:
            before = list(self.trials)
            self._clear()
        return before + self.read()

    def check_whole(self) -> None:
        """Check that all lines are present that a later segment refers to.

        Raises:
            StudyError: the file was truncated.
        """
        if self._limit is not None and self.lines < self._limit:
            raise StudyError(
                f"{self.path} ends after line {self.lines}, and what was written later counts on {self._limit} lines of it; "
                f"restore it from a backup"
            )

    def _read_line(self, line: bytes) -> TrialKey | None:
        try:
            record = decode_line(line)
            if record.get("sequence") != self.lines:
                raise ValueError(f"it has sequence number {record.get('sequence')!r}, expected {self.lines}")
            key = self._take(record)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise StudyError(
                f"{self.path}, line {self.lines + 1}: {error}. The journal is damaged there; restore the file from a backup, or "
                f"move all files of this drive away to go on without its trials"
            ) from error
        self.lines += 1
        self.size += len(line) + 1
        return key

    def _take(self, record: Record) -> TrialKey | None:
        event = record.get("event")
        if (event == "study") != (self.lines == 0):
            raise ValueError("its first line, and no other, has to name the study")
        if event == "study":
            self._take_header(record)
            return None
        if self._drive is not None and record.get("drive") != self._drive:
            raise ValueError(f"it is about drive {record.get('drive')!r}, and the file is the journal of drive {self._drive}")
        if event == "reported":  # intermediate values do not change the set of trials
            return None
        if event == "started":
            trial = load_trial(record, self._space)
            known = self.trials.get(trial.key)
            if known is None or not known.finished:
                self.trials[trial.key] = trial
            elif trial.retry > known.retry:
                self._retries[trial.key] = trial
            return trial.key
        if event == "finished":
            return self._finish(record)
        raise ValueError(f"unknown event {event!r}")

    def _take_header(self, record: Record) -> None:
        if record.get("format") != FORMAT:
            raise ValueError(f"format {record.get('format')!r} is unknown to this version, which reads {FORMAT}")
        if self._drive is not None and record.get("drive") != self._drive:
            raise ValueError(
                f"it begins the journal of drive {record.get('drive')!r}, and the file's name is that of drive {self._drive}"
            )
        self.study = str(record["study"])
        if self._expected is not None and self.study != self._expected:
            raise ValueError("the journal belongs to another study than study.json does")
        if self._attempt is not None and record.get("attempt", self._attempt) != self._attempt:  # earlier versions omit it
            raise ValueError(
                f"it begins segment {record.get('attempt')!r} of the journal, and the file's name is that of segment "
                f"{self._attempt}; if it is a copy, remove it"
            )
        if "follows" in record:
            self.follows = {int(attempt): _count(lines) for attempt, lines in record["follows"].items()}

    def _finish(self, record: Record) -> TrialKey:
        key = TrialKey(_count(record.get("iteration")), _count(record.get("drive")))
        known = self.trials.get(key)
        if known is None:
            raise ValueError(f"drive {key.drive}, iteration {key.iteration} ends without having been started")
        if (retry := self._retries.pop(key, None)) is not None:
            known = retry
        if not known.finished:
            self.trials[key] = load_end(known, record)
            if not self.trials[key].finished:
                raise ValueError(f"drive {key.drive}, iteration {key.iteration} ends without a status")
        return key


class DriveReader:
    """Records of one drive: its segments, each with its own writer.

    The header of a segment gives the number of lines that its writer found in each earlier segment. Later lines of these were
    written by an owner that had lost its lease while it was suspended; they are ignored.

    Args:
        find: returns the drive's files, by attempt.
        drive: number of the drive.
        space: converts JSON to points.
        study: required identity of the study; None skips the check.
        durable: see `JournalReader`.

    Attributes:
        drive: number of the drive.
        trials: one trial a key, in the order in which they became known.
        segments: a reader for each file, by attempt, in ascending order.
    """

    def __init__(
        self, find: Callable[[], Mapping[int, Path]], drive: int, space: Space, study: str | None = None, durable: bool = False
    ) -> None:
        self._find = find
        self.drive = drive
        self._space = space
        self._study = study
        self._durable = durable
        self.trials: dict[TrialKey, Trial] = {}
        self.segments: dict[int, JournalReader] = {}

    @property
    def first_unfinished(self) -> int:
        """The first iteration that is not recorded as finished."""
        iteration = 0
        while (trial := self.trials.get(TrialKey(iteration, self.drive))) is not None and trial.finished:
            iteration += 1
        return iteration

    @property
    def attempt(self) -> int:
        """The highest attempt with written lines; -1 if there is none."""
        return max(self.segments, default=-1)

    def read(self, files: Mapping[int, Path] | None = None) -> bool:
        """Read new lines; return whether there were any.

        Args:
            files: the drive's files by attempt, if the caller has listed the folder; None: list it here.

        Raises:
            StudyError: a damaged line, with the file and its number; or a file that cannot be read.
        """
        changed: list[TrialKey] = []
        files = self._find() if files is None else files
        for attempt in files.keys() - self.segments.keys():
            self.segments[attempt] = JournalReader(files[attempt], self._space, self.drive, self._study, self._durable, attempt)
        self.segments = dict(sorted(self.segments.items()))
        for segment in self.segments.values():
            changed += segment.read()
        changed += self._apply_limits()
        for key in dict.fromkeys(changed):
            self._resolve(key)
        return bool(changed)

    def check_whole(self) -> None:
        """Check that no segment has lost lines that a later one refers to.

        Raises:
            StudyError: a segment has lost lines.
        """
        for segment in self.segments.values():
            segment.check_whole()
        last = self._last()
        if last is None or last.follows is None:
            return
        for earlier, lines in last.follows.items():
            if lines and earlier not in self.segments:
                raise StudyError(
                    f"segment {earlier} of drive {self.drive}'s journal is missing, and {last.path} counts on {lines} lines of "
                    f"it; restore it from a backup"
                )

    def _last(self) -> JournalReader | None:
        """Return the segment of the last owner that has written lines; its header decides which earlier lines are valid."""
        written = [segment for segment in self.segments.values() if segment.lines]
        return written[-1] if written else None

    def _apply_limits(self) -> Iterable[TrialKey]:
        last, changed = self._last(), list[TrialKey]()
        if last is None or last.follows is None:
            return changed
        for attempt, segment in self.segments.items():
            if segment is last:
                break
            changed += segment.end_at(last.follows.get(attempt, 0))
        return changed

    def _resolve(self, key: TrialKey) -> None:
        records = [segment.trials[key] for segment in self.segments.values() if key in segment.trials]
        finished = [trial for trial in records if trial.finished]
        if finished:
            self.trials[key] = min(finished, key=lambda trial: (-trial.retry, trial.attempt))
        elif records:
            self.trials[key] = max(records, key=lambda trial: trial.attempt)
        else:
            self.trials.pop(key, None)


def read_journal(path: Path, space: Space) -> JournalReader:
    """Read one file from its beginning.

    Raises:
        StudyError: a damaged line, with the file and its number; or the file cannot be read.
    """
    reader = JournalReader(path, space)
    reader.read()
    return reader


def _sync(descriptor: int) -> None:
    try:
        sync_file(descriptor)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EBADF):
            raise


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a whole number from 0 was expected, got {value!r}")
    return value
