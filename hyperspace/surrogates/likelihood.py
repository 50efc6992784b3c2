"""Hyperparameters of the Gaussian process by maximum a posteriori, with the analytic gradient.

Notation:
    theta  logarithms of the kernel's hyperparameters and of the noise, the last left out where the noise is known
    A      features divided by lengthscales and multiplied by sqrt(5), (n, p)
    Q      alpha alpha^T - K^-1, (n, n); d log p(z) / d K = Q / 2

Priors. Lengthscales: LogNormal(sqrt(2) + ln(d)/2, sqrt(3)) (Hvarfner, Hellsten and Nardi 2024), which grows with the number
of dimensions as distances do. Outputscale, noise and mean: weak ones, for targets of mean 0 and variance 1. The mean is not a
part of theta: its maximum has a closed form, and by the envelope theorem the gradient by theta stays as it is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import blas, lapack

from hyperspace.surrogates.exact import MIN_NOISE, Hyperparameters
from hyperspace.surrogates.kernels import Features, left_factor, matern52, right_factor
from hyperspace.surrogates.waves import SQRT5
from hyperspace.trial import Array

_LOG_2PI = math.log(2.0 * math.pi)
_MEAN_VARIANCE = 1.0  # of the prior on the constant mean
_LOG_SCALE, _LOG_NOISE = (0.0, 1.5), (-9.0, 3.0)  # location and spread of log outputscale and log noise
_LOG_BOUNDS = {"lengthscale": (math.log(1e-3), math.log(1e4)), "scale": (math.log(1e-3), math.log(1e5))}
_LOG_PART = (math.log(1e-5), math.log(1e5))  # bounds of the variance of one dimension's part
_ADDITIVE_STARTS = 0.05, 0.3  # lengthscales: from long ones a fit does not find the short ones of a function of many waves
_LOG_RELAXED = math.log(1e-3)  # of a noise that leaves room for new data that an earlier fit does not expect
_BLOCK = 1 << 14  # distances of an additive kernel that are worked on at a time: dimensions together while points are few
_FAILED = 1e20  # value where K is not positive definite: the line search steps back


def lengthscale_prior(d: int) -> tuple[float, float]:
    """Return location and spread of log lengthscale, of a kernel of d dimensions."""
    return math.sqrt(2.0) + 0.5 * math.log(d), math.sqrt(3.0)


class Objective(ABC):
    """Minus the log posterior density of theta, up to a constant, and its gradient.

    Args:
        features: coordinates in which the kernel measures distance.
        X: points in the unit cube, (n, d).
        z: targets, (n,), about of mean 0 and variance 1.
        noise: known variances of the targets, (n,), or None.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None) -> None:
        self.features, self.z, self.noise = features, z, noise
        self.d = features.d
        self._F = features(X)
        self._rhs = np.stack([z, np.ones(len(z))], axis=1)

    @abstractmethod
    def starts(self) -> list[Array]:
        """Return where a fit starts that has nothing better."""

    @abstractmethod
    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""

    @abstractmethod
    def _locations(self) -> tuple[Array, Array]:
        """Return location and spread of the normal prior densities of theta, without that of the noise."""

    @abstractmethod
    def _covariance(self, theta: Array) -> Array:
        """Return the covariance of the function at X, (n, n), its upper triangle at least; it is overwritten."""

    @abstractmethod
    def _add_gradient(self, gradient: Array, theta: Array, alpha: Array, inverse: Array, by_scale: float) -> None:
        """Add that of -log p(z | theta) by the kernel's hyperparameters.

        Args:
            gradient: to add to.
            theta: where `_covariance` was evaluated last.
            alpha: (n,).
            inverse: K^-1, of which the lower triangle counts.
            by_scale: d log p / d log outputscale.
        """

    @abstractmethod
    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters that theta stands for, the mean included."""

    def _start(self, lengthscale: float, scales: Array) -> Array:
        """Return theta of one lengthscale, the given log variances, and a small noise."""
        theta = np.concatenate([np.full(self.d, math.log(lengthscale)), scales, [math.log(1e-4)]])
        return theta if self.noise is None else theta[:-1]

    def _limits(self, scales: list[tuple[float, float]]) -> list[tuple[float, float]]:
        noise = [] if self.noise is not None else [(math.log(MIN_NOISE), math.log(10.0))]
        return [_LOG_BOUNDS["lengthscale"]] * self.d + scales + noise

    def _prior(self, theta: Array) -> tuple[float, Array]:
        """Return minus the log prior density of theta, up to a constant, and its gradient."""
        locations, spreads = self._locations()
        if self.noise is None:
            locations, spreads = np.append(locations, _LOG_NOISE[0]), np.append(spreads, _LOG_NOISE[1])
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

    def _factorise(self, theta: Array) -> tuple[Array, Array | float] | None:
        """Return the lower Cholesky factor of K, and the noise; None where K is not positive definite."""
        K = self._covariance(theta)
        noise = self._noise(theta)
        K.flat[:: len(K) + 1] += noise
        L, info = lapack.dpotrf(K.T, lower=1, clean=0, overwrite_a=1)
        return None if info else (L, noise)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return the value and its gradient by theta."""
        n = len(self.z)
        value, gradient = self._prior(theta)
        factor = self._factorise(theta)
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
        factor = self._factorise(theta)
        return 0.0 if factor is None else self._mean_and_alpha(lapack.dpotrs(factor[0], self._rhs, lower=1)[0])[0]

    def _least_noise(self, theta: Array) -> float:
        """Return the noise beside what is known."""
        return math.exp(theta[-1]) if self.noise is None else MIN_NOISE


class RadialObjective(Objective):
    """For one kernel of all dimensions: theta = (log lengthscales (d), log outputscale, log noise).

    Args:
        features, X, z, noise: as for `Objective`.
        scratch: memory to work in, (3, n, n), which objectives that are evaluated in turn can share; None makes it.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None, scratch: Array | None = None) -> None:
        super().__init__(features, X, z, noise)
        self._buffers = np.empty((3, len(z), len(z))) if scratch is None else scratch

    def starts(self) -> list[Array]:
        """Return the mode of the prior."""
        location, spread = lengthscale_prior(self.d)
        return [self._start(math.exp(location - spread**2), np.zeros(1))]

    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""
        return self._limits([_LOG_BOUNDS["scale"]])

    def _locations(self) -> tuple[Array, Array]:
        location, spread = lengthscale_prior(self.d)
        return np.append(np.full(self.d, location), _LOG_SCALE[0]), np.append(np.full(self.d, spread), _LOG_SCALE[1])

    def _covariance(self, theta: Array) -> Array:
        self._A = self._F * (SQRT5 * np.exp(-theta[: self.d]))[self.features.columns]
        self._right = right_factor(self._A)
        squares, K, scratch = self._buffers
        K, self._slope = matern52(np.matmul(left_factor(self._A), self._right.T, out=squares), K, scratch)
        K *= math.exp(theta[self.d])
        return K

    def _add_gradient(self, gradient: Array, theta: Array, alpha: Array, inverse: Array, by_scale: float) -> None:
        d, A = self.d, self._A
        gradient[d] -= by_scale
        # d K_ij / d log lengthscale = (scale / 3) slope_ij (A_i - A_j)^2, and sum_ij P_ij (A_i - A_j)^2 = 2 A.(A rho - P A)
        P = np.multiply(alpha[:, None], alpha, out=self._buffers[2])
        P -= inverse.T  # from here on only the upper triangle counts
        P *= self._slope
        products = blas.dsymm(1.0, P.T, self._right[:, :-1], lower=1)  # (P A, rho), rho the row sums of P
        moments = np.einsum("ij,ij->j", A, A * products[:, -1:] - products[:, :-1])
        gradient[:d] -= (math.exp(theta[d]) / 3.0) * self.features.per_dimension(moments)

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters that theta stands for, the mean included."""
        d = self.d
        return Hyperparameters(np.exp(theta[:d]), math.exp(theta[d]), self._least_noise(theta), self._mean(theta))


class AdditiveObjective(Objective):
    """For a sum of kernels of one dimension each: theta = (log lengthscales (d), log variances v (d), log noise).

    Only pairs of different points are worked on, packed, (n (n - 1) / 2,).

    Args:
        features, X, z, noise: as for `Objective`.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None) -> None:
        super().__init__(features, X, z, noise)
        rows, others = np.tril_indices(len(z), -1)
        self._packed = others * len(z) + rows  # of an upper triangle in C order, which is a lower one in Fortran order
        squares = np.zeros((self.d, len(rows)))
        for column, j in enumerate(features.columns):
            squares[j] += (self._F[rows, column] - self._F[others, column]) ** 2
        self._distances = SQRT5 * np.sqrt(squares)
        self._s, self._decay = np.empty_like(squares), np.empty_like(squares)
        step = max(_BLOCK // max(len(rows), 1), 1)
        self._blocks = [slice(first, min(first + step, self.d)) for first in range(0, self.d, step)]

    def starts(self) -> list[Array]:
        """Return thetas of equal parts, with short and with long lengthscales."""
        return [self._start(lengthscale, np.full(self.d, -math.log(self.d))) for lengthscale in _ADDITIVE_STARTS]

    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""
        return self._limits([_LOG_PART] * self.d)

    def _locations(self) -> tuple[Array, Array]:
        location, spread = lengthscale_prior(1)
        parts = np.full(self.d, _LOG_SCALE[0] - math.log(self.d)), np.full(self.d, _LOG_SCALE[1])
        return np.append(np.full(self.d, location), parts[0]), np.append(np.full(self.d, spread), parts[1])

    def _covariance(self, theta: Array) -> Array:
        n, d = len(self.z), self.d
        variances = np.exp(theta[d : 2 * d])
        total = np.zeros(len(self._packed))
        for block in self._blocks:
            s, decay = self._s[block], self._decay[block]
            np.multiply(self._distances[block], np.exp(-theta[block])[:, None], out=s)
            np.exp(np.negative(s, out=decay), out=decay)
            part = s * (1.0 / 3.0)
            part += 1.0
            part *= s
            part += 1.0
            part *= decay
            total += variances[block] @ part
        K = np.zeros((n, n))
        K.flat[self._packed] = total
        K.flat[:: n + 1] = variances.sum()
        return K

    def _add_gradient(self, gradient: Array, theta: Array, alpha: Array, inverse: Array, by_scale: float) -> None:
        d = self.d
        variances = np.exp(theta[d : 2 * d])
        trace = 0.5 * float(alpha @ alpha - np.trace(inverse))
        others, rows = np.divmod(self._packed, len(alpha))
        Q = alpha[rows] * alpha[others] - inverse.T.flat[self._packed]
        moments = np.empty((4, d))  # sums of Q s^k exp(-s) over all pairs
        for block in self._blocks:
            s, weighted = self._s[block], self._decay[block]
            moments[0, block] = weighted @ Q
            for k in range(1, 4):
                weighted *= s
                moments[k, block] = weighted @ Q
        # k = (1 + s + s^2/3) e^-s and d k / d log lengthscale = s^2 (1 + s) / 3 e^-s
        gradient[:d] -= variances * (moments[2] + moments[3]) / 3.0
        gradient[d : 2 * d] -= variances * (moments[0] + moments[1] + moments[2] / 3.0 + trace)

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters that theta stands for, the mean included."""
        d = self.d
        variances = np.exp(theta[d : 2 * d])
        scale = float(variances.sum())
        return Hyperparameters(np.exp(theta[:d]), scale, self._least_noise(theta), self._mean(theta), variances / scale)


def best_start(objective: Objective, earlier: Array | None) -> tuple[Array, float]:
    """Return the theta of an earlier fit or one of the objective's own starts, whichever is best now, and the objective there."""
    starts = objective.starts()
    if earlier is not None and len(earlier) == len(starts[0]):
        starts.append(earlier)
        if objective.noise is None and earlier[-1] < _LOG_RELAXED:
            starts.append(np.append(earlier[:-1], _LOG_RELAXED))
    values = [objective(theta)[0] for theta in starts]
    best = int(np.argmin(values))
    return starts[best], values[best]


def fit(objective: Objective, theta: Array, max_evaluations: int) -> tuple[Array, float]:
    """Return the theta of least objective that L-BFGS-B finds from `theta`, and the objective there.

    It stops where a step gains less than a few hundredths of a nat: a prediction would not show the rest.
    """
    from scipy.optimize import fmin_l_bfgs_b

    best, value, _ = fmin_l_bfgs_b(
        objective, theta, bounds=objective.bounds(), factr=1e12, pgtol=1e-2, maxfun=max_evaluations, maxiter=max_evaluations
    )
    return np.asarray(best), float(value)
