"""exchange="files": workers without MPI, which communicate through their journals in a shared folder.

A worker is a separate process: a task of a job array, or one started by hand on any machine with access to the folder. Workers
may join or die at any time. A worker takes the lease of a drive for one evaluation, so that only one worker at a time runs a
drive. The next one continues at the end of the drive's journal. Workers are not coordinated, and wait only at the end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import partial

from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.journal import DriveReader, Journal, Leases, StudyFolder, open_journal
from hyperspace.journal.stop_request import request_stop
from hyperspace.space.space import Space
from hyperspace.trials.trial import Trial, TrialKey

WORKERS_VARIABLE = "HYPERSPACE_WORKERS"
SILENT_VARIABLE = "HYPERSPACE_SILENT_WORKER"  # see `is_silent_worker`
_LEAST_INTERVAL = 0.2  # seconds between two scans of the folder
_SECONDS_PER_FILE = 2e-3  # cost of a file in a scan on a slow network file system; scans may take a tenth of the time
_EXPIRY_INTERVAL = 10.0  # seconds between two checks for expired leases


def is_silent_worker() -> bool:
    """Return whether another worker, which was started with this one, shows the messages, the progress and the result."""
    return SILENT_VARIABLE in os.environ


class WorkerRanks(SerialRanks):
    """A worker on its own: it communicates with other workers through the study's folder only."""

    @property
    def worker(self) -> int:
        """Its number in the job array, or its process number."""
        task = os.environ.get("SLURM_ARRAY_TASK_ID", "")
        return int(task) if task.isdigit() else os.getpid()


def expected_workers(environment: Mapping[str, str] | None = None) -> int:
    """Return the number of workers that a new study should have drives for: from the environment, or 1."""
    environment = os.environ if environment is None else environment
    for name in (WORKERS_VARIABLE, "SLURM_ARRAY_TASK_COUNT"):
        if environment.get(name, "").isdigit():
            return max(int(environment[name]), 1)
    return 1


class RecordedTrials(Mapping[TrialKey, Trial]):
    """Recorded trials, as far as the journals were read; the mapping grows with them."""

    def __init__(self, readers: Mapping[int, DriveReader]) -> None:
        self._readers = readers

    def __getitem__(self, key: TrialKey) -> Trial:
        """Return the trial with this key."""
        if key.drive not in self._readers:
            raise KeyError(key)
        return self._readers[key.drive].trials[key]

    def __iter__(self) -> Iterator[TrialKey]:
        """Iterate over the keys, drive by drive."""
        return (key for reader in self._readers.values() for key in reader.trials)

    def __len__(self) -> int:
        """Return the number of trials."""
        return sum(len(reader.trials) for reader in self._readers.values())


class SharedFolder:
    """Journals of a study, read as they grow, and the leases of its drives.

    Args:
        folder: the study's files.
        leases: this worker's leases.
        worker: name of the lease that this worker holds during its lifetime.
        study: identity of the study.
        space: converts points to JSON.
        n_drives: number of drives.

    Attributes:
        recorded: recorded trials, as far as they were read.
        journals: journals of the drives that this worker holds.
    """

    def __init__(self, folder: StudyFolder, leases: Leases, worker: str, study: str, space: Space, n_drives: int) -> None:
        self._folder = folder
        self._leases = leases
        self._worker = worker
        self._study = study
        self._space = space
        # Lines of another worker that are not yet synced must not be used.
        self._readers = {drive: folder.reader(drive, space, study, durable=True) for drive in range(n_drives)}
        self._segments: dict[int, Journal] = {}  # the last segment that this worker has started, by drive
        self.recorded = RecordedTrials(self._readers)
        self.journals: dict[int, Journal] = {}
        self._interval = max(_LEAST_INTERVAL, 10.0 * _SECONDS_PER_FILE * n_drives)
        self._next_look = 0.0
        self._next_expiry = 0.0

    def look(self, insist: bool = False) -> list[DriveReader]:
        """Read new records of others, unless that was done recently; return the readers with news."""
        now = time.monotonic()
        if now < self._next_look and not insist:
            return []
        files = self._folder.segments()
        news = [reader for drive, reader in self._readers.items() if reader.read(files.get(drive, {}))]
        self._next_look = time.monotonic() + self._interval
        return news

    def taken(self) -> set[int]:
        """Return the drives that are held, here or elsewhere; at intervals leave out those with a dead holder."""
        now, dead = time.monotonic(), set[str]()
        if now >= self._next_expiry:
            dead = {name for name, held in self._leases.holders().items() if held.expired}
            self._next_expiry = now + _EXPIRY_INTERVAL
        return {int(name) for name in self._leases.names() if name.isdigit() and name not in dead}

    def take(self, drive: int) -> bool:
        """Take a drive's lease and open its journal; return False if another worker has it.

        The worker continues in its own segment if no other worker has written since, otherwise in a new one.

        Raises:
            LeaseLostError: this worker counts as dead, since it was suspended.
            StudyError: a damaged journal, or a folder that cannot be written.
        """
        self._leases.check(self._worker)
        reader, name = self._readers[drive], _lease(drive)
        own = self._segments.get(drive)
        goes_on = own is not None and own.attempt == reader.attempt
        attempt = self._leases.take(name, least=reader.attempt + (not goes_on))
        if attempt is None:
            return False
        try:
            reader.read()  # complete, since its last owner wrote before it released the lease
            if own is not None and own.attempt == attempt == reader.attempt:
                self.journals[drive] = own
            elif attempt > reader.attempt:
                self.journals[drive] = self._segments[drive] = open_journal(
                    self._folder, self._study, drive, self._space, reader, attempt, partial(self._leases.check, name)
                )
            else:  # other workers have written since the last read
                self._leases.release(name)
                return False
        except BaseException:
            self._leases.release(name)
            raise
        return True

    def give_back(self, drive: int) -> None:
        """Write held lines of a drive's journal, and release its lease."""
        try:
            self.journals.pop(drive).close()
        finally:
            self._leases.release(_lease(drive))
        self._readers[drive].read()

    def abandon(self, drive: int) -> None:
        """Stop working on a drive whose lease this worker has lost.

        Raises:
            LeaseLostError: the whole worker counts as dead.
        """
        self.journals.pop(drive, None)
        self._segments.pop(drive, None)
        self._leases.release(_lease(drive))
        self._leases.check(self._worker)

    def stop_all(self) -> None:
        """Ask all workers to end."""
        request_stop(self._folder.path)


def _lease(drive: int) -> str:
    return f"{drive:05d}"
