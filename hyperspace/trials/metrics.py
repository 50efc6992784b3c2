"""Metrics: the named outputs of an objective, and what the study wants of each.

Trials keep the raw values. Signs and limits are applied here, on reading, so that a study may be read again under
other goals and nothing that was measured is lost.

Where no metrics are declared, the study's first answer fixes which one is the goal, and an answer without it is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, SupportsFloat, cast

from hyperspace.errors import InputError, shown, shown_all
from hyperspace.space.values import is_finite, is_number, is_one_of, plain

Value = float | tuple[float, ...]
GOALS = ("minimize", "maximize", "constrain", "observe")
FLOAT_NAME = "objective"  # the metric of an objective that returns a plain float
LOSS_NAME = "loss"  # the metric that is minimized when several come and no goals were given
# Names of metrics whose large values are the good ones.
_SOUNDS_LARGE = re.compile(
    r"acc(uracy)?(?![a-z])|auc|(^|[_.])f1|score|r2(?![0-9])|reward|precision|recall|yield|profit|efficiency", re.IGNORECASE
)
# The errors below that tell of a mistake in the program, since other points would not mend the form of its answers. A value that
# is not finite, or None, is none: some return it where an evaluation did not work. Nor is a missing goal that was taken from an
# earlier answer, and not asked for.
WRONG_FORM = re.compile(
    r"^(?:[\w.]*InputError: )?("
    r"the objective must return (?!.* each time, ).*|"
    r"the objective returned (?:a dict with nothing|.* = .* \((?!NoneType)\w+\); ).*|"
    r"a plain number is not enough: .*|"
    r"the metric .* must be one number .*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A named output of the objective and its goal.

    Args:
        name: the key under which the objective returns it.
        goal: "minimize", "maximize", "constrain" (keep between `lower` and `upper`) or "observe" (only keep).
        lower: smallest allowed value of a constrained metric.
        upper: largest allowed value of a constrained metric.

    Raises:
        InputError: an unknown goal, limits without "constrain", "constrain" without limits, or a limit that is no finite number.
    """

    name: str
    goal: str = "minimize"
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"a metric's name must be a non-empty string, got {shown(self.name)}")
        if not is_one_of(self.goal, GOALS):
            raise InputError(f"metric {shown(self.name)}: goal must be one of {', '.join(GOALS)}, got {shown(self.goal)}")
        for end in ("lower", "upper"):
            object.__setattr__(self, end, self._limit(end, getattr(self, end)))
        limited = self.lower is not None or self.upper is not None
        if limited != (self.goal == "constrain"):
            raise InputError(f'metric {shown(self.name)}: goal "constrain" and a limit (lower=, upper=) go together')
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InputError(f"metric {shown(self.name)}: lower={shown(self.lower)} is above upper={shown(self.upper)}")

    def _limit(self, end: str, value: Any) -> float | None:
        """Return a limit as a plain int or float."""
        value = plain(value)
        if value is None or (type(value) in (int, float) and is_finite(value)):
            return cast("float | None", value)
        if is_finite(value):  # a Fraction, or another library's number
            return float(value)
        raise InputError(
            f"metric {shown(self.name)}: {end} must be a finite number, got {shown(value)}; leave {end} out where nothing is "
            f"limited"
        )

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

    Attributes:
        goal: name of the optimized metric: the declared one, or the one that the study's first answer fixed; None before that.

    Raises:
        InputError: duplicate names, no goal, several goals, or `maximize` beside declared metrics.
    """

    def __init__(self, metrics: Sequence[Metric] | None = None, maximize: bool = False) -> None:
        given: Any = () if metrics is None else metrics
        if not isinstance(given, Iterable):
            raise InputError(f"metrics= takes a list of Metric objects, got {shown(given)}")
        self.declared: tuple[Metric, ...] = tuple(given)
        for metric in self.declared:
            if not isinstance(metric, Metric):
                raise InputError(f"metrics= takes Metric objects, got {shown(metric)}")
        names = [metric.name for metric in self.declared]
        if len(set(names)) < len(names):
            raise InputError(f"metrics= names a metric twice: {shown_all(names)}")
        if self.declared and maximize:
            raise InputError('maximize=True is for one unnamed metric; with metrics= write goal="maximize"')
        if metrics is not None and not self.goals:
            raise InputError('metrics= needs one metric whose goal is "minimize" or "maximize"')
        self.maximize = self.goals[0].goal == "maximize" if self.goals else bool(maximize)
        self.goal = self.goals[0].name if self.goals else None

    def fix(self, goal: str | None) -> None:
        """Take a name for the goal of the study; what was declared, or fixed before, stays."""
        self.goal = self.goal or goal

    def reopen(self, goal: str | None) -> None:
        """Take a name for the goal in the place of what was fixed before, None for none; what was declared stays."""
        if not self.declared:
            self.goal = goal

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
        """Turn what an objective returned into raw metrics by name; what is no number beside them is left out.

        Raises:
            InputError: not a number nor a dict of numbers, the goal's metric missing, or its value not finite.
        """
        return self.read_with_note(returned)[0]

    def read_with_note(self, returned: Any) -> tuple[dict[str, Value], str | None]:
        """Return the same, and a sentence on what was left out; None where nothing was.

        Raises:
            InputError: see `read`.
        """
        if isinstance(returned, Mapping):
            values: dict[Any, Any] = dict(returned)
        else:
            values = {self.goal or FLOAT_NAME: returned}
        metrics: dict[str, Value] = {}
        others: dict[Any, Any] = {}
        for name, value in values.items():
            number = scalar_of(value) if isinstance(name, str) else None
            if number is None:
                others[name] = value
            else:
                metrics[str(name)] = number
        goal = self._goal_among(metrics, others, named=isinstance(returned, Mapping))
        for name in [goal, *(metric.name for metric in self.constraints)]:
            if name in others:
                raise _no_number(name, others[name])
            self._check(name, metrics, plain=not isinstance(returned, Mapping))
        if self.goal is not None and not self.declared and goal != LOSS_NAME and LOSS_NAME in metrics:
            return metrics, (
                f"the objective returned {LOSS_NAME!r}, but the study's goal is {goal!r}, as its first answer had it; "
                f"to optimize {LOSS_NAME!r}, pass metrics=[Metric({LOSS_NAME!r})] and begin a new study"
            )
        notes = []
        if others:
            told = ", ".join(f"{shown(name)} ({type(value).__name__})" for name, value in others.items())
            notes.append(f"of what the objective returns, {told} is not kept: only numbers and rows of numbers with a name are")
        if not self.declared and not self.maximize and _SOUNDS_LARGE.search(goal):
            notes.append(
                f"the objective's metric {goal!r} is minimized; to maximize it, begin a new study with maximize=True (--maximize)"
            )
        return metrics, "; ".join(notes) or None

    def _goal_among(self, metrics: Mapping[str, Value], others: Mapping[Any, Any], named: bool) -> str:
        """Return which of the metrics of an answer is the goal; `others` are no numbers."""
        if named and self.goal is not None:
            return self.goal
        # Words beside the numbers are no candidates for the goal; a number that is missing this time is one.
        missing = [name for name, value in others.items() if isinstance(name, str) and not isinstance(value, (str, bytes))]
        if not others and not metrics:
            raise InputError("the objective returned a dict with nothing in it; a number, or metrics by name, were expected")
        if others and not metrics and not missing:
            name, value = next(iter(others.items()))
            if not isinstance(name, str):
                raise InputError(f"a metric's name must be a string, got {shown(name)}")
            raise _no_number(name, value)
        return self.goal_name([*metrics, *missing])

    def _check(self, name: str, metrics: Mapping[str, Value], plain: bool = False) -> None:
        """Check a metric that the study cannot do without; `plain`: the answer was a number without a name."""
        value = metrics.get(name)
        if value is None and plain:
            wanted = [metric.name for metric in (*self.goals, *self.constraints)]
            raise InputError(f"a plain number is not enough: a dict with the metrics {shown_all(wanted)} was expected")
        if value is None:
            raise InputError(self._missing(name, metrics))
        if not isinstance(value, float):
            raise InputError(f"the metric {name!r} must be one number to be optimized, got {len(value)} numbers")
        if not math.isfinite(value):
            raise InputError(f"the objective returned {name} = {value}; a finite number was expected")

    def _missing(self, name: str, metrics: Mapping[str, Value]) -> str:
        got = ", ".join(map(repr, metrics)) or "none"
        if any(metric.name == name for metric in self.declared):
            return f"the objective must return the metric {name!r}; it returned {got}"
        named = "a plain number" if name == FLOAT_NAME else f"the metric {name!r}"
        return (
            f"the objective must return {named} each time, since the study's first answer made it the goal; it returned {got}. "
            f"Where another one is the goal, pass metrics= and begin a new study"
        )

    def fault_of(self, metrics: Mapping[str, Value]) -> str | None:
        """Return why an answer is none, in a sentence, once the study's goal is fixed: it lacks the goal; None if it is one."""
        if self.goal is None or self.declared:
            return None
        try:
            self._check(self.goal_name(metrics), metrics)
        except InputError as error:
            return str(error)
        return None

    def goal_name(self, names: Iterable[str]) -> str:
        """Return which of `names` is optimized. A plain number, whose name is "objective", always is.

        Raises:
            InputError: several names, none of them "loss", and no goal was declared or fixed: a guess could minimize accuracies.
        """
        names = list(names)
        if self.declared:
            return self.goals[0].name
        if names == [FLOAT_NAME]:
            return FLOAT_NAME
        if self.goal is not None:
            return self.goal
        if len(names) == 1:
            return names[0]
        if LOSS_NAME in names:
            return LOSS_NAME
        raise AmbiguousMetrics(
            f"the objective returned {', '.join(map(repr, names)) or 'no metric'}, and nothing says which to optimize; "
            f'name one of them {LOSS_NAME!r}, or pass metrics=[Metric(name, goal="minimize" or "maximize"), ...] '
            f"(hyperspace run: --goal NAME)"
        )

    def value(self, metrics: Mapping[str, Value]) -> float:
        """Return the optimized metric as the objective returned it; nan where it is missing."""
        if not metrics:
            return math.nan
        try:
            value = metrics.get(self.goal_name(metrics))
        except AmbiguousMetrics:
            return math.nan
        return value if isinstance(value, float) else math.nan

    def loss(self, metrics: Mapping[str, Value]) -> float:
        """Return the optimized metric, turned so that less is better; nan where it is missing."""
        return self.sign * self.value(metrics)

    def reported_loss(self, metrics: Mapping[str, Value]) -> float:
        """Return the loss that was reported under way, nan if none was; a plain number is the goal's, whatever its name."""
        value = metrics[FLOAT_NAME] if metrics.keys() == {FLOAT_NAME} else self.value(metrics)
        return self.sign * value if isinstance(value, float) else math.nan

    def violation(self, metrics: Mapping[str, Value]) -> float:
        """Return the sum of the constraints' violations; 0 for a feasible trial, inf for one without a constraint's metric."""
        total = 0.0
        for metric in self.constraints:
            value = metrics.get(metric.name)
            total += metric.violation(value) if isinstance(value, float) else math.inf
        return total


class AmbiguousMetrics(InputError):
    """Several metrics came back and nothing says which is the goal: the study cannot go on."""


def scalar_of(value: Any) -> Value | None:
    """Return a number as a float and numbers in a row as a tuple of floats; None for anything else.

    An array of one number, as many models return it, is that number.
    """
    if hasattr(value, "tolist"):  # an array or a scalar, whatever library made it
        with suppress(Exception):  # what others' arrays raise is theirs
            value = value.tolist()
            while isinstance(value, list) and len(value) == 1:
                value = value[0]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        numbers = [number_of(element) for element in value]
        return None if None in numbers else tuple(number for number in numbers if number is not None)
    return number_of(value)


def number_of(value: Any) -> float | None:
    """Return a number as a float; None for what is none, or more than a double holds."""
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes)) or not isinstance(value, SupportsFloat):
        return None
    try:
        return float(value)
    except Exception:  # an integer that no double holds, or an object of somebody's own
        return None


def _no_number(name: str, value: Any) -> InputError:
    wanted = "a number of at most 1.8e308" if is_number(value) else "a number"
    return InputError(f"the objective returned {name} = {shown(value)} ({type(value).__name__}); {wanted} was expected")
