"""Constraints for algorithms that use losses alone: an infeasible trial gets a loss above all feasible ones.

Feasible trials come before infeasible ones, which are ordered by their violation (Deb, "An efficient constraint handling method
for genetic algorithms", 2000). This suffices for algorithms that only compare losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

INFEASIBLE = 1e99  # losses from here to twice this value belong to infeasible trials


class Penalized(AskTell):
    """Optimizer that is told losses which include the constraints.

    Args:
        inner: the optimizer.
        metrics: metrics of the study, with constraints.
        graded: whether the loss of an infeasible trial depends on its violation. If not, it is told as failed.
    """

    def __init__(self, inner: AskTell, metrics: Metrics, graded: bool) -> None:
        self._inner, self._metrics, self._graded = inner, metrics, graded

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point."""
        return self._inner.ask(key, pending)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Restore a point of an earlier run."""
        self._inner.recall(trial, u, key, pending)

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials; see `AskTell.tell`."""
        self._inner.tell(trials, U, np.array([self._loss(trial, loss) for trial, loss in zip(trials, y, strict=True)]))

    def _loss(self, trial: Trial, loss: float) -> float:
        violation = self._metrics.violation(trial.metrics) if trial.ended_well else 0.0
        if not math.isfinite(loss):
            return loss
        if violation > 0.0:
            # violation / (1 + violation), without overflow
            return INFEASIBLE * (2.0 - 1.0 / (1.0 + violation)) if self._graded else math.nan
        return min(loss, 0.5 * INFEASIBLE)


def penalized(optimizer: AskTell, metrics: Metrics | None, graded: bool = True) -> AskTell:
    """Return the optimizer, wrapped in `Penalized` if there are constraints."""
    return optimizer if metrics is None or not metrics.constraints else Penalized(optimizer, metrics, graded)
