"""Files of a study. Only this module knows their names."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.journal.lines import FORMAT
from hyperspace.journal.reader import DriveReader
from hyperspace.space.space import Space
from hyperspace.system.disk import wait_while_full
from hyperspace.system.durable_files import create_whole, make_folder, read_whole, replace_whole
from hyperspace.system.paths import absolute_folder
from hyperspace.trials.records import Record

_JOURNAL = re.compile(r"(\d{5,})(?:\.(\d+))?\.jsonl")
_OWN = (
    "journals",
    "leases",
    "scratch",
    "stop",
    "goal.json",
    "ended.json",
    "study.json",
)  # content of a study's folder; study.json is moved last


class StudyFolder:
    """Files of a study.

    study.json               definition of the study, fixed at its creation, and its planned length
    goal.json                the goal that the study's first answer fixed, if none was declared
    ended.json               the stopping rule that ended the last run, if one did
    journals/00003.jsonl     the events of drive 3
    journals/00003.2.jsonl   a further segment, written by the owner of the second lease after the first one
    leases/                  files of the running processes (see `hyperspace.journal.lease`)
    stop                     request to end the runs (see `hyperspace.execution.signals`)
    scratch/00003-00017/     files of the trial of drive 3, iteration 17

    Args:
        path: its name; made absolute here, so that it stays the same folder when the working folder changes.

    Raises:
        InputError: `path` cannot be the name of a folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = absolute_folder(path)

    @property
    def name(self) -> str:
        """Name of the folder for messages: relative to the working folder if it is inside."""
        try:
            relative = os.path.relpath(self.path)
        except OSError:  # the working folder is gone
            return str(self.path)
        return str(self.path) if relative.startswith(os.pardir) else relative

    @property
    def study_file(self) -> Path:
        """File with the definition of the study."""
        return self.path / "study.json"

    @property
    def leases(self) -> Path:
        """The folder of the leases."""
        return self.path / "leases"

    @property
    def stop_file(self) -> Path:
        """File that requests the end of the study's runs."""
        return self.path / "stop"

    @property
    def journals(self) -> Path:
        """The folder of the journals."""
        return self.path / "journals"

    def journal_file(self, drive: int, attempt: int = 0) -> Path:
        """Return the segment of a drive's journal for an attempt, which is the number of a lease."""
        return self.journals / (f"{drive:05d}.{attempt}.jsonl" if attempt else f"{drive:05d}.jsonl")

    def scratch(self, drive: int, iteration: int) -> Path:
        """Return the folder for the files of one trial; it is created on request."""
        return self.path / "scratch" / f"{drive:05d}-{iteration:05d}"

    def segments(self) -> dict[int, dict[int, Path]]:
        """Return the files of all journals: drive -> attempt -> segment, both in ascending order.

        Raises:
            StudyError: the folder of the journals cannot be listed.
        """
        found: dict[int, dict[int, Path]] = {}
        try:
            names = os.listdir(self.journals)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StudyError(f"{self.journals} cannot be read: {error.strerror}") from error
        for name in names:
            if match := _JOURNAL.fullmatch(name):
                found.setdefault(int(match[1]), {})[int(match[2] or 0)] = self.journals / name
        return {drive: dict(sorted(found[drive].items())) for drive in sorted(found)}

    def drives(self) -> list[int]:
        """Return the drives that have a journal."""
        return list(self.segments())

    def next_attempt(self) -> int:
        """Return the least lease number without written files."""
        return 1 + max((max(attempts) for attempts in self.segments().values()), default=-1)

    def refuse_file(self) -> None:
        """Check that the path is not a file.

        Raises:
            StudyError: it is a file.
        """
        if self.path.is_file():
            raise StudyError(f"{self.path} is a file, not the folder of a study") from None

    def read_study(self) -> Record | None:
        """Return the content of study.json; None if there is none.

        Raises:
            StudyError: the file is damaged, or has an unknown format.
        """
        try:
            record = json.loads(read_whole(self.study_file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self.refuse_file()
            raise StudyError(f"{self.study_file} cannot be read: {error}") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise StudyError(f"{self.study_file} is not a study of format {FORMAT}, which this version reads")
        if record.pop("crc", None) != _checksum(record):
            raise StudyError(f"{self.study_file} is damaged: its checksum does not fit; restore it from a backup")
        return record

    def write_study(self, record: Record, create: bool = False) -> bool:
        """Replace study.json as a whole; with `create`, only if there is none yet.

        Returns:
            Whether it was written: with `create`, another process may have been first.

        Raises:
            StudyError: the folder cannot be created or written.
        """
        text = json.dumps(dict(record) | {"crc": _checksum(record)}, indent=1, allow_nan=False) + "\n"
        what = f"{self.study_file} cannot be written"
        try:
            wait_while_full(lambda: make_folder(self.journals), what)
            if create:
                return wait_while_full(lambda: create_whole(self.study_file, text), what)
            wait_while_full(lambda: replace_whole(self.study_file, text), what)
        except OSError as error:
            raise StudyError(f"results_path {str(self.path)!r} cannot be written: {error.strerror}") from error
        return True

    @property
    def goal_file(self) -> Path:
        """File with the goal, if the study's first answer fixed it."""
        return self.path / "goal.json"

    def read_goal(self) -> str | None:
        """Return the goal that the study's first answer fixed; None if there is none yet.

        Raises:
            StudyError: the file is damaged.
        """
        return _read_note(self.goal_file, "goal", "restore it from a backup")

    def claim_goal(self, goal: str) -> str:
        """Set the study's goal unless there is one; return the study's goal. Of several processes the first one sets it.

        Raises:
            StudyError: the file is damaged, or cannot be written.
        """
        text = _note("goal", goal)
        try:
            wait_while_full(lambda: create_whole(self.goal_file, text), f"{self.goal_file} cannot be written")
        except OSError as error:
            raise StudyError(f"{self.goal_file} cannot be written: {error.strerror}") from error
        return self.read_goal() or goal

    @property
    def ending_file(self) -> Path:
        """File with the stopping rule that ended the study."""
        return self.path / "ended.json"

    def read_ending(self) -> str | None:
        """Return the stopping rule that ended the study, as `Result.ended_by` gives it; None if none did.

        Raises:
            StudyError: the file is damaged.
        """
        return _read_note(self.ending_file, "ended_by", "remove it, and run the study's program again")

    def write_ending(self, reason: str) -> None:
        """Save the stopping rule that ended the study: with the same rules another run would end at once.

        Raises:
            StudyError: the file cannot be written.
        """
        try:
            wait_while_full(lambda: replace_whole(self.ending_file, _note("ended_by", reason)), f"{self.ending_file}")
        except OSError as error:
            raise StudyError(f"{self.ending_file} cannot be written: {error.strerror}") from error

    def forget_ending(self) -> None:
        """Remove the recorded stopping rule when a run starts, since the run may have other rules.

        Raises:
            StudyError: the file cannot be removed.
        """
        try:
            self.ending_file.unlink(missing_ok=True)
        except OSError as error:
            raise StudyError(f"{self.ending_file} cannot be removed: {error.strerror}") from error

    def set_aside(self) -> Path:
        """Move the study away, so that a new one can be created; return its new path.

        The folder is renamed if possible. Some folders must keep their names: a mount point, the working folder, or a folder with
        the user's own files. Then the study's files are moved into a folder within it.

        Raises:
            StudyError: both fail, or the folder does not hold a study.
        """
        self.check_ours()
        home = Path(os.path.realpath(self.path))  # a link keeps its target
        number = 1
        while (aside := home.with_name(f"{home.name}.old-{number}")).exists() or (home / f"old-{number}").exists():
            number += 1
        try:
            others = any(entry.name not in _OWN for entry in home.iterdir())
            if not others and not Path(os.path.realpath(os.curdir)).is_relative_to(home):
                with suppress(OSError):  # a mount point, a read-only parent folder, or a name that is too long
                    home.rename(aside)
                    home.mkdir()
                    return aside
            within = home / f"old-{number}"
            within.mkdir()
            for name in _OWN:
                if (home / name).exists():
                    (home / name).rename(within / name)
        except OSError as error:
            raise StudyError(
                f"the study in {str(self.path)!r} cannot be set aside: {error.strerror}; move it away yourself, or take "
                f"another results_path"
            ) from error
        return within

    def check_ours(self) -> None:
        """Check that study.json belongs to a study, not to another program. If it is damaged, journals beside it show that.

        Raises:
            StudyError: it does not belong to a study.
        """
        if self.journals.exists() or not self.study_file.exists():
            return
        try:
            self.read_study()
        except StudyError:
            raise StudyError(
                f"{str(self.study_file)!r} is no file of a HyperSpace study, and restart=True would move it; move it away "
                f"yourself, or take another results_path"
            ) from None

    def reader(self, drive: int, space: Space, study: str | None = None, durable: bool = False) -> DriveReader:
        """Return a new reader of a drive's journal.

        Args:
            drive: number of the drive.
            space: converts JSON to points.
            study: required identity of the study; None skips the check.
            durable: see `JournalReader`.
        """
        return DriveReader(partial(self._segments_of, drive), drive, space, study, durable)

    def _segments_of(self, drive: int) -> dict[int, Path]:
        return self.segments().get(drive, {})

    def read_journals(self, space: Space, drives: Iterable[int], study: str | None = None) -> dict[int, DriveReader]:
        """Read the journals of `drives`; drives without a file are left out.

        Args:
            space: converts JSON to points.
            drives: numbers of the drives.
            study: required identity of the study; None skips the check.

        Raises:
            StudyError: a damaged journal (with file and line), a journal of another study, or one without trials that another
                drive knew.
        """
        files = self.segments()
        readers = {drive: self.reader(drive, space, study) for drive in drives}
        for drive, reader in readers.items():
            reader.read(files.get(drive, {}))
            reader.check_whole()
        self._check_counts(readers, files)
        return {drive: reader for drive, reader in readers.items() if reader.segments}

    def _check_counts(self, readers: Mapping[int, DriveReader], files: Mapping[int, Mapping[int, Path]]) -> None:
        """Check for trials that a drive knew and that are missing now: lines or files were removed cleanly."""
        known: dict[int, tuple[int, int]] = {}  # drive -> the most trials of it that a drive knew, and which drive
        for observer, reader in readers.items():
            totals = Counter[int]()
            for trial in reader.trials.values():
                for batch in trial.known or ():
                    totals.update(batch)
            for drive, count in totals.items():
                known[drive] = max(known.get(drive, (0, 0)), (count, observer))
        for drive, (count, observer) in known.items():
            if drive not in readers and drive in files:
                continue  # read by another rank
            lost = readers[drive].first_unfinished if drive in readers else 0
            if lost < count and drive in readers:  # possibly written after it was read and before the other one was
                readers[drive].read()
                lost = readers[drive].first_unfinished
            if lost < count:
                raise StudyError(
                    f"drive {observer} knew of drive {drive}'s iteration {lost}, which that drive's journal "
                    f"({self.journal_file(drive)}) has lost; restore it from a backup"
                )


def _note(name: str, text: str) -> str:
    """Return the content of a file with one text under a name, and a checksum."""
    return json.dumps({name: text, "crc": _checksum({name: text})}) + "\n"


def _read_note(file: Path, name: str, remedy: str) -> str | None:
    """Return the text in a file of `_note`; None if there is no file.

    Raises:
        StudyError: the file is damaged.
    """
    try:
        record = json.loads(read_whole(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"{file} cannot be read: {error}") from error
    text = record.pop(name, None) if isinstance(record, dict) else None
    if not isinstance(text, str) or record != {"crc": _checksum({name: text})}:
        raise StudyError(f"{file} is damaged; {remedy}")
    return text


def _checksum(record: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(record, sort_keys=True, allow_nan=False).encode()):08x}"
