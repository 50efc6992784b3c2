"""Hyperparameters of the Gaussian process by maximum a posteriori, with the analytic gradient.

Notation:
    theta  (log lengthscales (d), log outputscale, log noise), the last left out where the noise is known
    A      features divided by lengthscales and multiplied by sqrt(5), (n, p)
    Q      alpha alpha^T - K^-1, (n, n); d log p(z) / d K = Q / 2

Priors. Lengthscales: LogNormal(sqrt(2) + ln(d)/2, sqrt(3)) (Hvarfner, Hellsten and Nardi 2024), which grows with the number
of dimensions as distances do. Outputscale, noise and mean: weak ones, for targets of mean 0 and variance 1. The mean is not a
part of theta: its maximum has a closed form, and by the envelope theorem the gradient by theta stays as it is.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import blas, lapack

from hyperspace.surrogates.exact import MIN_NOISE, Hyperparameters
from hyperspace.surrogates.kernels import SQRT5, Features, left_factor, matern52, right_factor
from hyperspace.trial import Array

_LOG_2PI = math.log(2.0 * math.pi)
_MEAN_VARIANCE = 1.0  # of the prior on the constant mean
_LOG_SCALE, _LOG_NOISE = (0.0, 1.5), (-9.0, 3.0)  # location and spread of log outputscale and log noise
_LOG_BOUNDS = {"lengthscale": (math.log(1e-3), math.log(1e4)), "scale": (math.log(1e-3), math.log(1e5))}
_FAILED = 1e20  # value where K is not positive definite: the line search steps back


def lengthscale_prior(d: int) -> tuple[float, float]:
    """Return location and spread of log lengthscale in d dimensions."""
    return math.sqrt(2.0) + 0.5 * math.log(d), math.sqrt(3.0)


def initial_theta(d: int, noise_known: bool = False) -> Array:
    """Return where a fit starts that has nothing better: modes of the priors, and a small noise."""
    location, spread = lengthscale_prior(d)
    theta = np.full(d + 2, location - spread**2)
    theta[d] = 0.0
    theta[d + 1] = math.log(1e-4)
    return theta[:-1] if noise_known else theta


class Objective:
    """Minus the log posterior density of theta, up to a constant, and its gradient.

    Args:
        features: coordinates in which the kernel measures distance.
        X: points in the unit cube, (n, d).
        z: targets, (n,), about of mean 0 and variance 1.
        noise: known variances of the targets, (n,), or None.
        scratch: memory to work in, (3, n, n), which objectives that are evaluated in turn can share; None makes it.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None, scratch: Array | None = None) -> None:
        self.features, self.z, self.noise = features, z, noise
        self.d = features.d
        self._F = features(X)
        self._rhs = np.stack([z, np.ones(len(z))], axis=1)
        self._buffers = np.empty((3, len(z), len(z))) if scratch is None else scratch

    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""
        noise = [] if self.noise is not None else [(math.log(MIN_NOISE), math.log(10.0))]
        return [_LOG_BOUNDS["lengthscale"]] * self.d + [_LOG_BOUNDS["scale"]] + noise

    def _prior(self, theta: Array) -> tuple[float, Array]:
        """Return minus the log prior density of theta, up to a constant, and its gradient."""
        location, spread = lengthscale_prior(self.d)
        locations, spreads = np.full(len(theta), location), np.full(len(theta), spread)
        locations[self.d], spreads[self.d] = _LOG_SCALE
        if self.noise is None:
            locations[-1], spreads[-1] = _LOG_NOISE
        scaled = (theta - locations) / spreads
        gradient = scaled / spreads
        gradient[: self.d] += 1.0  # the density is one of the lengthscale, not of its logarithm
        return 0.5 * float(scaled @ scaled) + float(theta[: self.d].sum()), gradient

    def _mean_and_alpha(self, solved: Array) -> tuple[float, Array]:
        """Return the mean of largest posterior density, and alpha, from K^-1 (z, 1) (n, 2)."""
        mean = float(solved[:, 0].sum() / (solved[:, 1].sum() + 1.0 / _MEAN_VARIANCE))
        return mean, solved[:, 0] - mean * solved[:, 1]

    def _noise(self, theta: Array) -> Array | float:
        return math.exp(theta[-1]) if self.noise is None else self.noise + MIN_NOISE

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return the value and its gradient by theta."""
        n, d = len(self.z), self.d
        scale = math.exp(theta[d])
        A = self._F * (SQRT5 * np.exp(-theta[:d]))[self.features.columns]
        right = right_factor(A)
        squares, K, scratch = self._buffers
        K, slope = matern52(np.matmul(left_factor(A), right.T, out=squares), K, scratch)
        K *= scale
        noise = self._noise(theta)
        K.flat[:: n + 1] += noise
        L, info = lapack.dpotrf(K.T, lower=1, clean=0, overwrite_a=1)
        value, gradient = self._prior(theta)
        if info != 0:
            return _FAILED, np.zeros_like(gradient)
        solved, _ = lapack.dpotrs(L, self._rhs, lower=1)
        mean, alpha = self._mean_and_alpha(solved)
        residual = self.z - mean
        log_determinant = 2.0 * float(np.log(np.diagonal(L)).sum())
        value += 0.5 * (float(residual @ alpha) + log_determinant + n * _LOG_2PI + mean * mean / _MEAN_VARIANCE)

        inverse, _ = lapack.dpotri(L, lower=1, overwrite_c=1)  # its lower triangle
        inverse_diagonal = np.diagonal(inverse).copy()
        # tr(Q K_f) = tr(Q K) - tr(Q noise), with tr(Q K) = residual . alpha - n
        by_noise = float(((alpha * alpha - inverse_diagonal) * noise).sum())
        gradient[d] -= 0.5 * (float(residual @ alpha) - n - by_noise)
        if self.noise is None:
            gradient[-1] -= 0.5 * by_noise
        # d K_ij / d log lengthscale = (scale / 3) slope_ij (A_i - A_j)^2, and sum_ij P_ij (A_i - A_j)^2 = 2 A.(A rho - P A)
        P = np.multiply(alpha[:, None], alpha, out=scratch)
        P -= inverse.T  # from here on only the upper triangle counts
        P *= slope
        products = blas.dsymm(1.0, P.T, right[:, :-1], lower=1)  # (P A, rho), rho the row sums of P
        moments = np.einsum("ij,ij->j", A, A * products[:, -1:] - products[:, :-1])
        gradient[:d] -= (scale / 3.0) * self.features.per_dimension(moments)
        return value, gradient

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters that theta stands for, the mean included."""
        A = self._F * (SQRT5 * np.exp(-theta[: self.d]))[self.features.columns]
        K = matern52(left_factor(A) @ right_factor(A).T)[0]
        K *= math.exp(theta[self.d])
        K.flat[:: len(K) + 1] += self._noise(theta)
        L, info = lapack.dpotrf(K.T, lower=1, overwrite_a=1)
        mean = self._mean_and_alpha(lapack.dpotrs(L, self._rhs, lower=1)[0])[0] if info == 0 else 0.0
        noise = math.exp(theta[-1]) if self.noise is None else MIN_NOISE
        return Hyperparameters(np.exp(theta[: self.d]), math.exp(theta[self.d]), noise, mean)


def best_start(objective: Objective, earlier: Array | None) -> tuple[Array, float]:
    """Return the theta of an earlier fit or the prior's mode, whichever is better now, and the objective there."""
    theta = initial_theta(objective.d, objective.noise is not None)
    value = objective(theta)[0]
    if earlier is None or len(earlier) != len(theta):
        return theta, value
    earlier_value = objective(earlier)[0]
    return (earlier, earlier_value) if earlier_value < value else (theta, value)


def fit(objective: Objective, theta: Array, max_evaluations: int) -> tuple[Array, float]:
    """Return the theta of least objective that L-BFGS-B finds from `theta`, and the objective there.

    It stops where a step gains less than a few hundredths of a nat: a prediction would not show the rest.
    """
    from scipy.optimize import fmin_l_bfgs_b

    best, value, _ = fmin_l_bfgs_b(
        objective, theta, bounds=objective.bounds(), factr=1e12, pgtol=1e-2, maxfun=max_evaluations, maxiter=max_evaluations
    )
    return np.asarray(best), float(value)
