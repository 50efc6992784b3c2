"""Transforms of the targets for Gaussian models: standardization, compressed tails, and warping if the data support it.

Notation, in the order of the steps:
    y   original outputs
    r   (y - center) / scale, with the median as center and the scale from the quartiles, which are robust to outliers
    t   r with compressed tails: beyond a limit it grows logarithmically
    g   t, or its Yeo-Johnson transform (Yeo and Johnson 2000) with parameter `power`
    z   (g - location) / spread, of mean 0 and variance 1: the targets of the model

All steps are increasing, so that the best trial stays the best. For minimization the upper tail is the bad one. It is compressed
early, the lower tail only to avoid overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hyperspace.typing import Array

_UPPER, _LOWER = 10.0, 1000.0  # where compression starts, in units of r
_POWERS = np.round(np.arange(-2.0, 4.01, 0.1), 1)  # candidates for the Yeo-Johnson parameter; 1 is the identity
_LARGEST = 1e300  # bound of r
_FEWEST = 5  # least number of points for a warping
_NORMAL_QUARTILES = 1.349  # distance of the quartiles of a normal distribution, in standard deviations


@dataclass(frozen=True, slots=True)
class Transform:
    """Increasing map of outputs y to targets z; see the notation above.

    Attributes:
        center, scale: parameters of r.
        power: the Yeo-Johnson parameter; None without warping.
        location, spread: parameters of z.
        low, high: range of t for the inverse: the range of the data, extended by the range of y on each side.
        affine: whether the data are neither compressed nor warped; the inverse is then an unbounded straight line.
    """

    center: float = 0.0
    scale: float = 1.0
    power: float | None = None
    location: float = 0.0
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0
    affine: bool = True

    @classmethod
    def fit(cls, y: Array, warped: bool = False, robust: bool = True) -> Transform:
        """Return the transform for outputs y (n,).

        Args:
            y: finite outputs, n >= 1.
            warped: whether to use the Yeo-Johnson parameter for which the outputs are closest to a normal sample.
            robust: whether r uses median and quartiles; otherwise it uses mean and standard deviation, and a tail is only
                compressed beyond 10 standard deviations.
        """
        center, scale = _center_and_scale(y) if robust else _mean_and_deviation(y)
        r = _ratio(y, center, scale)
        t = _compress(r)
        power = _best_power(t) if warped and len(y) >= _FEWEST and _varies(t) else None
        g = t if power is None else _yeo_johnson(t, power)
        spread = float(g.std())
        spread = spread if _varies(g) else 1.0
        low, high = float(r.min()), float(r.max())
        affine = power is None and low >= -_LOWER and high <= _UPPER
        margin = min(high - low, _LARGEST) or 1.0
        ends = _compress(np.array([max(low - margin, -_LARGEST), min(high + margin, _LARGEST)]))
        return cls(center, scale, power, float(g.mean()), spread, float(ends[0]), float(ends[1]), affine)

    def forward(self, y: Array) -> Array:
        """Return z of y, of the same shape."""
        t = _compress(_ratio(y, self.center, self.scale))
        g = t if self.power is None else _yeo_johnson(t, self.power)
        z: Array = (g - self.location) / self.spread
        return z

    def slope(self, y: Array) -> Array:
        """Return dz/dy, of y's shape."""
        r = _ratio(y, self.center, self.scale)
        t = _compress(r)
        slope = _compression_slope(r) / (self.scale * self.spread)
        if self.power is not None:
            slope = slope * _yeo_johnson_slope(t, self.power)
        return slope

    def log_jacobian(self, y: Array) -> float:
        """Return sum log dz/dy, which converts a log density of z to one of y."""
        tiny = np.finfo(float).tiny
        return float(np.log(np.maximum(self.slope(y), tiny)).sum())

    def inverse(self, z: Array) -> tuple[Array, Array]:
        """Return y of z, within the extended range of the data unless affine, and dy/dz (0 beyond that range)."""
        g = self.location + self.spread * z
        if self.affine:
            return self.center + self.scale * g, np.full_like(g, self.scale * self.spread)
        low, high = self.low, self.high
        ends = np.array([low, high])
        g_low, g_high = ends if self.power is None else _yeo_johnson(ends, self.power)
        inside = (g >= g_low) & (g <= g_high)
        g = np.clip(g, g_low, g_high)
        t = g if self.power is None else _yeo_johnson_inverse(g, self.power)
        r = _expand(t)
        slope = self.scale * self.spread / _compression_slope(r)
        if self.power is not None:
            slope = slope / _yeo_johnson_slope(t, self.power)
        return self.center + self.scale * r, np.where(inside, slope, 0.0)

    def dump(self) -> dict[str, Any]:
        """Return plain JSON values, from which `load` restores an identical transform."""
        return asdict(self)

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Transform:
        """Return the transform that `dump` saved."""
        return cls(**state)


def transformed(Y: Array, noise: Array | None, warp: bool) -> tuple[list[Transform], Array, Array]:
    """Return the maps of outputs Y (n, m) to targets, the targets, and the variances of their noise, each (n, m)."""
    transforms = [Transform.fit(y, warped=warp) for y in Y.T]
    Z = np.stack([transform.forward(y) for transform, y in zip(transforms, Y.T, strict=True)], axis=1)
    if noise is None:
        return transforms, Z, np.zeros(Y.shape)
    slopes = np.stack([transform.slope(y) for transform, y in zip(transforms, Y.T, strict=True)], axis=1)
    return transforms, Z, noise * slopes**2


def _varies(t: Array) -> bool:
    """Return whether values differ by more than rounding."""
    return float(t.std()) > 1e-12 * (1.0 + float(np.abs(t).max()))


def _ratio(y: Array, center: float, scale: float) -> Array:
    """Return (y - center) / scale, without overflow in the difference."""
    with np.errstate(over="ignore"):
        r: Array = (y * 0.5 - center * 0.5) / scale * 2.0
    return np.clip(r, -_LARGEST, _LARGEST)


def _center_and_scale(y: Array) -> tuple[float, float]:
    """Return the median, and a standard deviation from the quartiles; for mostly equal outputs a mean distance."""
    largest = float(np.abs(y).max())
    if largest == 0.0:
        return 0.0, 1.0
    q25, center, q75 = np.quantile(y / largest, [0.25, 0.5, 0.75])
    scale = (q75 - q25) / _NORMAL_QUARTILES
    if scale <= 1e-12 * max(abs(q25), abs(q75)):  # at least half of the outputs are equal, up to rounding
        scale = float(np.abs(y / largest - center).mean())
        if scale <= 1e-14:
            scale = 1.0
    return float(center) * largest, max(float(scale) * largest, float(np.finfo(float).tiny))


def _mean_and_deviation(y: Array) -> tuple[float, float]:
    """Return mean and standard deviation, 1 if the outputs are equal up to rounding."""
    largest = float(np.abs(y).max()) or 1.0
    parts = y / largest
    scale = float(parts.std()) if _varies(parts) else 1.0
    return float(parts.mean()) * largest, max(scale * largest, float(np.finfo(float).tiny))


def _compress(r: Array) -> Array:
    upper = np.log1p(np.maximum(r - _UPPER, 0.0))
    lower = np.log1p(np.maximum(-_LOWER - r, 0.0))
    t: Array = np.clip(r, -_LOWER, _UPPER) + upper - lower
    return t


def _expand(t: Array) -> Array:
    upper = np.expm1(np.clip(t - _UPPER, 0.0, 700.0))
    lower = np.expm1(np.clip(-_LOWER - t, 0.0, 700.0))
    r: Array = np.clip(t, -_LOWER, _UPPER) + upper - lower
    return r


def _compression_slope(r: Array) -> Array:
    slope: Array = 1.0 / (1.0 + np.maximum(r - _UPPER, 0.0) + np.maximum(-_LOWER - r, 0.0))
    return slope


def _yeo_johnson(t: Array, power: float | Array) -> Array:
    """Return ((1+t)^p - 1)/p for t >= 0, -((1-t)^(2-p) - 1)/(2-p) for t < 0; in size both are expm1(e log(1 + |t|))/e."""
    exponent = np.where(t >= 0.0, power, 2.0 - np.asarray(power))
    logarithm = np.log1p(np.abs(t))
    safe = np.where(exponent == 0.0, 1.0, exponent)
    return np.copysign(np.where(exponent == 0.0, logarithm, np.expm1(safe * logarithm) / safe), t)


def _yeo_johnson_slope(t: Array, power: float) -> Array:
    slope: Array = np.exp(np.copysign(np.log1p(np.abs(t)), t) * (power - 1.0))
    return slope


def _yeo_johnson_inverse(g: Array, power: float) -> Array:
    exponent = np.where(g >= 0.0, power, 2.0 - power)
    safe = np.where(exponent == 0.0, 1.0, exponent)
    size = np.abs(g)
    logarithm = np.where(exponent == 0.0, size, np.log1p(np.maximum(safe * size, -1.0 + 1e-15)) / safe)
    return np.copysign(np.expm1(logarithm), g)


def _best_power(t: Array) -> float:
    """Return the power with the largest normal log likelihood, at optimal location and scale (Yeo and Johnson 2000, sec. 3)."""
    g = _yeo_johnson(t, _POWERS[:, None])
    spread = np.maximum(g.std(axis=1), np.finfo(float).tiny)
    jacobian = (_POWERS - 1.0) * float(np.copysign(np.log1p(np.abs(t)), t).sum())
    return float(_POWERS[int(np.argmax(jacobian - len(t) * np.log(spread)))])
