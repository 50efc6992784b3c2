"""Archive of all known trials of a process, in columns.

Notation used throughout the package:
    n   finished trials           d   dimensions of the search space
    U   points in the unit cube, shape (n, d), in the order in which the trials became known
    y   losses (the optimized metric; its sign is set so that less is better), shape (n,); nan for a trial without a loss; for a
        pruned trial see `Archive.y`
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hyperspace.numerics.growing import GrowingArray
from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, PRUNED, RUNNING, Trial, TrialKey, judged
from hyperspace.typing import Array

Encode = Callable[[Sequence[Sequence[Any]]], Array]


class Archive:
    """Known trials: finished ones in append-only columns, and running ones.

    Args:
        encode: converts points in the user's scale to the unit cube, (n, d).
        metrics: metrics of the study, which give the loss of a trial.
        n_dimensions: d.
    """

    def __init__(self, encode: Encode, metrics: Metrics, n_dimensions: int) -> None:
        self.metrics = metrics
        self.encode = encode
        self._trials: list[Trial] = []
        self._running: dict[TrialKey, Trial] = {}
        self._row_of: dict[TrialKey, int] = {}
        self._U, self._y = GrowingArray(n_dimensions), GrowingArray()
        self._best, self._best_rank = -1, NO_RANK
        self._worst = math.nan  # the largest finite loss

    def __len__(self) -> int:
        """Return the number of finished trials."""
        return len(self._trials)

    def __contains__(self, key: TrialKey) -> bool:
        """Return whether the trial with this key has finished."""
        return key in self._row_of

    def extend(self, trials: Iterable[Trial]) -> list[Trial]:
        """Add trials in the given order; return the finished ones that are new.

        A running trial is pending until it is added again as finished. Of two records with one key the first is kept. A trial
        that ended well without the study's goal counts as failed.
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
        first = len(self._y)
        self._U.append(self.encode([trial.x for trial in fresh]))
        y = self._y.append(np.full(len(fresh), math.nan))
        losses = self.metrics.loss
        for row, trial in enumerate(fresh, start=first):
            loss = losses(trial.metrics) if trial.status == OK else self._taught(trial) if trial.status == PRUNED else math.nan
            y[row - first] = loss
            if math.isfinite(loss) and not loss <= self._worst:
                self._worst = loss
            found = rank(trial, self.metrics)
            if found.is_usable and found < self._best_rank and not self.metrics.several:
                self._best, self._best_rank = row, found

    def _taught(self, trial: Trial) -> float:
        """Return the loss of a pruned trial for the surrogate, given the trials before it; see `y`."""
        loss = self.metrics.reported_loss(trial.metrics)
        if not math.isfinite(loss):
            return self._worst
        return max(loss, self._best_rank.loss) if self._best >= 0 else loss

    def replace_running(self, trials: Iterable[Trial]) -> None:
        """Replace the running trials by these, in this order."""
        self._running = {trial.key: trial for trial in trials}

    @property
    def trials(self) -> Sequence[Trial]:
        """The finished trials, in the order in which they became known."""
        return self._trials

    @property
    def running(self) -> Sequence[Trial]:
        """The running trials, in the order in which they became known."""
        return list(self._running.values())

    @property
    def U(self) -> Array:
        """Finished points in the unit cube, (n, d); a view."""
        return self._U.values

    @property
    def y(self) -> Array:
        """Losses of the finished trials, (n,), nan for a trial without a loss; a view.

        A pruned trial has its last reported loss. This is too high for a falling learning curve, but keeps a surrogate from
        searching there again. It is never better than the best trial before it. If the last report is not a finite number, or
        nothing was reported, it is the worst loss before it. Such a loss does not make a trial usable (see `incumbent`).
        """
        return self._y.values

    @property
    def pending(self) -> Array:
        """Pending points in the unit cube, (p, d)."""
        if not self._running:
            return self.U[:0]
        return self.encode([trial.x for trial in self._running.values()])

    @property
    def best(self) -> Trial | None:
        """Best trial (see `incumbent`), the first one of equals; None if there is none, as with several goals."""
        return self._trials[self._best] if self._best >= 0 else None
