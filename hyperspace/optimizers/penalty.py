"""Constraints for algorithms that know of losses alone: what breaks a constraint gets a loss above all feasible ones.

Feasible trials come before infeasible ones, and these in the order of their violation (Deb, "An efficient constraint handling
method for genetic algorithms", 2000). For algorithms that compare losses that is all there is to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

INFEASIBLE = 1e99  # losses from here to twice this belong to infeasible trials


class Penalized(AskTell):
    """An optimizer that is told losses from which constraints can be read.

    Args:
        inner: the optimizer.
        metrics: what the study wants; with constraints.
        graded: whether infeasible trials are told by their violation; else they are told as failed ones.
    """

    def __init__(self, inner: AskTell, metrics: Metrics, graded: bool) -> None:
        self._inner, self._metrics, self._graded = inner, metrics, graded

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point."""
        return self._inner.ask(key, pending)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Take up an answer that `ask` gave in an earlier run."""
        self._inner.recall(trial, u, key, pending)

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Take up finished trials; see `AskTell.tell`."""
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
    """Return the optimizer, told of the constraints where there are some; see `Penalized`."""
    return optimizer if metrics is None or not metrics.constraints else Penalized(optimizer, metrics, graded)
