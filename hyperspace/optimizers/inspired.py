"""Simulated annealing, estimation of distribution, ant colony and PAES, on inspyred, for what pycma and pymoo do not have.

inspyred runs a whole evolution in one call. Here its selectors, variators, replacers and archivers are called step by step
instead, in the order in which its own loop calls them, so that the evaluations can be made by others.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import numpy as np

from hyperspace.errors import InputError
from hyperspace.optimizers.evolution import Evolution, Generations, Setting
from hyperspace.optimizers.penalty import INFEASIBLE
from hyperspace.trial import Array

_MOST_TRAILS = 10_000  # levels of a dimension that ants tell apart
_Fitness = Callable[[float], Any]


@dataclass(frozen=True, kw_only=True)
class _Inspyred(Evolution):
    """An algorithm of inspyred."""

    library: ClassVar[str | None] = "inspyred"

    @abstractmethod
    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""

    def _drive(
        self,
        ec: Any,
        first: Sequence[Any],
        options: dict[str, Any],
        decode: Callable[[Sequence[Any]], Array] = np.array,
        fitness: _Fitness = float,
        maximize: bool = False,
    ) -> Generator[Array, Array, None]:
        """Yield generations as inspyred's loop makes them (`EvolutionaryComputation.evolve`).

        Args:
            ec: inspyred's object.
            first: the first generation, as candidates of inspyred.
            options: what inspyred calls args.
            decode: turns candidates into points (m, d).
            fitness: turns a loss into what inspyred compares.
            maximize: whether the larger fitness is the better.
        """
        from inspyred.ec import Bounder, Individual

        ec.bounder, ec.maximize, ec.archive = Bounder(0.0, 1.0), maximize, []
        args = options | {"_ec": ec}
        ec._kwargs = args
        rng = ec._random

        def evaluated(candidates: Sequence[Any], losses: Array) -> list[Any]:
            individuals = [Individual(candidate, maximize) for candidate in candidates]
            for individual, loss in zip(individuals, losses, strict=True):
                individual.fitness = fitness(float(loss))
            return individuals

        ec.population = evaluated(first, (yield decode(first)))
        ec.archive = ec.archiver(random=rng, population=list(ec.population), archive=[], args=args)
        variators = ec.variator if isinstance(ec.variator, list) else [ec.variator]
        while True:
            parents = ec.selector(random=rng, population=list(ec.population), args=args)
            candidates = [copy.deepcopy(parent.candidate) for parent in parents]
            for variator in variators:
                candidates = variator(random=rng, candidates=candidates, args=args)
            children = evaluated(candidates, (yield decode(candidates)))
            ec.population = ec.replacer(random=rng, population=ec.population, parents=parents, offspring=children, args=args)
            ec.archive = ec.archiver(random=rng, population=list(ec.population), archive=ec.archive, args=args)


@dataclass(frozen=True, kw_only=True)
class SA(_Inspyred):
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983): as many chains as the population, side by side.

    Attributes:
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: how far, in units of the box's sides.
        temperature: the first, in standard deviations of the losses so far; the schedule knows no end, so that a study can go on.
        cooling_rate: factor of the temperature, a generation.
    """

    name: ClassVar[str] = "SA"
    alone: ClassVar[int] = 1

    mutation_rate: float = 0.5
    gaussian_stdev: float = 0.15
    temperature: float = 0.5
    cooling_rate: float = 0.9

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        from inspyred import ec

        # inspyred multiplies the temperature by the rate before it uses it; here it is set anew for every generation.
        options = {
            "mutation_rate": self.mutation_rate,
            "gaussian_stdev": self.gaussian_stdev,
            "temperature": 0.0,
            "cooling_rate": 1.0,
        }
        annealing = ec.SA(Random(setting.seed))
        run = self._drive(annealing, setting.start.tolist(), options)
        generation, seen, heat = next(run), np.empty(0), self.temperature
        while True:
            losses = yield generation
            seen = np.concatenate([seen, losses[losses < INFEASIBLE]])
            annealing._kwargs["temperature"] = heat * float(seen.std()) if len(seen) else 0.0
            heat *= self.cooling_rate
            generation = run.send(losses)


@dataclass(frozen=True, kw_only=True)
class EDA(_Inspyred):
    """Estimation of distribution: children are drawn from independent normals fitted to the better half of their parents.

    Attributes:
        num_elites: parents that stay if they are better than the worst children.
        least_step: smallest standard deviation, in units of the box's sides.
    """

    name: ClassVar[str] = "EDA"
    least: ClassVar[int] = 4

    num_elites: int = 2
    least_step: float = 0.005

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        from inspyred import ec

        def variate(random: Random, candidates: Sequence[Any], args: dict[str, Any]) -> list[Any]:
            mean, step = np.mean(candidates, axis=0), np.maximum(np.std(candidates, axis=0, ddof=1), self.least_step)
            children = [[random.gauss(m, s) for m, s in zip(mean, step, strict=True)] for _ in range(setting.population)]
            return [args["_ec"].bounder(child, args) for child in children]

        estimation = ec.EDA(Random(setting.seed))
        estimation.variator = variate  # its own (inspyred 1.0.3) draws with the variance in the place of the standard deviation
        options = {"num_selected": setting.population // 2, "num_elites": self.num_elites}
        yield from self._drive(estimation, setting.start.tolist(), options)


@dataclass(frozen=True, kw_only=True)
class PAES(_Inspyred):
    """Pareto archived evolution strategy (Knowles and Corne 1999), as many climbers as the population over one archive.

    Attributes:
        max_archive_size: individuals kept.
        num_grid_divisions: how often the grid over the archive halves each objective.
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: how far, in units of the box's sides.
    """

    name: ClassVar[str] = "PAES"
    alone: ClassVar[int] = 1

    max_archive_size: int = 100
    num_grid_divisions: int = 4
    mutation_rate: float = 0.5
    gaussian_stdev: float = 0.15

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        from inspyred.ec import emo

        options = {
            "max_archive_size": self.max_archive_size,
            "num_grid_divisions": self.num_grid_divisions,
            "mutation_rate": self.mutation_rate,
            "gaussian_stdev": self.gaussian_stdev,
        }
        climbers = emo.PAES(Random(setting.seed))
        run = self._drive(climbers, setting.start.tolist(), options, fitness=lambda loss: emo.Pareto([loss]))
        grid: dict[str, Any] = {}
        losses = yield next(run)
        while True:
            # inspyred keeps the grid on the archiver's function, where it would be every run's.
            outer = _swap(climbers.archiver, grid)
            generation = run.send(losses)
            grid = _swap(climbers.archiver, outer)
            losses = yield generation


_GRID = ("grid_population", "global_smallest", "global_largest")


def _swap(archiver: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Put a grid in the place of the one that the archiver holds, and return that."""
    held = {name: archiver.__dict__.pop(name) for name in _GRID if name in archiver.__dict__}
    archiver.__dict__.update(state)
    return held


@dataclass(frozen=True, kw_only=True)
class ACO(_Inspyred):
    """Ant colony system (Dorigo and Gambardella 1997): an ant chooses a stretch of each dimension by the pheromone on it.

    A continuous dimension is cut into stretches of equal width, and the ant goes to a random place in its stretch. So is one of
    more than 10,000 levels, into as many stretches.

    Attributes:
        stretches: of a continuous dimension.
        greed: probability that an ant takes the stretch with the most pheromone.
        evaporation_rate: part of the pheromone that is lost in a generation.
        learning_rate: how much of the best trail's worth is laid on it in a generation.
    """

    name: ClassVar[str] = "ACO"

    stretches: int = 10
    greed: float = 0.3
    evaporation_rate: float = 0.1
    learning_rate: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stretches < 1:
            raise InputError(f"ACO needs at least 1 stretch, got {self.stretches}")

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        from inspyred.swarm import ACS, TrailComponent

        listed = (setting.levels > 0) & (setting.levels <= _MOST_TRAILS)
        sizes = [min(int(n), _MOST_TRAILS) if n > 0 else self.stretches for n in setting.levels]
        trails = [[TrailComponent((j, k), 0.0) for k in range(size)] for j, size in enumerate(sizes)]
        rng = Random(setting.seed)
        places = setting.rng

        def walk(random: Random, args: dict[str, Any]) -> list[Any]:
            return [self._choose(trail, random) for trail in trails]

        def decode(candidates: Sequence[Any]) -> Array:
            stretch = np.array([[component.element[1] for component in trail] for trail in candidates])
            within = np.where(listed, 0.5, places.random(stretch.shape))
            return np.asarray((stretch + within) / sizes)

        first = [
            [trail[min(int(v * len(trail)), len(trail) - 1)] for trail, v in zip(trails, row, strict=True)]
            for row in setting.start
        ]
        losses = yield setting.start
        fitness = _worth(losses)
        ec = ACS(rng, [component for trail in trails for component in trail])
        ec.initial_pheromone, ec.evaporation_rate, ec.learning_rate = 0.1, self.evaporation_rate, self.learning_rate
        ec.generator = walk
        for component in ec.components:
            component.pheromone = ec.initial_pheromone
        run = self._drive(ec, first, {}, decode, fitness, maximize=True)
        next(run)  # the first generation is known already; the trails through it are those of the design
        while True:
            losses = yield run.send(losses)

    def _choose(self, trail: Sequence[Any], random: Random) -> Any:
        if random.random() < self.greed:
            return max(trail, key=lambda component: component.pheromone)
        return random.choices(trail, [component.pheromone for component in trail])[0]


def _worth(losses: Array) -> _Fitness:
    """Return what turns a loss into an amount of pheromone in (0, 1), on the scale of a first generation."""
    usable = losses[losses < INFEASIBLE]
    middle = float(np.median(usable)) if len(usable) else 0.0
    spread = float(usable.std()) if len(usable) else 0.0
    return lambda loss: float(0.5 - np.arctan((loss - middle) / (spread or 1.0)) / np.pi)
