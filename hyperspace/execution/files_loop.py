"""Loop of a worker without MPI: it takes a drive, runs one trial of it, and releases it."""

from __future__ import annotations

import time
from collections.abc import Iterable

from hyperspace.errors import StudyError
from hyperspace.exchange.tally import tally
from hyperspace.exchange.waiting import naps_between_tests
from hyperspace.execution.context import RunContext
from hyperspace.execution.independent_loop import IndependentLoop
from hyperspace.journal import LeaseLostError
from hyperspace.study.settings import StudySettings
from hyperspace.system.terminal import tell
from hyperspace.trials.failures import Streak
from hyperspace.trials.trial import TrialKey

_PREFERENCE = 1.5  # number of evaluations by which a drive may be ahead and still be preferred by the worker that knows it
_PATIENCE = 5  # scans of the folder within which a trial that one journal refers to must appear in another


class FilesLoop(IndependentLoop):
    """Loop that runs the drive with the fewest evaluations among those without a holder, until all are complete.

    Args:
        study: the settings.
        context: objects and settings of this run; `recorded` and `journals` are those of its `shared` folder.
    """

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        super().__init__(study, context)
        assert context.shared is not None  # by `Session`
        self._shared = context.shared
        self._left_out = self._find_left_out()  # the same for all workers: none exceeds a drive's share

    def _work(self) -> None:
        if self._context.options.retry_failed:
            self._retry_failed()
        self._hear(range(self._study.n_drives))
        naps = naps_between_tests()
        while not self._is_complete() and not self._must_stop():
            waits = self._own_failures.must_wait(len(self.finished)) and bool(self._shared.taken())  # it may be broken
            drive = None if waits else self._take()
            if drive is None:  # the last evaluations run elsewhere
                time.sleep(next(naps))
                self._listen()
                if waits and (streak := self._own_failures.streak(self.known())) is not None:
                    self._stop_for_failures(streak)
                continue
            naps = naps_between_tests()
            try:
                self._work_on(drive)
            except LeaseLostError as error:
                self._shared.abandon(drive)
                tell(f"{error}; this worker goes on with other drives")
                self._listen(insist=True)
                continue
            except BaseException:
                self._shared.give_back(drive)
                raise
            self._shared.give_back(drive)
            self._hear([drive])
            self._listen()

    def _retry_failed(self) -> None:
        """Evaluate the failures that were recorded when this worker started, unless another worker has."""
        left = {key: trial.retry for key, trial in self.finished.items() if trial.failed}
        naps = naps_between_tests()
        while left and not self._must_stop():
            drive = next((drive for drive in sorted({key.drive for key in left}) if self._shared.take(drive)), None)
            if drive is None:
                time.sleep(next(naps))
                self._shared.look()
                continue
            try:
                for key in sorted(key for key in left if key.drive == drive):
                    if self._must_stop():
                        break
                    failed = self._context.recorded[key]
                    if failed.failed and failed.retry == left.pop(key):
                        self._evaluate(self._steps.ask_again(failed))
            finally:
                self._shared.give_back(drive)
        self._reload_finished()

    def _reload_finished(self) -> None:
        """Read the new ends of retried trials, and count again."""
        self._shared.look(insist=True)
        self.finished = {key: trial for key, trial in self._context.recorded.items() if trial.finished}
        self._tally = tally(self.finished.values(), self._study.metrics)
        self._context.ranks.report(self._tally)

    def _is_complete(self) -> bool:
        return not any(map(self._has_more, range(self._study.n_drives)))

    def _has_more(self, drive: int) -> bool:
        return self._is_due(TrialKey(len(self._trials[drive]), drive))

    def _take(self) -> int | None:
        """Return a drive with work left, after taking it; None if there is none."""
        taken = self._shared.taken()
        open_drives = [drive for drive in range(self._study.n_drives) if drive not in taken and self._has_more(drive)]
        # Workers that start together should prefer different drives.
        first = self._context.ranks.worker % self._study.n_drives

        def order(drive: int) -> tuple[float, int]:
            return len(self._trials[drive]) - _PREFERENCE * (drive in self._known), (drive - first) % self._study.n_drives

        for drive in sorted(open_drives, key=order):
            if not self._shared.take(drive):
                continue
            self._hear([drive])
            if self._has_more(drive):
                return drive
            self._shared.give_back(drive)  # its last holder has just completed it
        return None

    def _work_on(self, drive: int) -> None:
        self._listen()
        self._catch_up(drive)
        trial = self._advance(drive)
        if trial.finished:
            self.finished[trial.key] = trial
        if self._stopping:  # requested by the user's callback, for the whole study
            self._shared.stop_all()

    def _stop_for_failures(self, streak: Streak) -> None:
        """End this worker; the others continue.

        Raises:
            StudyError: describes the failures.
        """
        ranks = self._context.ranks
        raise StudyError(f"worker {ranks.worker} on {ranks.host} ends here, and leaves the rest to others: {streak.describe()}")

    def _catch_up(self, drive: int) -> None:
        """Process the questions of other workers for this drive."""
        for looks_left in reversed(range(_PATIENCE)):
            try:
                self._recall(drive)
            except StudyError:
                if not looks_left:
                    raise
                time.sleep(0.2)  # another journal was read before this one and lacks recent lines
                self._listen(insist=True)
            else:
                return

    def _listen(self, insist: bool = False) -> None:
        """Process new records of others."""
        self._hear(reader.drive for reader in self._shared.look(insist))

    def _hear(self, drives: Iterable[int]) -> None:
        """Process new records of these drives."""
        recorded = self._context.recorded
        for drive in drives:
            trials = self._trials[drive]
            while (trial := recorded.get(TrialKey(len(trials), drive))) is not None and trial.finished:
                trial = self._settled(trial)
                trials.append(trial)
                if trial.key not in self.finished:
                    self.finished[trial.key] = trial
                    self._count(trial)
                    self._watch([trial])
                    self._failure_told = self._failure_told or trial.failed  # reported by its own worker
            self._running[drive] = trial
        self._show()
