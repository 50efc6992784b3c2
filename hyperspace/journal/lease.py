"""Leases: who writes which journal, so that two jobs never write the same one.

A lease is a small file, leases/NAME.ATTEMPT.json, that its owner touches every few seconds. A run over MPI or in one process
holds the lease "study"; the workers of exchange="files" hold one for the drive that they work. A lease whose owner died is
taken over under the next attempt. An owner that was only stalled finds its file gone, and stops writing.

Files are created whole, which fails where the name is taken, on network file systems too. Ages are
measured by the file system's own clock, so that the hosts' clocks need not agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.folder import create_whole
from hyperspace.journal.owner import Owner, load_owner

HEARTBEAT = 10.0  # seconds between two signs of life
EXPIRY = 120.0  # seconds without one after which an owner on another machine counts as dead
STUDY = "study"  # the lease of a run that works all drives
_MOMENT = 5.0  # seconds in which a run that is about to end may end
_RETRY = 0.2  # seconds between two attempts to take a lease


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that somebody else holds.

    Attributes:
        owner: who; None if the file tells nothing.
        beat: time of its last sign of life, by the file system's clock.
        expired: whether it may be taken over.
    """

    owner: Owner | None
    beat: float
    expired: bool


class Leases:
    """The leases of a study, and those of them that this process holds.

    Args:
        folder: where they lie; made when the first one is taken.

    Attributes:
        me: this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.me = Owner.here()
        self._token = f"{socket.gethostname()}.{os.getpid()}.{id(self):x}"  # no other process has files of this name
        self._mine: dict[str, tuple[int, str]] = {}  # attempt, and what stands in the file
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def names(self) -> Iterable[str]:
        """Return the names of all leases, those of this process and expired ones included."""
        return self._files().keys()

    def holders(self) -> dict[str, Held]:
        """Return all leases that others hold, by name, expired ones included."""
        return {name: self._look(name, attempt) for name, attempt in self._files().items() if not self.holds(name)}

    def take(self, name: str, least: int = 0) -> int | None:
        """Take a lease; return its attempt, or None if somebody else holds it.

        Args:
            name: what is to be worked.
            least: attempt of a lease that nobody holds.

        Raises:
            StudyError: the folder cannot be written.
        """
        highest = self._files().get(name)
        if highest is not None and not self._look(name, highest).expired:
            return None
        attempt = least if highest is None else max(least, highest + 1)
        text = json.dumps(asdict(Owner.here()))
        if not self._create(self._file(name, attempt), text):
            return None
        if self._files().get(name) != attempt:  # somebody was faster, and by more than one step
            self._file(name, attempt).unlink(missing_ok=True)
            return None
        if highest is not None:
            self._file(name, highest).unlink(missing_ok=True)
        with self._lock:
            self._mine[name] = attempt, text
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="hyperspace-heartbeat", daemon=True)
            self._heart.start()
        return attempt

    def holds(self, name: str) -> bool:
        """Return whether this process still holds a lease: while it was stalled, another may have taken it over."""
        if name not in self._mine:
            return False
        attempt, text = self._mine[name]
        try:
            return self._file(name, attempt).read_text() == text
        except OSError:
            return False

    def release(self, name: str) -> None:
        """Give a lease back, if it is still held."""
        if self.holds(name):
            self._file(name, self._mine[name][0]).unlink(missing_ok=True)
        with self._lock:
            self._mine.pop(name, None)

    def close(self) -> None:
        """Give all leases back."""
        for name in list(self._mine):
            self.release(name)
        self._ended.set()

    def _file(self, name: str, attempt: int) -> Path:
        return self._folder / f"{name}.{attempt}.json"

    def _files(self) -> dict[str, int]:
        """Return the highest attempt of every lease."""
        highest: dict[str, int] = {}
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return {}
        for file in names:
            name, _, attempt = file.removesuffix(".json").rpartition(".")
            if name and attempt.isdigit() and file.endswith(".json"):
                highest[name] = max(highest.get(name, 0), int(attempt))
        return highest

    def _look(self, name: str, attempt: int) -> Held:
        path = self._file(name, attempt)
        try:
            beat = path.stat().st_mtime
            owner = load_owner(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return Held(None, 0.0, expired=True)  # given back this moment
        except (OSError, ValueError, TypeError):
            owner = None
        dead = None if owner is None else owner.is_dead(self.me)
        return Held(owner, beat, expired=self._clock() - beat > EXPIRY if dead is None else dead)

    def _clock(self) -> float:
        """Return the time by the file system's clock."""
        path = self._folder / f".clock.{self._token}"
        path.touch()
        now = path.stat().st_mtime
        path.unlink(missing_ok=True)
        return now

    def _create(self, path: Path, text: str) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return create_whole(path, text)
        except OSError as error:
            raise StudyError(f"the lease {path} cannot be written: {error.strerror}") from error

    def _beat(self) -> None:
        """Touch what is held, until the end; runs beside an objective of hours."""
        while not self._ended.wait(HEARTBEAT):
            with self._lock:
                files = [self._file(name, attempt) for name, (attempt, _) in self._mine.items()]
            for file in files:
                with contextlib.suppress(OSError):  # gone: `holds` tells; or the disk is away, and comes back
                    os.utime(file)


def take_study(leases: Leases, path: Path) -> None:
    """Take the lease of a whole study, for a run that works all its drives.

    An owner on another machine that gives no sign of life is waited for until it counts as dead; one that is about to end, for
    a moment.

    Args:
        leases: the study's.
        path: the study's folder, for messages.

    Raises:
        StudyError: somebody else works on it.
    """
    begun = time.monotonic()
    beats: dict[Owner | None, float] = {}
    while True:
        taken = leases.take(STUDY) is not None
        working = [held for held in leases.holders().values() if not held.expired]
        if taken and not working:
            return
        leases.release(STUDY)
        alive = any(beats.setdefault(held.owner, held.beat) != held.beat for held in working)
        near = any(held.owner is not None and held.owner.is_dead(leases.me) is False for held in working)
        waited = time.monotonic() - begun
        # Who has expired since `take` looked is taken over at the next try.
        if alive or waited > (_MOMENT if near else EXPIRY if working else 2.0 * EXPIRY):
            raise _busy(path, working)
        time.sleep(_RETRY)


def check_workers_only(leases: Leases, path: Path) -> None:
    """Refuse to join a study that a run over MPI or in one process works as a whole.

    Raises:
        StudyError: one does.
    """
    held = leases.holders().get(STUDY)
    if held is not None and not held.expired:
        raise _busy(path, [held])


def _busy(path: Path, working: Iterable[Held]) -> StudyError:
    owners = "; ".join(sorted({str(held.owner or "an unknown process") for held in working}))
    return StudyError(
        f"the study in {str(path)!r} is being worked by {owners}; wait for its end, end it with: hyperspace stop {path}, "
        f"or take another results_path"
    )
