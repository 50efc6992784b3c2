"""Metrics: the named outputs of an objective, and their goals.

Trials keep the raw values. Signs and limits are applied on reading, so that a study can be read again with other goals and
without loss of data.

Without declared metrics, the study's first answer determines the goal. A later answer without it is invalid.
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
from hyperspace.system.arguments import check_names

Value = float | tuple[float, ...]
GOALS = ("minimize", "maximize", "constrain", "observe")
FLOAT_NAME = "objective"  # the metric of an objective that returns a plain float
LOSS_NAME = "loss"  # the metric that is minimized if there are several and no goals were given
# Names of metrics of which large values are good.
_SOUNDS_LARGE = re.compile(
    r"acc(uracy)?(?![a-z])|auc|(^|[_.])f1|score|r2(?![0-9])|reward|precision|recall|yield|profit|efficiency", re.IGNORECASE
)
# Errors that show a mistake in the program: other points would not change the form of its answers. A value that is not finite, or
# None, is not a mistake: some objectives return it for a failed evaluation. Nor is a missing goal that was taken from an earlier
# answer instead of declared.
WRONG_FORM = re.compile(
    r"^(?:[\w.]*InputError: )?("
    r"the objective must return (?!.* each time, ).*|"
    r"the objective returned (?:a dict with nothing|.* = .* \((?!NoneType)\w+\); ).*|"
    r"a plain number is not enough: .*|"
    r"the metric .* must be one number .*)$",
    re.MULTILINE,
)


@check_names()
@dataclass(frozen=True, slots=True)
class Metric:
    """Named output of the objective and its goal.

    Args:
        name: the key under which the objective returns it.
        goal: "minimize", "maximize", "constrain" (keep between `lower` and `upper`) or "observe" (only keep).
        lower: smallest allowed value of a constrained metric.
        upper: largest allowed value of a constrained metric.
        threshold: worst value of interest of a minimized or maximized metric, in its own unit. With several goals, the trials
            beyond it are not on the front. Unlike a limit it is soft: values beyond it still inform the models.

    Raises:
        InputError: an unknown goal, limits without "constrain", "constrain" without limits, a threshold without "minimize" or
            "maximize", or a limit or threshold that is not a finite number.
    """

    name: str
    goal: str = "minimize"
    lower: float | None = None
    upper: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"a metric's name must be a non-empty string, got {shown(self.name)}")
        if not is_one_of(self.goal, GOALS):
            raise InputError(f"metric {shown(self.name)}: goal must be one of {', '.join(GOALS)}, got {shown(self.goal)}")
        for end in ("lower", "upper", "threshold"):
            object.__setattr__(self, end, self._limit(end, getattr(self, end)))
        limited = self.lower is not None or self.upper is not None
        if limited != (self.goal == "constrain"):
            raise InputError(f'metric {shown(self.name)}: goal "constrain" and a limit (lower=, upper=) go together')
        if self.threshold is not None and self.goal not in ("minimize", "maximize"):
            advice = "give the limit as lower= or upper=" if self.goal == "constrain" else 'give it goal="minimize" or "maximize"'
            raise InputError(
                f"metric {shown(self.name)}: threshold= is the worst value of interest of a goal, and goal={shown(self.goal)} "
                f"has none; {advice}"
            )
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InputError(f"metric {shown(self.name)}: lower={shown(self.lower)} is above upper={shown(self.upper)}")

    def _limit(self, end: str, value: Any) -> float | None:
        """Return a limit as a plain int or float."""
        value = plain(value)
        if value is None or (type(value) in (int, float) and is_finite(value)):
            return cast("float | None", value)
        if is_finite(value):  # a Fraction, or a number of another library
            return float(value)
        raise InputError(
            f"metric {shown(self.name)}: {end} must be a finite number, got {shown(value)}; leave {end} out where nothing is "
            f"limited"
        )

    @property
    def sign(self) -> float:
        """-1 for a metric that is maximized, else 1."""
        return -1.0 if self.goal == "maximize" else 1.0

    def violation(self, value: float) -> float:
        """Return the distance of `value` from the limits; 0 inside them."""
        below = self.lower - value if self.lower is not None else 0.0
        above = value - self.upper if self.upper is not None else 0.0
        return max(below, above, 0.0)


class Metrics:
    """Metrics of a study: reads the answers of an objective and gives the loss of a trial.

    Args:
        metrics: the declared metrics; None takes the goal from the answers (the only metric, or "loss").
        maximize: maximize the single, undeclared metric.

    Attributes:
        declared: the declared metrics.
        goals: those to minimize or to maximize.
        constraints: those to keep between limits.
        several: whether there are several goals, so that the optimum is a front instead of one trial.
        goal: name of the optimized metric: declared, or fixed by the study's first answer; None before that. With several goals,
            the first one.

    Raises:
        InputError: duplicate names, no goal, or `maximize` with declared metrics.
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
        self.goals = tuple(metric for metric in self.declared if metric.goal in ("minimize", "maximize"))
        self.constraints = tuple(metric for metric in self.declared if metric.goal == "constrain")
        self.several = len(self.goals) > 1
        if metrics is not None and not self.goals:
            raise InputError('metrics= needs one metric whose goal is "minimize" or "maximize"')
        self.maximize = self.goals[0].goal == "maximize" if self.goals else bool(maximize)
        self.goal = self.goals[0].name if self.goals else None

    def __repr__(self) -> str:
        """Return the declared metrics; without them, the goal that the answers have fixed so far."""
        if self.declared:
            return f"Metrics({list(self.declared)!r})"
        return f"Metrics(maximize={self.maximize!r}, goal={self.goal!r})"

    def fix(self, goal: str | None) -> None:
        """Set the goal of the study, unless one was declared or fixed before."""
        self.goal = self.goal or goal

    def reopen(self, goal: str | None) -> None:
        """Set the goal again, or remove it with None; a declared goal stays."""
        if not self.declared:
            self.goal = goal

    @property
    def sign(self) -> float:
        """-1 for a goal that is maximized, else 1."""
        return -1.0 if self.maximize else 1.0

    def read(self, returned: Any) -> dict[str, Value]:
        """Return raw metrics by name from an objective's answer; values that are not numbers are left out.

        Raises:
            InputError: neither a number nor a dict of numbers, the goal's metric missing, or its value not finite. With several
                goals, one finite value is enough: a trial may lack the others.
        """
        return self.read_with_note(returned)[0]

    def read_with_note(self, returned: Any) -> tuple[dict[str, Value], str | None]:
        """Return the metrics, and a sentence about the values that were left out; None if there were none.

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
        if self.several:
            return metrics, self._note_of_several(metrics, others, named=isinstance(returned, Mapping))
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

    def _note_of_several(self, metrics: Mapping[str, Value], others: Mapping[Any, Any], named: bool) -> str | None:
        """Check an answer to a study with several goals; return a sentence about the goals that it lacks.

        Raises:
            InputError: no goal has a finite value, or a constrained metric is missing.
        """
        names = [goal.name for goal in self.goals]
        lacking = [name for name, loss in zip(names, self.losses(metrics), strict=True) if not math.isfinite(loss)]
        checked = lacking if len(lacking) == len(names) else []
        for name in [*checked, *(metric.name for metric in self.constraints)]:
            if others.get(name) is not None:
                raise _no_number(name, others[name])
            self._check(name, metrics, plain=not named)
        if not lacking:
            return None
        return (
            f"a trial without a finite {' and '.join(map(repr, lacking))} is not on the front; its other metrics are kept, and "
            f"inform their models"
        )

    def _goal_among(self, metrics: Mapping[str, Value], others: Mapping[Any, Any], named: bool) -> str:
        """Return the goal among the metrics of an answer; `others` are not numbers."""
        if named and self.goal is not None:
            return self.goal
        # Strings are not candidates for the goal; a number that is missing this time is one.
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
        """Check a required metric; `plain`: the answer was a number without a name."""
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
        """Return a sentence on an answer without the study's goal, once that is fixed; None if the goal is present."""
        if self.goal is None or self.declared:
            return None
        try:
            self._check(self.goal_name(metrics), metrics)
        except InputError as error:
            return str(error)
        return None

    def goal_name(self, names: Iterable[str]) -> str:
        """Return the optimized one of `names`. A plain number, with the name "objective", is always optimized.

        Raises:
            InputError: several names without "loss", and no declared or fixed goal: a guess could minimize an accuracy.
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
        """Return the optimized metric as the objective returned it; nan if it is missing."""
        if not metrics:
            return math.nan
        try:
            value = metrics.get(self.goal_name(metrics))
        except AmbiguousMetrics:
            return math.nan
        return value if isinstance(value, float) else math.nan

    def loss(self, metrics: Mapping[str, Value]) -> float:
        """Return the optimized metric, with its sign set so that less is better; nan if it is missing.

        With several goals, that of the first one; see `losses`.
        """
        return self.sign * self.value(metrics)

    def losses(self, metrics: Mapping[str, Value]) -> tuple[float, ...]:
        """Return the loss of each goal; nan for one that is missing."""
        if len(self.goals) < 2:
            return (self.loss(metrics),)
        values = (metrics.get(goal.name) for goal in self.goals)
        return tuple(
            goal.sign * value if isinstance(value, float) else math.nan for goal, value in zip(self.goals, values, strict=True)
        )

    def reported_loss(self, metrics: Mapping[str, Value]) -> float:
        """Return the loss of an intermediate report, nan without one; a plain number is the goal's, whatever its name."""
        value = metrics[FLOAT_NAME] if metrics.keys() == {FLOAT_NAME} else self.value(metrics)
        return self.sign * value if isinstance(value, float) else math.nan

    def violation(self, metrics: Mapping[str, Value]) -> float:
        """Return the sum of the constraint violations; 0 for a feasible trial, inf if a constraint's metric is missing."""
        total = 0.0
        for metric in self.constraints:
            value = metrics.get(metric.name)
            total += metric.violation(value) if isinstance(value, float) else math.inf
        return total


class AmbiguousMetrics(InputError):
    """Several metrics without a declared goal: the study cannot continue."""


def scalar_of(value: Any) -> Value | None:
    """Return a number as a float and a sequence of numbers as a tuple of floats; None for any other value.

    An array of one number, as many models return it, is that number.
    """
    if hasattr(value, "tolist"):  # an array or a scalar of any library
        with suppress(Exception):  # exceptions of users' arrays
            value = value.tolist()
            while isinstance(value, list) and len(value) == 1:
                value = value[0]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        numbers = [number_of(element) for element in value]
        return None if None in numbers else tuple(number for number in numbers if number is not None)
    return number_of(value)


def number_of(value: Any) -> float | None:
    """Return a number as a float; None if it is not a number or exceeds the range of a double."""
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes)) or not isinstance(value, SupportsFloat):
        return None
    try:
        return float(value)
    except Exception:  # an integer beyond the range of a double, or a user's object
        return None


def _no_number(name: str, value: Any) -> InputError:
    wanted = "a number of at most 1.8e308" if is_number(value) else "a number"
    return InputError(f"the objective returned {name} = {shown(value)} ({type(value).__name__}); {wanted} was expected")
