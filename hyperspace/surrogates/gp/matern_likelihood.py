"""Likelihood of kernels of the distance in all dimensions: a Matérn-5/2, or a squared exponential and a shorter Matérn.

Prior of the lengthscales. In most problems all dimensions matter about equally, and a few may not matter at all. So each log
lengthscale has a Student t density around a common value, which is narrow with heavy tails:

    log l_j = log l + 0.3 t_j, t_j of 2 degrees of freedom,   log l ~ Normal(sqrt(2) + ln(d)/2 - 3, 1.5)

The common value is part of theta; its prior is centered at the mode of Hvarfner's density. With independent densities, a few
dozen trials in ten dimensions do not determine the lengthscales, and predictions are worse (benchmarks/NOTEBOOK.md). With normal
densities around a common value, an irrelevant dimension would seem relevant. Compare Eriksson and Jankowiak (2021), whose
horseshoe prior expects most dimensions to be irrelevant.
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
_COMMON_SPREAD = 1.5  # scale of the prior of the common log lengthscale
_APART, _DEGREES = 0.3, 2.0  # scale and degrees of freedom of a log lengthscale around it
_LOGIT_SHARE, _LOG_RATIO = (-2.0, 1.5), (1.4, 0.7)  # location and scale of the short part's logit share and log ratio
_LOGIT_SHARE_BOUNDS, _LOG_RATIO_BOUNDS = (-5.0, 5.0), (math.log(1.5), math.log(50.0))
_RATIOS = 3.0, 8.0  # initial ratios of a fit with two scales
_SHARES = 0.1, 0.9  # bounds of its initial share


class MaternObjective(Objective):
    """Objective for one kernel: theta = (log lengthscales (d), log outputscale, log common lengthscale, log noise).

    Args:
        features, X, z, noise: as for `Objective`.
        scratch: work array, (3, n, n), which objectives can share if they are evaluated in turn; None allocates it.
        alike: whether the lengthscales have a common value. If not, it is not part of theta, and their densities are
            independent.
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
        self._mode = location - spread**2  # of the log lengthscale, for the density of the lengthscale

    def starts(self) -> list[Array]:
        """Return the mode of the prior."""
        return [self._with_noise(np.concatenate([np.full(self.d, self._mode), [0.0], [self._mode] * self._alike]))]

    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds of theta."""
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
        """Return s^2 of all pairs, (n, n), in a work array; store the values that the gradient needs."""
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
        P -= inverse.T  # only the upper triangle is valid from here on
        P *= self._slope
        products = blas.dsymm(1.0, P.T, self._right[:, :-1], lower=1)  # (P A, rho), rho the row sums of P
        moments = np.einsum("ij,ij->j", A, A * products[:, -1:] - products[:, :-1])
        gradient[:d] -= (math.exp(theta[d]) / 3.0) * self.features.per_dimension(moments)

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters for theta, including the mean."""
        d = self.d
        return Hyperparameters(np.exp(theta[:d]), math.exp(theta[d]), self._least_noise(theta), self._mean(theta))


class TwoScaleObjective(MaternObjective):
    """Objective for two kernels: theta is that of one, with (logit share, log ratio) before the noise.

    The lengthscales are those of the squared exponential, with a common value; see `kernels.TwoScale` for share and ratio.
    """

    def __init__(self, features: Features, X: Array, z: Array, noise: Array | None = None, scratch: Array | None = None) -> None:
        super().__init__(features, X, z, noise, scratch)

    def starts(self) -> list[Array]:
        """Return starting points derived from the mode of the prior of one kernel."""
        return self.starts_from(super().starts()[0])

    def starts_from(self, theta: Array) -> list[Array]:
        """Return starting points, given the theta of a single kernel: its noise may be the short part."""
        d, noise = self.d, math.exp(theta[-1]) if self.noise is None else MIN_NOISE
        scale = math.exp(theta[d]) + noise
        share = min(max(noise / scale, _SHARES[0]), _SHARES[1])
        kept, logit = theta[[*range(d), d + 1]], math.log(share / (1.0 - share))
        return [
            self._with_noise(np.concatenate([kept[:d], [math.log(scale), kept[d], logit, math.log(ratio)]])) for ratio in _RATIOS
        ]

    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds of theta."""
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
        # Each pair of different points is used once, which replaces the factor 1/2 in d log p / d K = Q / 2.
        Q = np.triu(alpha[:, None] * alpha - inverse.T, 1)
        gradient[d + 2] -= scale * share * (1.0 - share) * float(np.vdot(Q, self._difference))
        gradient[d + 3] += scale * share * ratio**2 / 3.0 * float(np.vdot(Q, self._by_log_ratio))
        super()._add_gradient(gradient, theta, alpha, inverse, by_scale)

    def hyperparameters(self, theta: Array) -> Hyperparameters:
        """Return the hyperparameters for theta, including the mean."""
        share, ratio = self._short(theta)
        return replace(super().hyperparameters(theta), short_share=share, short_ratio=ratio)
