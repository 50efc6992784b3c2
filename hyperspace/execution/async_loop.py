"""Asynchronous loop: a drive asks with the trials that it knows, and a fast rank makes more of the study's evaluations.

Ranks gossip between evaluations.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from hyperspace.exchange.gossip import Gossip
from hyperspace.exchange.waiting import naps_between_tests
from hyperspace.execution.context import RunContext
from hyperspace.execution.independent_loop import IndependentLoop
from hyperspace.numerics.threads import one_thread
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.system.terminal import tell
from hyperspace.trials.failures import Streak
from hyperspace.trials.records import load_trial, shared_record
from hyperspace.trials.trial import OK, Trial, TrialKey, judged

INTERVAL = 0.05  # least seconds between turns of gossip during an evaluation
AHEAD = 0.5  # number of new trials per drive of the study after which a rank fits ahead


class AsyncLoop(IndependentLoop):
    """Loop that runs the carried drive with the fewest evaluations.

    With n_iterations every drive makes the same number. With n_calls the budget belongs to the study: it is divided evenly, and
    ranks transfer evaluations to neighbors that can start them sooner, so that a fast rank makes more.
    """

    takes_goal_from_records = True

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        super().__init__(study, context)
        self._gossip = Gossip(context.ranks, study.n_drives)
        self._ledger = self._gossip.ledger
        for key in sorted(self.finished):
            if key.iteration == len(self._trials[key.drive]):
                self._trials[key.drive].append(replace(self.finished[key], known=None, pending=None))
        self._gossip.start_from([len(trials) for trials in self._trials])
        self._next_turn = 0.0  # time.monotonic() of the next turn of gossip during an evaluation
        self._working: int | None = None  # the drive with the running evaluation
        self._failure: Exception | None = None  # exception of a fit ahead; the running evaluation is completed first
        if study.n_calls is not None:
            self._ledger.quota = self._share()

    def _share(self) -> int:
        """Return the initial number of evaluations of this rank.

        Unfinished trials of an earlier run belong to the ranks that carry their drives; the others are divided evenly.
        """
        rank, size = self._context.ranks.rank, self._context.ranks.size
        working = min(size, self._study.n_drives)
        if rank >= working:
            return 0
        left = max(self._study.planned - len(self.finished), 0)
        unfinished = [key for key in sorted(self._context.recorded) if self._is_unfinished(key)][:left]
        own = sum(key.drive % size == rank for key in unfinished)
        others = left - len(unfinished)
        return own + others // working + (rank < others % working)

    def _is_unfinished(self, key: TrialKey) -> bool:
        return key in self._context.recorded and key.iteration == len(self._trials[key.drive])

    def _work(self) -> None:
        for drive in self._carried:
            self._recall(drive)
        while (due := self._next_drive()) is not None:
            self._work_on(due)
        self._ledger.stopping = self._ledger.stopping or self._stopping
        try:
            self._gossip.end()
        finally:
            self._hear()
            self.finished = {trial.key: trial for trials in self._trials for trial in trials}

    def _next_drive(self) -> int | None:
        """Return the carried drive with the fewest evaluations, after a turn of gossip; None at the end."""
        if not self._carried:
            return None
        self._gossip.turn()
        if self._study.n_calls is not None:
            self._await_quota(self._study.n_calls)
        due = self._due()
        self._await_evidence()
        if self._must_stop() or due is None or self.stopped_for_failures:
            return None
        self._ledger.quota -= self._study.n_calls is not None
        return due[0]

    def _due(self) -> tuple[int, int] | None:
        """Return the drive and iteration of the next question after the running evaluation; None at the end."""
        done = {drive: len(self._trials[drive]) + (drive == self._working) for drive in self._carried}
        if self._study.n_calls is None:
            done = {drive: count for drive, count in done.items() if count < self._study.rounds}
        elif not self._ledger.quota:
            done = {}
        if not done:
            return None
        # Unfinished trials of an earlier run are first: the budget may be spent before their drive's turn.
        return min(done.items(), key=lambda due: (not self._is_unfinished(TrialKey(due[1], due[0])), due[1]))

    def _await_quota(self, n_calls: int) -> None:
        """Wait until a neighbor transfers an evaluation to this rank, or all are started."""
        naps = naps_between_tests()
        while self._ledger.quota == 0 and self._ledger.started < n_calls and not self._must_stop():
            time.sleep(next(naps))
            self._gossip.turn()

    def known(self) -> Iterable[Trial]:
        """Return the known finished trials."""
        heard = [trial for trials in self._trials for trial in trials]
        return [*heard, *(trial for key, trial in self.finished.items() if key.iteration >= len(self._trials[key.drive]))]

    def _await_evidence(self) -> None:
        """Wait while all evaluations here have failed and none has ended elsewhere: this rank may be broken."""
        naps = naps_between_tests()
        while self._own_failures.must_wait(int(self._ledger.finished.sum())) and self._others_run() and not self._must_stop():
            time.sleep(next(naps))
            self._gossip.turn()
            self._hear()
            streak = self._own_failures.streak(self.known())
            if streak is not None:
                self._stop_for_failures(streak)
                return

    def _others_run(self) -> bool:
        """Return whether another rank is known to evaluate."""
        return any(self._ledger.running[drive] >= 0 for drive in range(self._study.n_drives) if drive not in self._carried)

    def _stop_for_failures(self, streak: Streak) -> None:
        """Leave the rest of the budget to the other ranks; if there are none, end the study."""
        ranks = self._context.ranks
        if ranks.size == 1:
            super()._stop_for_failures(streak)
        if self.stopped_for_failures:
            return
        self.stopped_for_failures = True
        self.ended_by = f"failures of rank {ranks.rank} on {ranks.host}"
        self._ledger.retire()
        tell(f"rank {ranks.rank} on {ranks.host} begins no further evaluation, others do: {streak.describe()}")

    def _must_stop(self) -> bool:
        self._stopping = self._stopping or self._ledger.stopping
        return super()._must_stop()

    def _work_on(self, drive: int) -> None:
        """Ask, evaluate and share one trial of a drive."""
        self._hear()
        self._give_up_on_a_mistake(min(self._context.ranks.size, self._study.n_drives))
        begun = time.monotonic()
        self._working = drive
        trial = self._advance(drive, self._announce)
        self._working = None
        if trial.finished:
            self._ledger.evaluated(time.monotonic() - begun)
            self._finish(trial)
        if self._failure is not None:
            raise self._failure

    def _finish(self, trial: Trial) -> None:
        self._trials[trial.drive].append(replace(trial, known=None, pending=None))
        goal = self._study.metrics.goal if trial.status == OK else None  # for ranks without an answer so far
        if self._context.options.pruner is None:  # reports are not compared, and the journal has them
            trial = replace(trial, reports=None)
        self._gossip.add(shared_record(trial, self._study.space) | ({"goal": goal} if goal else {}), finished=True)

    def _announce(self, trial: Trial) -> None:
        self._gossip.add(shared_record(trial, self._study.space), finished=False)
        self._gossip.turn(insist=True)  # during an evaluation in this process nothing more can be sent

    def _meanwhile(self) -> None:
        """Gossip and fit ahead during an evaluation, so that little work is left at its end."""
        now = time.monotonic()
        if now >= self._next_turn:
            self._gossip.turn()
            self._hear()
            if self._failure is None:
                try:
                    self._think_ahead()
                except Exception as error:
                    self._failure = error
            self._next_turn = now + INTERVAL

    def _think_ahead(self) -> None:
        """Process the trials known now for the drive that asks next, and let its strategy prepare, if there are enough."""
        due = self._due()
        if due is None or self._stopping or self._ledger.stopping:
            return
        drive, iteration = due
        if TrialKey(iteration, drive) in self._context.recorded:  # an earlier run has asked for it
            return
        known = self._known[drive]
        if int(self._ledger.finished.sum()) - known.taken >= AHEAD * self._study.n_drives:
            known.look_ahead(self._trials)
            with one_thread():
                call(self._strategies[drive].fit_ahead, drive, iteration, known.archive)

    def _hear(self) -> None:
        """Convert new records to trials."""
        space = self._study.space
        finished, running = self._gossip.news()
        for record in finished:
            self._study.metrics.fix(record.get("goal"))
            trial = judged(load_trial(record, space), self._study.metrics)
            self._trials[trial.drive].append(trial)
            self._record_end(trial)
            self._recent.append(trial.seconds or 0.0)
        for drive, begun in running.items():
            self._running[drive] = None if begun is None else load_trial(begun, space)
