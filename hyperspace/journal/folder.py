"""The files of a study; the one place that knows their names."""

from __future__ import annotations

import json
import os
import socket
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.journal.lines import FORMAT
from hyperspace.journal.reader import DriveReader
from hyperspace.records import Record
from hyperspace.space import Space


class StudyFolder:
    """The files of a study.

    study.json               what the study is, fixed at its creation, and how far it was asked to go
    journals/00003.jsonl     the events of drive 3
    journals/00003.1.jsonl   its next segment, begun by the worker that took the drive over from one that died
    leases/                  who works what (see `hyperspace.journal.lease`)
    stop                     asks the runs that find it to end (see `hyperspace.stopping`)
    scratch/00003-00017/     files of the trial of drive 3, iteration 17
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def study_file(self) -> Path:
        """What the study is."""
        return self.path / "study.json"

    @property
    def leases(self) -> Path:
        """The folder of the leases."""
        return self.path / "leases"

    @property
    def stop_file(self) -> Path:
        """What asks the runs of the study to end."""
        return self.path / "stop"

    def journal_file(self, drive: int, segment: int = 0) -> Path:
        """The events of one drive."""
        return self.path / "journals" / (f"{drive:05d}.{segment}.jsonl" if segment else f"{drive:05d}.jsonl")

    def scratch(self, drive: int, iteration: int) -> Path:
        """A folder for the files of one trial; made when it is asked for."""
        return self.path / "scratch" / f"{drive:05d}-{iteration:05d}"

    def drives(self) -> list[int]:
        """Return the drives that have a journal."""
        names = (file.name.partition(".")[0] for file in (self.path / "journals").glob("*.jsonl"))
        return sorted({int(name) for name in names if name.isdigit()})

    def read_study(self) -> Record | None:
        """Return what study.json says; None where there is none.

        Raises:
            StudyError: the file is damaged, or of a format that this version does not know.
        """
        try:
            record = json.loads(self.study_file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise StudyError(f"{self.study_file} cannot be read: {error}") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise StudyError(f"{self.study_file} is not a study of format {FORMAT}, which this version reads")
        if record.pop("crc", None) != _checksum(record):
            raise StudyError(f"{self.study_file} is damaged: its checksum does not fit; restore it from a backup")
        return record

    def write_study(self, record: Record, create: bool = False) -> bool:
        """Replace study.json whole; with `create`, only if there is none yet.

        Returns:
            Whether it was written: with `create`, somebody else may have been first.

        Raises:
            StudyError: the folder cannot be made or written.
        """
        text = json.dumps(dict(record) | {"crc": _checksum(record)}, indent=1, allow_nan=False) + "\n"
        try:
            (self.path / "journals").mkdir(parents=True, exist_ok=True)
            if create:
                return create_whole(self.study_file, text)
            replace_whole(self.study_file, text)
        except OSError as error:
            raise StudyError(f"results_path {str(self.path)!r} cannot be written: {error.strerror}") from error
        return True

    def set_aside(self) -> Path:
        """Rename the folder, so that a new study can begin in its place; return the new name."""
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        self.path.rename(aside)
        return aside

    def reader(self, drive: int, space: Space) -> DriveReader:
        """Return a reader of a drive's journal, which has read nothing yet."""
        return DriveReader(partial(self.journal_file, drive), drive, space)

    def read_journals(self, space: Space, drives: Iterable[int]) -> dict[int, DriveReader]:
        """Read the journals of `drives`; those without a file are left out.

        Raises:
            StudyError: a damaged journal, with the file and the line; or one that has lost what another drive knew of.
        """
        readers = {drive: self.reader(drive, space) for drive in drives}
        for reader in readers.values():
            reader.read()
        self._check_counts(readers)
        return {drive: reader for drive, reader in readers.items() if reader.segments}

    def _check_counts(self, readers: Mapping[int, DriveReader]) -> None:
        """Look for trials that a drive knew of and that are on record no more: lines or files that were cut off cleanly."""
        known: dict[int, tuple[int, int]] = {}  # drive -> the most trials that a drive knew of it, and which one did
        for observer, reader in readers.items():
            totals = Counter[int]()
            for trial in reader.trials.values():
                for batch in trial.known or ():
                    totals.update(batch)
            for drive, count in totals.items():
                known[drive] = max(known.get(drive, (0, 0)), (count, observer))
        for drive, (count, observer) in known.items():
            if drive not in readers and self.journal_file(drive).exists():
                continue  # another rank reads it
            lost = readers[drive].first_unfinished if drive in readers else 0
            if lost < count and drive in readers:  # written, perhaps, after it was read and before the other one was
                readers[drive].read()
                lost = readers[drive].first_unfinished
            if lost < count:
                raise StudyError(
                    f"drive {observer} knew of drive {drive}'s iteration {lost}, which that drive's journal "
                    f"({self.journal_file(drive)}) has lost; restore it from a backup"
                )


def _checksum(record: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(record, sort_keys=True, allow_nan=False).encode()):08x}"


def replace_whole(path: Path, text: str) -> None:
    """Put a file in the place of another, so that a reader sees either the one or the other, and make it durable."""
    os.replace(_beside(path, text), path)
    sync_folder(path.parent)


def create_whole(path: Path, text: str) -> bool:
    """Create a file with all its content at once, and make it durable; return False if there is one already.

    Where a file system has no hard links it is created empty and then filled.
    """
    temporary = _beside(path, text)
    try:
        os.link(temporary, path)  # fails where there is a file, over NFS too
    except FileExistsError:
        return False
    except OSError:
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(file)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _beside(path: Path, text: str) -> Path:
    """Write a durable file beside another, under a name that no other process or thread uses."""
    temporary = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.{threading.get_ident():x}.tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
