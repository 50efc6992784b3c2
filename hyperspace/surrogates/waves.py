"""Draws from the prior of a Matérn-5/2 process: sums of waves with random frequencies.

(Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", 2007.)

Notation:
    A    features divided by their lengthscales and multiplied by sqrt(5), (q, p)
    m    waves
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspace.trial import Array

SQRT5 = float(np.sqrt(5.0))
WAVES = 256  # of a draw
FEWEST_WAVES = 8  # of one dimension, where each has its own
_DEGREES = 5.0  # of freedom of the multivariate t distribution that is the spectral density of Matérn-5/2


class Waves(NamedTuple):
    """A draw from the prior of one kernel of all features: f0(A) = sum_i a_i cos(A w_i + b_i).

    Attributes:
        frequencies: w, (p, m).
        phases: b, (m,).
        amplitudes: a, (m,).
    """

    frequencies: Array
    phases: Array
    amplitudes: Array

    @classmethod
    def drawn(cls, p: int, m: int, variance: float, rng: np.random.Generator) -> Waves:
        """Draw m waves in p features that have this variance together."""
        stretch = np.sqrt(rng.chisquare(_DEGREES, m) / _DEGREES)
        frequencies = rng.standard_normal((p, m)) / (SQRT5 * stretch)  # of features without the factor sqrt(5)
        phases = 2.0 * np.pi * rng.random(m)
        return cls(frequencies, phases, np.sqrt(2.0 * variance / m) * rng.standard_normal(m))

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,)."""
        angles = A @ self.frequencies
        angles += self.phases
        values: Array = np.cos(angles, out=angles) @ self.amplitudes
        return values

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        angles = A @ self.frequencies + self.phases
        return np.cos(angles) @ self.amplitudes, -(np.sin(angles) * self.amplitudes) @ self.frequencies.T


class AxisWaves(NamedTuple):
    """A draw from the prior of an additive kernel: waves in the features of each dimension.

    Attributes:
        waves: of each dimension.
        parts: its columns.
    """

    waves: list[Waves]
    parts: list[slice]

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,)."""
        total = np.zeros(len(A))
        for waves, part in zip(self.waves, self.parts, strict=True):
            features, where = distinct(A[:, part])
            values = waves(features)
            total += values if where is None else values[where]
        return total

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        total, by_feature = np.zeros(len(A)), np.empty_like(A)
        for waves, part in zip(self.waves, self.parts, strict=True):
            values, by_feature[:, part] = waves.gradient(A[:, part])
            total += values
        return total, by_feature


def distinct(A: Array) -> tuple[Array, NDArray[np.intp] | None]:
    """Return the distinct rows of a feature A (q, 1), and which of them each row is; A and None where that saves little."""
    if A.shape[1] > 1:
        return A, None
    values, where = np.unique(A[:, 0], return_inverse=True)
    return (values[:, None], where) if 2 * len(values) < len(A) else (A, None)
