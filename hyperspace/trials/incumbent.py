"""The definition of the best trial: feasible, then the largest budget, then the least loss.

With several goals there is not a best trial: see `hyperspace.targets.losses.Goals.front`.

All comparisons of trials use it: the archive, the progress line, results, tables, plots and stopping rules. A trial is usable if
it ended well with a finite loss and satisfies all constraints. Only a usable trial can be the best.
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
    """Sort key of a trial; smaller is better.

    Attributes:
        violation: constraint violation; 0 if it is feasible, inf if it has no loss.
        budget: minus its budget.
        loss: the optimized metric, with its sign set so that less is better; with several goals, the first one.
    """

    violation: float
    budget: float
    loss: float

    @property
    def is_usable(self) -> bool:
        """Whether the trial can be the best one."""
        return self.violation == 0.0


NO_RANK = Rank(math.inf, math.inf, math.inf)  # of a trial without a loss


def rank(trial: Trial, metrics: Metrics) -> Rank:
    """Return the sort key of a trial."""
    if not trial.ended_well:
        return NO_RANK
    loss, *others = metrics.losses(trial.metrics)
    if not all(map(math.isfinite, (loss, *others))):
        return NO_RANK
    violation = metrics.violation(trial.metrics) if metrics.constraints else 0.0
    return Rank(violation, -trial.fidelity, loss)


def is_infeasible(trial: Trial, metrics: Metrics) -> bool:
    """Return whether a trial ended well, with a finite loss, and violates a constraint of the study."""
    if not trial.ended_well or not metrics.constraints or not any(map(math.isfinite, metrics.losses(trial.metrics))):
        return False
    return metrics.violation(trial.metrics) > 0.0


def best_trial(trials: Iterable[Trial], metrics: Metrics) -> Trial | None:
    """Return the best of the trials, the first one of equals; None if none is usable, or with several goals."""
    if metrics.several:
        return None
    best, least = None, NO_RANK
    for trial in trials:
        found = rank(trial, metrics)
        if found.is_usable and found < least:
            best, least = trial, found
    return best


def closest_trial(trials: Iterable[Trial], metrics: Metrics) -> Trial | None:
    """Return the trial with the least violation; None if no trial with a loss violates a constraint."""
    return min(
        (trial for trial in trials if is_infeasible(trial, metrics)),
        key=lambda trial: (metrics.violation(trial.metrics), rank(trial, metrics)),
        default=None,
    )


def contenders(trials: Sequence[Trial], metrics: Metrics) -> NDArray[np.bool_]:
    """Return for each trial whether it can be the best: it is usable, and no usable one had a larger budget."""
    ranks = [rank(trial, metrics) for trial in trials]
    largest = min((found.budget for found in ranks if found.is_usable), default=0.0)
    return np.array([found.is_usable and found.budget == largest for found in ranks], dtype=bool)


def why_none(trials: Iterable[Trial]) -> str:
    """Return the reason why there is no best trial yet."""
    if any(trial.ended_well for trial in trials):
        return "no trial has kept the constraints so far"
    return "no trial has ended well so far"
