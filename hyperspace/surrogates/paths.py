"""Functions drawn from a Gaussian process after it has seen data, to be evaluated and climbed anywhere: pathwise conditioning.

A joint draw at q points costs a factorisation of a (q, q) matrix, and knows the function at these points alone. A path is a
function: a draw f0 from the prior, plus what the data have to say about it (Wilson et al., "Efficiently Sampling Functions from
Gaussian Process Posteriors", 2020, eq. 13; Matheron's rule):

    f(x) = mean + f0(x) + k(x, X) K^-1 (z - mean - f0(X) - noise),   noise drawn too

The prior's draw is a sum of waves (`waves`). Only it is an approximation: near data the second part, which is exact,
corrects it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspace.trial import Array

if TYPE_CHECKING:
    from hyperspace.surrogates.exact import ExactGP


class GPPath:
    """A function drawn from the posterior of a Gaussian process.

    Args:
        gp: the process.
        rng: of the draw.
    """

    def __init__(self, gp: ExactGP, rng: np.random.Generator) -> None:
        self._gp = gp
        A = gp.scaled_features
        self._waves = gp.kernel.waves(A.shape[1], rng)
        noise = np.sqrt(gp.noise) * rng.standard_normal(len(gp))
        self._weights = gp.solve(gp.z - gp.hyper.mean - self._waves(A) - noise)

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        A, kernel = self._gp.cross(X)
        values: Array = self._gp.hyper.mean + self._waves(A) + kernel @ self._weights
        return values

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d); 0 in discrete dimensions."""
        A, kernel, slopes = self._gp.cross_with_slopes(X)
        prior, prior_gradient = self._waves.gradient(A)
        values = self._gp.hyper.mean + prior + kernel @ self._weights
        return values, self._gp.by_coordinate(A, slopes, self._weights, prior_gradient)
