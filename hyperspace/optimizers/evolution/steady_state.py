"""Steady-state populations: each drive has its own population, which is told the evaluations of all drives without waiting.

The algorithm is told as many evaluations as a generation has members, in the order in which they become known. They replace the
members, whatever drive or arm they come from. So no evaluation is lost, and no drive waits. If all drives take turns, this is
the generation in which each drive has proposed its own member. A drive that asks again before the generation is complete gets
the next member.

Each drive's algorithm has its own random numbers, so that no two drives propose the same point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.optimizers.evolution.generational import FAILED, SAME, STALE, Generations, point_key
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class SteadyState(AskTell):
    """One drive's replica of a generational algorithm, which is told the evaluations of the whole team.

    Args:
        arm: name of its suggestions.
        begin: returns the algorithm, given the given points, (n, d) in the unit box, best first.
        space: the whole space.
        subspace: the subspace to search.
        member: index of this drive in the team, which is the index of its first question in each generation.
    """

    def __init__(self, arm: str, begin: Callable[[Array], Generations], space: Space, subspace: Subspace, member: int) -> None:
        self._arm, self._begin, self._member = arm, begin, member
        self._space, self._bounds = space, subspace.bounds
        levels = subspace.space.levels
        self._n_points = math.prod(levels.tolist()) if (levels > 0).all() else math.inf
        self._given: list[tuple[float, Array]] = []
        self._known: set[bytes] = set()
        self._untold: list[tuple[int, Array, float]] = []  # drive, point in the box and loss of evaluations not told yet
        self._generations: Generations | None = None
        self._generation = np.empty((0, space.d))
        self._taken = 0

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next member whose point is neither recorded nor pending; a uniform point if there is none."""
        u = self._hand_out(pending)
        if u is None:
            return Suggestion(self._to_space(key.rng().random((1, self._space.d)))[0], "random")
        return Suggestion(u, self._arm)

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials of any drive."""
        lower, upper = self._bounds
        for trial, u, loss, inside in zip(trials, U, y, self._bounds.contains(U), strict=True):
            if not inside or not (np.isfinite(loss) or trial.teaches_failure):
                continue
            value = float(np.clip(loss, -FAILED, FAILED)) if np.isfinite(loss) else FAILED
            self._known.add(point_key(u))
            box = np.clip((u - lower) / (upper - lower), 0.0, 1.0)
            if trial.origin == "given":
                self._given.append((value, box))
            else:
                self._untold.append((trial.drive, box, value))

    def _hand_out(self, pending: Array) -> Array | None:
        if self._generations is None:
            given = [box for _, box in sorted(self._given, key=lambda pair: pair[0])]
            self._generations = self._begin(np.array(given).reshape(-1, self._space.d))
            self._generation = next(self._generations)
        for _ in range(STALE if len(self._known) < self._n_points else 0):
            while 0 < len(self._generation) <= len(self._untold):
                self._advance(len(self._generation))
            size = len(self._generation)
            points = self._to_space(self._generation)
            while self._taken < size:
                u = points[(self._member + self._taken) % size]
                self._taken += 1
                if point_key(u) not in self._known and not (np.abs(pending - u).max(axis=1) < SAME).any():
                    return np.asarray(u)
            if size:
                return None
            self._advance(0)
        return None

    def _advance(self, size: int) -> None:
        """Tell the algorithm as many evaluations as its generation has members, and request its next generation."""
        assert self._generations is not None
        told, self._untold = self._untold[:size], self._untold[size:]
        places: list[tuple[Array, float] | None] = [None] * size
        rest = []
        for drive, box, loss in told:  # the position matters for algorithms that compare child and parent
            place = drive % size
            if places[place] is None:
                places[place] = box, loss
            else:
                rest.append((box, loss))
        filled = [own if own is not None else rest.pop(0) for own in places]
        losses = np.array([loss for _, loss in filled])
        for i, (box, _) in enumerate(filled):
            self._generation[i] = box
        self._generation = self._generations.send(losses)
        self._taken = 0

    def _to_space(self, box: Array) -> Array:
        lower, upper = self._bounds
        U = self._space.snap(lower + (upper - lower) * np.clip(box, 0.0, 1.0))
        return self._space.to_unit(self._space.from_unit(U))
