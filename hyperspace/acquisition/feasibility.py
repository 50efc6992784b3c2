"""Probability of feasibility: models of success and of the study's constraints.

A point can be infeasible in two ways. The evaluation can fail (an exception, a time-out) and return no number: a classifier of
all trials predicts this (`Success`). Or a constrained metric can exceed its limits. Each such metric has its own Gaussian
process. The probability that it is within its limits is Phi(b) - Phi(a) (`Limits`; Gardner et al., "Bayesian Optimization with
Inequality Constraints", 2014). `Joint` is the probability of both.

Notation:
    q, d      points, dimensions                       c     constrained metrics
    low, high limits of a metric on the scale of its model, possibly infinite
    a, b      (low - mu) / sigma and (high - mu) / sigma, (q,)
    excess    amount by which a point exceeds the nearest limit; 0 or less if it is feasible
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import log_ndtr

from hyperspace.acquisition.functions import chain, standard_deviation
from hyperspace.numerics.normal import LARGEST, LOG_SQRT_2PI, mills
from hyperspace.surrogates.base import Model, Path, draw
from hyperspace.typing import Array

_BARRIER = 100.0  # cost of one missing standard deviation, in units of log EI
_LEAST_STEP = 0.2  # least standard deviation, in units of the labels: the model is overconfident near the border


class Excess(Protocol):
    """Excess under a posterior sample."""

    def __call__(self, X: Array, distance: float = 0.0) -> Array:
        """Return the excess at X (q, d), (q,), with a margin of `distance` standard deviations to the border."""
        ...


class Feasibility(Protocol):
    """Interface of the feasibility models."""

    def log_probability(self, X: Array) -> Array:
        """Return the log probability that points X (q, d) are feasible, (q,)."""
        ...

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value of `log_probability` at X (q, d) and its gradient, (q,) and (q, d)."""
        ...

    def path(self, rng: np.random.Generator) -> Excess:
        """Return the excess of a posterior sample."""
        ...

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the excess at X (q, d), (k, q)."""
        ...


@dataclass(frozen=True, slots=True)
class Success:
    """Probability that an evaluation succeeds: P(f < threshold) for a model of success (low) and failure (high).

    A barrier is added to its logarithm, for two reasons. A step from success to failure is not a Gaussian process, and the
    predicted probabilities are overconfident next to it. And once the feasible region is explored, a small probability of a large
    improvement would win forever. So the z-score of success has to be at least `required_z`.

    Args:
        model: the model.
        threshold: the value halfway between success and failure.
        required_z: number of standard deviations by which the mean should be below the threshold.
    """

    model: Model
    threshold: float
    required_z: float = 0.0

    def margin(self, X: Array, more: float = 0.0) -> Array:
        """Return the margin below the threshold that the mean at X (q, d) needs, (q,); `more` adds standard deviations."""
        if self.required_z + more == 0.0:
            return np.zeros(len(X))
        margin: Array = (self.required_z + more) * np.maximum(standard_deviation(self.model.posterior(X).variance), _LEAST_STEP)
        return margin

    def log_probability(self, X: Array) -> Array:
        """Return log P at X (q, d) minus the barrier, (q,)."""
        posterior = self.model.posterior(X)
        z = (self.threshold - posterior.mean[:, 0]) / standard_deviation(posterior.variance)
        result: Array = log_ndtr(z) - _BARRIER * np.maximum(self.required_z - z, 0.0)
        return result

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value of `log_probability` at X and its gradient, (q,) and (q, d)."""
        posterior = self.model.posterior(X, gradients=True)
        std = standard_deviation(posterior.variance)
        z = (self.threshold - posterior.mean[:, 0]) / std
        log_probability = log_ndtr(z)
        by_z = 1.0 / mills(np.minimum(z, LARGEST))[0] + np.where(z < self.required_z, _BARRIER, 0.0)
        gradient = chain(-by_z / std, -by_z * z / std, posterior.mean_gradient, posterior.variance_gradient, std)
        return log_probability - _BARRIER * np.maximum(self.required_z - z, 0.0), gradient

    def path(self, rng: np.random.Generator) -> Excess:
        """Return the excess of a posterior sample."""
        drawn: Path = self.model.path(rng)  # type: ignore[attr-defined]

        def excess(X: Array, distance: float = 0.0) -> Array:
            values: Array = drawn(X) + self.margin(X, distance) - self.threshold
            return values

        return excess

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the excess at X (q, d), (k, q)."""
        values: Array = draw(self.model, X, k, rng)[:, :, 0] + self.margin(X) - self.threshold
        return values


@dataclass(frozen=True, slots=True)
class Limit:
    """Model and limits of a constrained metric.

    Args:
        model: model of the metric on a scale on which it is Gaussian, one output, with paths.
        low, high: the limits on that scale.
    """

    model: Model
    low: float = -math.inf
    high: float = math.inf

    def excess(self, values: Array) -> Array:
        """Return the excess of values of the metric over its limits, in their shape."""
        beyond: Array = np.maximum(self.low - values, values - self.high)
        return beyond

    def log_probability(self, X: Array) -> Array:
        """Return log P at X (q, d), (q,)."""
        posterior = self.model.posterior(X)
        std = standard_deviation(posterior.variance)
        return _log_between((self.low - posterior.mean[:, 0]) / std, (self.high - posterior.mean[:, 0]) / std)

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return log P at X (q, d) and its gradient, (q,) and (q, d).

        d/db = phi(b)/P, d/da = -phi(a)/P, db/dmu = -1/sigma and db/dsigma = -b/sigma; likewise for a.
        """
        posterior = self.model.posterior(X, gradients=True)
        std = standard_deviation(posterior.variance)
        a, b = (self.low - posterior.mean[:, 0]) / std, (self.high - posterior.mean[:, 0]) / std
        value = _log_between(a, b)
        at_a, at_b = _density_ratio(a, value), _density_ratio(b, value)
        by_mean = (at_a - at_b) / std
        by_std = (_times(a, at_a) - _times(b, at_b)) / std
        return value, chain(by_mean, by_std, posterior.mean_gradient, posterior.variance_gradient, std)


class Product:
    """Product of the probabilities of independent parts, with its gradient."""

    __slots__ = ()

    parts: tuple[Any, ...]
    has_gradients = True  # of `log_probability`, which can itself be maximized

    def __call__(self, X: Array) -> Array:
        """Return `log_probability` at X (q, d)."""
        return self.log_probability(X)

    def log_probability(self, X: Array) -> Array:
        """Return log P at X (q, d), (q,)."""
        result: Array = sum((part.log_probability(X) for part in self.parts), np.zeros(len(X)))
        return result

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value of `log_probability` at X and its gradient, (q,) and (q, d)."""
        return _summed([part.gradient(X) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Limits(Product):
    """Probability that all constrained metrics are within their limits: the product over the metrics.

    Args:
        parts: models and limits of the metrics, at least one.
    """

    parts: tuple[Limit, ...]

    def path(self, rng: np.random.Generator) -> Excess:
        """Return the excess of a posterior sample. It needs no margin: the sample itself represents the uncertainty."""
        return SampledExcess(self, rng)

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the excess at X (q, d), (k, q)."""
        return np.asarray(np.max([part.excess(draw(part.model, X, k, rng)[:, :, 0]) for part in self.parts], axis=0))

    def with_fantasies(self, X: Array) -> Limits:
        """Return these limits with fantasies at the pending points X (k, d), at the posterior means."""
        if not len(X):
            return self
        return Limits(
            tuple(
                Limit(part.model.condition(X, part.model.posterior(X).mean[:, 0]), part.low, part.high)  # type: ignore[attr-defined]
                for part in self.parts
            )
        )


class SampledExcess:
    """Excess under posterior samples of all metrics: the largest over the metrics.

    Args:
        limits: the models.
        rng: generator of the samples.
    """

    def __init__(self, limits: Limits, rng: np.random.Generator) -> None:
        self._parts = limits.parts
        self._paths: list[Path] = [part.model.path(rng) for part in limits.parts]  # type: ignore[attr-defined]

    def __call__(self, X: Array, distance: float = 0.0) -> Array:
        """Return the excess at X (q, d), (q,)."""
        pairs = zip(self._parts, self._paths, strict=True)
        return np.asarray(np.max([part.excess(path(X)) for part, path in pairs], axis=0))


class ViolationCriterion:
    """Criterion while no trial is feasible: minus the total excess under posterior samples of all metrics.

    Source: Eriksson and Poloczek, "Scalable Constrained Bayesian Optimization" (2021), section 3.

    Args:
        limits: the models.
        rng: generator of the samples.
    """

    has_gradients = True

    def __init__(self, limits: Limits, rng: np.random.Generator) -> None:
        self._parts = limits.parts
        self._paths: list[Path] = [part.model.path(rng) for part in limits.parts]  # type: ignore[attr-defined]

    def __call__(self, X: Array) -> Array:
        """Return the value at X (q, d), (q,)."""
        total = np.zeros(len(X))
        for part, path in zip(self._parts, self._paths, strict=True):
            total -= np.maximum(part.excess(path(X)), 0.0)
        return total

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the value at X (q, d) and its gradient, (q,) and (q, d)."""
        total, gradient = np.zeros(len(X)), np.zeros(X.shape)
        for part, path in zip(self._parts, self._paths, strict=True):
            values, slopes = path.gradient(X)
            total -= np.maximum(part.excess(values), 0.0)
            gradient += np.where(values < part.low, 1.0, np.where(values > part.high, -1.0, 0.0))[:, None] * slopes
        return total, gradient


@dataclass(frozen=True, slots=True)
class Joint(Product):
    """Probability that an evaluation succeeds and satisfies the constraints.

    Args:
        parts: both models.
    """

    parts: tuple[Feasibility, ...]

    def path(self, rng: np.random.Generator) -> Excess:
        """Return the excess of a posterior sample."""
        drawn = [part.path(rng) for part in self.parts]

        def excess(X: Array, distance: float = 0.0) -> Array:
            return np.asarray(np.max([path(X, distance) for path in drawn], axis=0))

        return excess

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the excess at X (q, d), (k, q)."""
        return np.asarray(np.max([part.sample(X, k, rng) for part in self.parts], axis=0))


def joint(*parts: Feasibility | None) -> Feasibility | None:
    """Return the joint probability of the given models; None if there are none."""
    known: Sequence[Feasibility] = [part for part in parts if part is not None]
    if len(known) < 2:
        return known[0] if known else None
    return Joint(tuple(known))


def _density_ratio(z: Array, log_probability: Array) -> Array:
    """Return phi(z) / P; 0 at infinite z."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratio: Array = np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_probability)
    return np.where(np.isfinite(z), ratio, 0.0)


def _times(z: Array, weight: Array) -> Array:
    return np.where(np.isfinite(z), z, 0.0) * weight


def _log_between(a: Array, b: Array) -> Array:
    """Return log(Phi(b) - Phi(a)) for a < b, accurate in both tails."""
    swap = a > 0.0  # Phi(b) - Phi(a) = Phi(-a) - Phi(-b), without cancellation
    a, b = np.where(swap, -b, a), np.where(swap, -a, b)
    upper, lower = log_ndtr(b), log_ndtr(a)
    with np.errstate(all="ignore"):
        cut = np.log(-np.expm1(np.where(np.isneginf(lower), -np.inf, lower - upper)))
        # For nearly equal limits: the density at one of them times their distance.
        narrow = -0.5 * b * b - LOG_SQRT_2PI + np.log(np.maximum(b - a, np.finfo(float).tiny))
    return np.where(np.isfinite(cut), upper + cut, narrow)


def _summed(pairs: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    value, gradient = pairs[0]
    for more, slope in pairs[1:]:
        value, gradient = value + more, gradient + slope
    return value, gradient
