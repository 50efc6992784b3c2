"""Grid search: all combinations of evenly spaced values. The drives of a subspace take them in turn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.system.arguments import check_names
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


@check_names()
@dataclass(frozen=True, kw_only=True)
class GRID:
    """Grid search with its option, to be passed as `model=`.

    Attributes:
        points: number of values of a continuous dimension, including its ends. A dimension with fewer levels uses all of them,
            one with more uses this many. After the last combination the grid is refined to twice as many intervals.
    """

    name: ClassVar[str] = "GRID"

    points: int = 5

    def __post_init__(self) -> None:
        if not isinstance(self.points, int) or self.points < 2:
            raise InputError(f"a grid needs at least 2 points a dimension, got {shown(self.points)}")

    @property
    def label(self) -> str:
        """The name, and the option if it differs from its default."""
        return self.name if self.points == GRID.points else f"{self.name}(points={self.points})"

    def size(self, space: Space) -> int:
        """Return the number of combinations in a space."""
        return math.prod(len(values) for values in axes(space.levels.tolist(), self.points))

    def optimizer(self, space: Space, subspace: Subspace, design: Design, seed: int, team: int | None = None) -> AskTell:
        """Return the optimizer that walks this grid in a subspace."""
        return GridOptimizer(space, subspace, self.points, design.member, design.team)


class GridOptimizer(AskTell):
    """Optimizer that takes every team-th combination of a grid, starting with number `member`, in a scattered order.

    Args:
        space: the whole space.
        subspace: the subspace to search.
        points: number of values of a continuous dimension.
        member, team: index of this drive among those of its subspace, and their number.
    """

    def __init__(self, space: Space, subspace: Subspace, points: int, member: int, team: int) -> None:
        self._space, self._subspace = space, subspace
        self._walk = itertools.islice(_walk(subspace.space.levels.tolist(), points), member, None, team)

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next combination. After the last one, return random combinations of the whole box."""
        place = next(self._walk, None)
        box = key.rng().random(self._space.d) if place is None else np.array(place)
        lower, upper = self._subspace.bounds
        u = self._space.snap((lower + (upper - lower) * box)[None])[0]
        return Suggestion(u, "random" if place is None else "grid")

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Ignore the trials."""


def axes(levels: Sequence[int], points: int) -> list[list[float]]:
    """Return the values along each dimension of the unit box, given its number of levels (0: continuous).

    The value of a level is the middle of its interval. Of more than `points` levels, those nearest to an even spacing are used.
    """
    spread = np.linspace(0.0, 1.0, points)
    kept: list[list[float]] = []
    for n in levels:
        if n > 0:
            chosen = np.arange(n) if n <= points else np.unique(np.rint(spread * (n - 1)))
            kept.append(((chosen + 0.5) / n).tolist())
        else:
            kept.append(spread.tolist())
    return kept


def _walk(levels: Sequence[int], points: int) -> Iterator[tuple[float, ...]]:
    """Yield the combinations of a grid, then those of each refinement, until every level has been used."""
    earlier: list[set[float]] = []
    while True:
        values = axes(levels, points)
        for place in _scattered(values):
            if not earlier or any(value not in before for value, before in zip(place, earlier, strict=True)):
                yield place
        if all(0 < n <= points for n in levels):
            return
        earlier = [set(axis) | before for axis, before in zip(values, earlier or [set()] * len(values), strict=True)]
        points = 2 * points - 1


def _scattered(values: Sequence[Sequence[float]]) -> Iterator[tuple[float, ...]]:
    """Yield all combinations once, each far from the one before, so that a short budget covers all parts.

    A step that is coprime to their number visits all of them. A step near the golden section spreads them.
    """
    total = math.prod(len(axis) for axis in values)
    step = max(1, total * 618034 // 1000000)
    while math.gcd(step, total) > 1:
        step += 1
    number = 0
    for _ in range(total):
        rest, place = number, []
        for axis in values:
            rest, k = divmod(rest, len(axis))
            place.append(axis[k])
        yield tuple(place)
        number = (number + step) % total
