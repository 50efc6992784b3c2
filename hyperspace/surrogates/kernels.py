"""The Matérn-5/2 kernel with one lengthscale a dimension, laid out for BLAS.

Notation:
    n, q   training points, query points       d   dimensions       p   features
    A, B   features divided by their lengthscales and multiplied by sqrt(5), (q, p) and (n, p)
    s      sqrt(5) r, r the scaled distance, (q, n)

Squared distances come from one matrix product, |a|^2 + |b|^2 - 2 a.b; the features are centred so that little is lost by
cancellation (an absolute error of about 1e-15 |a|^2 in s^2, far below the noise floor of the models).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperspace.trial import Array

if TYPE_CHECKING:
    from hyperspace.space import Space

SQRT5 = float(np.sqrt(5.0))
BLOCK = 1 << 16  # elements of a kernel matrix worked on at a time, so that it stays in the cache

# glibc maps arrays above a threshold anew at each allocation, and the page faults cost more than the arithmetic; one
# allocation that is freed again raises the threshold to its size. Elsewhere this does nothing.
np.empty(1 << 17)


class Features:
    """Coordinates in which the kernel measures distance, from points in the unit cube.

    A continuous dimension is a feature as it is. An integer is rounded to the centre of its level, so that the model is
    constant on a level (Garrido-Merchán and Hernández-Lobato 2020). A category becomes indicators scaled by 1/sqrt(2): two
    points are at distance 1 if they differ and 0 if not, the Hamming distance, under one lengthscale.

    Args:
        d: number of dimensions.
        space: says which dimensions are integers or categories; None if all are continuous.
    """

    def __init__(self, d: int, space: Space | None = None) -> None:
        levels = np.zeros(d, dtype=int) if space is None else np.asarray(space.levels)
        categorical = np.zeros(d, dtype=bool) if space is None else np.asarray(space.categorical)
        self.d = d
        self.continuous: NDArray[np.intp] = np.flatnonzero(levels == 0)
        self._snap = space.snap if space is not None and len(self.continuous) < d else None
        self._ordered: NDArray[np.intp] = np.flatnonzero(~categorical)
        self.positions = np.searchsorted(self._ordered, self.continuous)  # columns of the continuous dimensions
        self._categories = [(int(j), int(levels[j])) for j in np.flatnonzero(categorical)]
        indicators = [np.full(k, j, dtype=np.intp) for j, k in self._categories]
        self.columns: NDArray[np.intp] = np.concatenate([self._ordered, *indicators])
        self.identity = bool(np.array_equal(self.columns, np.arange(d)))

    def __call__(self, X: Array) -> Array:
        """Return the features of X (q, d), shape (q, p), centred."""
        if self._snap is not None:
            X = self._snap(X)
        if self.identity:
            return X - 0.5
        indicators = [
            (np.minimum(X[:, j] * k, k - 1).astype(int)[:, None] == np.arange(k)) * np.sqrt(0.5) for j, k in self._categories
        ]
        return np.concatenate([X[:, self._ordered] - 0.5, *indicators], axis=1)

    def per_dimension(self, values: Array) -> Array:
        """Sum values of features (p,) over the features of each dimension, (d,)."""
        return values if self.identity else np.bincount(self.columns, weights=values, minlength=self.d).astype(float)


def left_factor(A: Array) -> Array:
    """Return (-2 a, |a|^2, 1) of each row a: its product with (b, 1, |b|^2) is |a - b|^2."""
    left = np.ones((len(A), A.shape[1] + 2))
    np.multiply(A, -2.0, out=left[:, :-2])
    left[:, -2] = np.einsum("ij,ij->i", A, A)
    return left


def right_factor(B: Array) -> Array:
    """Return (b, 1, |b|^2) of each row b; see `left_factor`."""
    right = np.ones((len(B), B.shape[1] + 2))
    right[:, :-2] = B
    right[:, -1] = np.einsum("ij,ij->i", B, B)
    return right


def matern52(s: Array, kernel: Array | None = None, decay: Array | None = None) -> tuple[Array, Array]:
    """Return the kernel (1 + s + s^2/3) exp(-s) and (1 + s) exp(-s), which is -6 times its derivative by s^2.

    Args:
        s: the squares s^2 on entry (rounding may have left them slightly negative); overwritten by the second result.
        kernel: where to put the kernel, of the same shape; None makes it.
        decay: scratch memory of the same shape; None makes it.
    """
    np.maximum(s, 0.0, out=s)
    kernel = np.multiply(s, 1.0 / 3.0, out=kernel)
    np.sqrt(s, out=s)
    decay = np.negative(s, out=decay)
    np.exp(decay, out=decay)
    s += 1.0
    s *= decay
    kernel *= decay
    kernel += s
    return kernel, s
