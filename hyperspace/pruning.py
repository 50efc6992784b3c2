"""Pruning: ends an evaluation early when what it reports promises little.

An objective that calls trial.report(step, value) is compared with the trials that its drive knew when it began:

    hyperdrive(objective, space, "results", pruner=MedianRule())
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.trials.trial import Trial

MOST_REPORTS = 200  # of a trial, that are kept where no rule compares them
Curve = Mapping[int, float]  # step -> loss, in the order of the steps


class Pruned(Exception):
    """Raised from report() to end an evaluation that promises little; an objective may raise it by itself."""


class PruningRule(ABC):
    """Decides after every report whether the evaluation goes on."""

    @abstractmethod
    def prunes(self, curve: Curve, peers: Sequence[Curve]) -> bool:
        """Return whether an evaluation ends here.

        Args:
            curve: the losses that it has reported, the last one now; inf for a value that is no number.
            peers: the losses that earlier trials reported, pruned ones too.
        """


class MedianRule(PruningRule):
    """Ends an evaluation whose best loss so far is above the median of the others' mean loss up to the same step.

    Source: Golovin et al. (2017), "Google Vizier: A Service for Black-Box Optimization", section 3.2.

    Args:
        min_trials: trials that have to have come as far before anything is pruned.
        min_step: nothing is pruned before this step.

    Raises:
        InputError: min_trials is no whole number of at least 1.
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


class HalvingRule(PruningRule):
    """Ends an evaluation that is not among the best of `eta` at the steps min_step, eta min_step, eta^2 min_step, ...

    Such a step counts at the first report that has come as far. The first trial there goes on, whatever it reports.

    Source: Li et al. (2020), "A System for Massively Parallel Hyperparameter Tuning", MLSys; with stops in place of promotions.

    Args:
        min_step: the first step at which evaluations are compared.
        eta: of eta evaluations one goes on.

    Raises:
        InputError: min_step is no whole number of at least 1, or eta none of at least 2.
    """

    def __init__(self, min_step: int = 1, eta: int = 3) -> None:
        self._min_step, self._eta = _check_whole("min_step", min_step, 1), _check_whole("eta", eta, 2)

    def prunes(self, curve: Curve, peers: Sequence[Curve]) -> bool:
        """Return whether the loss is not among the best of those that have come as far, where this step is compared."""
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
    """Return the rule that a user passed; None for none.

    Raises:
        InputError: a class, or an object that cannot tell whether an evaluation ends.
    """
    if isinstance(pruner, type):
        raise InputError(f"pruner is the class {pruner.__name__}; pass an object of it, {pruner.__name__}(...)")
    if pruner is not None and not callable(getattr(pruner, "prunes", None)):
        raise InputError(f"pruner must be a rule of hyperspace.pruning, such as MedianRule(), got {shown(pruner)}")
    rule: PruningRule | None = pruner
    return rule


def _first_from(step: int, curve: Curve) -> float | None:
    return next((loss for at, loss in curve.items() if at >= step), None)


def curve_of(trial: Trial, sign: float) -> dict[int, float]:
    """Return the losses that a trial reported; `sign` turns its values so that less is better."""
    return {step: loss_of(value, sign) for step, value in trial.reports or ()}


def thinned(reports: Mapping[int, float]) -> dict[int, float]:
    """Return reports as they are kept where nothing is pruned: of more than MOST_REPORTS every second one, and the last."""
    if len(reports) <= MOST_REPORTS:
        return dict(reports)
    steps = list(reports)
    return {step: reports[step] for step in [*steps[:-1][::2], steps[-1]]}


def loss_of(value: float, sign: float) -> float:
    """Return a reported value as a loss, inf where it is no finite number."""
    return sign * value if math.isfinite(value) else math.inf


def _check_whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {shown(value)}")
    return value
