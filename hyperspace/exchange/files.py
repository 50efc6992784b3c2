"""exchange="files": workers without MPI share through their journals in a common folder.

A worker is a process of its own: a task of a job array, or one started by hand on any machine that sees the folder. It may die
or join at any time. It takes the lease of a drive for one evaluation, so that every drive is worked by one worker at a time, and
whoever comes next goes on where the drive's journal ends. Nobody coordinates, and nobody waits but at the end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from hyperspace.exchange.serial import SerialExchange
from hyperspace.journal import DriveReader, Journal, Leases, StudyFolder, open_journal
from hyperspace.space import Space
from hyperspace.stopping import request_stop
from hyperspace.trial import Trial, TrialKey

WORKERS_VARIABLE = "HYPERSPACE_WORKERS"
_LEAST_INTERVAL = 0.2  # seconds between two looks at the folder
_SECONDS_PER_FILE = 2e-3  # what a look costs on a slow network file system; looking may take a tenth of the time
_EXPIRY_INTERVAL = 10.0  # seconds between two looks for leases that have expired


class FilesExchange(SerialExchange):
    """A worker among others that it cannot talk to."""

    @property
    def worker(self) -> int:
        """Its number in the job array, else the number of its process."""
        task = os.environ.get("SLURM_ARRAY_TASK_ID", "")
        return int(task) if task.isdigit() else os.getpid()


def expected_workers(environment: Mapping[str, str] | None = None) -> int:
    """Return how many workers a new study should have drives for: as the environment says, or 1."""
    environment = os.environ if environment is None else environment
    for name in (WORKERS_VARIABLE, "SLURM_ARRAY_TASK_COUNT"):
        if environment.get(name, "").isdigit():
            return max(int(environment[name]), 1)
    return 1


class RecordedTrials(Mapping[TrialKey, Trial]):
    """All trials on record, as far as the journals were read; it grows with them."""

    def __init__(self, readers: Mapping[int, DriveReader]) -> None:
        self._readers = readers

    def __getitem__(self, key: TrialKey) -> Trial:
        """Return the trial of this key."""
        if key.drive not in self._readers:
            raise KeyError(key)
        return self._readers[key.drive].trials[key]

    def __iter__(self) -> Iterator[TrialKey]:
        """Go through the keys, drive by drive."""
        return (key for reader in self._readers.values() for key in reader.trials)

    def __len__(self) -> int:
        """Return the number of trials."""
        return sum(len(reader.trials) for reader in self._readers.values())


class SharedFolder:
    """A study's journals, read as they grow, and the leases of its drives.

    Args:
        folder: the study's files.
        leases: this worker's.
        study: identity of the study.
        space: turns points into JSON.
        n_drives: number of drives.

    Attributes:
        recorded: all trials on record, as far as they were read.
        journals: those of the drives that this worker holds.
    """

    def __init__(self, folder: StudyFolder, leases: Leases, study: str, space: Space, n_drives: int) -> None:
        self._folder = folder
        self._leases = leases
        self._study = study
        self._space = space
        self._readers = {drive: folder.reader(drive, space) for drive in range(n_drives)}
        self.recorded = RecordedTrials(self._readers)
        self.journals: dict[int, Journal] = {}
        self._interval = max(_LEAST_INTERVAL, 10.0 * _SECONDS_PER_FILE * n_drives)
        self._next_look = 0.0
        self._next_expiry = 0.0

    def look(self, insist: bool = False) -> list[DriveReader]:
        """Read what others have written, unless that was done a moment ago; return the readers that have news."""
        now = time.monotonic()
        if now < self._next_look and not insist:
            return []
        news = [reader for reader in self._readers.values() if reader.read()]
        self._next_look = time.monotonic() + self._interval
        return news

    def taken(self) -> set[int]:
        """Return the drives that somebody holds; from time to time without those whose holder is dead."""
        now = time.monotonic()
        if now < self._next_expiry:
            names = set(self._leases.names())
        else:
            names = {name for name, held in self._leases.holders().items() if not held.expired}
            self._next_expiry = now + _EXPIRY_INTERVAL
        return {int(name) for name in names if name.isdigit()}

    def take(self, drive: int) -> bool:
        """Take a drive's lease and open its journal; return False if somebody else has it.

        A drive whose owner died goes on in a new segment: should the owner only have been stalled, it still writes its own.
        """
        attempt = self._leases.take(_lease(drive))
        if attempt is None:
            return False
        reader = self._readers[drive]
        try:
            reader.read()  # all that its last owner wrote: it closed the journal before it gave the lease back
            journal = open_journal(self._folder, self._study, drive, self._space, reader, takeover=attempt > 0)
        except FileExistsError:  # this worker was stalled itself, and another one took the drive meanwhile
            self._leases.release(_lease(drive))
            return False
        except BaseException:
            self._leases.release(_lease(drive))
            raise
        self.journals[drive] = journal
        return True

    def give_back(self, drive: int) -> None:
        """Close a drive's journal, and give its lease back."""
        try:
            self.journals.pop(drive).close()
        finally:
            self._leases.release(_lease(drive))
        self._readers[drive].read()

    def stop_all(self) -> None:
        """Ask all workers to end."""
        request_stop(self._folder.path)


def _lease(drive: int) -> str:
    return f"{drive:05d}"
