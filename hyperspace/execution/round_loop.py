"""Loop in rounds: the same trials on any number of ranks.

Round r of a study is iteration r of all its drives. A question of round r uses the trials of the rounds before r, in the order of
(iteration, drive). With exchange="none" the same holds for each drive separately.

In a small discrete space without noise, repetitions are avoided as far as they can be predicted before a round. A drive that
knows all points of its box stops, and at most as many drives evaluate in a round as points remain. The unused budget is spent in
further rounds, until all points are known.
"""

from __future__ import annotations

from copy import copy
from functools import partial

from hyperspace.errors import StudyError
from hyperspace.execution.context import RunContext
from hyperspace.execution.exhaustion import Exhaustion
from hyperspace.execution.loop import Loop
from hyperspace.numerics.threads import one_thread
from hyperspace.stopping import AllPoints
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.trials.archive import Archive
from hyperspace.trials.failures import Streak
from hyperspace.trials.records import load_trial, trial_record
from hyperspace.trials.trial import Trial, TrialKey, fix_goal, judged


class RoundLoop(Loop):
    """Loop of rounds; between rounds ranks synchronize if trials are shared."""

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        super().__init__(study, context)
        watchers = [(rule.reason, rule.watch_rounds(study.metrics)) for rule in context.rules]
        self._round_watchers = [(reason, ends) for reason, ends in watchers if ends is not None]
        self._strategy = context.make_strategy()
        self._relevant = sorted(self._strategy.relevant(self._carried))
        shared = self._fresh_archive() if study.shared else None
        # A drive without shared trials uses the goal that its own first answer fixes.
        self._archives = {
            drive: shared if shared is not None else self._fresh_archive(copy(study.metrics)) for drive in self._carried
        }
        self._broken: str | None = None  # description of the failure, if this rank's last evaluations all failed
        self._left_out = self._find_left_out() if study.shared else frozenset()
        self._due: set[int] | None = None  # the drives that evaluate in this round; None for all
        self._withheld = False  # whether a drive has omitted a trial of its share
        self._learned = 0  # number of trials of the rounds so far
        self._exhaustion: Exhaustion | None = None
        if not context.repeats:
            self._exhaustion = Exhaustion(study.space, self._strategy, study.shared)
            for drive in self._carried:
                self._exhaustion.take(drive, study.given)

    def _work(self) -> None:
        if self._ruled is not None:
            self._end_by(self._ruled)
            return
        iteration = 0
        while iteration < self._study.rounds or self._has_withheld():
            self._choose_drives(iteration)
            if iteration >= self._study.rounds and not self._due:
                break
            self._recall(iteration)
            fresh = self._evaluate_round(iteration)
            self._learn(iteration, fresh)
            if self._stopping:
                break
            iteration += 1
        if not self._stopping and not self._study.shared and self._exhaustion is not None and self._exhaustion.found_any:
            self._end_by(AllPoints(self._study.space).reason)

    def _choose_drives(self, iteration: int) -> None:
        """Select the drives that evaluate in this round of a small space; the same on all ranks if trials are shared."""
        study = self._study
        if self._exhaustion is None:
            return
        drives = range(study.n_drives) if study.shared else self._carried
        self._due = self._exhaustion.due(drives, study.planned - self._learned)
        if self._due is not None and any(iteration < study.budget(drive) and drive not in self._due for drive in drives):
            self._withheld = True

    def _has_withheld(self) -> bool:
        """Return whether a round beyond the planned ones is due, since drives have omitted trials."""
        if self._exhaustion is None or not self._withheld or not self._study.shared:
            return False
        return self._exhaustion.left > 0 and self._learned < self._study.planned

    def _is_due(self, key: TrialKey) -> bool:
        if self._due is None:
            return super()._is_due(key)
        more = self._study.shared and key.iteration >= self._study.rounds
        return key.drive in self._due and (more or super()._is_due(key))

    def _recall(self, iteration: int) -> None:
        for drive in self._relevant:
            trial = self._context.recorded.get(TrialKey(iteration, drive))
            if trial is not None:
                call(self._strategy.recall, trial, self._knowledge(drive))

    def _knowledge(self, drive: int) -> Archive:
        # A drive of another rank is relevant only if trials are shared, and then all archives are the same.
        return self._archives[drive if drive in self._archives else self._carried[0]]

    def _stop_for_failures(self, streak: Streak) -> None:
        """Keep the failure's description. Each rank has its own trials, so the study ends only if all ranks are broken."""
        try:
            super()._stop_for_failures(streak)
        except StudyError as error:
            if self._context.ranks.size == 1:
                raise
            self._broken = str(error)

    def _evaluate_round(self, iteration: int) -> list[Trial]:
        """Return the trials that this rank evaluates in this round, without recorded ones."""
        self._broken = None
        fresh = []
        for drive in self._carried:
            key = TrialKey(iteration, drive)
            if not self._is_due(key) or key in self.finished:
                continue
            if self._must_stop():
                break
            self._study.metrics.reopen(self._archives[drive].metrics.goal)
            ask = partial(self._strategy.ask, drive, iteration, self._archives[drive])
            with one_thread():
                trial = self._steps.ask(key, ask, self._strategy.home(drive))
            trial = self._evaluate(trial)
            if trial.finished:
                fresh.append(trial)
        return fresh

    def _learn(self, iteration: int, fresh: list[Trial]) -> None:
        """Process the trials of this round: of all drives if trials are shared, else of each drive its own."""
        study = self._study
        due = [key for drive in range(study.n_drives) if self._is_due(key := TrialKey(iteration, drive))]
        if study.shared and not all(key in self.finished for key in due):
            self.finished |= {trial.key: trial for trial in fresh}  # kept even if other ranks fail
            records = [trial_record(trial, study.space) for trial in fresh]
            broken = self._broken if self._carried else ""
            answers = self._context.ranks.gather([{"trials": records, "stopping": self._stopping, "broken": broken}])
            self._stopping = any(answer["stopping"] for answer in answers)
            if all(answer["broken"] is not None for answer in answers) and any(answer["broken"] for answer in answers):
                raise StudyError(next(answer["broken"] for answer in answers if answer["broken"]))
            fresh = [load_trial(record, study.space) for answer in answers for record in answer["trials"]]
            for trial in fresh:
                if trial.drive not in self._carried:
                    self._record_end(trial)
            if self._context.ranks.size > 1:
                self._give_up_on_a_mistake(min(self._context.ranks.size, study.n_drives))
        self.finished |= {trial.key: trial for trial in fresh}
        self._recent.extend(trial.seconds or 0.0 for trial in fresh)
        known = [self.finished[key] for key in due if key in self.finished]
        self._learned += len(known)
        if self._exhaustion is not None:
            for trial in known:
                self._exhaustion.take(trial.drive, [trial])
        if not study.shared:
            for trial in known:
                if trial.drive in self._archives:
                    fix_goal(self._archives[trial.drive].metrics, [trial])
                    self._archives[trial.drive].extend([trial])
        elif study.metrics.goal is None:
            goal = fix_goal(study.metrics, known)  # the same on all ranks, which know the same trials
            if goal is not None and self._context.ranks.rank == 0:
                self._context.claim_goal(goal)
        known = [judged(trial, study.metrics) for trial in known] if study.shared else known
        if study.shared and self._carried:
            archive = self._archives[self._carried[0]]
            archive.extend(known)
            self._give_up_if_hopeless(archive)
        if not self._asks_rules_at_once:
            self._watch(known)
            if self._ruled is not None:  # the same on all ranks, which know the same trials
                self._end_by(self._ruled)
        for reason, ends in self._round_watchers if study.shared else ():
            if call(ends, [trial.copied(study.space) for trial in known]):  # the same on all ranks, which know the same trials
                self._end_by(reason)
