"""A drive's append-only log of events, its checkpoint; together the journals are the study.

A journal is a text file, one JSON object a line, each with a sequence number and the CRC32 of the line before it is added:

    {"event":"study","format":1,"study":"5d1c...","drive":3,"sequence":0,"crc":"c2a50f11"}
    {"event":"started","drive":3,"iteration":0,"x":[4,0.17,7],"arm":"design",...,"sequence":1,"crc":"..."}
    {"event":"finished","drive":3,"iteration":0,"status":"ok","metrics":{"objective":1.5},"seconds":0.2,...}

A line is on disk (fsync) before anyone hears of it. A last line without its end was torn by a kill and is left out; any other
damage is an error that names file and line. Nothing is ever pickled: reading a study cannot run code.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.metrics import Value
from hyperspace.records import Record, dump_metric, finished_record, load_trial, started_record
from hyperspace.space import Space
from hyperspace.trial import Trial, TrialKey

FORMAT = 1
_CRC = ',"crc":"'
_CRC_BYTES = len(_CRC) + 8 + len('"}')


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Return `record` as one line with its checksum.

    Raises:
        ValueError: a value that strict JSON does not have.
    """
    body = json.dumps(record, separators=(",", ":"), allow_nan=False)[:-1]
    return f'{body}{_CRC}{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def decode_line(line: bytes) -> Record:
    """Return the record of a line that `encode_line` made (without its newline).

    Raises:
        ValueError: the checksum does not fit, or the line is no JSON object.
    """
    body, mark = line[:-_CRC_BYTES], line[-_CRC_BYTES:]
    if mark != f'{_CRC}{zlib.crc32(body):08x}"}}'.encode():
        raise ValueError("its checksum does not fit")
    record = json.loads(body + b"}")
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object")
    return record


@dataclass(slots=True)
class JournalContents:
    """What stands in a journal.

    Attributes:
        study: identity of the study that it belongs to; None for an empty file.
        trials: one trial a key, finished or still running; of two finished records the lowest attempt.
        lines: number of whole lines.
        size: bytes up to the end of the last whole line.
        torn: bytes behind it, of a line whose writing was cut short.
    """

    study: str | None = None
    trials: dict[TrialKey, Trial] = field(default_factory=dict)
    lines: int = 0
    size: int = 0
    torn: int = 0

    def _take(self, record: Record, space: Space) -> None:
        event = record.get("event")
        if event == "study":
            if record.get("format") != FORMAT:
                raise ValueError(f"format {record.get('format')!r} is unknown to this version, which reads {FORMAT}")
            self.study = str(record["study"])
        elif event == "started":
            trial = load_trial(record, space)
            known = self.trials.get(trial.key)
            if known is None or not known.finished:
                self.trials[trial.key] = trial
        elif event == "finished":
            self._finish(record, space)
        elif event != "reported":  # intermediate values do not change which trials there are
            raise ValueError(f"unknown event {event!r}")

    def _finish(self, record: Record, space: Space) -> None:
        key = TrialKey(record["iteration"], record["drive"])
        known = self.trials.get(key)
        if known is None:
            raise ValueError(f"drive {key.drive}, iteration {key.iteration} ends without having been started")
        if not known.finished:
            self.trials[key] = load_trial(started_record(known, space) | record, space)


def read_journal(path: Path, space: Space) -> JournalContents:
    """Read a journal back.

    Raises:
        StudyError: a damaged line, with the file and its number.
    """
    contents = JournalContents()
    data = path.read_bytes()
    *lines, rest = data.split(b"\n")
    contents.torn = len(rest)
    for number, line in enumerate(lines, start=1):
        try:
            record = decode_line(line)
            if record.get("sequence") != contents.lines:
                raise ValueError(f"it has sequence number {record.get('sequence')!r}, expected {contents.lines}")
            contents._take(record, space)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StudyError(
                f"{path}, line {number}: {error}. The journal is damaged there; restore the file from a backup, or move "
                f"it away to go on without this drive's trials"
            ) from error
        contents.lines += 1
        contents.size += len(line) + 1
    return contents


class Journal:
    """Appends a drive's events to its file.

    Args:
        path: the file; created if it is not there.
        study: identity of the study.
        drive: number of the drive.
        space: turns points into JSON.
        contents: what `read_journal` found in the file; a torn last line is cut off here, by its owner.
    """

    def __init__(self, path: Path, study: str, drive: int, space: Space, contents: JournalContents | None) -> None:
        self._space = space
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._sequence = 0
        if contents is not None:
            self._sequence = contents.lines
            if contents.torn:
                os.ftruncate(self._file, contents.size)
        if self._sequence == 0:
            self._append({"event": "study", "format": FORMAT, "study": study, "drive": drive})
            sync_folder(path.parent)

    def started(self, trial: Trial) -> None:
        """Record that the evaluation of `trial` begins."""
        self._append({"event": "started"} | started_record(trial, self._space))

    def reported(self, trial: Trial, step: int, metrics: Mapping[str, Value]) -> None:
        """Record what the objective reported from within the evaluation of `trial`."""
        values = {name: dump_metric(value) for name, value in metrics.items()}
        self._append(_event("reported", trial) | {"step": step, "metrics": values})

    def finished(self, trial: Trial) -> None:
        """Record how the evaluation of `trial` ended."""
        self._append(_event("finished", trial) | finished_record(trial))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _append(self, record: Record) -> None:
        line = encode_line(record | {"sequence": self._sequence})
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            raise StudyError(f"the journal cannot be written: {error.strerror}; free space and start again") from error
        self._sequence += 1


def _event(name: str, trial: Trial) -> Record:
    return {"event": name, "drive": trial.drive, "iteration": trial.iteration, "attempt": trial.attempt}


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class StudyFolder:
    """The files of a study; the one place that knows their names.

    study.json          what the study is, fixed at its creation, and how far it was asked to go
    journals/00003.jsonl   the events of drive 3
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def study_file(self) -> Path:
        """What the study is."""
        return self.path / "study.json"

    def journal_file(self, drive: int) -> Path:
        """The events of one drive."""
        return self.path / "journals" / f"{drive:05d}.jsonl"

    def scratch(self, drive: int, iteration: int) -> Path:
        """A folder for the files of one trial; made when it is asked for."""
        return self.path / "scratch" / f"{drive:05d}-{iteration:05d}"

    def journal_files(self) -> dict[int, Path]:
        """Return the journals that there are, by drive."""
        files = sorted((self.path / "journals").glob("*.jsonl"))
        return {int(file.stem): file for file in files if file.stem.isdigit()}

    def read_study(self) -> Record | None:
        """Return what study.json says; None where there is none.

        Raises:
            StudyError: the file is damaged, or of a format that this version does not know.
        """
        try:
            record = json.loads(self.study_file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StudyError(f"{self.study_file} cannot be read: {error}") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise StudyError(f"{self.study_file} is not a study of format {FORMAT}, which this version reads")
        return record

    def write_study(self, record: Record) -> None:
        """Replace study.json whole.

        Raises:
            StudyError: the folder cannot be made or written.
        """
        temporary = self.study_file.with_suffix(".tmp")
        try:
            (self.path / "journals").mkdir(parents=True, exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1, allow_nan=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.study_file)
            sync_folder(self.path)
        except OSError as error:
            raise StudyError(f"results_path {str(self.path)!r} cannot be written: {error.strerror}") from error

    def set_aside(self) -> Path:
        """Rename the folder, so that a new study can begin in its place; return the new name."""
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        self.path.rename(aside)
        return aside

    def read_journals(self, space: Space, drives: Iterable[int]) -> dict[int, JournalContents]:
        """Read the journals of `drives`; those without a file are left out."""
        contents = {}
        for drive in drives:
            try:
                contents[drive] = read_journal(self.journal_file(drive), space)
            except FileNotFoundError:
                continue
        return contents
