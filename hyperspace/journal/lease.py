"""Leases: they prevent two runs from working on one study at the same time.

A lease is a small file, leases/NAME.ATTEMPT.json, that its owner touches every few seconds. A run over MPI or in one process
holds the lease "study". A worker of exchange="files" holds a lease during its lifetime, and one for its current drive. A lease
whose owner died is taken over with a higher attempt. An owner that was only suspended finds its file missing before its next
write (`Claim.check`), and stops.

Files are created as a whole. This fails if the name exists, also on network file systems. Ages are measured by the file system's
clock, so the hosts' clocks need not agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.owner import Owner, load_owner
from hyperspace.system.disk import is_full, wait_while_full
from hyperspace.system.durable_files import create_whole, file_system_time, make_folder, once_more, read_whole
from hyperspace.system.terminal import tell

HEARTBEAT = 10.0  # seconds between two heartbeats
EXPIRY = 120.0  # seconds without a heartbeat after which an owner on another machine counts as dead
STUDY = "study"  # the lease of a run that carries all drives
WORKER = "worker-"  # prefix of the lease that a worker holds during its lifetime
_MOMENT = 5.0  # seconds allowed for a run to finish ending
_RETRY = 0.2  # seconds between two attempts to take a lease
_AWAY = 30.0  # seconds of file server outage after which a lease counts as unreadable


class LeaseLostError(StudyError):
    """Loss of a lease: another process has taken over this one's work."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Lease of this run. Any of its processes can check whether the lease is still held.

    Attributes:
        path: the file of the lease.
        text: its content.
    """

    path: Path
    text: str

    @property
    def attempt(self) -> int:
        """Number of the lease."""
        return int(self.path.name.split(".")[-2])

    def stands(self) -> bool:
        """Return whether the lease is still held: it can be taken over while its owner is suspended.

        Raises:
            StudyError: the file can no longer be read, for a permanent reason.
        """
        begun = time.monotonic()
        while True:
            try:
                return read_whole(self.path) == self.text.encode()
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError as error:
                if time.monotonic() - begun > _AWAY:
                    raise StudyError(f"{self.path} cannot be read: {error.strerror}") from error
                time.sleep(_RETRY)

    def check(self) -> None:
        """Check that the lease is still held.

        Raises:
            LeaseLostError: it is lost.
            StudyError: it cannot be read, or the study's folder is missing.
        """
        if self.stands():
            return
        study = self.path.parent.parent
        if not (study / "journals").is_dir():
            raise StudyError(
                f"the study's folder {str(study)!r} was removed or renamed while this run worked on it; this run ends, since it "
                f"can record nothing any more"
            )
        if not self.path.parent.is_dir():
            raise StudyError(
                f"{self.path.parent} was removed while this run worked on the study; this run ends, since another one could "
                f"begin beside it, and all that it had recorded is kept"
            )
        name = self.path.name.rsplit(".", 2)[0]
        taker = Leases(self.path.parent).holders().get(name)
        by = f"by {taker.owner}" if taker is not None and taker.owner is not None else "by another run"
        what = f"the study in {str(study)!r}" if name == STUDY else f"what this worker had begun (lease {name!r})"
        raise LeaseLostError(
            f"{what} was taken over {by}, since this process had given no sign of life for {EXPIRY:g} seconds, or its main "
            f"process had ended; it stops here, and all that it had recorded before is kept"
        )


@dataclass(frozen=True, slots=True)
class Held:
    """Lease of another process.

    Attributes:
        owner: the process; None if the file does not name it.
        beat: time of its last heartbeat, by the file system's clock.
        expired: whether it may be taken over.
        dead: whether its owner is known to have ended; a silent owner may only be suspended.
    """

    owner: Owner | None
    beat: float
    expired: bool
    dead: bool = False


class Leases:
    """Leases of a study, including those that this process holds.

    Args:
        folder: their folder; created when the first lease is taken.

    Attributes:
        me: this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.me = Owner.here()
        self._mine: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def names(self) -> Iterable[str]:
        """Return the names of all leases, including expired ones and those of this process."""
        return self._files().keys()

    def holders(self) -> dict[str, Held]:
        """Return all leases of other processes by name, including expired ones."""
        return {name: self._look(name, attempt) for name, attempt in self._files().items() if not self.holds(name)}

    def take(self, name: str, least: int = 0) -> int | None:
        """Take a lease; return its attempt, or None if another process holds it.

        Args:
            name: name of the lease.
            least: least attempt to take: one without files written by others.

        Raises:
            StudyError: the folder cannot be written.
        """
        try:
            return wait_while_full(lambda: self._take(name, least), f"a lease in {self._folder} cannot be written")
        except OSError as error:
            raise StudyError(f"the lease {name!r} in {self._folder} cannot be written: {error.strerror}") from error

    def _take(self, name: str, least: int) -> int | None:
        if not self._is_owner:
            raise StudyError(
                f"a lease in {self._folder} is taken by process {self.me.pid} only, and this is a child that it has forked"
            )
        highest = self._files().get(name)
        if highest is not None and not self._look(name, highest).expired:
            return None
        attempt = least if highest is None else max(least, highest + 1)
        text = json.dumps(asdict(Owner.here()))
        make_folder(self._folder)
        if not create_whole(self._file(name, attempt), text):
            return None
        # Another process may have taken it in the meantime, with a higher attempt, or with a lower one and a lower `least`.
        others = self._attempts().get(name, set()) - {attempt}
        if any(other > attempt or not self._look(name, other).expired for other in others):
            self._file(name, attempt).unlink(missing_ok=True)
            return None
        for other in others:
            try:
                _remove(self._file(name, other))  # if its owner was only suspended, it notices the loss by this
            except OSError:
                self._file(name, attempt).unlink(missing_ok=True)
                raise
        with self._lock:
            self._mine[name] = Claim(self._file(name, attempt), text)
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="hyperspace-heartbeat", daemon=True)
            self._heart.start()
        return attempt

    def claim(self, name: str) -> Claim:
        """Return a lease that this process has taken."""
        return self._mine[name]

    def check(self, name: str) -> None:
        """Check that this process still holds a lease; see `Claim.check`."""
        self._mine[name].check()

    def holds(self, name: str) -> bool:
        """Return whether this process still holds a lease."""
        return name in self._mine and self._mine[name].stands()

    @property
    def _is_owner(self) -> bool:
        """Whether this process took them, and is not a fork of that process."""
        return os.getpid() == self.me.pid

    def remove(self, unneeded: Callable[[str, Held], bool]) -> None:
        """Remove unneeded leases of other processes. An owner that was only suspended notices the loss by this.

        Args:
            unneeded: decides by the name and the holder of a lease.
        """
        for name, held in self.holders().items() if self._is_owner else ():
            if unneeded(name, held):
                with contextlib.suppress(OSError):
                    _remove(self._file(name, self._files()[name]))

    def release(self, name: str) -> None:
        """Release a lease if it is still held; a forked child holds none."""
        if not self._is_owner:
            return
        with contextlib.suppress(OSError, StudyError):  # it will expire
            if self.holds(name):
                self._mine[name].path.unlink(missing_ok=True)
        with self._lock:
            self._mine.pop(name, None)

    def close(self) -> None:
        """Release all leases."""
        for name in list(self._mine):
            self.release(name)
        self._ended.set()

    def _file(self, name: str, attempt: int) -> Path:
        return self._folder / f"{name}.{attempt}.json"

    def _files(self) -> dict[str, int]:
        """Return the highest attempt of every lease."""
        return {name: max(attempts) for name, attempts in self._attempts().items()}

    def _attempts(self) -> dict[str, set[int]]:
        """Return the attempts of every lease that have a file; there are several during a takeover."""
        found: dict[str, set[int]] = {}
        try:
            names = once_more(lambda: os.listdir(self._folder))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        for file in names:
            name, _, attempt = file.removesuffix(".json").rpartition(".")
            if name and attempt.isdigit() and file.endswith(".json"):
                found.setdefault(name, set()).add(int(attempt))
        return found

    def _look(self, name: str, attempt: int) -> Held:
        path = self._file(name, attempt)
        try:
            beat = path.stat().st_mtime
        except FileNotFoundError:
            return Held(None, 0.0, expired=True)  # just released
        try:
            owner = load_owner(json.loads(read_whole(path)))
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            owner = None
        dead = None if owner is None else owner.is_dead(self.me)
        expired = self._now() - beat > EXPIRY if dead is None else dead
        return Held(owner, beat, expired, dead is True)

    def _now(self) -> float:
        try:
            return file_system_time(self._folder)
        except OSError as error:
            if not is_full(error):
                raise
            return time.time()  # a full disk cannot hold a file for reading its clock

    def _beat(self) -> None:
        """Touch the held leases until the end; this runs in a thread beside an objective of hours."""
        while not self._ended.wait(HEARTBEAT):
            with self._lock:
                files = [claim.path for claim in self._mine.values()]
            for file in files:
                with contextlib.suppress(OSError):  # a lost lease, which `holds` reports, or a temporary outage
                    os.utime(file)


def take_study(leases: Leases, path: Path, least: int = 0, shareable: bool = True) -> Claim:
    """Take the lease of a whole study, for a run that carries all its drives.

    If an owner on another machine is silent, wait until it counts as dead. If an owner is about to end, wait a moment.

    Args:
        leases: leases of the study.
        path: the study's folder, for messages.
        least: see `Leases.take`.
        shareable: whether processes could share it through its files.

    Raises:
        StudyError: another process works on it.
    """
    begun, told = time.monotonic(), False
    beats: dict[Owner | None, float] = {}
    while True:
        taken = leases.take(STUDY, least) is not None
        working = [held for held in leases.holders().values() if not held.expired]
        if taken and not working:
            leases.remove(lambda name, held: held.expired)
            return leases.claim(STUDY)
        leases.release(STUDY)
        alive = any(beats.setdefault(held.owner, held.beat) != held.beat for held in working)
        # A file without a process was not written by a run, and will not get a heartbeat.
        near = any(held.owner is None or held.owner.is_dead(leases.me) is False for held in working)
        waited = time.monotonic() - begun
        # A lease that has expired in the meantime is taken over by the next attempt.
        if alive or waited > (_MOMENT if near else EXPIRY if working else 2.0 * EXPIRY):
            raise _busy(path, working, shareable)
        if waited > _MOMENT and not told:
            told = True
            tell(
                f"{_names(working)} may still work on the study in {str(path)!r}; waiting up to {EXPIRY:g} seconds for a sign of "
                f"life"
            )
        time.sleep(_RETRY)


def join_study(leases: Leases, path: Path) -> str:
    """Take the lease of a worker, which prevents a run over MPI or in one process from working on the study.

    The worker takes its lease before it looks for such a run, and the run takes its own before it looks for workers. If both
    start at the same moment, at least one finds the other.

    Args:
        leases: leases of the study.
        path: the study's folder, for messages.

    Returns:
        The name of the worker's lease.

    Raises:
        StudyError: a run works on the study as a whole.
    """
    name = f"{WORKER}{leases.me.host.partition('/')[0]}-{leases.me.pid}"
    leases.take(name)
    held = leases.holders().get(STUDY)
    if held is not None and not held.expired:
        leases.release(name)
        raise _busy(path, [held])
    # A worker that was only suspended continues beside the others; a run does not.
    leases.remove(lambda name, held: held.dead or (name == STUDY and held.expired))
    return name


def _remove(path: Path) -> None:
    with contextlib.suppress(IsADirectoryError):  # a directory, which is not a lease
        path.unlink(missing_ok=True)


def _names(working: Iterable[Held]) -> str:
    return "; ".join(sorted({str(held.owner or "an unknown process") for held in working}))


def _busy(path: Path, working: Iterable[Held], shareable: bool = True) -> StudyError:
    working = list(working)
    together = '; to work on a study together, start each process with exchange="files" (hyperspace run: --exchange files)'
    unknown = any(held.owner is None for held in working)
    hint = f"; or, if no run works on it, remove the damaged files in {path / 'leases'}" if unknown else ""
    return StudyError(
        f"the study in {str(path)!r} is being worked by {_names(working)}; wait for its end, end it with: hyperspace stop "
        f"{path}, or take another results_path{hint}{together if shareable else ''}"
    )
