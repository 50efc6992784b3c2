"""Likelihood of an additive process: a sum of one-dimensional Matérn-5/2 processes."""

from __future__ import annotations

import math

import numpy as np

from hyperspace.surrogates.gp.likelihood import LOG_SCALE, Objective, lengthscale_prior
from hyperspace.surrogates.gp.posterior import Hyperparameters
from hyperspace.surrogates.gp.random_features import SQRT5
from hyperspace.surrogates.input_encoding import Features
from hyperspace.typing import Array

_LOG_PART = (math.log(1e-5), math.log(1e5))  # bounds of the variance of one dimension's part
_STARTS = 0.05, 0.3  # initial lengthscales; from long ones a fit misses the short lengthscales of a function with many waves
_BLOCK = 1 << 14  # number of distances per block: for few points a block covers several dimensions


class AdditiveObjective(Objective):
    """Objective for a sum of one-dimensional kernels: theta = (log lengthscales (d), log variances v (d), log noise).

    Only pairs of different points are processed, in packed form, (n (n - 1) / 2,).

    Args:
        features, X, z, noise: as for `Objective`.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None) -> None:
        super().__init__(features, X, z, noise)
        rows, others = np.tril_indices(len(z), -1)
        self._packed = others * len(z) + rows  # of an upper triangle in C order, a lower one in Fortran order
        squares = np.zeros((self.d, len(rows)))
        for column, j in enumerate(features.columns):
            squares[j] += (self._F[rows, column] - self._F[others, column]) ** 2
        self._distances = SQRT5 * np.sqrt(squares)
        self._s, self._decay = np.empty_like(squares), np.empty_like(squares)
        step = max(_BLOCK // max(len(rows), 1), 1)
        self._blocks = [slice(first, min(first + step, self.d)) for first in range(0, self.d, step)]

    def starts(self) -> list[Array]:
        """Return thetas with equal parts, for short and for long lengthscales."""
        parts = np.full(self.d, -math.log(self.d))
        return [self._with_noise(np.append(np.full(self.d, math.log(lengthscale)), parts)) for lengthscale in _STARTS]

    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds of theta."""
        return self._limits([_LOG_PART] * self.d)

    def _locations(self) -> tuple[Array, Array]:
        location, spread = lengthscale_prior(1)
        parts = np.full(self.d, LOG_SCALE[0] - math.log(self.d)), np.full(self.d, LOG_SCALE[1])
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
        """Return the hyperparameters for theta, including the mean."""
        d = self.d
        variances = np.exp(theta[d : 2 * d])
        scale = float(variances.sum())
        return Hyperparameters(np.exp(theta[:d]), scale, self._least_noise(theta), self._mean(theta), variances / scale)
