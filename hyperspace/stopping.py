"""Rules that end a study before its budget is spent, for `hyperdrive(..., stopping=[...])`.

With exchange="round" a rule is called after each round. So a study ends at the same trials on any number of ranks and after
resuming. With other exchanges each rank calls it with the trials that it knows, and running evaluations are completed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hyperspace.errors import InputError, refuse_class, shown
from hyperspace.space.space import Space
from hyperspace.space.values import is_finite, is_number
from hyperspace.system.arguments import check_names
from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

Watcher = Callable[[Trial], bool]  # called once with each finished trial; returns whether the study ends
RoundWatcher = Callable[[Sequence[Trial]], bool]  # called once with the trials of each round; returns whether the study ends


class StoppingRule(ABC):
    """Rule that ends a study. Subclass it for your own rule."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Reason for the end of the study, for `Result.ended_by`."""

    @abstractmethod
    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that is called once with each finished trial, and returns whether the study ends."""

    def watch_rounds(self, metrics: Metrics) -> RoundWatcher | None:
        """Return a function that is called with the trials of each round and returns whether the study ends.

        The default is None: the rule uses trials one by one. Only exchange="round" calls it, on every rank and also with recorded
        rounds, so that all ranks and resumed runs end at the same round.
        """
        return None


@check_names()
@dataclass(frozen=True, slots=True)
class TargetValue(StoppingRule):
    """Rule that ends a study when a feasible trial is at least as good as `value`, in the objective's sign.

    Raises:
        InputError: value is not a finite number.
    """

    value: float

    def __post_init__(self) -> None:
        if not (is_number(self.value) and is_finite(self.value)):
            raise InputError(f"value must be a finite number, got {shown(self.value)}")

    @property
    def reason(self) -> str:
        """Reason for the end of the study."""
        return f"the target value {self.value!r}"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function of a trial: whether it reaches the value."""

        def reached(trial: Trial) -> bool:
            found = rank(trial, metrics)
            return found.is_usable and found.loss <= metrics.sign * self.value

        return reached


@check_names()
@dataclass(frozen=True, slots=True)
class NoProgress(StoppingRule):
    """Rule that ends a study when the best trial has not improved by more than `tolerance` in `evaluations` evaluations.

    Evaluations before the first usable one do not count.

    Raises:
        InputError: evaluations is not an integer of at least 1, or tolerance not a finite number of at least 0.
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
        """Reason for the end of the study."""
        return f"no progress in {self.evaluations} evaluations"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function of a trial: whether the last evaluations made no progress."""
        best, row = NO_RANK, 0

        def stalls(trial: Trial) -> bool:
            nonlocal best, row
            found = rank(trial, metrics)
            gains = found.is_usable and (found.budget, found.loss + self.tolerance) < (best.budget, best.loss)
            best, row = (found, 0) if gains else (best, row + best.is_usable)
            return row >= self.evaluations

        return stalls


@dataclass(frozen=True, slots=True)
class Stall(StoppingRule):
    """Rule that ends a study in rounds when the rounds no longer improve it.

    Args:
        tolerance: gain that does not count as an improvement.
        patience: successive rounds without an improvement after which it ends.
    """

    tolerance: float
    patience: int

    @property
    def reason(self) -> str:
        """Reason for the end of the study."""
        return "the tolerance"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that never ends the study, since rounds do."""
        return lambda trial: False

    def watch_rounds(self, metrics: Metrics) -> RoundWatcher:
        """Return a function of a round's trials: whether the last rounds brought no improvement."""
        best, stalled = NO_RANK, 0

        def stalls(trials: Sequence[Trial]) -> bool:
            nonlocal best, stalled
            found = min((rank(trial, metrics) for trial in trials), default=NO_RANK)
            found = found if found.is_usable else NO_RANK
            same_budget = found.budget == best.budget
            gained = found < best and not (same_budget and found.loss >= best.loss - self.tolerance)
            stalled = 0 if gained or not best.is_usable else stalled + 1
            best = min(best, found)
            return stalled >= self.patience

        return stalls


@check_names()
@dataclass(frozen=True, slots=True)
class TimeLimit(StoppingRule):
    """Rule that ends a study `seconds` after the call, as `deadline=` does: no evaluation starts that would not end in time.

    Raises:
        InputError: seconds is not a positive number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not (is_number(self.seconds) and self.seconds > 0):
            raise InputError(f"seconds must be a positive number, got {shown(self.seconds)}")

    @property
    def reason(self) -> str:
        """Reason for the end of the study."""
        return "the deadline"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that never ends the study, since the deadline does."""
        return lambda trial: False


@dataclass(frozen=True, slots=True)
class AllPoints(StoppingRule):
    """Rule that ends a study when each point of a discrete space was evaluated: without noise, repetitions give nothing new.

    Args:
        space: the search space.
        given: given evaluations.
        budget: least budget of an evaluation that counts; None if evaluations have no budgets.
    """

    space: Space
    given: tuple[Trial, ...] = ()
    budget: float | None = None

    @property
    def reason(self) -> str:
        """Reason for the end of the study."""
        n = count_points(self.space)
        return f"its search space, whose {f'{n} points were all' if n > 1 else 'only point was'} evaluated"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function of a trial: whether all points have been evaluated."""
        left = count_points(self.space)
        if left == math.inf:
            return lambda trial: False
        known: set[bytes] = set()

        def exhausts(trial: Trial) -> bool:
            if exhausts_point(trial) and (self.budget is None or trial.fidelity >= self.budget):
                known.add(self.space.to_unit([trial.x]).tobytes())
            return len(known) >= left

        for trial in self.given:
            exhausts(trial)
        return exhausts


def exhausts_point(trial: Trial) -> bool:
    """Return whether a repetition of the trial would give nothing new, without noise."""
    return trial.ended_well or trial.teaches_failure


def count_points(space: Space) -> float:
    """Return the number of points of a space; infinite if it has a real dimension."""
    return math.prod(dimension.levels or math.inf for dimension in space.dimensions)


def check_rules(stopping: Any) -> tuple[StoppingRule, ...]:
    """Return the user's rules: none, one, or several.

    Raises:
        InputError: another type.
    """
    rules = (stopping,) if isinstance(stopping, StoppingRule) else () if stopping is None else stopping
    for rule in rules if isinstance(rules, (list, tuple)) else (rules,):
        refuse_class("a rule of stopping", rule)
    if not isinstance(rules, (list, tuple)) or not all(isinstance(rule, StoppingRule) for rule in rules):
        raise InputError(
            f"stopping must be a rule or a list of rules of hyperspace.stopping, such as [TargetValue(0.1), NoProgress(50)]; got "
            f"{shown(stopping)}"
        )
    return tuple(rules)


def time_limit(rules: Iterable[StoppingRule]) -> float | None:
    """Return the seconds of the shortest time limit among rules; None if there is none."""
    return min((float(rule.seconds) for rule in rules if isinstance(rule, TimeLimit)), default=None)
