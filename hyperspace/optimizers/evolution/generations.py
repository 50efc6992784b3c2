"""Generational algorithms as ask/tell: evolution strategies, swarms and genetic algorithms.

An algorithm's points are mapped from its unit box onto the subspace; integers and categories move to their levels, so that an
algorithm needs no knowledge of bounds and types. It keeps the point before that move as its individual, as is usual for evolution
with integers: small steps can add up.

`ask` hands out the members of the current generation one by one, and the next generation begins when all of them are told.
If `ask` comes before that (several questions under way), the answer is an immigrant: a uniform point of the box, of which the
algorithm learns nothing. A member whose point is on record already, from whatever drive, is not evaluated again: the
objective is taken as free of noise. A failed evaluation counts as `FAILED`, worse than every loss.

Points that were given with the study are members of the first generation, half of it at most. So are those that the user wants
evaluated first (x0 without y0), all that have room; who evaluates them is not decided here, and they are not handed out.

The state is a fold over what was asked and told, rebuilt by doing both again; random numbers come from a seed of the drive's.
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

FAILED = 1e100  # the loss of a failed trial; finite, since the libraries take differences of losses
STALE = 10  # generations in a row without a new point, after which an immigrant is sent
SAME = 1e-9  # points nearer than this are one: told points went through the user's scale and back

Generations = Generator[Array, Array, None]


class Generational(AskTell):
    """A generational algorithm, asked and told one point at a time.

    Args:
        arm: what its suggestions are called.
        begin: returns the algorithm, which begins with the points that were given, (n, d) in the unit box, best first.
        space: the whole space.
        subspace: the part of it to search.
        wanted: points of the space that others evaluate before it is asked, (d,) each.
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
        self._wanted = {name_point(u) for u in self._back(np.array(wanted).reshape(-1, space.d))}
        self._take(np.empty((0, space.d)))

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next member of the generation; while the others are under way, an immigrant. Pending points are its own."""
        member = self._hand_out()
        if member is None:
            return Suggestion(self._to_space(key.rng().random((1, self._space.d)))[0], "random")
        return Suggestion(self._points[member], self._arm)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Hand out the next member again; the point on record stands for it, should it differ (other libraries, another CPU)."""
        member = self._hand_out()
        if member is not None:
            self._points[member] = u

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Take up finished trials; those of others count where they lie on a point of the generation."""
        for trial, u, loss, inside in zip(trials, U, y, self._bounds.contains(U), strict=True):
            value = float(np.clip(loss, -FAILED, FAILED)) if np.isfinite(loss) else FAILED
            if inside and (np.isfinite(loss) or trial.teaches_failure):
                self._known[name_point(u)] = value
                if trial.origin == "given":
                    self._given.append((value, u))
            self._losses[(np.abs(self._points - u).max(axis=1) < SAME) & np.isnan(self._losses)] = value

    def _hand_out(self) -> int | None:
        """Return the next member to evaluate; None while it waits for those handed out, or has nothing new."""
        for _ in range(STALE if len(self._known) < self._n_points else 0):
            while self._turn < len(self._points):
                member = self._turn
                self._turn += 1
                twin = (self._points[:member] == self._points[member]).all(axis=1).any()
                if np.isnan(self._losses[member]) and not twin and name_point(self._points[member]) not in self._wanted:
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
        self._losses = np.array([self._known.get(name_point(u), np.nan) for u in self._points])
        self._turn = 0

    def _to_space(self, box: Array) -> Array:
        """Return points of the unit box (n, d) in the cube of the space, on levels, as they come back from the user's scale."""
        lower, upper = self._bounds
        return self._back(self._space.snap(lower + (upper - lower) * np.clip(box, 0.0, 1.0)))

    def _back(self, U: Array) -> Array:
        """Return points of the cube (n, d) as they come back from the user's scale."""
        return self._space.to_unit(self._space.from_unit(U))


def name_point(u: Array) -> bytes:
    """Return what tells points apart, with the rounding errors of a way through the user's scale left out."""
    return (np.round(u, 9) + 0.0).tobytes()  # the sum has no negative zero
