"""Leases: they prevent two runs from working on one study at the same time.

A lease is a small file, leases/NAME.ATTEMPT.json, that its owner touches every few seconds. A run over MPI or in one process
holds the lease "study". A worker of exchange="files" holds one of its own for as long as it lives, and one for the drive that it
works. A lease whose owner died is taken over under a higher attempt. An owner that only stood still finds its file gone before
it writes again (`Claim.check`), and stops.

Files are created whole, which fails where the name is taken, on network file systems too. Ages are
measured by the file system's own clock, so that the hosts' clocks need not agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal.owner import Owner, load_owner
from hyperspace.system.disk import is_full, wait_while_full
from hyperspace.system.durable_files import create_whole, file_system_time, make_folder, once_more, read_whole

HEARTBEAT = 10.0  # seconds between two signs of life
EXPIRY = 120.0  # seconds without one after which an owner on another machine counts as dead
STUDY = "study"  # the lease of a run that works all drives
WORKER = "worker-"  # begins the name of the lease that a worker holds as long as it lives
_MOMENT = 5.0  # seconds in which a run that is about to end may end
_RETRY = 0.2  # seconds between two attempts to take a lease
_AWAY = 30.0  # seconds for which a file server may be away before a lease counts as unreadable


class LeaseLostError(StudyError):
    """Another process has taken over what this one worked on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease as its owner has taken it; any process of the owner's run can tell by it whether the lease still stands.

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
        """Return whether the lease is still held: while its owner stood still, it may have been taken over.

        Raises:
            StudyError: the file can be read no more, for a reason that does not go away.
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
        """Refuse to go on if the lease is lost.

        Raises:
            LeaseLostError: it is lost.
            StudyError: it cannot be read, or the study's folder is gone.
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
    """A lease that somebody else holds.

    Attributes:
        owner: who; None if the file tells nothing.
        beat: time of its last sign of life, by the file system's clock.
        expired: whether it may be taken over.
        dead: whether its owner is known to have ended; one that is only silent may have stood still.
    """

    owner: Owner | None
    beat: float
    expired: bool
    dead: bool = False


class Leases:
    """The leases of a study, and those of them that this process holds.

    Args:
        folder: where they are; made when the first one is taken.

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
        """Return the names of all leases, those of this process and expired ones included."""
        return self._files().keys()

    def holders(self) -> dict[str, Held]:
        """Return all leases that others hold, by name, expired ones included."""
        return {name: self._look(name, attempt) for name, attempt in self._files().items() if not self.holds(name)}

    def take(self, name: str, least: int = 0) -> int | None:
        """Take a lease; return its attempt, or None if another process holds it.

        Args:
            name: what is to be worked.
            least: the least attempt that may be taken: one under which nothing was written by others.

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
        # Another process may have taken it since this one looked, under a higher attempt or, with a lower `least`, a lower one.
        others = self._attempts().get(name, set()) - {attempt}
        if any(other > attempt or not self._look(name, other).expired for other in others):
            self._file(name, attempt).unlink(missing_ok=True)
            return None
        for other in others:
            try:
                _remove(self._file(name, other))  # its owner, should it only have stood still, finds out by this
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
        """Refuse to go on with what this process has taken and may have lost; see `Claim.check`."""
        self._mine[name].check()

    def holds(self, name: str) -> bool:
        """Return whether this process still holds a lease."""
        return name in self._mine and self._mine[name].stands()

    @property
    def _is_owner(self) -> bool:
        """Whether this is the process that has taken them, and no child that it has forked."""
        return os.getpid() == self.me.pid

    def remove(self, unneeded: Callable[[str, Held], bool]) -> None:
        """Remove the leases of others that are not needed any more: one that only stood still finds out by this.

        Args:
            unneeded: tells it from the name and the holder of a lease.
        """
        for name, held in self.holders().items() if self._is_owner else ():
            if unneeded(name, held):
                with contextlib.suppress(OSError):
                    _remove(self._file(name, self._files()[name]))

    def release(self, name: str) -> None:
        """Give a lease back, if it is still held; a forked child holds none."""
        if not self._is_owner:
            return
        with contextlib.suppress(OSError, StudyError):  # it expires
            if self.holds(name):
                self._mine[name].path.unlink(missing_ok=True)
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
        return {name: max(attempts) for name, attempts in self._attempts().items()}

    def _attempts(self) -> dict[str, set[int]]:
        """Return the attempts of every lease that have a file; more than one while it is taken over."""
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
            return Held(None, 0.0, expired=True)  # given back this moment
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
            return time.time()  # a full disk has no room for a file that tells its time

    def _beat(self) -> None:
        """Touch what is held, until the end; runs beside an objective of hours."""
        while not self._ended.wait(HEARTBEAT):
            with self._lock:
                files = [claim.path for claim in self._mine.values()]
            for file in files:
                with contextlib.suppress(OSError):  # gone: `holds` tells; or the disk is away, and comes back
                    os.utime(file)


def take_study(leases: Leases, path: Path, least: int = 0, shareable: bool = True) -> Claim:
    """Take the lease of a whole study, for a run that works all its drives.

    An owner on another machine that gives no sign of life is waited for until it counts as dead; one that is about to end, for
    a moment.

    Args:
        leases: the study's.
        path: the study's folder, for messages.
        least: see `Leases.take`.
        shareable: whether processes could work on it together, through its files.

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
        # A file that names no process was not written by a run: waiting for its next heartbeat is waiting for nothing.
        near = any(held.owner is None or held.owner.is_dead(leases.me) is False for held in working)
        waited = time.monotonic() - begun
        # A lease that has expired since `take` looked is taken over at the next try.
        if alive or waited > (_MOMENT if near else EXPIRY if working else 2.0 * EXPIRY):
            raise _busy(path, working, shareable)
        if waited > _MOMENT and not told:
            told = True
            sys.stderr.write(
                f"hyperspace: {_names(working)} may still work on the study in {str(path)!r}; waiting up to {EXPIRY:g} seconds "
                f"for a sign of life\n"
            )
        time.sleep(_RETRY)


def join_study(leases: Leases, path: Path) -> str:
    """Take the lease of a worker, which keeps a run over MPI or in one process from working on the study meanwhile.

    The worker takes its lease before it looks for such a run, and the run takes its own before it looks for workers: of two that
    begin in the same moment at least one finds the other.

    Args:
        leases: the study's.
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
    # A worker that only stood still goes on beside the others; a run does not.
    leases.remove(lambda name, held: held.dead or (name == STUDY and held.expired))
    return name


def _remove(path: Path) -> None:
    with contextlib.suppress(IsADirectoryError):  # which no process holds
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
