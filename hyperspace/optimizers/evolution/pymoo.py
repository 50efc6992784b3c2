"""Genetic algorithm, particle swarm, differential evolution, evolution strategy and NSGA-II with pymoo.

All start with the initial design. The options have the names of the literature, and pymoo's defaults unless stated otherwise.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.optimizers.evolution.base import Evolution, Setting
from hyperspace.optimizers.evolution.generational import Generations
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array


@dataclass(frozen=True, kw_only=True)
class _Pymoo(Evolution):
    """Algorithm of pymoo, run by its infill and advance."""

    library: ClassVar[str | None] = "pymoo"

    @abstractmethod
    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's object, which starts with `setting.start`."""

    def place(self, infills: Any, points: Array, algorithm: Any) -> None:
        """Move the members of a generation to the points (m, d) that were evaluated instead."""
        infills.set("X", points)

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination

        algorithm = self.algorithm(setting)
        problem = Problem(n_var=setting.d, n_obj=1, xl=np.zeros(setting.d), xu=np.ones(setting.d))
        algorithm.setup(problem, termination=NoTermination(), seed=setting.seed)
        while True:
            infills = algorithm.infill()
            if infills is None:  # no child is new; the next draw may have one
                yield np.empty((0, setting.d))
                continue
            points = infills.get("X")
            asked = points.copy()
            losses = yield points
            if not np.array_equal(points, asked):
                self.place(infills, points, algorithm)
            infills.set("F", losses[:, None])
            for individual in infills:
                individual.evaluated.add("F")
            with np.errstate(all="ignore"):  # a swarm at one point has zero spread
                algorithm.advance(infills=infills)


@check_names()
@dataclass(frozen=True, kw_only=True)
class GA(_Pymoo):
    """Genetic algorithm with real genes: tournaments, simulated binary crossover, polynomial mutation, survival of the fittest.

    Attributes:
        crossover_rate: probability that two parents are crossed.
        crossover_eta: a larger value places children nearer to their parents.
        mutation_eta: a larger value makes mutations smaller.
        mutation_rate: probability that a gene mutates; None: 1/d.
    """

    name: ClassVar[str] = "GA"
    least: ClassVar[int] = 2

    crossover_rate: float = 0.9
    crossover_eta: float = 15.0
    mutation_eta: float = 20.0
    mutation_rate: float | None = None

    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's GA."""
        from pymoo.algorithms.soo.nonconvex import ga

        return ga.GA(pop_size=setting.population, sampling=setting.start, **_operators(self))


@check_names()
@dataclass(frozen=True, kw_only=True)
class NSGA2(GA):
    """NSGA-II (Deb et al. 2002): non-dominated sorting and crowding. With one loss it differs from GA only in the selection."""

    name: ClassVar[str] = "NSGA2"

    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's NSGA2."""
        from pymoo.algorithms.moo import nsga2

        return nsga2.NSGA2(pop_size=setting.population, sampling=setting.start, **_operators(self))


def _operators(options: GA) -> dict[str, Any]:
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM

    rate = {} if options.mutation_rate is None else {"prob_var": options.mutation_rate}
    return {
        "crossover": SBX(prob=options.crossover_rate, eta=options.crossover_eta),
        "mutation": PM(eta=options.mutation_eta, **rate),
    }


@check_names()
@dataclass(frozen=True, kw_only=True)
class PSO(_Pymoo):
    """Particle swarm (Kennedy and Eberhart 1995).

    Attributes:
        neighborhood_size: number of particles on a ring, itself included, whose best a particle follows; None: the best of all.
        inertia: weight of the velocity.
        cognitive_rate: weight of the particle's own best.
        social_rate: weight of the neighbors' best.
        adaptive: adapt the weights to the spread of the swarm (Zhan et al. 2009).
        max_velocity: largest velocity, in units of the box's sides.
    """

    name: ClassVar[str] = "PSO"
    least: ClassVar[int] = 2

    neighborhood_size: int | None = None
    inertia: float = 0.9
    cognitive_rate: float = 2.0
    social_rate: float = 2.0
    adaptive: bool = True
    max_velocity: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighborhood_size is not None and self.neighborhood_size < 1:
            raise InputError(f"PSO needs a neighborhood_size of at least 1, got {self.neighborhood_size}")

    def place(self, infills: Any, points: Array, algorithm: Any) -> None:
        """Move particles, and set their velocities to the moves."""
        infills.set("X", points)
        if algorithm.particles is not None:
            ways = points - algorithm.particles.get("X")[: len(points)]
            infills.set("V", np.clip(ways, -self.max_velocity, self.max_velocity))

    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's PSO, with a ring topology if requested."""
        from pymoo.algorithms.soo.nonconvex import pso
        from pymoo.core.population import Population

        size = self.neighborhood_size

        class Ring(pso.PSO):  # type: ignore[misc]  # pymoo ships no types
            def _social_best(self) -> Any:
                losses = self.pop.get("F")[:, 0]
                hoods = ring(len(losses), size or len(losses))
                return Population([self.pop[hood[np.argmin(losses[hood])]] for hood in hoods])

        return (pso.PSO if size is None else Ring)(
            pop_size=setting.population,
            sampling=setting.start,
            w=self.inertia,
            c1=self.cognitive_rate,
            c2=self.social_rate,
            adaptive=self.adaptive,
            max_velocity_rate=self.max_velocity,
        )


def ring(n: int, size: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the neighborhoods (n, min(size, n)) of n particles on a ring: each particle with those beside it."""
    size = min(size, n)
    hoods: np.ndarray[Any, np.dtype[np.intp]] = (np.arange(n)[:, None] + np.arange(size) - size // 2) % n
    return hoods


@check_names()
@dataclass(frozen=True, kw_only=True)
class DE(_Pymoo):
    """Differential evolution (Storn and Price 1997).

    Attributes:
        variant: DE/base/differences/crossover, e.g. "DE/rand/1/bin".
        crossover_rate: CR.
        weight: F, the weight of a difference.
    """

    name: ClassVar[str] = "DE"
    least: ClassVar[int] = 5

    variant: str = "DE/best/1/bin"
    crossover_rate: float = 0.9
    weight: float = 0.6

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = self.variant.split("/")
        if len(parts) != 4 or parts[0] != "DE" or not parts[2].isdigit():
            raise InputError(f'DE needs a variant such as "DE/rand/1/bin", got {shown(self.variant)}')

    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's DE."""
        from pymoo.algorithms.soo.nonconvex import de

        return de.DE(
            pop_size=setting.population,
            sampling=setting.start,
            variant=self.variant,
            CR=self.crossover_rate,
            F=self.weight,
        )


@check_names()
@dataclass(frozen=True, kw_only=True)
class ES(_Pymoo):
    """Evolution strategy (mu, lambda) with self-adaptive steps (Runarsson and Yao 2005); lambda is the population.

    Attributes:
        parents: mu; None: a seventh of the population, at least one.
        gamma: weight of the differential variation that replaces mu - 1 children; None for none.
    """

    name: ClassVar[str] = "ES"
    least: ClassVar[int] = 2
    waits: ClassVar[bool] = True  # selection needs the step of each point, which another drive's point does not have

    parents: int | None = None
    gamma: float | None = 0.85

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parents is not None and not 1 <= self.parents <= (self.population or 2 * self.parents) // 2:
            raise InputError(f"ES needs between 1 parent and half the population, got {self.parents}")

    def algorithm(self, setting: Setting) -> Any:
        """Return pymoo's ES."""
        from pymoo.algorithms.soo.nonconvex import es

        parents = self.parents or math.ceil(setting.population / 7)
        return es.ES(n_offsprings=setting.population, pop_size=parents, sampling=setting.start, gamma=self.gamma)
