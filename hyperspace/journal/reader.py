"""Reads journals back: whole, or while somebody else is still writing them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.lines import FORMAT, decode_line
from hyperspace.records import Record, load_trial, started_record
from hyperspace.space import Space
from hyperspace.trial import Trial, TrialKey


class JournalReader:
    """What stands in one file, as far as it was read; `read` goes on where it stopped.

    A last line without its end is left for later: it was torn by a kill, or is being written.

    Args:
        path: the file; it need not be there yet.
        space: turns JSON into points.

    Attributes:
        study: identity of the study that the file belongs to; None while it is empty.
        trials: one trial a key, finished or still running; of two finished records the first.
        lines: number of whole lines read.
        size: bytes up to the end of the last of them.
        torn: bytes behind it.
    """

    def __init__(self, path: Path, space: Space) -> None:
        self.path = path
        self._space = space
        self.study: str | None = None
        self.trials: dict[TrialKey, Trial] = {}
        self.lines = 0
        self.size = 0
        self.torn = 0

    def read(self) -> list[TrialKey]:
        """Read what is new; return the keys of the trials that changed.

        Raises:
            StudyError: a damaged line, with the file and its number.
        """
        try:
            if os.stat(self.path).st_size == self.size + self.torn:
                return []
            with open(self.path, "rb") as file:
                file.seek(self.size)
                data = file.read()
        except FileNotFoundError:
            return []
        *lines, rest = data.split(b"\n")
        self.torn = len(rest)
        return [key for key in map(self._read_line, lines) if key is not None]

    def _read_line(self, line: bytes) -> TrialKey | None:
        try:
            record = decode_line(line)
            if record.get("sequence") != self.lines:
                raise ValueError(f"it has sequence number {record.get('sequence')!r}, expected {self.lines}")
            key = self._take(record)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StudyError(
                f"{self.path}, line {self.lines + 1}: {error}. The journal is damaged there; restore the file from a backup, or "
                f"move it away to go on without this drive's trials"
            ) from error
        self.lines += 1
        self.size += len(line) + 1
        return key

    def _take(self, record: Record) -> TrialKey | None:
        event = record.get("event")
        if event == "study":
            if record.get("format") != FORMAT:
                raise ValueError(f"format {record.get('format')!r} is unknown to this version, which reads {FORMAT}")
            self.study = str(record["study"])
            return None
        if event == "reported":  # intermediate values do not change which trials there are
            return None
        if event == "started":
            trial = load_trial(record, self._space)
            known = self.trials.get(trial.key)
            if known is None or not known.finished:
                self.trials[trial.key] = trial
            return trial.key
        if event == "finished":
            return self._finish(record)
        raise ValueError(f"unknown event {event!r}")

    def _finish(self, record: Record) -> TrialKey:
        key = TrialKey(record["iteration"], record["drive"])
        known = self.trials.get(key)
        if known is None:
            raise ValueError(f"drive {key.drive}, iteration {key.iteration} ends without having been started")
        if not known.finished:
            self.trials[key] = load_trial(started_record(known, self._space) | record, self._space)
        return key


class DriveReader:
    """All that is on record of one drive: its segments, of which each but the last was left by an owner that died.

    Two records of one (drive, iteration), which a stalled owner can bring about, resolve to the one of the lowest attempt.

    Args:
        file_of: returns the file of a segment, by its number.
        drive: number of the drive.
        space: turns JSON into points.

    Attributes:
        drive: see there.
        trials: one trial a key, in the order in which they became known.
        segments: a reader for each file.
    """

    def __init__(self, file_of: Callable[[int], Path], drive: int, space: Space) -> None:
        self._file_of = file_of
        self.drive = drive
        self._space = space
        self.trials: dict[TrialKey, Trial] = {}
        self.segments: list[JournalReader] = []

    @property
    def identities(self) -> set[str]:
        """The studies that the files belong to: one, unless somebody moved files about."""
        return {segment.study for segment in self.segments if segment.study is not None}

    @property
    def first_unfinished(self) -> int:
        """The first iteration that is not on record as finished."""
        iteration = 0
        while (trial := self.trials.get(TrialKey(iteration, self.drive))) is not None and trial.finished:
            iteration += 1
        return iteration

    def read(self) -> bool:
        """Read what is new; return whether there was anything.

        Raises:
            StudyError: a damaged line, with the file and its number.
        """
        changed = [key for segment in self.segments for key in segment.read()]
        while (path := self._file_of(len(self.segments))).exists():
            self.segments.append(JournalReader(path, self._space))
            changed += self.segments[-1].read()
        for key in changed:
            self.trials[key] = self._resolve(key)
        return bool(changed)

    def _resolve(self, key: TrialKey) -> Trial:
        records = [segment.trials[key] for segment in self.segments if key in segment.trials]
        finished = [trial for trial in records if trial.finished]
        return min(finished, key=lambda trial: trial.attempt) if finished else max(records, key=lambda trial: trial.attempt)


def read_journal(path: Path, space: Space) -> JournalReader:
    """Read one file from its beginning.

    Raises:
        StudyError: a damaged line, with the file and its number.
    """
    reader = JournalReader(path, space)
    reader.read()
    return reader
