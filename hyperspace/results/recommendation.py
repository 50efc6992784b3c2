"""Recommended trial of a study: under noise the one with the best expected value, since the best value is the luckiest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.errors import StudyError
from hyperspace.trials.incumbent import contenders
from hyperspace.trials.trial import Trial

if TYPE_CHECKING:
    from hyperspace.results.result import Result


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Trial with the best expected value, by the merged surrogate; without noise it is the best trial.

    Attributes:
        trial: the trial.
        parameters: its parameters, as the objective received them.
        value: expected value of the objective there, the posterior mean; without noise the trial's own value.
        std: standard deviation of `value`, without the noise of an evaluation; 0 without noise.
        noise: standard deviation of the noise of one evaluation there; 0 if the model has found none, or if there are too few
            trials for a model.
    """

    trial: Trial = field(repr=False)
    parameters: Any
    value: float
    std: float
    noise: float

    @property
    def x(self) -> list[Any]:
        """The point, a list with a value for each dimension."""
        return list(self.trial.x)


def recommend(result: Result) -> Recommendation | None:
    """Return the recommended trial; None if there is no best trial.

    It is one of the feasible trials with the largest budget. Limits are compared with their recorded metrics.
    """
    best = result.best_trial
    if best is None:
        return None
    itself = Recommendation(best, result.parameters, result.fun, 0.0, 0.0)
    try:
        merged = result.surrogate
    except StudyError:  # too few trials for a model
        return itself
    if not merged.is_noisy or merged.trials[0].fidelity != best.fidelity:
        return itself
    space, trials = result.search_space, result.all_trials
    candidates = [trial for trial, can_be in zip(trials, contenders(trials, result.goals), strict=True) if can_be]
    U = space.to_unit([trial.x for trial in candidates])
    mean, std = merged.predict(U)
    row = int(np.argmin(merged.sign * mean))
    trial = candidates[row]
    return Recommendation(trial, space.parameters(trial.x), float(mean[row]), float(std[row]), merged.noise_at(U[row]))
