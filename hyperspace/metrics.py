"""Metrics: the named outputs of an objective, and what the study wants of each.

Trials keep the raw values. Signs and limits are applied here, on reading, so that a study may be read again under
other goals and nothing that was measured is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

from hyperspace.errors import InputError

Value = float | tuple[float, ...]
GOALS = ("minimize", "maximize", "constrain", "observe")
FLOAT_NAME = "objective"  # the metric of an objective that returns a plain float
LOSS_NAME = "loss"  # the metric that is minimized when several come and no goals were given


@dataclass(frozen=True, slots=True)
class Metric:
    """A named output of the objective and its goal.

    Args:
        name: the key under which the objective returns it.
        goal: "minimize", "maximize", "constrain" (keep between `lower` and `upper`) or "observe" (only keep).
        lower: smallest allowed value of a constrained metric.
        upper: largest allowed value of a constrained metric.

    Raises:
        InputError: an unknown goal, limits without "constrain", or "constrain" without limits.
    """

    name: str
    goal: str = "minimize"
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"a metric's name must be a non-empty string, got {self.name!r}")
        if self.goal not in GOALS:
            raise InputError(f"metric {self.name!r}: goal must be one of {', '.join(GOALS)}, got {self.goal!r}")
        limited = self.lower is not None or self.upper is not None
        if limited != (self.goal == "constrain"):
            raise InputError(f'metric {self.name!r}: goal "constrain" and a limit (lower=, upper=) go together')
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InputError(f"metric {self.name!r}: lower={self.lower} is above upper={self.upper}")

    def violation(self, value: float) -> float:
        """Return by how much `value` lies outside the limits; 0 inside them."""
        below = self.lower - value if self.lower is not None else 0.0
        above = value - self.upper if self.upper is not None else 0.0
        return max(below, above, 0.0)


class Metrics:
    """The metrics of a study: reads what an objective returned, and says what a trial is worth.

    Args:
        metrics: the declared metrics; None leaves the choice to what the objective returns (its only metric, or "loss").
        maximize: turn the single, undeclared metric around.

    Raises:
        InputError: duplicate names, no goal, several goals, or `maximize` beside declared metrics.
    """

    def __init__(self, metrics: Sequence[Metric] | None = None, maximize: bool = False) -> None:
        self.declared: tuple[Metric, ...] = tuple(metrics or ())
        for metric in self.declared:
            if not isinstance(metric, Metric):
                raise InputError(f"metrics= takes Metric objects, got {metric!r}")
        names = [metric.name for metric in self.declared]
        if len(set(names)) < len(names):
            raise InputError(f"metrics= names a metric twice: {', '.join(names)}")
        if self.declared and maximize:
            raise InputError('maximize=True is for one unnamed metric; with metrics= write goal="maximize"')
        if metrics is not None and not self.goals:
            raise InputError('metrics= needs one metric whose goal is "minimize" or "maximize"')
        self.maximize = self.goals[0].goal == "maximize" if self.goals else bool(maximize)

    @property
    def goals(self) -> tuple[Metric, ...]:
        """The metrics to minimize or to maximize."""
        return tuple(metric for metric in self.declared if metric.goal in ("minimize", "maximize"))

    @property
    def constraints(self) -> tuple[Metric, ...]:
        """The metrics to keep between limits."""
        return tuple(metric for metric in self.declared if metric.goal == "constrain")

    @property
    def sign(self) -> float:
        """-1 for a goal that is maximized, else 1."""
        return -1.0 if self.maximize else 1.0

    def read(self, returned: Any) -> dict[str, Value]:
        """Turn what an objective returned into raw metrics by name.

        Raises:
            InputError: not a number nor a dict of numbers, the goal's metric missing, or its value not finite.
        """
        values = {FLOAT_NAME: returned} if not isinstance(returned, Mapping) else dict(returned)
        if not isinstance(returned, Mapping) and self.goals:
            values = {self.goals[0].name: returned}
        metrics = {_name(name): _value(name, value) for name, value in values.items()}
        for name in [self.goal_name(metrics), *(metric.name for metric in self.constraints)]:
            value = metrics.get(name)
            if value is None:
                got = ", ".join(map(repr, metrics)) or "none"
                raise InputError(f"the objective must return the metric {name!r}; it returned {got}")
            if not isinstance(value, float):
                raise InputError(f"the metric {name!r} must be one number to be optimised, got {len(value)} numbers")
            if not math.isfinite(value):
                raise InputError(f"the objective returned {name} = {value}; a finite number was expected")
        return metrics

    def goal_name(self, names: Iterable[str]) -> str:
        """Return which of `names` is optimised.

        Raises:
            InputError: several names, none of them "loss", and no goal was declared. Guessing could minimize an accuracy.
        """
        if self.goals:
            return self.goals[0].name
        names = list(names)
        if len(names) == 1:
            return names[0]
        if LOSS_NAME in names:
            return LOSS_NAME
        raise AmbiguousMetrics(
            f"the objective returned {', '.join(map(repr, names)) or 'no metric'}, and nothing says which to optimise; "
            f'name one of them {LOSS_NAME!r}, or pass metrics=[Metric(name, goal="minimize" or "maximize"), ...]'
        )

    def value(self, metrics: Mapping[str, Value]) -> float:
        """Return the optimised metric as the objective returned it; nan where it is missing."""
        if not metrics:
            return math.nan
        value = metrics.get(self.goal_name(metrics))
        return value if isinstance(value, float) else math.nan

    def loss(self, metrics: Mapping[str, Value]) -> float:
        """Return the optimised metric, turned so that less is better; nan where it is missing."""
        return self.sign * self.value(metrics)

    def violation(self, metrics: Mapping[str, Value]) -> float:
        """Return the sum of the constraints' violations; 0 for a feasible trial."""
        total = 0.0
        for metric in self.constraints:
            value = metrics.get(metric.name)
            total += metric.violation(value) if isinstance(value, float) else 0.0
        return total


class AmbiguousMetrics(InputError):
    """Several metrics came back and nothing says which is the goal: the study cannot go on."""


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise InputError(f"a metric's name must be a string, got {name!r}")
    return name


def _value(name: str, value: object) -> Value:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        if isinstance(value, SupportsFloat):
            return float(value)
        return tuple(float(element) for element in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        pass
    raise InputError(f"the objective returned {name} = {value!r} ({type(value).__name__}); a number was expected")
