"""Choice of one trial from a front: the knee, weights, or conditions on metrics. All choices are deterministic.

Notation:
    k, m    trials on the front, goals                     Y   their losses, (k, m)
    scaled  losses from 0, the best on the front, to 1, the worst on it, (k, m)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown, shown_all
from hyperspace.space.values import is_finite, is_number
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

KNEE = "knee"


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition on a metric; made by `at_most` and `at_least`.

    Attributes:
        lower, upper: limits of the metric, in its own unit; None where there is none.
    """

    lower: float | None = None
    upper: float | None = None

    def holds(self, value: Any) -> bool:
        """Return whether a metric's value is a number within the limits."""
        if not isinstance(value, float) or math.isnan(value):
            return False
        return (self.lower is None or value >= self.lower) and (self.upper is None or value <= self.upper)

    def __str__(self) -> str:
        """Return the condition in words."""
        return f"at least {self.lower!r}" if self.upper is None else f"at most {self.upper!r}"


def at_most(limit: float) -> Condition:
    """Return the condition that a metric is at most `limit`, for `Result.choose`.

    Raises:
        InputError: not a finite number.
    """
    return Condition(upper=_check("at_most", limit))


def at_least(limit: float) -> Condition:
    """Return the condition that a metric is at least `limit`, for `Result.choose`.

    Raises:
        InputError: not a finite number.
    """
    return Condition(lower=_check("at_least", limit))


def _check(name: str, limit: Any) -> float:
    if not is_number(limit) or not is_finite(limit):
        raise InputError(f"{name}(limit) takes a finite number, got {shown(limit)}")
    return float(limit)


def choose(
    front: Sequence[Trial],
    Y: Array,
    metrics: Metrics,
    rule: Any,
    weights: Any,
    then: Any,
    conditions: Mapping[str, Any],
) -> int:
    """Return the index of one of the trials on a front (at least one); see `Result.choose`.

    Raises:
        InputError: an unknown rule or name, invalid weights, or conditions that no trial satisfies.
    """
    names = [goal.name for goal in metrics.goals] or [metrics.goal_name(front[0].metrics)]
    if rule is not None and (not isinstance(rule, str) or rule != KNEE):
        raise InputError(f'choose takes "knee", weights={{...}}, or conditions such as seconds=at_most(100); got {shown(rule)}')
    if sum(given is not None for given in (rule, weights, then)) > 1:
        raise InputError('choose takes one of "knee", weights= and then=, beside the conditions; got more than one')
    _check_conditions(front, conditions)
    allowed = np.array([i for i, trial in enumerate(front) if _satisfies(trial, conditions)], dtype=np.intp)
    if len(allowed) == 0:
        raise InputError(_unmet(front, conditions))
    scaled = _scaled(Y)
    if then is not None:
        if not isinstance(then, str) or then not in names:
            raise InputError(f"then= must be one of the goals {shown_all(names)}, got {shown(then)}")
        first = Y[:, names.index(then)]
        value = np.where(first <= first[allowed].min(), scaled.sum(axis=1) - Y.shape[1], 1.0)
    elif weights is not None:
        value = scaled @ _check_weights(weights, names)
    else:
        value = np.sqrt((scaled * scaled).sum(axis=1))
    return int(allowed[np.argmin(value[allowed])])


def _scaled(Y: Array) -> Array:
    """Return losses from 0, the best on the front, to 1, the worst on it; 0 where all are equal."""
    low, extent = Y.min(axis=0), np.ptp(Y, axis=0)
    return np.asarray((Y - low) / np.where(extent > 0.0, extent, 1.0))


def _satisfies(trial: Trial, conditions: Mapping[str, Condition]) -> bool:
    return all(limit.holds(trial.metrics.get(name)) for name, limit in conditions.items())


def _check_conditions(front: Sequence[Trial], conditions: Mapping[str, Any]) -> None:
    known = list(dict.fromkeys(name for trial in front for name in trial.metrics))
    for name, condition in conditions.items():
        if name not in known:
            raise InputError(f"choose knows no metric {shown(name)}; the trials on the front have {shown_all(known)}")
        if not isinstance(condition, Condition):
            raise InputError(f"the condition on {shown(name)} must be at_most(limit) or at_least(limit), got {shown(condition)}")


def _unmet(front: Sequence[Trial], conditions: Mapping[str, Condition]) -> str:
    """Return a sentence about conditions that no trial on the front satisfies: the values that are there."""
    told = []
    for name, condition in conditions.items():
        values = [value for trial in front if isinstance(value := trial.metrics.get(name), float)]
        there = f"{min(values):.6g} to {max(values):.6g}" if values else "no number"
        told.append(f"{name} {condition} (there it is {there})")
    return f"no trial on the front has {' and '.join(told)}; loosen a condition"


def _check_weights(weights: Any, names: Sequence[str]) -> Array:
    if not isinstance(weights, Mapping) or not weights:
        raise InputError(f"weights= must be a dict with a number for each goal that counts, got {shown(weights)}")
    for name, weight in weights.items():
        if name not in names:
            raise InputError(f"weights= names {shown(name)}, and the goals are {shown_all(names)}")
        if not is_number(weight) or not is_finite(weight) or weight < 0:
            raise InputError(f"the weight of {shown(name)} must be a finite number of at least 0, got {shown(weight)}")
    if not any(weights.values()):
        raise InputError(f"at least one weight must be above 0, got {shown(weights)}")
    return np.array([float(weights.get(name, 0.0)) for name in names])
