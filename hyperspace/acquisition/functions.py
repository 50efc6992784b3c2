"""Acquisition functions: the value of evaluating a point, given the posterior. All are for minimization; larger is better.

Notation:
    mu, sigma   posterior mean and standard deviation, (q,)       best   the incumbent, the lowest known mean
    z           (best - mu) / sigma                               phi, Phi   density and distribution of the standard normal

EI(x) = sigma h(z), h(z) = phi(z) + z Phi(z) (Jones, Schonlau and Welch 1998). The functions here use its logarithm (Ament et al.,
"Unexpected Improvements to Expected Improvement", 2023). EI itself underflows to 0 in most of the space, without a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from scipy.special import log_ndtr

from hyperspace.acquisition import ACQUISITIONS
from hyperspace.errors import InputError, shown
from hyperspace.numerics.normal import LARGEST, log_h, mills
from hyperspace.surrogates.base import Model, Path
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.acquisition.feasibility import Excess, Feasibility

PORTFOLIO = ("EI", "PI", "LCB")  # acquisitions of gp_hedge
LEAST_VARIANCE = 1e-22  # keeps z finite at a known point
_NEGLIGIBLE = -50.0  # log EI below which differences matter less than the probability of success
_ROUNDING = 1e-6  # tolerance, in units of the labels, that keeps the last feasible point feasible


class Valued(NamedTuple):
    """Acquisition value at q points and its derivatives by mean and standard deviation, each (q,)."""

    value: Array
    by_mean: Array
    by_std: Array


class Acquisition(Protocol):
    """Interface of the acquisition functions."""

    def __call__(self, mean: Array, std: Array) -> Array:
        """Return the value at q points, (q,)."""
        ...

    def gradient(self, mean: Array, std: Array) -> Valued:
        """Return the value and its derivatives by mean and std."""
        ...


@dataclass(frozen=True, slots=True)
class LogEI:
    """Log expected improvement.

    Args:
        best: the incumbent.
    """

    best: float

    def __call__(self, mean: Array, std: Array) -> Array:
        """Return log(sigma h(z))."""
        return log_h((self.best - mean) / std) + np.log(std)

    def gradient(self, mean: Array, std: Array) -> Valued:
        """Return the value and its derivatives: h'(z) = Phi(z), hence d/d mu = -Phi/(sigma h), d/d sigma = phi/(sigma h)."""
        z = (self.best - mean) / std
        m, b = mills(np.minimum(z, LARGEST))
        by_std = 1.0 / (b * std)
        excess = np.maximum(z, LARGEST) / LARGEST
        return Valued(log_h(z) + np.log(std), -m * by_std / excess, by_std)


@dataclass(frozen=True, slots=True)
class LogPI:
    """Log probability of improving on the incumbent by at least `margin`.

    Args:
        best: the incumbent.
        margin: in units of the (standardized) targets; without a margin, points next to the incumbent would win.
    """

    best: float
    margin: float = 0.01

    def __call__(self, mean: Array, std: Array) -> Array:
        """Return log Phi((best - margin - mu) / sigma)."""
        result: Array = log_ndtr((self.best - self.margin - mean) / std)
        return result

    def gradient(self, mean: Array, std: Array) -> Valued:
        """Return the value and its derivatives."""
        z = (self.best - self.margin - mean) / std
        slope = 1.0 / (mills(np.minimum(z, LARGEST))[0] * std)  # phi / Phi, over sigma
        return Valued(log_ndtr(z), -slope, -slope * z)


@dataclass(frozen=True, slots=True)
class LCB:
    """Lower confidence bound with reversed sign: kappa sigma - mu (Cox and John 1992).

    Args:
        kappa: weight of the standard deviation.
    """

    kappa: float = 1.96

    def __call__(self, mean: Array, std: Array) -> Array:
        """Return kappa sigma - mu."""
        result: Array = self.kappa * std - mean
        return result

    def gradient(self, mean: Array, std: Array) -> Valued:
        """Return the value and its derivatives."""
        return Valued(self.kappa * std - mean, np.full_like(mean, -1.0), np.full_like(std, self.kappa))


def make_acquisition(name: str, best: float) -> Acquisition:
    """Return the acquisition function called "EI", "PI" or "LCB".

    Args:
        name: name of the function. "TS" and "gp_hedge" are not functions of mean and std; the optimizer implements them.
        best: the incumbent, the lowest posterior mean at a known point.

    Raises:
        InputError: an unknown name.
    """
    if name == "EI":
        return LogEI(best)
    if name == "PI":
        return LogPI(best)
    if name == "LCB":
        return LCB()
    raise InputError(f"acquisition must be one of {', '.join(ACQUISITIONS)}, got {shown(name)}")


@dataclass(frozen=True, slots=True)
class ModelCriterion:
    """Objective of the inner maximizer: an acquisition under a model, plus the log probability of feasibility.

    Args:
        model: model of the objective, one output.
        acquisition: function of mean and std.
        feasibility: None if nothing has failed and nothing is constrained.
        resolved: variance that is treated as zero. A model of a noise-free function keeps a small variance at its own points,
            which regularizes its matrix. Without this the acquisition could return to them.
    """

    model: Model
    acquisition: Acquisition
    feasibility: Feasibility | None = None
    resolved: float = 0.0

    @property
    def has_gradients(self) -> bool:
        """Whether `gradient` can be called."""
        return self.model.has_gradients

    def __call__(self, X: Array) -> Array:
        """Return the value at X (q, d), (q,)."""
        posterior = self.model.posterior(X)
        value = self.acquisition(posterior.mean[:, 0], standard_deviation(posterior.variance - self.resolved))
        if self.feasibility is None:
            return value
        return _limited(value)[0] + self.feasibility.log_probability(X)

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value at X (q, d) and its gradient, (q,) and (q, d)."""
        posterior = self.model.posterior(X, gradients=True)
        std = standard_deviation(posterior.variance - self.resolved)
        value, by_mean, by_std = self.acquisition.gradient(posterior.mean[:, 0], std)
        gradient = chain(by_mean, by_std, posterior.mean_gradient, posterior.variance_gradient, std)
        if self.feasibility is None:
            return value, gradient
        value, slope = _limited(value)
        log_probability, more = self.feasibility.gradient(X)
        return value + log_probability, slope[:, None] * gradient + more


class SampleCriterion:
    """Criterion of Thompson sampling (Thompson 1933): minus a posterior sample of the objective, with sampled feasibility.

    The value is -inf where the sample of the feasibility model is infeasible. One sample serves all points. With an independent
    draw for each point, a few of hundreds of infeasible points would pass, and the search would select these.

    Args:
        model: model of the objective, one output, with paths.
        feasibility: None if nothing has failed and nothing is constrained.
        U: points of which at least one stays feasible, (q, d).
        rng: generator of the samples.
        distance: see `set_margin`.
    """

    has_gradients = True

    def __init__(
        self, model: Model, feasibility: Feasibility | None, U: Array, rng: np.random.Generator, distance: float = 0.0
    ) -> None:
        self._path: Path = model.path(rng)  # type: ignore[attr-defined]
        self._excess: Excess | None = None if feasibility is None else feasibility.path(rng)
        self._level = 0.0
        self.set_margin(U, distance)

    def set_margin(self, U: Array, distance: float) -> None:
        """Set a margin of `distance` standard deviations to the feasibility border; at least one of U (q, d) stays feasible."""
        self._distance = distance
        if self._excess is not None:
            self._level = max(0.0, float(self._excess(U, distance).min()) + _ROUNDING)

    def _allowed(self, X: Array, values: Array) -> Array:
        return values if self._excess is None else np.where(self._excess(X, self._distance) <= self._level, values, -np.inf)

    def __call__(self, X: Array) -> Array:
        """Return the value at X (q, d), (q,)."""
        return self._allowed(X, -self._path(X))

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value at X (q, d) and its gradient, (q,) and (q, d)."""
        values, gradients = self._path.gradient(X)
        return self._allowed(X, -values), -gradients


def _limited(value: Array) -> tuple[Array, Array]:
    """Return `value`, with its excess below _NEGLIGIBLE replaced by a logarithm, and the slope of this map.

    A log EI of -1e6 next to a known point must not outweigh certain failure elsewhere.
    """
    below = np.maximum(_NEGLIGIBLE - value, 0.0)
    return np.maximum(value, _NEGLIGIBLE) - np.log1p(below), 1.0 / (1.0 + below)


def standard_deviation(variance: Array) -> Array:
    """Return sigma (q,) from the variance of one output (q, 1); never 0."""
    return np.sqrt(np.maximum(variance[:, 0], LEAST_VARIANCE))


def chain(by_mean: Array, by_std: Array, mean_gradient: Array | None, variance_gradient: Array | None, std: Array) -> Array:
    """Return the gradient by X, (q, d): d std = d variance / (2 std)."""
    if mean_gradient is None or variance_gradient is None:
        raise ValueError("this model declares gradients and gave none")
    by_variance = np.where(std * std > 2.0 * LEAST_VARIANCE, by_std / (2.0 * std), 0.0)
    gradient: Array = by_mean[:, None] * mean_gradient[:, 0] + by_variance[:, None] * variance_gradient[:, 0]
    return gradient
