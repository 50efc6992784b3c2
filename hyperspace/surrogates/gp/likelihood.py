"""Hyperparameters of the Gaussian process by maximum a posteriori estimation, with the analytic gradient.

This module holds the parts that all kernels share; `matern_likelihood` and `additive_likelihood` hold the kernels.

Notation:
    theta  the hyperparameters, most of them as logarithms: lengthscales (d), further ones of the kernel, and the noise (unless
           it is known)
    A      features divided by lengthscales and multiplied by sqrt(5), (n, p)
    Q      alpha alpha^T - K^-1, (n, n); d log p(z) / d K = Q / 2

Priors. Lengthscales: LogNormal(sqrt(2) + ln(d)/2, sqrt(3)) (Hvarfner, Hellsten and Nardi 2024), which grows with the dimension as
distances do, or a prior around a common lengthscale (`matern_likelihood`). Outputscale, noise and mean: weak priors, for targets
of mean 0 and variance 1. The mean is not part of theta: its maximum has a closed form, and by the envelope theorem the gradient
by theta is unchanged.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import lapack

from hyperspace.surrogates.gp.posterior import MIN_NOISE, Hyperparameters
from hyperspace.surrogates.input_encoding import Features
from hyperspace.typing import Array

_LOG_2PI = math.log(2.0 * math.pi)
_MEAN_VARIANCE = 1.0  # variance of the prior of the constant mean
LOG_SCALE, _LOG_NOISE = (0.0, 1.5), (-9.0, 3.0)  # location and scale of log outputscale and log noise
LOG_LENGTHSCALE = (math.log(1e-3), math.log(1e4))  # bounds
_LOG_RELAXED = math.log(1e-3)  # initial noise that allows for new data which the earlier fit does not explain
_FAILED = 1e20  # value if K is not positive definite: the line search steps back


def lengthscale_prior(d: int) -> tuple[float, float]:
    """Return location and scale of the log lengthscale, for a kernel of d dimensions."""
    return math.sqrt(2.0) + 0.5 * math.log(d), math.sqrt(3.0)


class Objective(ABC):
    """Minus the log posterior density of theta, up to a constant, and its gradient.

    Args:
        features: coordinates in which the kernel measures distance.
        X: points in the unit cube, (n, d).
        z: targets, (n,), of mean 0 and variance 1, approximately.
        noise: known variances of the targets, (n,), or None.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None) -> None:
        self.features, self.z, self.noise = features, z, noise
        self.d = features.d
        self._F = features(X)
        self._rhs = np.stack([z, np.ones(len(z))], axis=1)

    @abstractmethod
    def starts(self) -> list[Array]:
        """Return the starting points of a fit without an earlier one."""

    @abstractmethod
    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds of theta."""

    @abstractmethod
    def _locations(self) -> tuple[Array, Array]:
        """Return location and scale of the normal priors of theta, without the noise; an infinite scale means no prior."""

    @abstractmethod
    def _covariance(self, theta: Array) -> Array:
        """Return the covariance of the function at X, (n, n), at least its upper triangle; it is overwritten."""

    @abstractmethod
    def _add_gradient(self, gradient: Array, theta: Array, alpha: Array, inverse: Array, by_scale: float) -> None:
        """Add the gradient of -log p(z | theta) by the kernel's hyperparameters.

        Args:
            gradient: array to add to.
            theta: argument of the last `_covariance`.
            alpha: (n,).
            inverse: K^-1, of which the lower triangle is used.
            by_scale: d log p / d log outputscale.
        """

    @abstractmethod
    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters for theta, including the mean."""

    def _with_noise(self, theta: Array) -> Array:
        """Return theta with a small noise appended if the noise is learned."""
        return np.append(theta, math.log(1e-4)) if self.noise is None else theta

    def _limits(self, others: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return bounds of theta, given those of the kernel's hyperparameters other than lengthscales."""
        noise = [] if self.noise is not None else [(math.log(MIN_NOISE), math.log(10.0))]
        return [LOG_LENGTHSCALE] * self.d + others + noise

    def _prior(self, theta: Array) -> tuple[float, Array]:
        """Return minus the log prior density of theta, up to a constant, and its gradient."""
        locations, spreads = self._locations()
        if self.noise is None:
            locations, spreads = np.append(locations, _LOG_NOISE[0]), np.append(spreads, _LOG_NOISE[1])
        scaled = (theta - locations) / spreads
        gradient = scaled / spreads
        return 0.5 * float(scaled @ scaled) + self._add_lengthscales(gradient, theta), gradient

    def _add_lengthscales(self, gradient: Array, theta: Array) -> float:
        """Add the gradient of the non-normal part of the lengthscales' prior; return that part as minus a log density."""
        gradient[: self.d] += 1.0  # the density refers to the lengthscale, not to its logarithm
        return float(theta[: self.d].sum())

    def _mean_and_alpha(self, solved: Array) -> tuple[float, Array]:
        """Return the mean with the largest posterior density, and alpha, from K^-1 (z, 1) (n, 2)."""
        mean = float(solved[:, 0].sum() / (solved[:, 1].sum() + 1.0 / _MEAN_VARIANCE))
        return mean, solved[:, 0] - mean * solved[:, 1]

    def _noise(self, theta: Array) -> Array | float:
        return math.exp(theta[-1]) if self.noise is None else self.noise + MIN_NOISE

    def _factorize(self, theta: Array) -> tuple[Array, Array | float] | None:
        """Return the lower Cholesky factor of K, and the noise; None if K is not positive definite."""
        K = self._covariance(theta)
        noise = self._noise(theta)
        K.flat[:: len(K) + 1] += noise
        L, info = lapack.dpotrf(K.T, lower=1, clean=0, overwrite_a=1)
        return None if info else (L, noise)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return the value and its gradient by theta."""
        n = len(self.z)
        value, gradient = self._prior(theta)
        factor = self._factorize(theta)
        if factor is None:
            return _FAILED, np.zeros_like(gradient)
        L, noise = factor
        solved, _ = lapack.dpotrs(L, self._rhs, lower=1)
        mean, alpha = self._mean_and_alpha(solved)
        fit = float((self.z - mean) @ alpha)
        log_determinant = 2.0 * float(np.log(np.diagonal(L)).sum())
        value += 0.5 * (fit + log_determinant + n * _LOG_2PI + mean * mean / _MEAN_VARIANCE)

        inverse, _ = lapack.dpotri(L, lower=1, overwrite_c=1)
        by_noise = float(((alpha * alpha - np.diagonal(inverse)) * noise).sum())
        if self.noise is None:
            gradient[-1] -= 0.5 * by_noise
        # tr(Q K_f) = tr(Q K) - tr(Q noise), with tr(Q K) = residual . alpha - n
        self._add_gradient(gradient, theta, alpha, inverse, 0.5 * (fit - n - by_noise))
        return value, gradient

    def _mean(self, theta: Array) -> float:
        factor = self._factorize(theta)
        return 0.0 if factor is None else self._mean_and_alpha(lapack.dpotrs(factor[0], self._rhs, lower=1)[0])[0]

    def _least_noise(self, theta: Array) -> float:
        """Return the noise in addition to the known variances."""
        return math.exp(theta[-1]) if self.noise is None else MIN_NOISE


def best_start(objective: Objective, starts: list[Array], earlier: Array | None) -> Array:
    """Return the best of the starting points and the theta of an earlier fit."""
    if earlier is not None and len(earlier) == len(starts[0]):
        starts = [*starts, earlier]
        if objective.noise is None and earlier[-1] < _LOG_RELAXED:
            starts.append(np.append(earlier[:-1], _LOG_RELAXED))
    return starts[int(np.argmin([objective(theta)[0] for theta in starts]))]


def fit(objective: Objective, theta: Array, max_evaluations: int) -> tuple[Array, float]:
    """Return the minimum that L-BFGS-B finds from `theta`, and the objective there.

    It stops when a step gains less than a few hundredths of a nat: predictions would not change visibly.
    """
    from scipy.optimize import fmin_l_bfgs_b

    best, value, _ = fmin_l_bfgs_b(
        objective, theta, bounds=objective.bounds(), factr=1e12, pgtol=1e-2, maxfun=max_evaluations, maxiter=max_evaluations
    )
    return np.asarray(best), float(value)
