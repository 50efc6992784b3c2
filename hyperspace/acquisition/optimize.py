"""Inner maximizer: the maximum of an acquisition in a box.

Candidates are evaluated together: a shifted Sobol set in the box, and perturbations of incumbents with several step sizes. The
search continues from the best few: with gradients in continuous coordinates, level by level in integers and categories, and with
shrinking random steps for models without gradients. If the box has few points, all of them are evaluated instead.

Notation:
    q, d   candidates, dimensions        U    points in the unit cube, on valid levels in integer and categorical dimensions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics.projected_bfgs import ascend
from hyperspace.numerics.sampling import sobol
from hyperspace.space.dimension import centers, levels_at
from hyperspace.space.space import Bounds, Space
from hyperspace.typing import Array

N_GLOBAL, N_LOCAL = 512, 256  # candidates over the box, and around the incumbents
N_STARTS = 4
N_ALONG, N_NEAR = 64, 9  # coordinates tried along an axis: over the whole box, and near the current one
MAX_EVALUATIONS = 20  # gradient evaluations in a local search
_STEPS = np.array([0.2, 0.05, 0.01, 0.002])  # step sizes around incumbents, in sides of the box
_MOVED = 20.0  # largest mean number of perturbed coordinates (Regis and Shoemaker 2013)
_MOST_LISTED = 2048  # largest number of points of a discrete box that are all evaluated
_MOST_WALKED = 20  # largest number of moves between levels
_MOST_CATEGORIES = 512  # largest number of categories of a dimension that are tried from one point
_STRIDE = 7919  # a prime; it gives neighboring categories different offsets within a stride
_ROUNDS, _PER_ROUND = 6, 64  # of the search without gradients
_N_SPREAD = 64  # candidates for the replacement of a point that is already taken
_SAME = 1e-9  # largest coordinate difference of equal points


class Criterion(Protocol):
    """Function to maximize."""

    @property
    def has_gradients(self) -> bool:
        """Whether `gradient` can be called."""
        ...

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        ...

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return values and gradients at X."""
        ...


class Box:
    """Part of the unit cube to search: its bounds, and the levels of its discrete dimensions.

    Args:
        space: the whole space.
        bounds: the box in its unit cube.
    """

    def __init__(self, space: Space, bounds: Bounds) -> None:
        self.space, self.bounds = space, bounds
        self.d = space.d
        self.lower, self.upper = bounds
        self.side = self.upper - self.lower
        self.discrete: NDArray[np.intp] = np.flatnonzero(space.levels > 0)
        self.continuous: NDArray[np.intp] = np.flatnonzero(space.levels == 0)
        fixed = self.side <= 0.0
        self.all_listed = not np.any(~fixed[self.continuous]) and self._count() <= _MOST_LISTED

    def _count(self) -> float:
        """Return an upper bound of the number of points in a discrete box, close to the true one."""
        return float(np.prod([self._levels_across(j) for j in self.discrete]))

    def _levels_across(self, j: int) -> float:
        dimension = self.space.dimensions[j]
        if dimension.even:
            return float(self.space.levels[j] * self.side[j]) + 1.0
        first, last = dimension.from_unit(np.array([self.lower[j], self.upper[j]]))
        return float(last - first) + 1.0

    def snap(self, U: Array) -> Array:
        """Return U moved into the box and onto valid levels."""
        U = np.clip(U, self.lower, self.upper)
        return self.space.snap(U) if len(self.discrete) else U

    def levels(self, j: int) -> Array:
        """Return the coordinates of all levels of dimension j in the box."""
        first, last = self._levels_around(j)
        return self._inside(j, self._coordinates(j, np.arange(first, last + 1)))

    def _levels_around(self, j: int) -> tuple[int, int]:
        """Return the first and the last level of dimension j that may be in the box, extended by one level on each side."""
        dimension, count = self.space.dimensions[j], int(self.space.levels[j])
        ends = np.array([self.lower[j], self.upper[j]])
        if dimension.even:
            first, last = levels_at(ends, count).tolist()
        else:
            first, last = (value - dimension.low for value in dimension.from_unit(ends))  # type: ignore[attr-defined]
        return max(first - 1, 0), min(last + 1, count - 1)

    def _coordinates(self, j: int, levels: NDArray[np.int64]) -> Array:
        """Return the coordinates of levels of dimension j, counted from 0."""
        dimension = self.space.dimensions[j]
        if dimension.even:
            return centers(levels.astype(float), int(self.space.levels[j]))
        return dimension.to_unit([dimension.low + level for level in levels.tolist()])  # type: ignore[attr-defined]

    def near_levels(self, j: int, u: float) -> Array:
        """Return coordinates of levels of dimension j in the box to try from u: categories, or integers 1, 2, 4, ... away.

        If there are very many categories, an even selection is tried. It depends on u.
        """
        dimension = self.space.dimensions[j]
        if self.space.categorical[j]:
            first, last = self._levels_around(j)
            stride = -(-(last - first + 1) // _MOST_CATEGORIES)
            if stride == 1:
                return self.levels(j)
            offset = int(levels_at(u, int(self.space.levels[j]))[0]) * _STRIDE % stride
            return self._inside(j, self._coordinates(j, np.arange(first + offset, last + 1, stride)))
        here = dimension.from_unit(np.array([u]))[0]
        steps = [sign * 2**k for k in range(int(self.space.levels[j]).bit_length()) for sign in (1, -1)]
        values = [here + step for step in steps if dimension.low <= here + step <= dimension.high]  # type: ignore[attr-defined]
        coordinates = dimension.to_unit(values)
        near: Array = coordinates[(coordinates >= self.lower[j] - _SAME) & (coordinates <= self.upper[j] + _SAME)]
        return near

    def _inside(self, j: int, coordinates: Array) -> Array:
        """Return the coordinates that are in the box in dimension j; if none is, the nearest to it."""
        distance = np.maximum(np.maximum(self.lower[j] - coordinates, coordinates - self.upper[j]), 0.0)
        inside: Array = coordinates[distance <= max(_SAME, float(distance.min()))]
        return inside

    @property
    def listed(self) -> Array:
        """All points of a discrete box, (q, d)."""
        axes = [self.levels(j) if self.space.levels[j] else self.lower[[j]] for j in range(self.d)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, self.d)

    def spread(self, n: int, rng: np.random.Generator) -> Array:
        """Return n points spread over the box: a randomly shifted Sobol set (Cranley and Patterson 1976)."""
        return self.snap(self.lower + self.side * ((_base(n, self.d) + rng.random(self.d)) % 1.0))

    def move(self, centers: Array, n: int, rng: np.random.Generator, steps: Array = _STEPS) -> Array:
        """Return n points near `centers` (k, d): some coordinates with normal steps, some levels redrawn."""
        U = centers[np.arange(n) % len(centers)]
        sizes = steps[(np.arange(n) // len(centers)) % len(steps)]
        chosen = rng.random((n, self.d)) < min(1.0, _MOVED / self.d)
        chosen[np.arange(n), rng.integers(self.d, size=n)] = True
        moved = U + rng.standard_normal((n, self.d)) * sizes[:, None] * self.side
        if len(self.discrete):
            anew = rng.random((n, len(self.discrete))) < min(1.0, 1.5 / len(self.discrete))
            drawn = self.lower[self.discrete] + self.side[self.discrete] * rng.random(anew.shape)
            moved[:, self.discrete] = np.where(anew, drawn, U[:, self.discrete])
            chosen[:, self.discrete] |= anew
        # Reflect at the bounds: clipping would move half of the points near a face onto it.
        moved = self.lower + np.abs(moved - self.lower)
        moved = self.upper - np.abs(self.upper - moved)
        return self.snap(np.where(chosen, moved, U))


@lru_cache(maxsize=8)
def _base(n: int, d: int) -> Array:
    return sobol(n, d, np.random.default_rng(0))


def candidates(box: Box, incumbents: Array, rng: np.random.Generator, n_global: int = N_GLOBAL, n_local: int = N_LOCAL) -> Array:
    """Return candidates, (q, d): all points of a small discrete box, else points over the box and around `incumbents`."""
    if box.all_listed:
        return box.listed
    if len(incumbents) == 0:
        return box.spread(n_global, rng)
    return np.concatenate([box.spread(n_global, rng), box.move(incumbents, n_local, rng)])


def maximize(
    criterion: Criterion, box: Box, U: Array, rng: np.random.Generator, scales: Array | None = None
) -> tuple[Array, Array]:
    """Return points sorted by value, best first, and their values: results of the search and the candidates.

    Args:
        criterion: function to maximize.
        box: the box to search.
        U: candidates, (q, d).
        rng: generator of the search without gradients.
        scales: typical lengths of the coordinates, (d,), such as a model's lengthscales.
    """
    values = criterion(U)
    if not box.all_listed:
        starts = _starts(U, values, box)
        reached, reached_values = _search(criterion, box, U[starts], values[starts], rng, scales)
        U, values = np.concatenate([reached, U]), np.concatenate([reached_values, values])
    order = np.argsort(-values, kind="stable")
    return U[order], values[order]


def search_axes(
    criterion: Criterion, box: Box, u: Array, rng: np.random.Generator, rounds: int = 1, n_along: int = N_ALONG
) -> Array:
    """Return points (rounds, d), each with the best coordinate along every axis through the point before it; u (d,) is the first.

    For a sum of one-dimensional functions, the first point is the maximum over a lattice of `n_along` points per dimension. A
    second round corrects for interactions.
    """
    points = []
    for _ in range(rounds):
        axes = [_along(box, j, u, n_along, rng) for j in range(box.d)]
        U = np.repeat(u[None], 1 + sum(map(len, axes)), axis=0)
        ends = np.cumsum([1, *map(len, axes)])
        for j, axis in enumerate(axes):
            U[ends[j] : ends[j + 1], j] = axis
        values = criterion(U)
        u = np.array([axis[int(np.argmax(values[ends[j] : ends[j + 1]]))] for j, axis in enumerate(axes)])
        points.append(u)
    return np.array(points)


def _along(box: Box, j: int, u: Array, n: int, rng: np.random.Generator) -> Array:
    """Return coordinates in dimension j to try: a lattice, that of u, and near it; in a discrete dimension the levels near u."""
    if box.space.levels[j]:
        return np.append(box.near_levels(j, float(u[j])), u[j])
    lattice = (np.arange(n) + rng.random()) / n
    near = u[j] + box.side[j] / n * np.linspace(-1.0, 1.0, N_NEAR)
    coordinates = np.concatenate([box.lower[j] + box.side[j] * lattice, near])
    return np.asarray(np.clip(coordinates, box.lower[j], box.upper[j]))


def _starts(U: Array, values: Array, box: Box) -> list[int]:
    """Return the best candidates that are separated by more than a hundredth of the box, at most N_STARTS."""
    side = np.where(box.side > 0.0, box.side, 1.0)
    chosen: list[int] = []
    for index in np.argsort(-values, kind="stable")[: 16 * N_STARTS]:
        if not np.isfinite(values[index]):
            continue
        if all(np.abs((U[index] - U[other]) / side).max() > 0.01 for other in chosen):
            chosen.append(int(index))
        if len(chosen) == N_STARTS:
            break
    return chosen or [0]


def _search(
    criterion: Criterion, box: Box, U: Array, values: Array, rng: np.random.Generator, scales: Array | None
) -> tuple[Array, Array]:
    if not criterion.has_gradients:
        return _random_search(criterion, box, U, values, rng)
    if len(box.continuous):
        U, values = gradient_search(criterion, box, U, scales)
    if len(box.discrete):
        best = int(np.argmax(values))
        U, values = U.copy(), values.copy()
        U[best], values[best] = _walk_levels(criterion, box, U[best], float(values[best]))
        if len(box.continuous):
            climbed, climbed_values = gradient_search(criterion, box, U[[best]], scales)
            U[best], values[best] = climbed[0], climbed_values[0]
    return U, values


def gradient_search(criterion: Criterion, box: Box, U: Array, scales: Array | None) -> tuple[Array, Array]:
    """Search from each of U (k, d) along gradients in the continuous coordinates; return the points reached and their values."""
    scales = np.minimum(scales, box.side) if scales is not None else box.side
    scales = np.where(scales > 0.0, scales, 1.0)
    if len(box.discrete) == 0:
        return ascend(criterion.gradient, U, box.lower, box.upper, scales, MAX_EVALUATIONS)

    def gradient(X: Array) -> tuple[Array, Array]:
        values, gradients = criterion.gradient(X)
        gradients = gradients.copy()
        gradients[:, box.discrete] = 0.0  # so that these coordinates do not change
        return values, gradients

    reached, values = ascend(gradient, U, box.lower, box.upper, scales, MAX_EVALUATIONS)
    reached[:, box.discrete] = U[:, box.discrete]  # without the rounding errors of scaling
    return reached, values


def _walk_levels(criterion: Criterion, box: Box, u: Array, value: float) -> tuple[Array, float]:
    """Move to the best point that differs in one discrete coordinate, until none is better."""
    for _ in range(_MOST_WALKED):
        neighbors = np.concatenate(list(_neighbors(box, u)))
        if not len(neighbors):
            break
        values = criterion(neighbors)
        best = int(np.argmax(values))
        if not values[best] > value:
            break
        u, value = neighbors[best], float(values[best])
    return u, value


def _neighbors(box: Box, u: Array) -> Iterator[Array]:
    """Yield points that differ from u in one discrete coordinate."""
    for j in box.discrete:
        levels = box.near_levels(int(j), float(u[j]))
        points = np.repeat(u[None], len(levels), axis=0)
        points[:, j] = levels
        yield points


def _random_search(criterion: Criterion, box: Box, U: Array, values: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Improve by random moves of shrinking size. Forests are piecewise constant, and users' models may have no gradients."""
    for r in range(_ROUNDS):
        moved = box.move(U, _PER_ROUND * len(U), rng, steps=np.array([0.1, 0.03]) * 0.5**r)
        U, values = np.concatenate([U, moved]), np.concatenate([values, criterion(moved)])
        best = np.argsort(-values, kind="stable")[:N_STARTS]
        U, values = U[best], values[best]
    return U, values


def first_new(U: Array, taken: Array) -> int | None:
    """Return the index of the first row of U (q, d) that is not in `taken` (n, d); None if all are."""
    for index, u in enumerate(U):
        if not is_taken(u, taken):
            return index
    return None


def is_taken(u: Array, taken: Array) -> bool:
    """Return whether the point u (d,) is in `taken` (n, d)."""
    return bool(len(taken)) and bool((np.abs(taken - u) < _SAME).all(axis=1).any())


def unless_taken(box: Box, u: Array, taken: Array, rng: np.random.Generator) -> Array:
    """Return u (d,), or another point of the box if u is in `taken` (n, d)."""
    return choose_new(box, box.spread(_N_SPREAD, rng), lambda U: np.zeros(len(U)), taken, rng) if is_taken(u, taken) else u


def choose_new(box: Box, U: Array, values: Callable[[Array], Array], taken: Array, rng: np.random.Generator) -> Array:
    """Return the first point of U (best first) that is not in `taken` (n, d).

    If all are taken (a discrete box), return the best of the remaining points. If none remains, return the best of those that
    were evaluated least often.
    """
    index = first_new(U, taken)
    if index is not None:
        return np.asarray(U[index])
    others = box.listed if box.all_listed else box.move(U[:1], 1024, rng, steps=np.array([1.0]))
    counts = np.array([(np.abs(taken - u) < _SAME).all(axis=1).sum() for u in others])
    others = others[counts == counts.min()]
    return np.asarray(others[int(np.argmax(values(others)))])
