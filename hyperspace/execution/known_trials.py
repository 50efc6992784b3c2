"""Trials that each drive knows, if drives do not wait for each other.

The counts of the trials that a drive knew at its question are recorded with the trial. So every point can be computed again from
the journals, and a drive can be resumed. Only this replay is guaranteed: two runs may make different trials.

While an evaluation runs elsewhere, its rank fits ahead. It adds known trials in batches for the drive that asks next, and the
strategy fits its models to them. The batches are recorded too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from hyperspace.errors import StudyError
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import RUNNING, Trial, TrialKey

_ORDER = attrgetter("iteration", "drive")  # the order of keys, without creating them


class KnownTrials:
    """Trials that one drive knows: an archive that grows by batches, each in the order of (iteration, drive).

    Args:
        archive: an archive with only given evaluations.
        n_drives: number of drives.

    Attributes:
        taken: number of added trials.
    """

    def __init__(self, archive: Archive, n_drives: int) -> None:
        self.archive = archive
        self.taken = 0
        self._counts = [0] * n_drives
        self._ahead: list[dict[int, int]] = []  # batches since the drive's last question

    def look_ahead(self, finished: Sequence[Sequence[Trial]]) -> None:
        """Add the trials that are known now, before the drive asks."""
        self._ahead.append(self._catch_up(finished))

    def update(
        self, finished: Sequence[Sequence[Trial]], running: Sequence[Trial | None]
    ) -> tuple[tuple[dict[int, int], ...], tuple[int, ...]]:
        """Add all trials that are known now, at the drive's question.

        Returns:
            The numbers of new trials of each drive since its last question, in batches; and the drives with running trials.
        """
        known, self._ahead = (*self._ahead, self._catch_up(finished)), []
        pending = [trial for trial in running if trial is not None]
        self.archive.replace_running(pending)
        return known, tuple(trial.drive for trial in pending)

    def recall(self, trial: Trial, trials: Mapping[TrialKey, Trial], fit_ahead: Callable[[], object] | None = None) -> None:
        """Restore the trials that the drive knew at its question for `trial`, from all recorded ones.

        Args:
            trial: the recorded trial.
            trials: all recorded trials.
            fit_ahead: called after each batch that was added before the question.

        Raises:
            StudyError: a known trial or its end is not recorded: lost, or not read yet.
        """
        counts = list(self._counts)
        batches = []
        try:
            for known in trial.known or ():
                batches.append([_finished(trials, TrialKey(counts[d] + i, d)) for d, more in known.items() for i in range(more)])
                for drive, more in known.items():
                    counts[drive] += more
            pending = [trials[TrialKey(counts[drive], drive)] for drive in trial.pending or ()]
        except KeyError as missing:
            key = missing.args[0]
            raise StudyError(
                f"drive {trial.drive} knew of drive {key.drive}'s iteration {key.iteration}, which that drive's journal has "
                f"lost; restore the journal from a backup"
            ) from None
        for number, fresh in enumerate(batches, start=1):
            self._take(fresh)
            if fit_ahead is not None and number < len(batches):
                fit_ahead()
        self.archive.replace_running([replace(other, status=RUNNING, metrics={}) for other in pending])

    def _catch_up(self, finished: Sequence[Sequence[Trial]]) -> dict[int, int]:
        """Add all finished trials; return the number of new ones of each drive."""
        fresh = [trials[self._counts[drive] :] for drive, trials in enumerate(finished)]
        self._take([trial for trials in fresh for trial in trials])
        return {trials[0].drive: len(trials) for trials in fresh if trials}

    def _take(self, fresh: Sequence[Trial]) -> None:
        self.archive.extend(sorted(fresh, key=_ORDER))
        self.taken += len(fresh)
        for trial in fresh:
            self._counts[trial.drive] += 1


def _finished(trials: Mapping[TrialKey, Trial], key: TrialKey) -> Trial:
    trial = trials[key]
    if not trial.finished:
        raise KeyError(key)
    return trial
