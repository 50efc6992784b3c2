"""The drive loop: ask -> evaluate -> record -> share, for the drives that a rank carries.

Round r of a study is iteration r of all its drives. A question of round r is asked with the trials of the rounds before r, in
the order of (iteration, drive), on any number of ranks. What a journal already holds is recalled instead of asked, so that going
on is the same loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyperspace import streams
from hyperspace.errors import StudyError
from hyperspace.evaluators.base import Evaluator
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.exchange.base import Exchange, Tally
from hyperspace.journal import Journal
from hyperspace.metrics import Value
from hyperspace.progress import Progress
from hyperspace.records import load_trial, trial_record
from hyperspace.strategies.base import Strategy
from hyperspace.study import Study
from hyperspace.threads import one_thread
from hyperspace.trial import OK, Archive, Trial, TrialKey

Callback = Callable[[Trial], object]
_HOPELESS = 10  # a study ends if this many rounds bring not one usable value
_RECENT = 20  # evaluations that the expected duration of the next one is taken from


class Loop:
    """Works the drives of one rank until the budget or the time is spent.

    Args:
        study: the settings.
        exchange: the ranks of this run.
        strategy: where to evaluate.
        make_evaluator: makes the evaluator, given what makes a trial's handle.
        journals: the open journals of the carried drives; empty if none are kept.
        recorded: the trials that earlier runs have left: all drives' if trials are shared, else the carried drives'.
        scratch: returns the scratch folder of (drive, iteration); None if no files are kept.
        deadline: time.monotonic() after which no evaluation may run; None without one.
        progress: shows how far the study is; None where nothing is shown.
        callback: called with every trial that this rank finishes; returning True ends the study. One that has a method
            after_round is called so with the trials of every round that all ranks know, and may end the study there too.
    """

    def __init__(
        self,
        study: Study,
        exchange: Exchange,
        strategy: Strategy,
        make_evaluator: Callable[[Callable[[Trial], TrialHandle]], Evaluator],
        journals: Mapping[int, Journal],
        recorded: Mapping[TrialKey, Trial],
        scratch: Callable[[int, int], Path] | None,
        deadline: float | None,
        progress: Progress | None,
        callback: Callback | None,
    ) -> None:
        self._study = study
        self._exchange = exchange
        self._strategy = strategy
        self._evaluator = make_evaluator(self._handle)
        self._journals = journals
        self._recorded = recorded
        self._scratch = scratch
        self._deadline = deadline
        self._progress = progress
        self._callback = callback
        self._stopping = False
        self._durations: list[float] = []
        self._carried = carried_drives(study, exchange)
        self._relevant = sorted(strategy.relevant(self._carried))
        self._archives = self._fresh_archives()
        self.finished: dict[TrialKey, Trial] = {key: trial for key, trial in recorded.items() if trial.finished}
        self._tally = Tally()
        for trial in self.finished.values():
            if trial.drive in self._archives:
                self._count(trial)

    def _fresh_archives(self) -> dict[int, Archive]:
        """Return what each carried drive knows: one archive for all of them if trials are shared, else one each."""
        study = self._study

        def fresh() -> Archive:
            archive = Archive(study.space.to_unit, study.metrics, study.space.d)
            archive.extend(study.given)
            return archive

        shared = fresh() if study.shared else None
        return {drive: shared if shared is not None else fresh() for drive in self._carried}

    def run(self) -> None:
        """Work until the budget or the time is spent; afterwards `finished` holds the trials known here."""
        self._show()
        for iteration in range(self._study.rounds):
            self._recall(iteration)
            fresh = self._evaluate_round(iteration)
            self._learn(iteration, fresh)
            if self._stopping:
                break
        self._evaluator.close()

    def _recall(self, iteration: int) -> None:
        for drive in self._relevant:
            trial = self._recorded.get(TrialKey(iteration, drive))
            if trial is not None:
                self._strategy.recall(trial, self._knowledge(drive))

    def _knowledge(self, drive: int) -> Archive:
        # A team mate carried elsewhere is relevant only where trials are shared, and there all archives are one.
        return self._archives[drive if drive in self._archives else self._carried[0]]

    def _evaluate_round(self, iteration: int) -> list[Trial]:
        """Return the trials that this rank evaluates in this round; those on record are left as they are."""
        fresh = []
        for drive in self._carried:
            key = TrialKey(iteration, drive)
            if iteration >= self._study.budget(drive) or key in self.finished:
                continue
            if self._stopping or self._time_is_up():
                self._stopping = True
                break
            trial = self._evaluate(self._begin(key))
            fresh.append(trial)
            self._count(trial)
            self._show()
            if self._callback is not None and self._callback(trial) is True:
                self._stopping = True
        return fresh

    def _begin(self, key: TrialKey) -> Trial:
        """Return the running trial of this key: asked for, or begun by an earlier run that did not come to its end."""
        interrupted = self._recorded.get(key)
        here: dict[str, Any] = {"rank": self._exchange.rank, "host": self._exchange.host, "started": time.time()}
        if interrupted is not None:
            return replace(interrupted, attempt=interrupted.attempt + 1, **here)
        start = time.perf_counter()
        with one_thread():
            suggestion = self._strategy.ask(key.drive, key.iteration, self._archives[key.drive])
        return Trial(
            drive=key.drive,
            iteration=key.iteration,
            x=self._study.space.from_unit(suggestion.u[None])[0],
            subspace=self._strategy.home(key.drive),
            region=suggestion.region,
            arm=suggestion.arm,
            model=suggestion.model,
            suggest_seconds=time.perf_counter() - start,
            **here,
        )

    def _evaluate(self, trial: Trial) -> Trial:
        journal = self._journals.get(trial.drive)
        if journal is not None:
            journal.started(trial)
        self._evaluator.submit(trial, self._study.space.parameters(trial.x))
        while (outcome := self._evaluator.poll()) is None:
            time.sleep(1e-3)
        trial = trial.finish(
            outcome.status, metrics=outcome.metrics, seconds=outcome.seconds, error=outcome.error, fault=outcome.fault
        )
        if journal is not None:
            journal.finished(trial)
        self._durations = [*self._durations, outcome.seconds][-_RECENT:]
        if outcome.fatal is not None:
            raise outcome.fatal
        return trial

    def _learn(self, iteration: int, fresh: list[Trial]) -> None:
        """Take up the trials of this round: everybody's if trials are shared, else each drive its own."""
        study = self._study
        due = [TrialKey(iteration, drive) for drive in range(study.n_drives) if iteration < study.budget(drive)]
        if study.shared and not all(key in self.finished for key in due):
            records = [trial_record(trial, study.space) for trial in fresh]
            answers = self._exchange.gather([{"trials": records, "stopping": self._stopping}])
            self._stopping = any(answer["stopping"] for answer in answers)
            fresh = [load_trial(record, study.space) for answer in answers for record in answer["trials"]]
        self.finished |= {trial.key: trial for trial in fresh}
        known = sorted(key for key in due if key in self.finished)
        after_round = getattr(self._callback, "after_round", None)
        if study.shared and after_round is not None and after_round([self.finished[key] for key in known]):
            self._stopping = True  # on all ranks alike: they know the same
        if study.shared:
            archive = self._archives[self._carried[0]] if self._carried else None
            if archive is not None:
                archive.extend(self.finished[key] for key in known)
                self._give_up_if_hopeless(archive)
        else:
            for key in known:
                if key.drive in self._archives:
                    self._archives[key.drive].extend([self.finished[key]])

    def _give_up_if_hopeless(self, archive: Archive) -> None:
        if len(archive) < _HOPELESS * self._study.n_drives or any(trial.status == OK for trial in archive.trials):
            return
        raise StudyError(f"the first {len(archive)} trials all failed; the last one said:\n{archive.trials[-1].error}")

    def _time_is_up(self) -> bool:
        if self._deadline is None:
            return False
        expected = max(self._durations, default=0.0)
        return time.monotonic() + expected > self._deadline

    def _count(self, trial: Trial) -> None:
        finished, failed, best = self._tally
        loss = self._study.metrics.loss(trial.metrics) if trial.status == OK else None
        better = loss is not None and (best is None or loss < best)
        self._tally = Tally(finished + 1, failed + (trial.status != OK), loss if better else best)
        self._exchange.report(self._tally)

    def _show(self) -> None:
        if self._progress is not None:
            finished, failed, loss = self._exchange.progress()
            best = None if loss is None else self._study.metrics.sign * loss
            self._progress.update(finished, best, failed)

    def _handle(self, trial: Trial) -> TrialHandle:
        def report(step: int, metrics: Mapping[str, Value]) -> None:
            journal = self._journals.get(trial.drive)
            if journal is not None:
                journal.reported(trial, step, metrics)

        return TrialHandle(
            id=f"{trial.drive}-{trial.iteration}",
            seed=streams.seed_of(self._study.seed, streams.OBJECTIVE, trial.drive, trial.iteration),
            attempt=trial.attempt,
            folder=None if self._scratch is None else self._scratch(trial.drive, trial.iteration),
            report=report,
        )


def carried_drives(study: Study, exchange: Exchange) -> list[int]:
    """Return the drives that this rank carries: every size-th one."""
    return list(range(exchange.rank, study.n_drives, exchange.size))
