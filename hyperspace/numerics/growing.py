"""Array that grows at its end. n appends of one row cost O(n) in all."""

from __future__ import annotations

import numpy as np

from hyperspace.typing import Array

_FIRST = 64  # rows of the first allocation


class GrowingArray:
    """Append-only array of floats.

    Args:
        row: shape of a row; () for an array of numbers.
    """

    def __init__(self, *row: int) -> None:
        self._data: Array = np.empty((0, *row))
        self._n = 0

    def __len__(self) -> int:
        """Return the number of rows, n."""
        return self._n

    @property
    def values(self) -> Array:
        """All rows, (n, ...): a view that later appends do not change."""
        return self._data[: self._n]

    def append(self, rows: Array) -> Array:
        """Append rows (k, ...), and return them as a view, through which they can be changed."""
        n = self._n + len(rows)
        if n > len(self._data):
            room = max(n, len(self._data) * 3 // 2, _FIRST)
            self._data = np.concatenate([self.values, np.empty((room - self._n, *self._data.shape[1:]))])
        self._data[self._n : n] = rows
        first, self._n = self._n, n
        return self._data[first:n]
