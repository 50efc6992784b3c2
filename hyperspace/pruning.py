"""Pruning: early end of an evaluation with poor intermediate values.

An objective that calls trial.report(step, value) is compared with the trials that its drive knew at its start:

    hyperdrive(objective, space, "results", pruner=MedianRule())
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from hyperspace.errors import InputError, refuse_class, shown
from hyperspace.system.arguments import check_names
from hyperspace.trials.trial import Trial

MOST_REPORTS = 200  # reports of a trial that are kept if no rule compares them
Curve = Mapping[int, float]  # step -> loss, in the order of the steps


class Pruned(Exception):
    """Exception from report() that ends a poor evaluation; an objective can also raise it itself."""


class PruningRule(ABC):
    """Rule that decides after every report whether the evaluation continues."""

    @abstractmethod
    def prunes(self, curve: Curve, peers: Sequence[Curve]) -> bool:
        """Return whether an evaluation ends here.

        Args:
            curve: the losses that it has reported, including the current one; inf for a value that is not a number.
            peers: the losses that earlier trials reported, including pruned ones.
        """


@check_names()
class MedianRule(PruningRule):
    """Rule that ends an evaluation whose best loss so far is above the median of the others' mean loss up to the same step.

    Source: Golovin et al. (2017), "Google Vizier: A Service for Black-Box Optimization", section 3.2.

    Args:
        min_trials: number of trials that must have reached the step before any is pruned.
        min_step: first step at which a trial can be pruned.

    Raises:
        InputError: min_trials is not an integer of at least 1.
    """

    def __init__(self, min_trials: int = 5, min_step: int = 0) -> None:
        self._min_trials, self._min_step = _check_whole("min_trials", min_trials, 1), _check_whole("min_step", min_step, 0)

    def prunes(self, curve: Curve, peers: Sequence[Curve]) -> bool:
        """Return whether the best loss so far is above the median of the mean losses up to this step."""
        *_, step = curve
        means = [fmean(loss for at, loss in peer.items() if at <= step) for peer in peers if min(peer) <= step <= max(peer)]
        if step < self._min_step or len(means) < self._min_trials:
            return False
        return min(curve.values()) > median(means)


@check_names()
class HalvingRule(PruningRule):
    """Rule that ends an evaluation outside the best 1/`eta` at the steps min_step, eta min_step, eta^2 min_step, ...

    Such a step is evaluated at the first report that reaches it. The first trial there always continues.

    Source: Li et al. (2020), "A System for Massively Parallel Hyperparameter Tuning", MLSys; with stops instead of promotions.

    Args:
        min_step: the first step at which evaluations are compared.
        eta: one of eta evaluations continues.

    Raises:
        InputError: min_step is not an integer of at least 1, or eta not an integer of at least 2.
    """

    def __init__(self, min_step: int = 1, eta: int = 3) -> None:
        self._min_step, self._eta = _check_whole("min_step", min_step, 1), _check_whole("eta", eta, 2)

    def prunes(self, curve: Curve, peers: Sequence[Curve]) -> bool:
        """Return whether this step is compared and the loss is not among the best that have reached it."""
        steps = list(curve)
        rung, step = self._min_step, steps[-1]
        while rung * self._eta <= step:
            rung *= self._eta
        if step < rung or (len(steps) > 1 and steps[-2] >= rung):
            return False
        others = [loss for peer in peers if (loss := _first_from(rung, peer)) is not None]
        better = sum(loss < curve[step] for loss in others)
        return better >= max(1, (len(others) + 1) // self._eta)


def check_pruner(pruner: Any) -> PruningRule | None:
    """Return the user's rule; None without one.

    Raises:
        InputError: a class, or an object without a method `prunes`.
    """
    refuse_class("pruner", pruner)
    if pruner is not None and not callable(getattr(pruner, "prunes", None)):
        raise InputError(f"pruner must be a rule of hyperspace.pruning, such as MedianRule(), got {shown(pruner)}")
    rule: PruningRule | None = pruner
    return rule


def _first_from(step: int, curve: Curve) -> float | None:
    return next((loss for at, loss in curve.items() if at >= step), None)


def curve_of(trial: Trial, sign: float) -> dict[int, float]:
    """Return the losses that a trial reported; `sign` converts its values so that less is better."""
    return {step: loss_of(value, sign) for step, value in trial.reports or ()}


def thinned(reports: Mapping[int, float]) -> dict[int, float]:
    """Return the reports to keep without pruning: if there are more than MOST_REPORTS, every second one and the last."""
    if len(reports) <= MOST_REPORTS:
        return dict(reports)
    steps = list(reports)
    return {step: reports[step] for step in [*steps[:-1][::2], steps[-1]]}


def loss_of(value: float, sign: float) -> float:
    """Return a reported value as a loss, inf if it is not a finite number."""
    return sign * value if math.isfinite(value) else math.inf


def _check_whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {shown(value)}")
    return value
