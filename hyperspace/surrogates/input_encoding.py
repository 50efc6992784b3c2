"""Coordinates in which surrogates measure distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.space.space import Space


MOST_INDICATORS = 512  # largest number of categories with one indicator each
CODE_LENGTH = 256  # bits of a code word; a multiple of 64


class Features:
    """Map from points in the unit cube to the coordinates in which the kernel measures distance.

    A continuous dimension is a feature itself. An integer is rounded to the center of its level, so that the model is constant on
    a level (Garrido-Merchán and Hernández-Lobato 2020). A category becomes indicators scaled by 1/sqrt(2): two points are at
    distance 1 if they differ and 0 if not, the Hamming distance with one lengthscale. More than MOST_INDICATORS categories become
    random code words with that many bits at most. Their squared distances are 1 within about 6 %, and the cost does not depend on
    the number of categories.

    Args:
        d: number of dimensions.
        space: defines which dimensions are integers or categories; None if all are continuous.
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
        indicators = [np.full(k if k <= MOST_INDICATORS else CODE_LENGTH, j, dtype=np.intp) for j, k in self._categories]
        self.columns: NDArray[np.intp] = np.concatenate([self._ordered, *indicators])
        self.identity = bool(np.array_equal(self.columns, np.arange(d)))

    def __call__(self, X: Array) -> Array:
        """Return the centered features of X (q, d), shape (q, p)."""
        if self._snap is not None:
            X = self._snap(X)
        if self.identity:
            return X - 0.5
        indicators = [_indicators(np.minimum(X[:, j] * k, k - 1).astype(int), k) for j, k in self._categories]
        return np.concatenate([X[:, self._ordered] - 0.5, *indicators], axis=1)

    def per_dimension(self, values: Array) -> Array:
        """Sum values of features (p,) over the features of each dimension, (d,)."""
        return values if self.identity else np.bincount(self.columns, weights=values, minlength=self.d).astype(float)


def _indicators(levels: NDArray[np.int64], k: int) -> Array:
    """Return the encoding of the categories `levels` (q,) out of k: indicators (q, k), or code words (q, CODE_LENGTH)."""
    if k <= MOST_INDICATORS:
        return np.asarray((levels[:, None] == np.arange(k)) * np.sqrt(0.5))
    words = CODE_LENGTH // 64
    bits = np.unpackbits(_mixed(levels[:, None] * words + np.arange(words)).astype("<u8").view(np.uint8), axis=1)
    # Two words differ in half of their bits, each by 2 / sqrt(2 CODE_LENGTH): a squared distance of 1.
    return np.asarray((2.0 * bits - 1.0) / np.sqrt(2.0 * CODE_LENGTH))


def _mixed(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 random bits for each number, the same on all machines: SplitMix64 (Steele, Lea and Flood 2014)."""
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
