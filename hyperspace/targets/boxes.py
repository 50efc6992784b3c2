"""Boxes: a disjoint partition of the region below a reference point that a set of points does not dominate.

The region is the union of {y < u} over its corners u, the local upper bounds (Klamroth, Lacour and Vanderpooten, "On the
representation of the search region in multi-objective optimization", EJOR 2015). Each corner is defined by m points: point k has
the corner's coordinate k, and is below it in the others. Lacour, Klamroth and Fonseca, "A box decomposition algorithm to compute
the hypervolume indicator" (Computers & Operations Research 2017), assign a box to each corner. The boxes are disjoint:

    L_1 = -inf,   L_j = max over k < j of coordinate j of defining point k,   U = u.

Along the first axis, each line is dominated from the u_1 of one box to r_1. So the dominated region is the disjoint union of
boxes from u_1 to r_1 in the first goal and from L_j to u_j in the others. Their volumes add up to the hypervolume.

A new point replaces only the corners that it is below; that is one update of arrays. Ties are resolved as if a later point were
larger by an infinitesimal amount. This leaves boxes without volume, which is harmless.

There are n + 1 boxes for n points and m = 2, and at most 2 n + 1 for m = 3. For m = 4 they grow as n^2 at worst.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyperspace.typing import Array


@dataclass(frozen=True, eq=False)
class Boxes:
    """The partition; it does not change.

    Attributes:
        U: corners, (b, m).
        defining: their defining points, (b, m, m); [i, k] is point k of corner i. Reference coordinates have artificial points,
            -inf in the other coordinates.
    """

    U: Array
    defining: Array

    @classmethod
    def whole(cls, r: Array) -> Boxes:
        """Return the partition without points: one box below r (m,)."""
        defining = np.full((1, len(r), len(r)), -np.inf)
        defining[0, np.arange(len(r)), np.arange(len(r))] = r
        return cls(r[None].copy(), defining)

    @classmethod
    def of(cls, P: Array, r: Array) -> Boxes:
        """Return the partition for points P (n, m) below r (m,); points that are not below r have no effect."""
        P = P[(r > P).all(axis=1)]
        if len(r) == 2:
            return cls._of_pairs(P, r)
        boxes = cls.whole(r)
        for y in P:
            boxes = boxes.insert(y)
        return boxes

    @classmethod
    def _of_pairs(cls, P: Array, r: Array) -> Boxes:
        """Return the partition for m = 2: the corners of a staircase."""
        P = P[np.lexsort((P[:, 1], P[:, 0]))]
        if len(P):
            P = P[np.append(True, P[1:, 1] < np.minimum.accumulate(P[:-1, 1]))]
        # Corner i is between the points i - 1 and i: the first coordinate of the latter, the second of the former.
        right = np.concatenate([P, [[r[0], -np.inf]]])
        above = np.concatenate([[[-np.inf, r[1]]], P])
        return cls(np.stack([right[:, 0], above[:, 1]], axis=1), np.stack([right, above], axis=1))

    def insert(self, y: Array) -> Boxes:
        """Return the partition with one more point, (m,); this one itself if the point is dominated or not below r."""
        below = (y < self.U).all(axis=1)
        if not below.any():
            return self
        U, defining = self.U[below], self.defining[below]
        corners, points = [self.U[~below]], [self.defining[~below]]
        for j in range(len(y)):
            # y becomes the defining point j, unless another defining point is beyond it: that corner is redundant.
            within = defining[:, :, j] <= y[j]
            within[:, j] = True
            kept = within.all(axis=1)
            corner, point = U[kept], defining[kept]
            corner[:, j] = y[j]
            point[:, j] = y
            corners.append(corner)
            points.append(point)
        return Boxes(np.concatenate(corners), np.concatenate(points))

    @cached_property
    def L(self) -> Array:
        """Lower ends of the boxes, (b, m); -inf where a box has no lower end."""
        L = np.full(self.U.shape, -np.inf)
        for j in range(1, self.U.shape[1]):
            L[:, j] = self.defining[:, :j, j].max(axis=1)
        return L

    def dominated_volume(self, r: Array) -> float:
        """Return the volume of the region below r (m,) that the points dominate."""
        bounded = self.U[:, 0] < r[0]
        U, L = self.U[bounded], self.L[bounded]
        return float(((r[0] - U[:, 0]) * (U[:, 1:] - L[:, 1:]).prod(axis=1)).sum())
