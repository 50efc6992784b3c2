"""Drive loop: ask -> evaluate -> record -> share, for the drives that a rank carries.

This module holds the parts that all loops share. `hyperspace.execution.steps` has the single steps of a trial. `round_loop`,
`async_loop` and `files_loop` differ in when a drive receives the others' trials. Recorded trials are recalled instead of asked,
so that resuming uses the same loop.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar

from hyperspace.errors import StudyError
from hyperspace.evaluators.base import Outcome
from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.tally import add, tally
from hyperspace.execution.attempts import Attempts
from hyperspace.execution.context import RunContext
from hyperspace.execution.reports import Reports
from hyperspace.execution.steps import TrialSteps
from hyperspace.journal.stop_request import CALLBACK, DEADLINE
from hyperspace.numerics.floating_point import users_numerics
from hyperspace.space.values import is_true
from hyperspace.stopping import TargetValue
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.system.terminal import tell
from hyperspace.trials.archive import Archive
from hyperspace.trials.failures import SAME_MISTAKE, Mistakes, OwnFailures, Streak, all_failed
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial, TrialKey, judged

_RECENT = 20  # number of evaluations for the expected duration of the next one


class Loop(ABC):
    """Loop of the drives of one rank, until the budget or the time is spent.

    Args:
        study: the settings.
        context: objects and settings of this run.

    Attributes:
        takes_goal_from_records: whether the first recorded answer fixes the study's goal before the loop begins.
        finished: the known finished trials, by key.
        ended_by: reason of an early end on this rank: a deadline, a signal, a file, the callback; None if another rank ended the
            study, or it has not ended early.
        begun: number of evaluations that this rank has started in this run.
        stopped_for_failures: whether this rank starts no further evaluation because all of its last ones failed.
        notes: messages for the user on this rank's evaluations, each shown once, in order.
    """

    takes_goal_from_records: ClassVar[bool] = False

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        self._study = study
        self._context = context
        self._reports = Reports(study, context, self._knowledge, self._show_once)
        self._evaluator = context.make_evaluator(self._reports.handle)
        self._steps = TrialSteps(study, context.ranks, context.journals, context.recorded, context.scratch, self._settled)
        self._attempts = Attempts(study, context, self._evaluator, self._reports, self._steps.start, self._meanwhile)
        self._carried = carried_drives(study, context.ranks)
        self._stopping = False
        self.ended_by: str | None = None
        self.begun = 0
        self.stopped_for_failures = False
        self._own_failures = OwnFailures()
        self._mistakes = Mistakes()
        self._ended_before = frozenset(key for key, trial in context.recorded.items() if trial.finished)
        self._watchers = [(rule.reason, rule.watch(study.metrics)) for rule in context.rules]
        self._ruled = self._reached_by(study.given)  # reason of the first rule that ended the study
        self._ended_here: list[Trial] = []  # the last trials of this run
        self._failure_told = False
        self.notes: dict[str, None] = {}
        self._left_out: frozenset[TrialKey] = frozenset()
        self.finished: dict[TrialKey, Trial] = {key: trial for key, trial in context.recorded.items() if trial.finished}
        timed = sorted(self.finished.values(), key=lambda trial: trial.key)
        self._durations = [trial.seconds or 0.0 for trial in timed][-_RECENT:]
        self._recent = deque(self._durations, maxlen=max(_RECENT, 2 * study.n_drives))  # of all ranks, as far as known
        carried = frozenset(self._carried)
        self._tally = tally((trial for trial in self.finished.values() if trial.drive in carried), study.metrics)
        context.ranks.report(self._tally)
        if self._asks_rules_at_once:
            self._watch(sorted(self.finished.values(), key=lambda trial: (trial.started, trial.key)))

    @property
    def _asks_rules_at_once(self) -> bool:
        """Whether rules are called with every trial that becomes known; in rounds they are called after each round."""
        return not self._study.exchange.is_synchronous

    def _reached_by(self, given: Iterable[Trial]) -> str | None:
        """Return the reason of a target that a given evaluation has reached; None if there is none."""
        for rule in self._context.rules:
            if isinstance(rule, TargetValue):
                reached = rule.watch(self._study.metrics)
                if any(reached(trial) for trial in given):
                    return rule.reason
        return None

    def _watch(self, trials: Iterable[Trial]) -> None:
        """Call the rules with trials that have become known, each once."""
        for trial in trials:
            for reason, ends in self._watchers:
                if call(ends, trial.copied(self._study.space)):
                    self._ruled = self._ruled or reason

    def run(self) -> None:
        """Work until the budget or the time is spent."""
        self._show()
        try:
            self._work()
        finally:
            self._evaluator.close()

    @property
    def longest(self) -> float:
        """Duration of the longest recent evaluation, in seconds; infinite on a rank without a drive."""
        return max(self._recent, default=0.0) if self._carried else math.inf

    @abstractmethod
    def _work(self) -> None:
        """Work until the budget or the time is spent."""

    def _fresh_archive(self, metrics: Metrics | None = None) -> Archive:
        """Return an archive with the given evaluations; it reads trials by these metrics, or by the study's."""
        archive = Archive(self._study.space.to_unit, metrics or self._study.metrics, self._study.space.d)
        archive.extend(self._study.given)
        return archive

    def _evaluate(self, trial: Trial, started: Callable[[Trial], None] | None = None) -> Trial:
        """Start a trial, evaluate it, and return it after that; it is in the journal before it is shared.

        If its process was ended together with the study, the trial is still running; the next run restarts it.

        Args:
            trial: the trial, as asked for.
            started: called with it after its start is recorded.
        """
        self.begun += 1
        self._steps.start(trial)
        if started is not None:
            started(trial)
        trial, outcome = self._attempts.evaluate(trial)
        if outcome is None:
            return trial
        if outcome.fatal is not None and outcome.fault == "infrastructure":
            raise outcome.fatal
        trial = self._tell(trial, outcome)
        if outcome.fatal is not None:
            raise outcome.fatal
        self._take_in(trial)
        return trial

    def _tell(self, trial: Trial, outcome: Outcome) -> Trial:
        """Return the trial with its outcome, after it is recorded."""
        trial = self._steps.finish(trial, outcome, self._reports.kept)
        if outcome.note is not None:
            self._show_once(outcome.note)
        try:
            self._steps.record(trial)
        except StudyError:
            self.finished[trial.key] = trial  # for the error that ends the run, which has the known trials
            raise
        self._durations = [*self._durations, outcome.seconds][-_RECENT:]
        self._recent.append(outcome.seconds)
        return trial

    def _take_in(self, trial: Trial) -> None:
        """Count a trial of this rank that has ended, and end the study if the callback, a rule or its failures require it."""
        self._count(trial)
        self._show()
        if self._call_back(trial):
            self._end_by(CALLBACK)
        self._record_end(trial)
        if self._context.ranks.size == 1:
            self._give_up_on_a_mistake(ranks=1)
        self._own_failures.count(trial)
        streak = self._own_failures.streak(self.known()) if self._ends_by_streaks() else None
        if streak is not None and not self._stopping:
            self._stop_for_failures(streak)

    def _record_end(self, trial: Trial) -> None:
        """Record the end of an evaluation of this run, here or elsewhere; report the first failure at once."""
        self._mistakes.count(trial)
        if self._asks_rules_at_once:
            self._watch([trial])
        self._ended_here = [*self._ended_here[-SAME_MISTAKE:], trial]
        if not trial.failed or self._failure_told:
            return
        self._failure_told = True
        if self._context.ranks.rank == 0:
            tell(
                f"evaluation {trial.id} failed, the first of this run to fail; later failures are only "
                f"recorded:\n{(trial.error or '').rstrip()}"
            )

    def _give_up_on_a_mistake(self, ranks: int) -> None:
        """End the study if the first evaluations of this run all failed with the same mistake in the program.

        Args:
            ranks: number of ranks that evaluate; the mistake counts if all have made it.

        Raises:
            StudyError: names the mistake.
        """
        if self._stopping or (sentence := self._mistakes.found(ranks)) is None:
            return
        self.finished |= {trial.key: trial for trial in self._ended_here}
        raise StudyError(sentence)

    def _ends_by_streaks(self) -> bool:
        """Return whether consecutive failures that are not due to chance end the study, or this rank's part in it."""
        return True

    def _call_back(self, trial: Trial) -> bool:
        """Return whether the user's callback ends the study with this trial."""
        callback = self._context.options.callback
        if callback is None:
            return False
        with users_numerics():
            return is_true(call(callback, trial.copied(self._study.space)))

    def continue_after(self, reason: str | None, begun: int) -> None:
        """Use the state of an earlier loop: the reason of its early end, and the number of evaluations that it started."""
        self.begun += begun
        if reason is not None:
            self._end_by(reason)

    def known(self) -> Iterable[Trial]:
        """Return the known finished trials."""
        return self.finished.values()

    def _stop_for_failures(self, streak: Streak) -> None:
        """Handle failures of this worker that are not due to chance: a single worker ends the study.

        Raises:
            StudyError: describes the failures.
        """
        raise StudyError(
            f"the study ends here, since something that worked before seems to be broken: {streak.describe(in_full=True)}\n"
            f"Start the same program again to go on"
        )

    def _end_by(self, reason: str) -> None:
        """Start no further evaluation, and keep the reason."""
        self._stopping, self.ended_by = True, reason

    def _settled(self, trial: Trial) -> Trial:
        """Return a finished trial in terms of the study's goal."""
        return judged(trial, self._study.metrics)

    def _show_once(self, note: str) -> None:
        """Show a message to the user now on rank 0; messages of other ranks are shown when the study ends."""
        if note not in self.notes and self._context.ranks.rank == 0:
            tell(note)
        self.notes[note] = None

    def _meanwhile(self) -> None:
        """Do periodic work while an evaluation runs elsewhere."""

    def _give_up_if_hopeless(self, archive: Archive) -> None:
        if (sentence := all_failed(archive, self._study.n_drives, self._ended_before)) is not None:
            raise StudyError(sentence)

    def _must_stop(self) -> bool:
        """Return whether to start no further evaluation, and keep the reason."""
        if not self._stopping:
            reason = self._context.stop.reason or (DEADLINE if self._time_is_up() else None)
            if reason is None and self._asks_rules_at_once:
                reason = self._ruled
            if reason is not None:
                self._end_by(reason)
        return self._stopping

    def _time_is_up(self) -> bool:
        """Return whether another evaluation would exceed the deadline, by the longest recent duration."""
        deadline = self._context.options.deadline
        return deadline is not None and time.monotonic() + max(self._durations, default=0.0) > deadline

    def _count(self, trial: Trial) -> None:
        self._tally = add([self._tally, tally([trial], self._study.metrics)])
        self._context.ranks.report(self._tally)

    def _show(self) -> None:
        if self._context.progress is not None:
            whole = self._context.ranks.progress()
            best = None if whole.best is None else self._study.metrics.sign * whole.best.loss
            self._context.progress.update(whole.finished, best, **whole.useless)

    def _find_left_out(self) -> frozenset[TrialKey]:
        """Return the last trials that are not needed, since some drives have made more than their share before."""
        study = self._study
        surplus = sum(key.iteration >= study.budget(key.drive) for key in self.finished)
        if surplus == 0:
            return frozenset()
        keys = (TrialKey(iteration, drive) for iteration in range(study.rounds) for drive in range(study.n_drives))
        missing = [key for key in keys if key.iteration < study.budget(key.drive) and key not in self.finished]
        return frozenset(missing[max(0, len(missing) - surplus) :])

    def _is_due(self, key: TrialKey) -> bool:
        """Return whether a trial belongs to its drive's share, if each drive has one."""
        return key.iteration < self._study.budget(key.drive) and key not in self._left_out

    @abstractmethod
    def _knowledge(self, drive: int) -> Archive:
        """Return the current archive of a carried drive: at its last question, and updates since then."""


def carried_drives(study: StudySettings, ranks: Ranks) -> list[int]:
    """Return the drives that this rank carries: every size-th one."""
    return list(range(ranks.rank, study.n_drives, ranks.size))
