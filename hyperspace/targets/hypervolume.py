"""Hypervolume: the volume that points dominate below a reference point (Zitzler and Thiele 1998), and each point's share of it.

Both are exact. The cost grows with the number of goals as that of `boxes`: for m > 4, `directions` has an estimate.
"""

from __future__ import annotations

import numpy as np

from hyperspace.targets.boxes import Boxes
from hyperspace.targets.dominance import non_dominated
from hyperspace.typing import Array


def hypervolume(Y: Array, r: Array) -> float:
    """Return the volume of the union of the boxes [y, r] over the rows of Y (n, m); other rows than those below r have none."""
    Y = Y[(r > Y).all(axis=1)]
    if len(Y) == 0:
        return 0.0
    if Y.shape[1] == 1:
        return float(r[0] - Y.min())
    return Boxes.of(Y[non_dominated(Y)], r).dominated_volume(r)


def contributions(Y: Array, r: Array) -> Array:
    """Return for each row of Y (n, m) the volume that would be lost without it, (n,); 0 for a dominated or repeated row.

    For m >= 3 it is the part of [y, r] that no other row dominates. Only the rows' projections into this box matter, and few of
    them are non-dominated (While, Bradstreet and Barone, "A fast way of calculating exact hypervolumes", 2012).
    """
    shares = np.zeros(len(Y))
    inside = np.flatnonzero((r > Y).all(axis=1))
    if len(inside) == 0:
        return shares
    points, row, counts = np.unique(Y[inside], axis=0, return_inverse=True, return_counts=True)
    front = non_dominated(points)
    if Y.shape[1] == 2 and front.all():  # a staircase: the steps between neighbors
        volumes = (np.append(points[1:, 0], r[0]) - points[:, 0]) * (np.append(r[1], points[:-1, 1]) - points[:, 1])
    else:
        volumes = np.array([_exclusive(points, i, r) if front[i] else 0.0 for i in range(len(points))])
    shares[inside] = np.where(counts == 1, volumes, 0.0)[row.reshape(-1)]
    return shares


def _exclusive(points: Array, i: int, r: Array) -> float:
    """Return the volume below r that only point i of distinct points dominates."""
    y = points[i]
    projected = np.maximum(np.delete(points, i, axis=0), y)
    return float((r - y).prod()) - hypervolume(projected, r)
