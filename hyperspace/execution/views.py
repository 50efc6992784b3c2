"""Views: the trials that each drive knows if drives do not wait for each other.

The counts of the trials that a drive knew at its question are recorded with the trial. So every point can be computed again from
the journals, and a drive can be resumed. Only this replay is guaranteed: two runs may make different trials.

While an evaluation runs elsewhere, its rank fits ahead. It adds known trials in batches to the view of the drive that asks next,
and the strategy fits its models to them. The batches are recorded too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import attrgetter

from hyperspace.errors import StudyError
from hyperspace.execution.context import RunContext
from hyperspace.execution.loop import Loop
from hyperspace.numerics.threads import one_thread
from hyperspace.strategies.base import Strategy
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import AmbiguousMetrics
from hyperspace.trials.trial import OK, RUNNING, Trial, TrialKey, judged

_ORDER = attrgetter("iteration", "drive")  # the order of keys, without creating them


class View:
    """Known trials of one drive: an archive that grows by batches, each in the order of (iteration, drive).

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


class ViewLoop(Loop):
    """Loop of drives that have their own views and strategies.

    Attributes:
        _trials: for each drive its known finished trials, by iteration.
        _running: for each drive its running trial, as far as known, or None.
    """

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        super().__init__(study, context)
        self._trials: list[list[Trial]] = [[] for _ in range(study.n_drives)]
        self._running: list[Trial | None] = [None] * study.n_drives
        self._views: dict[int, View] = {}
        # A strategy keeps results for one archive, and each drive has its own.
        self._strategies: dict[int, Strategy] = {}
        self._recalled: dict[int, int] = {}  # number of each drive's questions that its view and strategy have processed

    def _recall(self, drive: int) -> None:
        """Restore a drive's view and strategy to the state after its last recorded question."""
        if drive not in self._views:
            self._views[drive] = View(self._fresh_archive(), self._study.n_drives)
            self._strategies[drive] = self._context.make_strategy()
        recorded = self._context.recorded
        iteration = self._recalled.get(drive, 0)
        while (trial := recorded.get(TrialKey(iteration, drive))) is not None:
            self._views[drive].recall(trial, recorded)
            call(self._strategies[drive].recall, trial, self._views[drive].archive)
            iteration += 1
            self._recalled[drive] = iteration

    def _advance(self, drive: int, started: Callable[[Trial], None] | None = None) -> Trial:
        """Ask for a drive's next trial, evaluate it, and return it after that (see `_evaluate`).

        Args:
            drive: number of the drive.
            started: called with the running trial after it is recorded.
        """
        view, strategy, home = self._views[drive], self._strategies[drive], self._strategies[drive].home(drive)
        key = TrialKey(len(self._trials[drive]), drive)
        suggest = partial(strategy.ask, drive, key.iteration, view.archive)
        if key in self._context.recorded:  # asked for by an earlier run that did not finish it, with that run's knowledge
            trial = self._steps.ask(key, suggest, home)
        else:
            known, pending = view.update(self._trials, self._running)
            self._give_up_if_hopeless(view.archive)
            with one_thread():
                trial = self._steps.ask(key, suggest, home, known=known, pending=pending)
        self._recalled[drive] = key.iteration + 1
        return self._evaluate(trial, started)

    def _settled(self, trial: Trial) -> Trial:
        """Return a finished trial in terms of the study's goal; the first one that ended well fixes the goal."""
        metrics = self._study.metrics
        if metrics.goal is None and trial.status == OK:
            with suppress(AmbiguousMetrics):  # the study ends by it
                metrics.fix(self._context.claim_goal(metrics.goal_name(trial.metrics)))
        return judged(trial, metrics)

    def _knowledge(self, drive: int) -> Archive:
        return self._views[drive].archive
