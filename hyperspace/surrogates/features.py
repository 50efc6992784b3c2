"""The coordinates in which surrogates measure distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperspace.trial import Array

if TYPE_CHECKING:
    from hyperspace.space import Space


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
