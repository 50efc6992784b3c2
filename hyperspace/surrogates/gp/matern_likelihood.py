"""The likelihood of kernels of the distance over all dimensions: one Matérn-5/2, or a squared exponential and a shorter Matérn.

Prior of the lengthscales. Mostly all dimensions matter about alike, and now and then some do not matter at all. So a lengthscale
has a Student t density around a common one, narrow and with heavy tails, all on the logarithmic scale:

    log l_j = log l + 0.3 t_j, t_j of 2 degrees of freedom,   log l ~ Normal(sqrt(2) + ln(d)/2 - 3, 1.5)

The common one is a part of theta, and is expected where Hvarfner's density has its mode. With independent densities a few dozen
trials in ten dimensions give any lengthscales, and predictions that are worse for it (docs/adaptive.md); with normal ones
around a common lengthscale a dimension that does not matter would be taken for one that does (compare Eriksson and Jankowiak
2021, whose horseshoe prior expects that most do not matter).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.linalg import blas

from hyperspace.surrogates.gp.kernels import SMOOTH_SLOPE, left_factor, matern52, right_factor, squared_exponential
from hyperspace.surrogates.gp.likelihood import LOG_LENGTHSCALE, LOG_SCALE, Objective, lengthscale_prior
from hyperspace.surrogates.gp.posterior import MIN_NOISE, Hyperparameters
from hyperspace.surrogates.gp.random_features import SQRT5
from hyperspace.surrogates.input_encoding import Features
from hyperspace.typing import Array

_LOG_SCALE_BOUNDS = (math.log(1e-3), math.log(1e5))
_COMMON_SPREAD = 1.5  # of the prior of the common log lengthscale
_APART, _DEGREES = 0.3, 2.0  # scale and degrees of freedom of a log lengthscale's distance from it
_LOGIT_SHARE, _LOG_RATIO = (-2.0, 1.5), (1.4, 0.7)  # location and spread of the short part's logit share and log ratio
_LOGIT_SHARE_BOUNDS, _LOG_RATIO_BOUNDS = (-5.0, 5.0), (math.log(1.5), math.log(50.0))
_RATIOS = 3.0, 8.0  # where a fit of two scales starts
_SHARES = 0.1, 0.9  # between them lies the share that it starts from


class MaternObjective(Objective):
    """For one kernel: theta = (log lengthscales (d), log outputscale, log common lengthscale, log noise).

    Args:
        features, X, z, noise: as for `Objective`.
        scratch: memory to work in, (3, n, n), which objectives that are evaluated in turn can share; None makes it.
        alike: whether lengthscales have a common one; else it is no part of theta, and their densities are independent.
    """

    def __init__(
        self,
        features: Features,
        X: Array,
        z: Array,
        noise: Array | None = None,
        scratch: Array | None = None,
        alike: bool = True,
    ) -> None:
        super().__init__(features, X, z, noise)
        self._buffers = np.empty((3, len(z), len(z))) if scratch is None else scratch
        self._alike = alike
        location, spread = lengthscale_prior(self.d)
        self._mode = location - spread**2  # of log lengthscale, under the density of the lengthscale

    def starts(self) -> list[Array]:
        """Return the mode of the prior."""
        return [self._with_noise(np.concatenate([np.full(self.d, self._mode), [0.0], [self._mode] * self._alike]))]

    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""
        return self._limits([_LOG_SCALE_BOUNDS] + [LOG_LENGTHSCALE] * self._alike)

    def _locations(self) -> tuple[Array, Array]:
        location, spread = lengthscale_prior(self.d)
        if not self._alike:
            return np.append(np.full(self.d, location), LOG_SCALE[0]), np.append(np.full(self.d, spread), LOG_SCALE[1])
        locations, spreads = np.append(np.zeros(self.d), [LOG_SCALE[0], self._mode]), np.full(self.d + 2, np.inf)
        spreads[self.d :] = LOG_SCALE[1], _COMMON_SPREAD
        return locations, spreads

    def _add_lengthscales(self, gradient: Array, theta: Array) -> float:
        if not self._alike:
            return super()._add_lengthscales(gradient, theta)
        d = self.d
        apart = (theta[:d] - theta[d + 1]) / _APART
        tail = 1.0 + apart * apart / _DEGREES
        slope = (_DEGREES + 1.0) / (_DEGREES * _APART) * apart / tail
        gradient[:d] += slope
        gradient[d + 1] -= slope.sum()
        return 0.5 * (_DEGREES + 1.0) * float(np.log(tail).sum())

    def _squares(self, theta: Array) -> Array:
        """Return s^2 of all pairs, (n, n), in a buffer; keep what the gradient needs."""
        self._A = self._F * (SQRT5 * np.exp(-theta[: self.d]))[self.features.columns]
        self._right = right_factor(self._A)
        squares: Array = np.matmul(left_factor(self._A), self._right.T, out=self._buffers[0])
        return squares

    def _covariance(self, theta: Array) -> Array:
        squares = self._squares(theta)
        K, self._slope = matern52(squares, *self._buffers[1:])
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


class TwoScaleObjective(MaternObjective):
    """For two kernels: theta is that of one, with (logit share, log ratio) before the noise.

    The lengthscales are those of the squared exponential, and about alike; see `kernels.TwoScale` for share and ratio.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None, scratch: Array | None = None) -> None:
        super().__init__(features, X, z, noise, scratch)

    def starts(self) -> list[Array]:
        """Return what follows from the mode of the prior of one kernel."""
        return self.starts_from(super().starts()[0])

    def starts_from(self, theta: Array) -> list[Array]:
        """Return thetas to start from, given one of a single kernel: what that took for noise may be the short part."""
        d, noise = self.d, math.exp(theta[-1]) if self.noise is None else MIN_NOISE
        scale = math.exp(theta[d]) + noise
        share = min(max(noise / scale, _SHARES[0]), _SHARES[1])
        kept, logit = theta[[*range(d), d + 1]], math.log(share / (1.0 - share))
        return [
            self._with_noise(np.concatenate([kept[:d], [math.log(scale), kept[d], logit, math.log(ratio)]])) for ratio in _RATIOS
        ]

    def bounds(self) -> list[tuple[float, float]]:
        """Return limits of theta."""
        return self._limits([_LOG_SCALE_BOUNDS, LOG_LENGTHSCALE, _LOGIT_SHARE_BOUNDS, _LOG_RATIO_BOUNDS])

    def _locations(self) -> tuple[Array, Array]:
        locations, spreads = super()._locations()
        return np.append(locations, [_LOGIT_SHARE[0], _LOG_RATIO[0]]), np.append(spreads, [_LOGIT_SHARE[1], _LOG_RATIO[1]])

    def _short(self, theta: Array) -> tuple[float, float]:
        """Return share and ratio."""
        d = self.d
        return 1.0 / (1.0 + math.exp(-theta[d + 2])), math.exp(theta[d + 3])

    def _covariance(self, theta: Array) -> Array:
        share, ratio = self._short(theta)
        squares = np.maximum(self._squares(theta), 0.0)
        short, slope = matern52(squares * ratio**2, *self._buffers[1:])
        self._by_log_ratio = squares * slope  # d short / d log ratio, over -ratio^2 / 3
        long = squared_exponential(squares)
        short -= long
        self._difference = short
        slope *= share * ratio**2
        slope += (SMOOTH_SLOPE * (1.0 - share)) * long
        self._slope = slope
        return (long + share * short) * math.exp(theta[self.d])

    def _add_gradient(self, gradient: Array, theta: Array, alpha: Array, inverse: Array, by_scale: float) -> None:
        d, scale, (share, ratio) = self.d, math.exp(theta[self.d]), self._short(theta)
        # Of pairs of different points each is taken once: that makes up for the half in d log p / d K = Q / 2.
        Q = np.triu(alpha[:, None] * alpha - inverse.T, 1)
        gradient[d + 2] -= scale * share * (1.0 - share) * float(np.vdot(Q, self._difference))
        gradient[d + 3] += scale * share * ratio**2 / 3.0 * float(np.vdot(Q, self._by_log_ratio))
        super()._add_gradient(gradient, theta, alpha, inverse, by_scale)

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters that theta stands for, the mean included."""
        share, ratio = self._short(theta)
        return replace(super().hyperparameters(theta), short_share=share, short_ratio=ratio)
