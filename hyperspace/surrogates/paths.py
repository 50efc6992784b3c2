"""Functions drawn from a Gaussian process after it has seen data, to be evaluated and climbed anywhere: pathwise conditioning.

A joint draw at q points costs a factorisation of a (q, q) matrix, and knows the function at these points alone. A path is a
function: a draw f0 from the prior, plus what the data have to say about it (Wilson et al., "Efficiently Sampling Functions from
Gaussian Process Posteriors", 2020, eq. 13; Matheron's rule):

    f(x) = mean + f0(x) + k(x, X) K^-1 (z - mean - f0(X) - noise),   noise drawn too

The prior's draw is a sum of waves with random frequencies (Rahimi and Recht, "Random Features for Large-Scale Kernel Machines",
2007). Only it is an approximation: near data the second part, which is exact, corrects it.

Notation:
    A    features divided by their lengthscales and multiplied by sqrt(5), (q, p)
    m    waves       w, b, a   their frequencies (p, m), phases (m,), amplitudes (m,)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hyperspace.surrogates.kernels import SQRT5
from hyperspace.trial import Array

if TYPE_CHECKING:
    from hyperspace.surrogates.exact import ExactGP

_DEGREES = 5.0  # of freedom of the multivariate t distribution that is the spectral density of Matérn-5/2
_WAVES = 256


class Waves(NamedTuple):
    """A draw from the prior: f0(A) = sum_i a_i cos(A w_i + b_i)."""

    frequencies: Array
    phases: Array
    amplitudes: Array

    @classmethod
    def drawn(cls, p: int, outputscale: float, rng: np.random.Generator, m: int = _WAVES) -> Waves:
        """Draw one in p features."""
        stretch = np.sqrt(rng.chisquare(_DEGREES, m) / _DEGREES)
        frequencies = rng.standard_normal((p, m)) / (SQRT5 * stretch)  # of features without the factor sqrt(5)
        phases = 2.0 * np.pi * rng.random(m)
        return cls(frequencies, phases, np.sqrt(2.0 * outputscale / m) * rng.standard_normal(m))

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


class GPPath:
    """A function drawn from the posterior of a Gaussian process.

    Args:
        gp: the process.
        rng: of the draw.
    """

    def __init__(self, gp: ExactGP, rng: np.random.Generator) -> None:
        self._gp = gp
        A = gp.scaled_features
        self._waves = Waves.drawn(A.shape[1], gp.hyper.outputscale, rng)
        noise = np.sqrt(gp.noise) * rng.standard_normal(len(gp))
        self._weights = gp.solve(gp.z - gp.hyper.mean - self._waves(A) - noise)

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        A, kernel, _ = self._gp.cross(X)
        values: Array = self._gp.hyper.mean + self._waves(A) + kernel @ self._weights
        return values

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d); 0 in discrete dimensions."""
        A, kernel, slope = self._gp.cross(X)
        prior, prior_gradient = self._waves.gradient(A)
        slope *= self._weights
        return self._gp.hyper.mean + prior + kernel @ self._weights, self._gp.by_coordinate(A, slope, prior_gradient)
