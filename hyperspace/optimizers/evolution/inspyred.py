"""Simulated annealing, estimation of distribution, ant colony and PAES, on inspyred, for what pycma and pymoo do not have.

inspyred runs a whole evolution in one call. Here its selectors, variators, replacers and archivers are called step by step
instead, in the order in which its own loop calls them, so that the evaluations can be made by others.
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
from hyperspace.optimizers.evolution.generations import Generations
from hyperspace.optimizers.penalty import INFEASIBLE
from hyperspace.typing import Array

_MOST_TRAILS = 10_000  # levels of a dimension that ants tell apart
_LEAST_STEP = 1e-5  # of a climber, in units of the box's sides
_LEVELS = 0.5  # least step in a dimension of integers or categories, in levels: a shorter one would leave none
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
        encode: Callable[[Array], list[Any]] = np.ndarray.tolist,
        fitness: _Fitness = float,
        maximize: bool = False,
    ) -> Generator[Array, Array, None]:
        """Yield generations as inspyred's loop makes them (`EvolutionaryComputation.evolve`).

        Args:
            ec: inspyred's object.
            first: the first generation, as candidates of inspyred.
            options: what inspyred calls args.
            decode: turns candidates into points (m, d).
            encode: turns points into candidates.
            fitness: turns a loss into what inspyred compares.
            maximize: whether the larger fitness is the better.
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


class _Climbers:
    """Parents and steps of points that climb side by side, for inspyred's selector and variator.

    The step is made longer where more than a given share of the last steps was taken, and shorter where less was (Rechenberg's
    rule for evolution strategies; for simulated annealing Corana et al. 1987). While no place is any good, since all evaluations
    failed, the next places are drawn at random.

    Args:
        step: the first and longest standard deviation of a move, in units of the box's sides.
        rate: probability that a coordinate moves; one does in any case.
        taken: share of steps taken at which the step stays as it is.
        levels: (d,) ints, levels of each dimension; 0 where it is continuous.
        follows: follows(own, other, random): whether a climber goes on from the other's place; asked of a random other.
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
        """Return where each climber goes on from, by what became of its last step."""
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
        """Return a step from each place."""
        if self._is_lost:
            return [[random.random() for _ in candidate] for candidate in candidates]
        return [args["_ec"].bounder(self._moved(candidate, random), args) for candidate in candidates]

    def _moved(self, candidate: Sequence[float], random: Random) -> list[float]:
        sure = random.randrange(len(candidate))
        return [
            value + random.gauss(0.0, max(self._step, least)) if i == sure or random.random() < self._rate else value
            for i, (value, least) in enumerate(zip(candidate, self._least, strict=True))
        ]


@dataclass(frozen=True, kw_only=True)
class SA(_Inspyred):
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983): as many chains as the population, side by side.

    Before each step a chain looks at another one, and goes on from there with the probability with which it would have moved
    there. Steps grow or shrink so that about 44 % of them are taken (Corana et al. 1987).

    Attributes:
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: how far at first and at most, in units of the box's sides.
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
        options = {"temperature": 0.0, "cooling_rate": 1.0}
        annealing = ec.SA(Random(setting.seed))

        def follows(own: Any, other: Any, random: Random) -> bool:
            heat, loss = options["temperature"], float(other.fitness - own.fitness)
            return loss < 0 or (heat > 0 and random.random() < math.exp(-loss / heat))

        climbers = _Climbers(self.gaussian_stdev, self.mutation_rate, 0.44, setting.levels, follows)
        annealing.selector, annealing.variator = climbers.select, climbers.vary
        run = self._drive(annealing, setting.start.tolist(), options)
        generation, seen, heat = next(run), np.empty(0), self.temperature
        while True:
            losses = yield generation
            seen = np.concatenate([seen, losses[losses < INFEASIBLE]])
            options["temperature"] = heat * float(seen.std()) if len(seen) else 0.0
            annealing._kwargs |= options
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
    """Pareto archived evolution strategy (Knowles and Corne 2000), as many climbers as the population over one archive.

    That is their (mu + lambda) form: of two climbers the better one is the parent. Steps grow or shrink by the one-fifth rule.

    Attributes:
        max_archive_size: individuals kept.
        num_grid_divisions: how often the grid over the archive halves each objective.
        mutation_rate: probability that a coordinate moves.
        gaussian_stdev: how far at first and at most, in units of the box's sides.
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
        climbers = _Climbers(
            self.gaussian_stdev,
            self.mutation_rate,
            0.2,
            setting.levels,
            lambda own, other, random: own < other and random.random() < 0.5,
        )
        paes = emo.PAES(Random(setting.seed))
        paes.selector, paes.variator = climbers.select, climbers.vary
        run = self._drive(paes, setting.start.tolist(), options, fitness=lambda loss: emo.Pareto([loss]))
        grid: dict[str, Any] = {}
        losses = yield next(run)
        while True:
            # inspyred keeps the grid on the archiver's function, where it would be every run's.
            outer = _swap(paes.archiver, grid)
            generation = run.send(losses)
            grid = _swap(paes.archiver, outer)
            losses = yield generation


def _loss_of(individual: Any) -> float:
    """Return the loss of an individual, whose fitness is a number or a point on inspyred's front."""
    fitness = individual.fitness
    return float(fitness.values[0] if hasattr(fitness, "values") else fitness)


_GRID = ("grid_population", "global_smallest", "global_largest")


def _swap(archiver: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Put a grid in the place of the one that the archiver holds, and return that."""
    held = {name: archiver.__dict__.pop(name) for name in _GRID if name in archiver.__dict__}
    archiver.__dict__.update(state)
    return held


@dataclass(frozen=True, kw_only=True)
class ACO(_Inspyred):
    """Ant colony system (Dorigo and Gambardella 1997): an ant chooses a stretch of each dimension by the pheromone on it.

    A continuous dimension is cut into stretches of equal width, and the ant goes to a random place in its stretch, or in the
    stretch of the best ant to one between a random place and the best ant's. So is one of more than 10,000 levels, into as many
    stretches.

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
        best, least = setting.start[0] * sizes, math.inf  # the best ant's place, in stretches, and its loss

        def walk(random: Random, args: dict[str, Any]) -> list[Any]:
            return [self._choose(trail, random) for trail in trails]

        def decode(candidates: Sequence[Any]) -> Array:
            stretch = np.array([[component.element[1] for component in trail] for trail in candidates])
            within = places.random(stretch.shape)
            share = places.random(stretch.shape) ** 3  # so that distances of all sizes occur, at any time of the study
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
        next(run)  # the first generation is known already; the trails through it are those of the design
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
    """Return what turns a loss into an amount of pheromone in (0, 1), on the scale of a first generation."""
    usable = losses[losses < INFEASIBLE]
    middle = float(np.median(usable)) if len(usable) else 0.0
    spread = float(usable.std()) if len(usable) else 0.0
    return lambda loss: float(0.5 - np.arctan((loss - middle) / (spread or 1.0)) / np.pi)
