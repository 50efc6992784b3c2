"""Rules that end a study before its budget is spent, for `hyperdrive(..., stopping=[...])`.

With exchange="round" a rule is asked after each round, so that a study ends at the same trials on any number of ranks and when it
goes on. Elsewhere each rank asks with the trials that it knows; evaluations under way come to their end.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.space.space import Space
from hyperspace.space.values import is_finite, is_number
from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

Watcher = Callable[[Trial], bool]  # called once with each finished trial; returns whether the study ends
RoundWatcher = Callable[[Sequence[Trial]], bool]  # called once with the trials of each round; returns whether the study ends


class StoppingRule(ABC):
    """Ends a study. Subclass it for a rule of your own."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """What the study was ended by, as `Result.ended_by` has it."""

    @abstractmethod
    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that is called once with each finished trial, and returns whether the study ends."""

    def watch_rounds(self, metrics: Metrics) -> RoundWatcher | None:
        """Return a function that is called with the trials of each round and returns whether the study ends.

        The default is None: the rule looks at trials one by one. Only exchange="round" calls it, on every rank and with recorded
        rounds too, so that all ranks and resumed runs end at the same round.
        """
        return None


@dataclass(frozen=True, slots=True)
class TargetValue(StoppingRule):
    """Ends a study when a trial that keeps the constraints is at least as good as `value`, in the objective's own sign.

    Raises:
        InputError: value is no finite number.
    """

    value: float

    def __post_init__(self) -> None:
        if not (is_number(self.value) and is_finite(self.value)):
            raise InputError(f"value must be a finite number, got {shown(self.value)}")

    @property
    def reason(self) -> str:
        """What the study was ended by."""
        return f"the target value {self.value!r}"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that tells whether a trial has reached the value."""

        def reached(trial: Trial) -> bool:
            found = rank(trial, metrics)
            return found.is_usable and found.loss <= metrics.sign * self.value

        return reached


@dataclass(frozen=True, slots=True)
class NoProgress(StoppingRule):
    """Ends a study when the best trial has not improved by more than `tolerance` for `evaluations` evaluations in a row.

    Evaluations before the first usable one do not count.

    Raises:
        InputError: evaluations is no whole number of at least 1, or tolerance no finite number of at least 0.
    """

    evaluations: int
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.evaluations, bool) or not isinstance(self.evaluations, int) or self.evaluations < 1:
            raise InputError(f"evaluations must be a whole number of at least 1, got {shown(self.evaluations)}")
        if not (is_number(self.tolerance) and is_finite(self.tolerance) and self.tolerance >= 0):
            raise InputError(f"tolerance must be a number of at least 0, got {shown(self.tolerance)}")

    @property
    def reason(self) -> str:
        """What the study was ended by."""
        return f"no progress in {self.evaluations} evaluations"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that tells whether the last evaluations have brought no progress."""
        best, row = NO_RANK, 0

        def stalls(trial: Trial) -> bool:
            nonlocal best, row
            found = rank(trial, metrics)
            gains = found.is_usable and (found.budget, found.loss + self.tolerance) < (best.budget, best.loss)
            best, row = (found, 0) if gains else (best, row + best.is_usable)
            return row >= self.evaluations

        return stalls


@dataclass(frozen=True, slots=True)
class TimeLimit(StoppingRule):
    """Ends a study `seconds` after the call, as `deadline=` does: no evaluation begins that would not end in time.

    Raises:
        InputError: seconds is no positive number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not (is_number(self.seconds) and self.seconds > 0):
            raise InputError(f"seconds must be a positive number, got {shown(self.seconds)}")

    @property
    def reason(self) -> str:
        """What the study was ended by."""
        return "the deadline"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that ends nothing: the clock does."""
        return lambda trial: False


@dataclass(frozen=True, slots=True)
class AllPoints(StoppingRule):
    """Ends a study when each point of a discrete space was evaluated: without noise nothing more is to be learned.

    Args:
        space: the search space.
        given: evaluations that the user brought along.
        budget: what an evaluation must have been allowed to spend to count; None where evaluations have no budgets.
    """

    space: Space
    given: tuple[Trial, ...] = ()
    budget: float | None = None

    @property
    def reason(self) -> str:
        """What the study was ended by."""
        n = count_points(self.space)
        return f"its search space, whose {f'{n} points were all' if n > 1 else 'only point was'} evaluated"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that tells whether no point is left."""
        left = count_points(self.space)
        known: set[bytes] = set()

        def exhausts(trial: Trial) -> bool:
            if exhausts_point(trial) and (self.budget is None or trial.fidelity >= self.budget):
                known.add(self.space.to_unit([trial.x]).tobytes())
            return len(known) >= left

        for trial in self.given:
            exhausts(trial)
        return exhausts


def exhausts_point(trial: Trial) -> bool:
    """Return whether a trial tells all of its point, where there is no noise."""
    return trial.ended_well or trial.teaches_failure


def count_points(space: Space) -> float:
    """Return how many points a space has; infinite with a real number among its dimensions."""
    return math.prod(dimension.levels or math.inf for dimension in space.dimensions)


def check_rules(stopping: Any) -> tuple[StoppingRule, ...]:
    """Return the rules that a user passed: none, one, or several.

    Raises:
        InputError: something else.
    """
    rules = (stopping,) if isinstance(stopping, StoppingRule) else () if stopping is None else stopping
    for rule in rules if isinstance(rules, (list, tuple)) else (rules,):
        if isinstance(rule, type):
            raise InputError(f"stopping holds the class {rule.__name__}; pass an object of it, {rule.__name__}(...)")
    if not isinstance(rules, (list, tuple)) or not all(isinstance(rule, StoppingRule) for rule in rules):
        raise InputError(
            f"stopping must be a rule or a list of rules of hyperspace.stopping, such as [TargetValue(0.1), NoProgress(50)]; got "
            f"{shown(stopping)}"
        )
    return tuple(rules)


def time_limit(rules: Iterable[StoppingRule]) -> float | None:
    """Return the seconds of the shortest time limit among rules; None if there is none."""
    return min((float(rule.seconds) for rule in rules if isinstance(rule, TimeLimit)), default=None)
