"""Loop of drives that do not wait for each other: the part that the loops over MPI and over a shared folder have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from hyperspace.execution.context import RunContext
from hyperspace.execution.known_trials import KnownTrials
from hyperspace.execution.loop import Loop
from hyperspace.numerics.threads import one_thread
from hyperspace.strategies.base import Strategy
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import AmbiguousMetrics
from hyperspace.trials.trial import OK, Trial, TrialKey, judged


class IndependentLoop(Loop):
    """Loop of drives that ask independently, each with the trials that it knows, and with a strategy of its own.

    Attributes:
        _trials: for each drive its known finished trials, by iteration.
        _running: for each drive its running trial, as far as known, or None.
    """

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        super().__init__(study, context)
        self._trials: list[list[Trial]] = [[] for _ in range(study.n_drives)]
        self._running: list[Trial | None] = [None] * study.n_drives
        self._known: dict[int, KnownTrials] = {}
        # A strategy keeps results for one archive, and each drive has its own.
        self._strategies: dict[int, Strategy] = {}
        self._recalled: dict[int, int] = {}  # number of each drive's questions that its known trials and strategy have processed

    def _recall(self, drive: int) -> None:
        """Restore a drive's known trials and strategy to the state after its last recorded question."""
        if drive not in self._known:
            self._known[drive] = KnownTrials(self._fresh_archive(), self._study.n_drives)
            self._strategies[drive] = self._context.make_strategy()
        recorded = self._context.recorded
        iteration = self._recalled.get(drive, 0)
        while (trial := recorded.get(TrialKey(iteration, drive))) is not None:
            self._known[drive].recall(trial, recorded)
            call(self._strategies[drive].recall, trial, self._known[drive].archive)
            iteration += 1
            self._recalled[drive] = iteration

    def _advance(self, drive: int, started: Callable[[Trial], None] | None = None) -> Trial:
        """Ask for a drive's next trial, evaluate it, and return it after that (see `_evaluate`).

        Args:
            drive: number of the drive.
            started: called with the running trial after it is recorded.
        """
        known, strategy, home = self._known[drive], self._strategies[drive], self._strategies[drive].home(drive)
        key = TrialKey(len(self._trials[drive]), drive)
        suggest = partial(strategy.ask, drive, key.iteration, known.archive)
        if key in self._context.recorded:  # asked for by an earlier run that did not finish it, with that run's knowledge
            trial = self._steps.ask(key, suggest, home)
        else:
            counts, pending = known.update(self._trials, self._running)
            self._give_up_if_hopeless(known.archive)
            with one_thread():
                trial = self._steps.ask(key, suggest, home, known=counts, pending=pending)
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
        return self._known[drive].archive
