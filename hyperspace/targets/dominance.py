"""Dominance: the non-dominated points of a set, and the non-dominated ranks (Goldberg 1989; Deb et al., NSGA-II, 2002)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hyperspace.typing import Array


def non_dominated(Y: Array) -> NDArray[np.bool_]:
    """Return for each row of Y (n, m) whether no other row dominates it, (n,); equal rows do not dominate each other."""
    if len(Y) == 0:
        return np.zeros(0, dtype=bool)
    points, row = _distinct(Y)
    return _first_front(points)[row]


def non_dominated_ranks(Y: Array, at_least: int | None = None) -> NDArray[np.intp]:
    """Return the non-dominated rank of each row of Y (n, m), (n,): 0 for the front, 1 for the front without those rows, ...

    Args:
        Y: losses.
        at_least: stop when this many rows have their rank. The remaining rows share the next one. None: rank all rows.
    """
    if len(Y) == 0:
        return np.zeros(0, dtype=np.intp)
    points, row = _distinct(Y)
    if Y.shape[1] == 1:
        return row
    counts = np.bincount(row, minlength=len(points))
    ranks = np.zeros(len(points), dtype=np.intp)
    left, ranked, rank = np.arange(len(points)), 0, 0
    while len(left) and (at_least is None or ranked < at_least):
        front = _first_front(points[left])
        ranks[left] = rank + ~front
        ranked += int(counts[left[front]].sum())
        left = left[~front]
        rank += 1
    return ranks[row]


def _distinct(Y: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the distinct rows of Y in lexicographic order, and for each row of Y its number among them."""
    points, row = np.unique(Y, axis=0, return_inverse=True)
    return points, row.reshape(-1)


def _first_front(points: Array) -> NDArray[np.bool_]:
    """Return which of distinct rows in lexicographic order are non-dominated. A row can only be dominated by an earlier one."""
    n, m = points.shape
    front = np.zeros(n, dtype=bool)
    if m == 1:
        front[0] = True
    elif m == 2:
        front[0] = True
        front[1:] = points[1:, 1] < np.minimum.accumulate(points[:-1, 1])
    else:
        left = np.arange(n)
        while len(left):
            first = left[0]  # not dominated: all that an earlier row dominates are gone
            front[first] = True
            left = left[(points[left] < points[first]).any(axis=1)]
    return front
