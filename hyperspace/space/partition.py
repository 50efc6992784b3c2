"""Partition of a space into 2^k overlapping subspaces, the HyperSpace method.

Each of k dimensions is split into two halves with a share (1 + overlap) / 2, in its own scale. A subspace has one half of each.

    index    subspace 0 to 2^k - 1; bit j selects the half of the j-th split dimension, 0 the lower and 1 the upper
    D        dimensions of the space; k of them are split

Source: Young et al., "HyperSpace: Distributed Bayesian Hyperparameter Optimization", SBAC-PAD 2018, section III.
"""

from __future__ import annotations

import numbers
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.space.dimension import ROUNDING
from hyperspace.space.space import Bounds, Space
from hyperspace.space.values import is_number


@dataclass(frozen=True, slots=True, eq=False)
class Subspace:
    """Box of the partition.

    Attributes:
        index: its number in the partition.
        bounds: its bounds in the unit cube of the whole space.
        space: a Space of its own, with the names, roles and constants of the whole.
    """

    index: int
    bounds: Bounds
    space: Space


class Partition:
    """Overlapping subspaces of a space, created on request: there may be 2^100 of them.

    The first splittable dimensions are split. A dimension with a single value cannot be split, nor one that the caller sets (role
    "environment"). These are whole in every subspace. An integer or a category belongs to every half that contains its
    coordinate. So the halves cover all values, and none is empty.

    Args:
        space: the whole space.
        n_subspaces: a power of two; None for 2^k, where k is the number of splittable dimensions.
        overlap: phi in [0, 1], the share of a dimension that belongs to both halves.

    Attributes:
        split: indices of the split dimensions, in order.
        n_subspaces: 2^k; also len(), if it fits a machine word.

    Raises:
        InputError: overlap outside [0, 1], or n_subspaces that is not a power of two or more than 2^k.
    """

    def __init__(self, space: Space, n_subspaces: int | None = None, overlap: float = 0.25) -> None:
        if not is_number(overlap) or not 0 <= overlap <= 1:
            raise InputError(f"overlap must be a number from 0 to 1, got {shown(overlap)}")
        splittable = np.flatnonzero((space.levels != 1) & ~space.environment).tolist()
        self.space = space
        self.overlap = float(overlap)
        self.split: tuple[int, ...] = tuple(splittable[: _n_splits(n_subspaces, len(splittable))])
        self.n_subspaces = 1 << len(self.split)
        size = (1 + self.overlap) / 2
        self._halves = {
            j: (space.dimensions[j].restrict(0.0, size), space.dimensions[j].restrict(1 - size, 1.0)) for j in self.split
        }

    def __len__(self) -> int:
        """Return the number of subspaces; OverflowError from 2^63 on, where `n_subspaces` is still available."""
        return self.n_subspaces

    def __getitem__(self, index: SupportsIndex) -> Subspace:
        """Return the subspace with this index, from 0."""
        index = operator.index(index)
        if not 0 <= index < self.n_subspaces:
            raise IndexError(f"subspaces are numbered from 0 to {self.n_subspaces - 1}, got {index}")
        dimensions, bounds = list(self.space.dimensions), Bounds.whole(self.space.d)
        for bit, j in enumerate(self.split):
            dimensions[j], bounds.lower[j], bounds.upper[j] = self._halves[j][index >> bit & 1]
        return Subspace(index, bounds, self.space.with_dimensions(dimensions))

    def __iter__(self) -> Iterator[Subspace]:
        """Yield all subspaces in order."""
        index = 0
        while index < self.n_subspaces:
            yield self[index]
            index += 1

    def neighbors(self, index: SupportsIndex) -> list[int]:
        """Return the subspaces that differ from this one in one half, in the order of `split`."""
        return [operator.index(index) ^ (1 << bit) for bit in range(len(self.split))]

    def holding(self, u: NDArray[np.float64], most: int = 4) -> tuple[list[int], int]:
        """Return the first `most` subspaces that contain a point u (d,) of the unit cube, and the number of all of them.

        Boxes overlap, so several may contain a point.
        """
        found, count = [0], 1
        for bit, j in enumerate(self.split):
            ends = [(lower - ROUNDING, upper + ROUNDING) for _, lower, upper in self._halves[j]]
            halves = [half for half, (lower, upper) in enumerate(ends) if lower <= u[j] <= upper]
            count *= len(halves)
            found = [index | half << bit for half in halves for index in found][:most]
        return found, count


def _n_splits(n_subspaces: Any, n_splittable: int) -> int:
    """Return log2 of n_subspaces."""
    if n_subspaces is None:
        return n_splittable
    integral = isinstance(n_subspaces, numbers.Integral) and not isinstance(n_subspaces, bool)
    if not integral or n_subspaces < 1 or int(n_subspaces).bit_count() != 1:
        raise InputError(f"n_subspaces must be a power of two (1, 2, 4, ...), got {shown(n_subspaces)}")
    if n_subspaces > 2**n_splittable:
        raise InputError(
            f"n_subspaces must be at most 2^{n_splittable}, for {n_splittable} dimensions that can be split, "
            f"got {shown(n_subspaces)}"
        )
    return int(n_subspaces).bit_length() - 1
