"""Prior samples of a stationary process by random Fourier features: sums of cosines with random frequencies.

(Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", 2007.)

Notation:
    A    features divided by their lengthscales and multiplied by sqrt(5), (q, p)
    m    number of cosines
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspace.typing import Array

SQRT5 = float(np.sqrt(5.0))
N_COSINES = 256  # cosines of a sample
MIN_COSINES = 8  # least number of cosines of one dimension, for an additive kernel
FEW_POINTS = 16  # number of points up to which all dimensions are evaluated together in double precision
# Share of the coordinates. If fewer differ from the first point, as in a search along the axes, only these are evaluated.
SHARED = 0.5
_MATERN52 = 5.0  # degrees of freedom of its spectral density, a multivariate t distribution


class FourierFeatures(NamedTuple):
    """Prior sample of one kernel of all features: f0(A) = sum_i a_i cos(A w_i + b_i).

    Attributes:
        frequencies: w, (p, m).
        phases: b, (m,).
        amplitudes: a, (m,).
    """

    frequencies: Array
    phases: Array
    amplitudes: Array

    @classmethod
    def draw(cls, p: int, m: int, variance: float, rng: np.random.Generator, degrees: float = _MATERN52) -> FourierFeatures:
        """Draw m cosines in p features with a given total variance.

        Args:
            p: number of features.
            m: number of cosines.
            variance: variance of their sum.
            rng: generator of the sample.
            degrees: degrees of freedom of the spectral density, a multivariate t; inf gives the normal density of a squared
                exponential.
        """
        stretch = np.ones(m) if np.isinf(degrees) else np.sqrt(rng.chisquare(degrees, m) / degrees)
        frequencies = rng.standard_normal((p, m)) / (SQRT5 * stretch)  # for features without the factor sqrt(5)
        phases = 2.0 * np.pi * rng.random(m)
        return cls(frequencies, phases, np.sqrt(2.0 * variance / m) * rng.standard_normal(m))

    def shortened(self, ratio: float) -> FourierFeatures:
        """Return these cosines with lengthscales divided by `ratio`."""
        return self._replace(frequencies=ratio * self.frequencies)

    def joined(self, other: FourierFeatures) -> FourierFeatures:
        """Return these cosines and those of another sample together."""
        return FourierFeatures(*(np.concatenate(pair, axis=-1) for pair in zip(self, other, strict=True)))

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,); for more than a few points in single precision.

        Cosines in double precision would cost more than the rest of a suggestion. At lengthscales of 0.05 and a variance of 1 the
        error is at most about 6e-6, at 0.001 it is 2e-4. The standard deviation of the noise is at least 1e-4.
        """
        if len(A) <= FEW_POINTS:
            return np.asarray(np.cos(A @ self.frequencies + self.phases) @ self.amplitudes)
        angles = A.astype(np.float32) @ self.frequencies.astype(np.float32)
        angles += self.phases.astype(np.float32)
        return np.asarray(np.cos(angles, out=angles) @ self.amplitudes.astype(np.float32), dtype=float)

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        angles = A @ self.frequencies + self.phases
        return np.cos(angles) @ self.amplitudes, -(np.sin(angles) * self.amplitudes) @ self.frequencies.T


class AdditiveFourierFeatures(NamedTuple):
    """Prior sample of an additive kernel: some cosines in the features of each dimension.

    Attributes:
        cosines: all cosines, (p, m); the frequencies are 0 outside the features of a cosine's dimension.
        parts: features of each dimension, and its cosines.
    """

    cosines: FourierFeatures
    parts: list[tuple[slice, slice]]

    @classmethod
    def draw(
        cls, p: int, columns: list[slice], counts: NDArray[np.intp], variances: Array, rng: np.random.Generator
    ) -> AdditiveFourierFeatures:
        """Draw `counts` cosines with these variances in the columns of each dimension."""
        ends = np.cumsum(counts)
        rows = [slice(int(end - m), int(end)) for m, end in zip(counts, ends, strict=True)]
        cosines = FourierFeatures.draw(p, int(ends[-1]), float(ends[-1]), rng)  # amplitudes of variance 2
        frequencies = np.zeros_like(cosines.frequencies)
        for part, row in zip(columns, rows, strict=True):
            frequencies[part, row] = cosines.frequencies[part, row]
        amplitudes = cosines.amplitudes * np.sqrt(np.repeat(variances / counts, counts))
        return cls(FourierFeatures(frequencies, cosines.phases, amplitudes), list(zip(columns, rows, strict=True)))

    def __call__(self, A: Array) -> Array:
        """Return the values at A (q, p), (q,)."""
        if len(A) <= FEW_POINTS:
            return self.cosines(A)
        differ = A[0] != A
        if differ.mean() >= SHARED:
            return self.cosines(A)
        total, (frequencies, phases, amplitudes) = np.repeat(self.cosines(A[:1]), len(A)), self.cosines
        for part, row in self.parts:
            rows = np.flatnonzero(differ[:, part].any(axis=1))
            if len(rows):
                values = FourierFeatures(frequencies[part, row], phases[row], amplitudes[row])(A[np.append(rows, 0), part])
                total[rows] += values[:-1] - values[-1]
        return total

    def gradient(self, A: Array) -> tuple[Array, Array]:
        """Return the values (q,), and their derivatives by A, (q, p)."""
        return self.cosines.gradient(A)
