"""The asynchronous loop: a drive asks with what it knows now, and a fast rank does more of the study's budget.

Ranks gossip between evaluations. What a drive knew when it asked is recorded with the trial, as counts, so that every answer can
be worked out again from the journals; that is also how a drive goes on later. What is promised is this replay, not that two
runs make the same trials.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hyperspace.errors import StudyError
from hyperspace.exchange.gossip import Gossip
from hyperspace.exchange.waiting import naps_between_tests
from hyperspace.loop.base import Loop, Surroundings
from hyperspace.records import load_trial, trial_record
from hyperspace.strategies.base import Strategy
from hyperspace.study.settings import Study
from hyperspace.threads import one_thread
from hyperspace.trial import RUNNING, Archive, Trial, TrialKey


class View:
    """What one drive knows: an archive that grows by whole batches, each in the order of (iteration, drive).

    Args:
        archive: knows nothing yet but what was given.
        n_drives: number of drives.
    """

    def __init__(self, archive: Archive, n_drives: int) -> None:
        self.archive = archive
        self._counts = [0] * n_drives

    def update(
        self, finished: Sequence[Sequence[Trial]], running: Sequence[Trial | None]
    ) -> tuple[dict[int, int], tuple[int, ...]]:
        """Take up all that is known now; return how many trials of each drive are new, and which drives' trials are under way."""
        fresh = [trials[self._counts[drive] :] for drive, trials in enumerate(finished)]
        pending = [trial for trial in running if trial is not None]
        self._take([trial for trials in fresh for trial in trials], pending)
        known = {drive: len(trials) for drive, trials in enumerate(fresh) if trials}
        return known, tuple(trial.drive for trial in pending)

    def recall(self, trial: Trial, trials: Mapping[TrialKey, Trial]) -> None:
        """Take up what the drive knew when it asked for `trial`, out of all trials on record.

        Raises:
            StudyError: a trial that it knew is on record no more.
        """
        known = trial.known or {}
        counts = [count + known.get(drive, 0) for drive, count in enumerate(self._counts)]
        try:
            fresh = [trials[TrialKey(i, drive)] for drive in known for i in range(self._counts[drive], counts[drive])]
            pending = [trials[TrialKey(counts[drive], drive)] for drive in trial.pending or ()]
        except KeyError as missing:
            key = missing.args[0]
            raise StudyError(
                f"drive {trial.drive} knew of drive {key.drive}'s iteration {key.iteration}, which that drive's journal has "
                f"lost; restore the journal from a backup"
            ) from None
        self._take(fresh, [replace(other, status=RUNNING, metrics={}) for other in pending])

    def _take(self, fresh: Sequence[Trial], pending: Sequence[Trial]) -> None:
        self.archive.extend(sorted(fresh, key=lambda trial: trial.key))
        self.archive.replace_running(pending)
        for trial in fresh:
            self._counts[trial.drive] += 1


class AsyncLoop(Loop):
    """Works whichever carried drive has done least.

    With n_iterations every drive makes as many. With n_calls the budget is the study's: it is dealt out evenly, and ranks leave
    evaluations to neighbours who would come to them sooner, so that a fast rank does more.
    """

    def __init__(self, study: Study, around: Surroundings) -> None:
        super().__init__(study, around)
        self._gossip = Gossip(around.exchange, study.n_drives)
        self._finished: list[list[Trial]] = [[] for _ in range(study.n_drives)]
        self._running: list[Trial | None] = [None] * study.n_drives
        for key in sorted(self.finished):
            self._gossip.add(trial_record(self.finished[key], study.space), finished=True)
        self._views = {drive: View(self._fresh_archive(), study.n_drives) for drive in self._carried}
        left, rank = max(study.planned - len(self.finished), 0), around.exchange.rank
        working = min(around.exchange.size, study.n_drives)
        self._gossip.quota = left // working + (rank < left % working) if rank < working else 0
        # A strategy keeps what it worked out for one archive, and each drive has its own.
        self._strategies: dict[int, Strategy] = {drive: around.make_strategy() for drive in self._carried}

    def _work(self) -> None:
        for drive in self._carried:
            self._recall(drive)
        while (due := self._next_drive()) is not None:
            self._advance(due)
        self._gossip.stopping = self._gossip.stopping or self._stopping
        self._gossip.end()
        self._hear()
        self.finished = {trial.key: trial for trials in self._finished for trial in trials}

    def _next_drive(self) -> int | None:
        """Return the carried drive that has done least, after a turn of gossip; None at the end."""
        if not self._carried:
            return None
        self._gossip.turn()
        done = {drive: len(self._gossip.finished[drive]) for drive in self._carried}
        if self._study.n_calls is None:
            done = {drive: count for drive, count in done.items() if count < self._study.rounds}
        else:
            self._await_quota(self._study.n_calls)
            done = done if self._gossip.quota else {}
        if self._must_stop() or not done:
            return None
        self._gossip.quota -= 1
        return min(done, key=lambda drive: done[drive])

    def _await_quota(self, n_calls: int) -> None:
        """Wait until a neighbour leaves an evaluation to this rank, or all are started."""
        naps = naps_between_tests()
        while self._gossip.quota == 0 and self._gossip.started < n_calls and not self._must_stop():
            time.sleep(next(naps))
            self._gossip.turn()

    def _must_stop(self) -> bool:
        self._stopping = self._stopping or self._gossip.stopping or self._time_is_up()
        return self._stopping

    def _recall(self, drive: int) -> None:
        """Bring a drive's view and strategy to where its last recorded question left them."""
        recorded = self._around.recorded
        iteration = 0
        while (trial := recorded.get(TrialKey(iteration, drive))) is not None:
            self._views[drive].recall(trial, recorded)
            self._strategies[drive].recall(trial, self._views[drive].archive)
            iteration += 1

    def _advance(self, drive: int) -> None:
        """Ask, evaluate and share one trial of a drive."""
        key = TrialKey(len(self._gossip.finished[drive]), drive)
        self._hear()
        view, strategy = self._views[drive], self._strategies[drive]
        if key in self._around.recorded:  # asked for by an earlier run that did not come to its end, with what it knew then
            trial = self._begin(key, lambda: strategy.ask(drive, key.iteration, view.archive), strategy.home(drive))
        else:
            known, pending = view.update(self._finished, self._running)
            self._give_up_if_hopeless(view.archive)
            with one_thread():
                trial = self._begin(
                    key,
                    lambda: strategy.ask(drive, key.iteration, view.archive),
                    strategy.home(drive),
                    known=known,
                    pending=pending,
                )
        begun = time.monotonic()
        trial = self._evaluate(trial, self._announce)
        self._gossip.pace = time.monotonic() - begun
        self._gossip.add(trial_record(trial, self._study.space), finished=True)

    def _knowledge(self, drive: int) -> Archive:
        return self._views[drive].archive

    def _announce(self, trial: Trial) -> None:
        self._gossip.add(trial_record(trial, self._study.space), finished=False)
        self._gossip.turn(insist=True)  # nothing more leaves this rank while it evaluates

    def _hear(self) -> None:
        """Turn the records that are new into trials."""
        space = self._study.space
        for drive, records in enumerate(self._gossip.finished):
            known = self._finished[drive]
            known += [load_trial(record, space) for record in records[len(known) :]]
            running = self._gossip.running[drive]
            self._running[drive] = None if running is None else load_trial(running, space)
