"""Simulated annealing, estimation of distribution, ant colony and PAES with inspyred, which pycma and pymoo do not have.

inspyred runs a whole evolution in one call. Here its selectors, variators, replacers and archivers are called step by step,
so that other code can make the evaluations. The order is that of its own loop.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import numpy as np

from hyperspace.errors import InputError
from hyperspace.optimizers.evolution.base import Evolution, Setting
from hyperspace.optimizers.evolution.generational import Generations
from hyperspace.optimizers.penalty import INFEASIBLE
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

_MOST_TRAILS = 10_000  # largest number of levels of a dimension with one trail each
_LEAST_STEP = 1e-5  # minimum step of a chain, in units of the box's sides
_LEVELS = 0.5  # minimum step in an integer or categorical dimension, in levels: a shorter one would never change the level
_Fitness = Callable[[float], Any]


@dataclass(frozen=True, kw_only=True)
class _Inspyred(Evolution):
    """Algorithm of inspyred."""

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
        encode: Callable[[Array], list[Any]] = np.ndarray.tolist,
        fitness: _Fitness = float,
        maximize: bool = False,
    ) -> Generator[Array, Array, None]:
        """Yield generations in the order of inspyred's loop (`EvolutionaryComputation.evolve`).

        Args:
            ec: inspyred's object.
            first: the first generation, as candidates of inspyred.
            options: inspyred's args.
            decode: maps candidates to points (m, d).
            encode: maps points to candidates.
            fitness: maps a loss to inspyred's fitness.
            maximize: whether a larger fitness is better.
        """
        from inspyred.ec import Bounder, Individual

        ec.bounder, ec.maximize, ec.archive = Bounder(0.0, 1.0), maximize, []
        args = options | {"_ec": ec}
        ec._kwargs = args
        rng = ec._random

        def evaluated(candidates: Sequence[Any]) -> Generator[Array, Array, list[Any]]:
            points = decode(candidates)
            asked = points.copy()
            losses = yield points
            placed = candidates if np.array_equal(points, asked) else encode(points)
            individuals = [Individual(candidate, maximize) for candidate in placed]
            for individual, loss in zip(individuals, losses, strict=True):
                individual.fitness = fitness(float(loss))
            return individuals

        ec.population = yield from evaluated(first)
        ec.archive = ec.archiver(random=rng, population=list(ec.population), archive=[], args=args)
        variators = ec.variator if isinstance(ec.variator, list) else [ec.variator]
        while True:
            parents = ec.selector(random=rng, population=list(ec.population), args=args)
            candidates = [copy.deepcopy(parent.candidate) for parent in parents]
            for variator in variators:
                candidates = variator(random=rng, candidates=candidates, args=args)
            children = yield from evaluated(candidates)
            ec.population = ec.replacer(random=rng, population=ec.population, parents=parents, offspring=children, args=args)
            ec.archive = ec.archiver(random=rng, population=list(ec.population), archive=ec.archive, args=args)


class _Chains:
    """Parents and steps of parallel chains, for inspyred's selector and variator.

    The step grows if more than a given share of the last steps was accepted, and otherwise shrinks. This is Rechenberg's rule for
    evolution strategies, and for simulated annealing that of Corana et al. (1987). While all evaluations have failed, the next
    points are drawn at random.

    Args:
        step: the first and longest standard deviation of a move, in units of the box's sides.
        rate: probability that a coordinate moves; at least one moves.
        taken: share of accepted steps at which the step length stays the same.
        levels: (d,) ints, levels of each dimension; 0 if it is continuous.
        follows: follows(own, other, random): whether a chain continues from the point of another, random chain.
    """

    def __init__(
        self, step: float, rate: float, taken: float, levels: Array, follows: Callable[[Any, Any, Random], bool]
    ) -> None:
        self._step, self._longest, self._rate, self._taken = step, step, rate, taken
        self._least = [_LEVELS / n if n > 0 else 0.0 for n in levels.tolist()]
        self._follows = follows
        self._parents: list[Any] = []
        self._is_lost = False

    def select(self, random: Random, population: Sequence[Any], args: dict[str, Any]) -> list[Any]:
        """Return the point from which each chain continues, given the result of its last step."""
        self._is_lost = all(_loss_of(own) >= INFEASIBLE for own in population)
        if self._parents and not self._is_lost:
            taken = sum(all(own is not parent for parent in self._parents) for own in population) / len(population)
            self._step = min(max(self._step * math.exp(taken - self._taken), _LEAST_STEP), self._longest)
        self._parents = [self._chosen(own, population, random) for own in population]
        return self._parents

    def _chosen(self, own: Any, population: Sequence[Any], random: Random) -> Any:
        if len(population) == 1:
            return own
        other = random.choice(population)
        return other if self._follows(own, other, random) else own

    def vary(self, random: Random, candidates: Sequence[Any], args: dict[str, Any]) -> list[Any]:
        """Return a step from each point."""
        if self._is_lost:
            return [[random.random() for _ in candidate] for candidate in candidates]
        return [args["_ec"].bounder(self._moved(candidate, random), args) for candidate in candidates]

    def _moved(self, candidate: Sequence[float], random: Random) -> list[float]:
        sure = random.randrange(len(candidate))
        return [
            value + random.gauss(0.0, max(self._step, least)) if i == sure or random.random() < self._rate else value
            for i, (value, least) in enumerate(zip(candidate, self._least, strict=True))
        ]


@check_names()
@dataclass(frozen=True, kw_only=True)
class SA(_Inspyred):
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) with as many parallel chains as the population.

    Before each step a chain compares itself with another one. It continues from there with the probability of accepting that
    point as a move. The step length adapts so that about 44 % of the steps are accepted (Corana et al. 1987).

    Attributes:
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: first and largest standard deviation of a move, in units of the box's sides.
        temperature: the first temperature, in standard deviations of the losses so far. The schedule has no end, so that a study
            can be extended.
        cooling_rate: factor of the temperature in each generation.
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

        # inspyred multiplies the temperature by the rate before use; here it is set for every generation.
        options = {"temperature": 0.0, "cooling_rate": 1.0}
        annealing = ec.SA(Random(setting.seed))

        def follows(own: Any, other: Any, random: Random) -> bool:
            heat, loss = options["temperature"], float(other.fitness - own.fitness)
            return loss < 0 or (heat > 0 and random.random() < math.exp(-loss / heat))

        chains = _Chains(self.gaussian_stdev, self.mutation_rate, 0.44, setting.levels, follows)
        annealing.selector, annealing.variator = chains.select, chains.vary
        run = self._drive(annealing, setting.start.tolist(), options)
        generation, seen, heat = next(run), np.empty(0), self.temperature
        while True:
            losses = yield generation
            seen = np.concatenate([seen, losses[losses < INFEASIBLE]])
            options["temperature"] = heat * float(seen.std()) if len(seen) else 0.0
            annealing._kwargs |= options
            heat *= self.cooling_rate
            generation = run.send(losses)


@check_names()
@dataclass(frozen=True, kw_only=True)
class EDA(_Inspyred):
    """Estimation of distribution: children are drawn from independent normals fitted to the better half of their parents.

    Attributes:
        num_elites: number of parents that stay if they are better than the worst children.
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
        estimation.variator = variate  # inspyred 1.0.3's own variator uses the variance as the standard deviation
        options = {"num_selected": setting.population // 2, "num_elites": self.num_elites}
        yield from self._drive(estimation, setting.start.tolist(), options)


@check_names()
@dataclass(frozen=True, kw_only=True)
class PAES(_Inspyred):
    """Pareto archived evolution strategy (Knowles and Corne 2000) with as many chains as the population and one archive.

    This is their (mu + lambda) form: the better one of two chains is the parent. Steps adapt by the one-fifth rule.

    Attributes:
        max_archive_size: largest number of individuals in the archive.
        num_grid_divisions: number of times that the grid over the archive halves each objective.
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: first and largest standard deviation of a move, in units of the box's sides.
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

        options = {"max_archive_size": self.max_archive_size, "num_grid_divisions": self.num_grid_divisions}
        chains = _Chains(
            self.gaussian_stdev,
            self.mutation_rate,
            0.2,
            setting.levels,
            lambda own, other, random: own < other and random.random() < 0.5,
        )
        paes = emo.PAES(Random(setting.seed))
        paes.selector, paes.variator = chains.select, chains.vary
        run = self._drive(paes, setting.start.tolist(), options, fitness=lambda loss: emo.Pareto([loss]))
        grid: dict[str, Any] = {}
        losses = yield next(run)
        while True:
            # inspyred keeps the grid on the archiver's function, where all runs would share it.
            outer = _swap(paes.archiver, grid)
            generation = run.send(losses)
            grid = _swap(paes.archiver, outer)
            losses = yield generation


def _loss_of(individual: Any) -> float:
    """Return the loss of an individual, whose fitness is a number or a point on inspyred's Pareto front."""
    fitness = individual.fitness
    return float(fitness.values[0] if hasattr(fitness, "values") else fitness)


_GRID = ("grid_population", "global_smallest", "global_largest")


def _swap(archiver: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Set the archiver's grid and return the previous one."""
    held = {name: archiver.__dict__.pop(name) for name in _GRID if name in archiver.__dict__}
    archiver.__dict__.update(state)
    return held


@check_names()
@dataclass(frozen=True, kw_only=True)
class ACO(_Inspyred):
    """Ant colony system (Dorigo and Gambardella 1997): an ant chooses an interval of each dimension by its pheromone.

    A continuous dimension is divided into intervals of equal width. The ant takes a random point of its interval. In the best
    ant's interval it takes a point between a random one and the best ant's. A dimension of more than 10,000 levels is divided in
    the same way.

    Attributes:
        stretches: number of intervals of a continuous dimension.
        greed: probability that an ant takes the interval with the most pheromone.
        evaporation_rate: share of the pheromone that evaporates in a generation.
        learning_rate: share of the best trail's reward that is added in a generation.
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
        best, least = setting.start[0] * sizes, math.inf  # position of the best ant, in intervals, and its loss

        def walk(random: Random, args: dict[str, Any]) -> list[Any]:
            return [self._choose(trail, random) for trail in trails]

        def decode(candidates: Sequence[Any]) -> Array:
            stretch = np.array([[component.element[1] for component in trail] for trail in candidates])
            within = places.random(stretch.shape)
            share = places.random(stretch.shape) ** 3  # so that distances of all sizes occur throughout the study
            beside = stretch == np.floor(best)
            within = np.where(beside, (best - stretch) + share * (within - (best - stretch)), within)
            return np.asarray((stretch + np.where(listed, 0.5, within)) / sizes)

        def encode(points: Array) -> list[Any]:
            return [
                [trail[min(int(v * len(trail)), len(trail) - 1)] for trail, v in zip(trails, row, strict=True)] for row in points
            ]

        losses = yield setting.start
        fitness = _worth(losses)
        ec = ACS(rng, [component for trail in trails for component in trail])
        ec.initial_pheromone, ec.evaporation_rate, ec.learning_rate = 0.1, self.evaporation_rate, self.learning_rate
        ec.generator = walk
        for component in ec.components:
            component.pheromone = ec.initial_pheromone
        run = self._drive(ec, encode(setting.start), {}, decode, encode, fitness, maximize=True)
        next(run)  # the first generation is the design, and its trails are known
        generation = setting.start
        while True:
            if losses.min() < least:
                best, least = generation[np.argmin(losses)] * sizes, float(losses.min())
            generation = run.send(losses)
            losses = yield generation

    def _choose(self, trail: Sequence[Any], random: Random) -> Any:
        if random.random() < self.greed:
            return max(trail, key=lambda component: component.pheromone)
        return random.choices(trail, [component.pheromone for component in trail])[0]


def _worth(losses: Array) -> _Fitness:
    """Return a map from losses to pheromone in (0, 1), on the scale of a first generation."""
    usable = losses[losses < INFEASIBLE]
    middle = float(np.median(usable)) if len(usable) else 0.0
    spread = float(usable.std()) if len(usable) else 0.0
    return lambda loss: float(0.5 - np.arctan((loss - middle) / (spread or 1.0)) / np.pi)
