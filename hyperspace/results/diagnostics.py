"""Diagnostics of the merged surrogate: leave-one-out predictions, and the calibration of their uncertainty.

Notation:
    n   trials                    z   transformed losses, the targets of the Gaussian process
    r   standardized residuals, (z - mean_-i) / std_-i, (n,): standard normal if the model is right

The transform and the hyperparameters are those of the fit to all trials. This makes the results slightly too good, less so with
more trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.space.space import Bounds
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.results.result import Result

_QUANTILE_95 = 1.644854  # of a normal distribution
_WIDE = 1.959964  # half width, in standard deviations, of the central 95 % of a normal distribution


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """Leave-one-out predictions of the trials, in the objective's scale.

    Attributes:
        trials: the n trials.
        U: their points, (n, d).
        actual: values of the objective, (n,).
        predicted: medians of the predictions, (n,).
        lower, upper: central 95 % intervals of the predictions, (n,).
        residuals: r, standardized in the model's scale, (n,).
    """

    trials: tuple[Trial, ...]
    U: Array
    actual: Array
    predicted: Array
    lower: Array
    upper: Array
    residuals: Array

    def __len__(self) -> int:
        """Return n."""
        return len(self.actual)

    def coverage(self, levels: Array) -> Array:
        """Return the share of trials in the central interval of each level; levels (m,) within (0, 1), result (m,)."""
        inside = np.abs(2.0 * ndtr(self.residuals) - 1.0)
        part: Array = (inside[:, None] <= levels).mean(axis=0) if len(self) else np.full(len(levels), np.nan)
        return part

    @property
    def correlation(self) -> float:
        """Rank correlation (Spearman) of prediction and outcome; nan for fewer than three trials, or if either is constant."""
        if len(self) < 3:
            return float("nan")
        a, b = (_ranks(values) for values in (self.predicted, self.actual))
        a, b = a - a.mean(), b - b.mean()
        spread = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / spread if spread > 0 else float("nan")

    @property
    def beats_chance(self) -> bool:
        """Whether the rank correlation exceeds the 95 % quantile of that of independent values, about 1.645 / sqrt(n - 1)."""
        return self.correlation > _QUANTILE_95 / math.sqrt(len(self) - 1)  # false for nan, and never for n < 3

    @property
    def error(self) -> float:
        """The median of |prediction - outcome|; nan without trials."""
        return float(np.median(np.abs(self.predicted - self.actual))) if len(self) else float("nan")

    def within(self, bounds: Bounds) -> LeaveOneOut:
        """Return the predictions of the trials in a box of the unit cube."""
        rows = np.flatnonzero(bounds.contains(self.U))
        columns = (self.U, self.actual, self.predicted, self.lower, self.upper, self.residuals)
        return LeaveOneOut(tuple(self.trials[row] for row in rows), *(column[rows] for column in columns))


def expected_coverage(levels: Array, n: int) -> tuple[Array, Array]:
    """Return bounds of the coverage of n independent, well calibrated predictions, with a probability of 95 %.

    They use the normal approximation of the binomial distribution. Residuals of neighbors are not independent, so the bounds are
    only a guide.
    """
    half = _WIDE * np.sqrt(levels * (1.0 - levels) / max(n, 1))
    return np.clip(levels - half, 0.0, 1.0), np.clip(levels + half, 0.0, 1.0)


@own_numerics()
def leave_one_out(result: Result) -> LeaveOneOut:
    """Return the leave-one-out predictions of the merged surrogate.

    Raises:
        StudyError: fewer than three trials ended well.
    """
    merged = result.surrogate
    mean, variance = merged.latent.leave_one_out()
    std = np.sqrt(variance)
    ends = np.stack([merged.value_of(mean + sigmas * std) for sigmas in (-_WIDE, _WIDE)])
    return LeaveOneOut(
        trials=tuple(merged.trials),
        U=merged.U,
        actual=merged.values,
        predicted=merged.value_of(mean),
        lower=ends.min(axis=0),
        upper=ends.max(axis=0),
        residuals=(merged.latent.z - mean) / std,
    )


@own_numerics()
def by_subspace(result: Result, whole: LeaveOneOut | None = None) -> dict[int, LeaveOneOut]:
    """Return the predictions of the trials in the box of each subspace that is the home of a drive.

    Subspaces overlap, so a trial may be in several.

    Args:
        result: the study.
        whole: result of `leave_one_out`; None computes it.
    """
    whole = leave_one_out(result) if whole is None else whole
    homes = sorted({trial.subspace for trial in result.all_trials if trial.drive >= 0})
    return {index: whole.within(result.partition[index].bounds) for index in homes}


def normal_quantiles(n: int) -> Array:
    """Return the expected values of n ordered residuals of a right model, (n,): Blom's plotting positions."""
    quantiles: Array = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    return quantiles


def _ranks(values: Array) -> Array:
    """Return ranks from 0; equal values have their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: Array = (last - (counts + 1) / 2.0)[inverse]
    return means
