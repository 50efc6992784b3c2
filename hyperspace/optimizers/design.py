"""Initial design: points spread over a subspace, the same in any process.

The drives of a subspace share one sequence and take its points in turn, so that together they cover the subspace evenly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.numerics import random_streams
from hyperspace.numerics.sampling import SAMPLERS, sobol
from hyperspace.space.space import Bounds, Space
from hyperspace.space.values import is_one_of
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

_MOST_POINTS = 1 << 22  # largest number of design points of a subspace, which are made at once


class Design:
    """Sequence of points in a box.

    Args:
        sampler: "sobol" (scrambled), "lhs" (Latin hypercube) or "random".
        n_points: number of points of each drive.
        bounds: the box in the unit cube of the space.
        space: the whole space.
        seed: entropy of the study.
        subspace: number of the subspace; with `seed` the key of the random stream.
        member: index of this drive among those of its subspace.
        team: number of drives of the subspace.

    Attributes:
        first: points that the user wants evaluated first, (d,) each. They are not points of the design; an algorithm with an
            initial population includes them in it.

    Raises:
        InputError: an unknown sampler, fewer than one point, or too many points.
    """

    def __init__(
        self,
        sampler: str,
        n_points: int,
        bounds: Bounds,
        space: Space,
        *,
        seed: int = 0,
        subspace: int = 0,
        member: int = 0,
        team: int = 1,
    ) -> None:
        if not is_one_of(sampler, SAMPLERS):
            raise InputError(f"sampler must be one of {', '.join(SAMPLERS)}, got {shown(sampler)}")
        if n_points < 1:
            raise InputError(f"n_samples must be at least 1, got {shown(n_points)}")
        if n_points * team > _MOST_POINTS:
            raise InputError(
                f"n_samples may make at most {_MOST_POINTS} points of the initial design in a subspace, "
                f"got {shown(n_points)} for each of {team} drives"
            )
        self.sampler, self.n_points = sampler, n_points
        self._bounds, self._space = bounds, space
        self._seed, self._subspace = seed, _words(subspace)
        self.member, self.team = member, team
        self.first: Sequence[Array] = ()
        self._block: Array | None = None

    def point(self, i: int) -> Array:
        """Return the i-th point (d,), on a valid level in integer and categorical dimensions. The sequence is unlimited."""
        row = i * self.team + self.member
        if i < self.n_points:
            u = self._points()[row]
        elif self.sampler == "sobol":
            u = sobol(1, self._space.d, self._rng(), skip=row)[0]
        else:
            u = self._rng(row).random(self._space.d)
        lower, upper = self._bounds
        return np.asarray(self._space.snap((lower + (upper - lower) * u)[None])[0])

    def is_due(self, i: int, given: int = 0) -> bool:
        """Return whether point i belongs to the design, given the number of known given points.

        They replace the last points of all members alike. So in a round either all members use the design or none does. A
        member that asks a model must know the points of the others.
        """
        return i < self.n_points - given // self.team

    @property
    def key(self) -> tuple[int, ...]:
        """Key of this drive's design, for its random streams."""
        return (*self._subspace, self.member)

    def _points(self) -> Array:
        if self._block is None:
            self._block = SAMPLERS[self.sampler](self.n_points * self.team, self._space.d, self._rng())
        return self._block

    def _rng(self, *more: int) -> np.random.Generator:
        return random_streams.stream(self._seed, random_streams.DESIGN, *self._subspace, *more)


class GivenPoints:
    """Count of distinct given points that have a value."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self._seen)

    def tell(self, trials: Sequence[Trial], U: Array, usable: NDArray[np.bool_]) -> None:
        """Process finished trials at U (k, d); given and usable ones (k,) count."""
        self._seen |= {
            np.round(u, 9).tobytes() for trial, u, ok in zip(trials, U, usable, strict=True) if ok and trial.origin == "given"
        }


def _words(index: int) -> list[int]:
    """Return a subspace's number, which may need 100 bits, as words of 32 bits, preceded by their count."""
    words = [index & 0xFFFFFFFF]
    while index := index >> 32:
        words.append(index & 0xFFFFFFFF)
    return [len(words), *words]
