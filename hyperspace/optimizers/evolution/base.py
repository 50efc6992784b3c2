"""Base of the evolutionary algorithms: name, options, and the generator of generations.

An algorithm is a generator: it yields a generation of points and receives their losses. It works in its own unit box, continuous
in every coordinate. `hyperspace.optimizers.evolution.generational` turns it into an ask-and-tell optimizer, and
`hyperspace.optimizers.evolution.steady_state` into one that does not wait for the end of a generation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from hyperspace.errors import InputError, how_to_install, shown
from hyperspace.optimizers.base import AskTell
from hyperspace.optimizers.design import Design
from hyperspace.optimizers.evolution.generational import Generational, Generations
from hyperspace.optimizers.evolution.steady_state import SteadyState
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.typing import Array


@dataclass(frozen=True, slots=True)
class Setting:
    """Description of the problem for an algorithm.

    Attributes:
        start: the first generation, (population, d), in the unit box: the best given points, then the initial design.
        given: number of given points in `start`.
        levels: (d,) ints, number of levels of each dimension; 0 if it is continuous.
        seed: 32 bits for the algorithm's random numbers.
    """

    start: Array
    levels: Array
    seed: int
    given: int = 0

    @property
    def population(self) -> int:
        """Size of a generation."""
        return len(self.start)

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return int(self.start.shape[1])

    @property
    def rng(self) -> np.random.Generator:
        """A new generator with the seed."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True, kw_only=True)
class Evolution(ABC):
    """Algorithm with its options, to be passed as `model=`. Its name alone stands for the defaults.

    Attributes:
        population: number of evaluations in a generation. None: the number of drives of the subspace. For a single drive: 10,
            or 1 for algorithms that are defined with one point (SA, PAES).
    """

    name: ClassVar[str]
    least: ClassVar[int] = 1  # smallest population that the algorithm is defined for
    alone: ClassVar[int] = 10  # population of a single drive
    waits: ClassVar[bool] = False  # whether it can only be told members that it proposed itself
    library: ClassVar[str | None] = None  # required library

    population: int | None = None

    def __post_init__(self) -> None:
        size = self.population
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < self.least):
            raise InputError(f"{self.name} needs a population of at least {self.least}, got {shown(size)}")

    @abstractmethod
    def evolve(self, setting: Setting) -> Generations:
        """Yield generations (m, d) in the unit box without end; each is answered by its losses (m,).

        Points that were evaluated instead of members are written into the yielded array.
        """

    @property
    def label(self) -> str:
        """The name, and the options that differ from their defaults."""
        changed = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if getattr(self, f.name) != f.default]
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    def optimizer(
        self, space: Space, subspace: Subspace, design: Design, seed: int, team: int | None = None, member: int | None = None
    ) -> AskTell:
        """Return the optimizer that runs this algorithm in a subspace.

        Args:
            space: the whole space.
            subspace: the subspace to search.
            design: design of the first generation.
            seed: seed of the algorithm's random numbers.
            team: number of simultaneous evaluations, which is then the size of a generation.
            member: index of this drive in the team, if each drive has an optimizer that is told all trials without waiting.

        Raises:
            InputError: a team that is too small for the algorithm, or a missing library.
        """
        if self.library is not None and find_spec(self.library) is None:
            raise InputError(f"{self.name} needs {self.library}, which is not installed; {how_to_install('evolve')}")
        size = self.population or team or self.alone
        if size < self.least:
            raise InputError(f"{self.name} needs a population of at least {self.least}, got {size} (n_drives a subspace)")
        lower, upper = subspace.bounds
        designed = (np.array([design.point(i) for i in range(size)]) - lower) / (upper - lower)
        wanted = [u for u in design.first if subspace.bounds.contains(u[None])[0]][:size]
        first = (np.array(wanted).reshape(-1, space.d) - lower) / (upper - lower)

        def begin(given: Array) -> Generations:
            kept = np.concatenate([first, given[: (size + 1) // 2]])[:size]
            start = np.clip(np.concatenate([kept, designed])[:size], 0.0, 1.0)
            return self.evolve(Setting(start, np.asarray(subspace.space.levels), seed, len(kept)))

        if member is not None:
            return SteadyState(self.name, begin, space, subspace, member)
        return Generational(self.name, begin, space, subspace, wanted)
