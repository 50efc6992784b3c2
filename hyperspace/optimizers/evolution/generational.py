"""Generational algorithms as ask-and-tell optimizers: evolution strategies, swarms and genetic algorithms.

An algorithm's points are mapped from its unit box to the subspace, and integers and categories to their levels. So an algorithm
does not need bounds and types. Its individual is the point before the rounding, as is usual for evolution with integers: small
steps can add up.

`ask` returns the members of the current generation one by one. The next generation starts after all of them are told. An `ask`
before that returns an immigrant: a uniform point of the box, which the algorithm does not learn from. A member whose point is
already recorded, by any drive, is not evaluated again: the objective is assumed to be noise-free. A failed evaluation has the
loss `FAILED`, worse than any other.

Given points are members of the first generation, up to half of it. So are the user's first points (x0 without y0), as far as
there is room. Their evaluation is not decided here: `ask` does not return them.

The state follows from the questions and the trials told, and is restored by repeating both. Random numbers come from the drive's
seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence

import numpy as np

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

FAILED = 1e100  # loss of a failed trial; finite, since the libraries subtract losses
STALE = 10  # generations in a row without a new point, after which an immigrant is returned
SAME = 1e-9  # largest distance of equal points: a told point was converted to the user's scale and back

Generations = Generator[Array, Array, None]


class Generational(AskTell):
    """Generational algorithm, asked and told one point at a time.

    Args:
        arm: name of its suggestions.
        begin: returns the algorithm, given the given points, (n, d) in the unit box, best first.
        space: the whole space.
        subspace: the subspace to search.
        wanted: points of the space that other code evaluates before the first question, (d,) each.
    """

    def __init__(
        self,
        arm: str,
        begin: Callable[[Array], Generations],
        space: Space,
        subspace: Subspace,
        wanted: Sequence[Array] = (),
    ) -> None:
        self._arm, self._begin = arm, begin
        self._space, self._bounds = space, subspace.bounds
        levels = subspace.space.levels
        self._n_points = math.prod(levels.tolist()) if (levels > 0).all() else math.inf
        self._known: dict[bytes, float] = {}
        self._given: list[tuple[float, Array]] = []
        self._generations: Generations | None = None
        self._turn = 0
        self._wanted = {point_key(u) for u in self._back(np.array(wanted).reshape(-1, space.d))}
        self._take(np.empty((0, space.d)))

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next member of the generation, or an immigrant if all others are pending. Pending points are its own."""
        member = self._hand_out()
        if member is None:
            return Suggestion(self._to_space(key.rng().random((1, self._space.d)))[0], "random")
        return Suggestion(self._points[member], self._arm)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Return the next member again. The recorded point replaces it if it differs (other library versions, another CPU)."""
        member = self._hand_out()
        if member is not None:
            self._points[member] = u

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials; those of other drives count if they coincide with a point of the generation."""
        for trial, u, loss, inside in zip(trials, U, y, self._bounds.contains(U), strict=True):
            value = float(np.clip(loss, -FAILED, FAILED)) if np.isfinite(loss) else FAILED
            if inside and (np.isfinite(loss) or trial.teaches_failure):
                self._known[point_key(u)] = value
                if trial.origin == "given":
                    self._given.append((value, u))
            self._losses[(np.abs(self._points - u).max(axis=1) < SAME) & np.isnan(self._losses)] = value

    def _hand_out(self) -> int | None:
        """Return the next member to evaluate; None if it waits for results or has no new point."""
        for _ in range(STALE if len(self._known) < self._n_points else 0):
            while self._turn < len(self._points):
                member = self._turn
                self._turn += 1
                twin = (self._points[:member] == self._points[member]).all(axis=1).any()
                if np.isnan(self._losses[member]) and not twin and point_key(self._points[member]) not in self._wanted:
                    return member
            if np.isnan(self._losses).any():
                return None
            self._take(self._next_generation())
        return None

    def _next_generation(self) -> Array:
        if self._generations is not None:
            return self._generations.send(self._losses)
        lower, upper = self._bounds
        given = [(u - lower) / (upper - lower) for _, u in sorted(self._given, key=lambda pair: pair[0])]
        self._generations = self._begin(np.array(given).reshape(-1, self._space.d))
        return next(self._generations)

    def _take(self, generation: Array) -> None:
        self._points = self._to_space(generation)
        self._losses = np.array([self._known.get(point_key(u), np.nan) for u in self._points])
        self._turn = 0

    def _to_space(self, box: Array) -> Array:
        """Return points of the unit box (n, d) in the cube of the space, on levels, after a round trip to the user's scale."""
        lower, upper = self._bounds
        return self._back(self._space.snap(lower + (upper - lower) * np.clip(box, 0.0, 1.0)))

    def _back(self, U: Array) -> Array:
        """Return points of the cube (n, d) after a round trip to the user's scale."""
        return self._space.to_unit(self._space.from_unit(U))


def point_key(u: Array) -> bytes:
    """Return a key of a point, independent of the rounding errors of a round trip to the user's scale."""
    return (np.round(u, 9) + 0.0).tobytes()  # the sum has no negative zero
