"""The one rule of what is best: a feasible trial, of these the largest budget, of these the least loss.

Everything that compares trials of a study asks here: the archive, the progress line, results, tables, plots and the ends of a
study. A trial is usable if it ended well with a finite loss and kept all constraints; only a usable one can be the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hyperspace.trials.metrics import Metrics
    from hyperspace.trials.trial import Trial


class Rank(NamedTuple):
    """Where a trial stands; the smaller, the better.

    Attributes:
        violation: by how much it broke the constraints; 0 if it is feasible, inf if it gave no loss.
        budget: minus what it was allowed to spend.
        loss: the optimized metric, turned so that less is better.
    """

    violation: float
    budget: float
    loss: float

    @property
    def is_usable(self) -> bool:
        """Whether the trial may be the best one."""
        return self.violation == 0.0


NO_RANK = Rank(math.inf, math.inf, math.inf)  # of a trial that gave no loss


def rank(trial: Trial, metrics: Metrics) -> Rank:
    """Return where a trial stands."""
    if not trial.ended_well:
        return NO_RANK
    loss = metrics.loss(trial.metrics)
    if not math.isfinite(loss):
        return NO_RANK
    violation = metrics.violation(trial.metrics) if metrics.constraints else 0.0
    return Rank(violation, -trial.fidelity, loss)


def is_infeasible(trial: Trial, metrics: Metrics) -> bool:
    """Return whether a trial ended well, with a finite loss, and broke a constraint of the study."""
    if not trial.ended_well or not metrics.constraints or not math.isfinite(metrics.loss(trial.metrics)):
        return False
    return metrics.violation(trial.metrics) > 0.0


def best_trial(trials: Iterable[Trial], metrics: Metrics) -> Trial | None:
    """Return the best of the trials, of equals the first one; None if none is usable."""
    best, least = None, NO_RANK
    for trial in trials:
        found = rank(trial, metrics)
        if found.is_usable and found < least:
            best, least = trial, found
    return best


def closest_trial(trials: Iterable[Trial], metrics: Metrics) -> Trial | None:
    """Return the trial that broke the constraints least; None if none of them gave a loss and broke one."""
    return min((trial for trial in trials if is_infeasible(trial, metrics)), key=lambda trial: rank(trial, metrics), default=None)


def contenders(trials: Sequence[Trial], metrics: Metrics) -> NDArray[np.bool_]:
    """Return for each trial whether it may be the best: it is usable, and none that is usable had a larger budget."""
    ranks = [rank(trial, metrics) for trial in trials]
    largest = min((found.budget for found in ranks if found.is_usable), default=0.0)
    return np.array([found.is_usable and found.budget == largest for found in ranks], dtype=bool)


def why_none(trials: Iterable[Trial]) -> str:
    """Say why there is no best trial yet."""
    if any(trial.ended_well for trial in trials):
        return "no trial has kept the constraints so far"
    return "no trial has ended well so far"
