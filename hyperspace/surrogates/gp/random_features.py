"""Draws from the prior of a stationary process: sums of waves with random frequencies.

(Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", 2007.)

Notation:
    A    features divided by their lengthscales and multiplied by sqrt(5), (q, p)
    m    waves
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspace.typing import Array

SQRT5 = float(np.sqrt(5.0))
WAVES = 256  # of a draw
FEWEST_WAVES = 8  # of one dimension, where each has its own
FEW = 16  # points that are worked out in double precision, and for all dimensions at once
# Of the coordinates: where fewer differ from the first point, as in a search along the axes, only they are worked out.
SHARED = 0.5
_MATERN52 = 5.0  # degrees of freedom of the multivariate t distribution that is its spectral density


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
    def drawn(cls, p: int, m: int, variance: float, rng: np.random.Generator, degrees: float = _MATERN52) -> Waves:
        """Draw m waves in p features that have this variance together.

        Args:
            p: features.
            m: waves.
            variance: of their sum.
            rng: of the draw.
            degrees: of freedom of the spectral density, a multivariate t; inf makes it normal, that of a squared exponential.
        """
        stretch = np.ones(m) if np.isinf(degrees) else np.sqrt(rng.chisquare(degrees, m) / degrees)
        frequencies = rng.standard_normal((p, m)) / (SQRT5 * stretch)  # of features without the factor sqrt(5)
        phases = 2.0 * np.pi * rng.random(m)
        return cls(frequencies, phases, np.sqrt(2.0 * variance / m) * rng.standard_normal(m))

    def shortened(self, ratio: float) -> Waves:
        """Return waves that are so many times shorter."""
        return self._replace(frequencies=ratio * self.frequencies)

    def beside(self, other: Waves) -> Waves:
        """Return these waves and others in one."""
        return Waves(*(np.concatenate(pair, axis=-1) for pair in zip(self, other, strict=True)))

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,); of more than a few points in single precision.

        Cosines in double precision would cost more than all the rest of a suggestion. At lengthscales of 0.05 and a variance of 1
        the values are off by 6e-6 at most or so, at 0.001 by 2e-4; the noise's standard deviation is 1e-4 at least.
        """
        if len(A) <= FEW:
            return np.asarray(np.cos(A @ self.frequencies + self.phases) @ self.amplitudes)
        angles = A.astype(np.float32) @ self.frequencies.astype(np.float32)
        angles += self.phases.astype(np.float32)
        return np.asarray(np.cos(angles, out=angles) @ self.amplitudes.astype(np.float32), dtype=float)

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        angles = A @ self.frequencies + self.phases
        return np.cos(angles) @ self.amplitudes, -(np.sin(angles) * self.amplitudes) @ self.frequencies.T


class AxisWaves(NamedTuple):
    """A draw from the prior of an additive kernel: some waves in the features of each dimension.

    Attributes:
        waves: all of them, (p, m); outside of its dimension's features the frequencies of a wave are 0.
        parts: features of each dimension, and its waves.
    """

    waves: Waves
    parts: list[tuple[slice, slice]]

    @classmethod
    def drawn(
        cls, p: int, columns: list[slice], counts: NDArray[np.intp], variances: Array, rng: np.random.Generator
    ) -> AxisWaves:
        """Draw `counts` waves of these variances in the columns of each dimension."""
        ends = np.cumsum(counts)
        rows = [slice(int(end - m), int(end)) for m, end in zip(counts, ends, strict=True)]
        waves = Waves.drawn(p, int(ends[-1]), float(ends[-1]), rng)  # amplitudes of variance 2
        frequencies = np.zeros_like(waves.frequencies)
        for part, row in zip(columns, rows, strict=True):
            frequencies[part, row] = waves.frequencies[part, row]
        amplitudes = waves.amplitudes * np.sqrt(np.repeat(variances / counts, counts))
        return cls(Waves(frequencies, waves.phases, amplitudes), list(zip(columns, rows, strict=True)))

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,)."""
        if len(A) <= FEW:
            return self.waves(A)
        differ = A[0] != A
        if differ.mean() >= SHARED:
            return self.waves(A)
        total, (frequencies, phases, amplitudes) = np.repeat(self.waves(A[:1]), len(A)), self.waves
        for part, row in self.parts:
            rows = np.flatnonzero(differ[:, part].any(axis=1))
            if len(rows):
                values = Waves(frequencies[part, row], phases[row], amplitudes[row])(A[np.append(rows, 0), part])
                total[rows] += values[:-1] - values[-1]
        return total

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        return self.waves.gradient(A)
