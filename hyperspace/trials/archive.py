"""The archive holds all trials that are known in one process, in columns.

Notation used throughout the package:
    n   finished trials           d   dimensions of the search space
    U   points in the unit cube, shape (n, d), in the order in which the trials became known
    y   losses (the optimized metric; its sign is set so that less is better), shape (n,); nan where a trial gave none; for a
        pruned trial the loss of `Archive.y`
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, PRUNED, RUNNING, Trial, TrialKey, judged
from hyperspace.typing import Array

Encode = Callable[[Sequence[Sequence[Any]]], Array]


class Archive:
    """All trials known here: finished ones in columns, append-only; running ones beside them.

    Args:
        encode: turns points in the user's scale into the unit cube, (n, d).
        metrics: says what a trial is worth.
        n_dimensions: d.
    """

    def __init__(self, encode: Encode, metrics: Metrics, n_dimensions: int) -> None:
        self.metrics = metrics
        self.encode = encode
        self._trials: list[Trial] = []
        self._running: dict[TrialKey, Trial] = {}
        self._row_of: dict[TrialKey, int] = {}
        self._U: Array = np.empty((0, n_dimensions))
        self._y: Array = np.empty(0)
        self._best, self._best_rank = -1, NO_RANK
        self._worst = math.nan  # the largest finite loss so far

    def __len__(self) -> int:
        """Return the number of finished trials."""
        return len(self._trials)

    def __contains__(self, key: TrialKey) -> bool:
        """Return whether the trial of this key has finished."""
        return key in self._row_of

    def extend(self, trials: Iterable[Trial]) -> list[Trial]:
        """Take up trials in the given order and return the finished ones that are new here.

        A running trial counts as pending until it comes again, finished. Of two records of one key the first stays. One that
        ended well without the study's goal has failed.
        """
        fresh: list[Trial] = []
        for trial in trials:
            trial = judged(trial, self.metrics)
            key = trial.key
            if key in self._row_of:
                continue
            if trial.status == RUNNING:
                self._running[key] = trial
                continue
            if self._running:
                self._running.pop(key, None)
            self._row_of[key] = len(self._trials)
            self._trials.append(trial)
            fresh.append(trial)
        if fresh:
            self._append_columns(fresh)
        return fresh

    def _append_columns(self, fresh: list[Trial]) -> None:
        first, last = len(self._trials) - len(fresh), len(self._trials)
        if last > len(self._y):  # grow by half, so that n appends cost O(n)
            room = max(last, len(self._y) * 3 // 2, 64)
            self._U = np.concatenate([self._U[:first], np.empty((room - first, self._U.shape[1]))])
            self._y = np.concatenate([self._y[:first], np.empty(room - first)])
        self._U[first:last] = self.encode([trial.x for trial in fresh])
        losses = self.metrics.loss
        for row, trial in enumerate(fresh, start=first):
            loss = losses(trial.metrics) if trial.status == OK else self._taught(trial) if trial.status == PRUNED else math.nan
            self._y[row] = loss
            if math.isfinite(loss) and not loss <= self._worst:
                self._worst = loss
            found = rank(trial, self.metrics)
            if found.is_usable and found < self._best_rank:
                self._best, self._best_rank = row, found

    def _taught(self, trial: Trial) -> float:
        """Return the loss that a pruned trial teaches, given the trials before it; see `y`."""
        loss = self.metrics.reported_loss(trial.metrics)
        if not math.isfinite(loss):
            return self._worst
        return max(loss, self._best_rank.loss) if self._best >= 0 else loss

    def replace_running(self, trials: Iterable[Trial]) -> None:
        """Take these for the trials under way, in this order."""
        self._running = {trial.key: trial for trial in trials}

    @property
    def trials(self) -> Sequence[Trial]:
        """The finished trials, in the order in which they became known."""
        return self._trials

    @property
    def running(self) -> Sequence[Trial]:
        """The trials under way, in the order in which they became known."""
        return list(self._running.values())

    @property
    def U(self) -> Array:
        """Finished points in the unit cube, (n, d); a view."""
        return self._U[: len(self)]

    @property
    def y(self) -> Array:
        """Losses of the finished trials, (n,), nan where a trial gave none; a view.

        A pruned trial has the loss that it reported last, which is too high where learning curves fall, but tells a surrogate not
        to look there again. It never looks better than the best trial before it. One whose last report is no finite number, or
        that reported nothing, is taken for as bad as the worst before it. No such loss makes a trial usable (see `incumbent`).
        """
        return self._y[: len(self)]

    @property
    def pending(self) -> Array:
        """Points under way in the unit cube, (p, d)."""
        if not self._running:
            return np.empty((0, self._U.shape[1]))
        return self.encode([trial.x for trial in self._running.values()])

    @property
    def best(self) -> Trial | None:
        """The best trial (see `incumbent`), of equals the first one; None before there is one."""
        return self._trials[self._best] if self._best >= 0 else None
