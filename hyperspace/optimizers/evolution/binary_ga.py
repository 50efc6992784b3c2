"""The classic genetic algorithm on bits (Holland 1975, Goldberg 1989).

Each parameter is a gene of n bits. It is the binary number of the parameter's interval among 2^n equal intervals of the
dimension. With 8 values from 0 and three bits, 5 is 101. The genes of 5 and 3 make the chromosome 101011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.optimizers.evolution.base import Evolution, Setting
from hyperspace.optimizers.evolution.generational import Generations
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

Bits = NDArray[np.bool_]
CROSSOVERS = ("one-point", "uniform")


@check_names()
@dataclass(frozen=True, kw_only=True)
class BITGA(Evolution):
    """Genetic algorithm on bit strings: tournament selection, crossover, bit flips, elites.

    Attributes:
        bits: length of a gene. None: 16 for a continuous dimension, otherwise the bits that its values need.
        crossover: "one-point": the child has the bits of one parent up to a random position and those of the other after it;
            "uniform": each bit comes from a random parent.
        crossover_rate: probability that two parents are crossed; otherwise the child is a copy of the first.
        mutation_rate: probability that a bit flips; None: one bit of the chromosome on average.
        elites: number of best individuals that stay in the population; they are not evaluated again.
        tournament: number of individuals of which the best becomes a parent.
    """

    name: ClassVar[str] = "BITGA"
    least: ClassVar[int] = 2

    bits: int | None = None
    crossover: str = "one-point"
    crossover_rate: float = 0.9
    mutation_rate: float | None = None
    elites: int = 2
    tournament: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crossover not in CROSSOVERS:
            raise InputError(f"crossover must be one of {', '.join(CROSSOVERS)}, got {shown(self.crossover)}")
        if self.bits is not None and not 1 <= self.bits <= 52:
            raise InputError(f"a gene must have 1 to 52 bits, got {self.bits}")
        if self.elites < 0 or self.tournament < 1:
            raise InputError(f"elites must be at least 0 and tournament at least 1, got {self.elites} and {self.tournament}")

    def lengths(self, levels: Sequence[int]) -> list[int]:
        """Return the length of each gene, for dimensions with these numbers of levels (0: continuous)."""
        return [self.bits or (max(int(n) - 1, 1).bit_length() if n > 0 else 16) for n in levels]

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; see `Evolution`."""
        lengths, rng = self.lengths(setting.levels.tolist()), setting.rng
        elite, elite_losses = np.empty((0, sum(lengths)), dtype=bool), np.empty(0)
        generation = encode(setting.start, lengths)
        while True:
            points = decode(generation, lengths)
            asked = points.copy()
            losses = yield points
            if not np.array_equal(points, asked):
                generation = encode(points, lengths)
            pool, pool_losses = np.concatenate([elite, generation]), np.concatenate([elite_losses, losses])
            best = np.argsort(pool_losses, kind="stable")[: self.elites]
            elite, elite_losses = pool[best], pool_losses[best]
            rows = [self._child(pool, pool_losses, rng) for _ in range(setting.population)]
            generation = np.array(rows)

    def _child(self, pool: Bits, losses: Array, rng: np.random.Generator) -> Bits:
        first, second = (pool[self._parent(losses, rng)] for _ in range(2))
        child = first.copy()
        if rng.random() < self.crossover_rate:
            child = crossed(first, second, self.crossover, rng)
        rate = 1.0 / len(child) if self.mutation_rate is None else self.mutation_rate
        return np.asarray(child ^ (rng.random(len(child)) < rate))

    def _parent(self, losses: Array, rng: np.random.Generator) -> int:
        rivals = rng.integers(len(losses), size=self.tournament)
        return int(rivals[np.argmin(losses[rivals])])


def crossed(first: Bits, second: Bits, kind: str, rng: np.random.Generator) -> Bits:
    """Return the child of two chromosomes by "one-point" or "uniform" crossover."""
    n = len(first)
    from_second = rng.random(n) < 0.5 if kind == "uniform" else np.arange(n) >= rng.integers(1, max(n, 2))
    return np.where(from_second, second, first)


def encode(U: Array, lengths: Sequence[int]) -> Bits:
    """Return the chromosomes (n, sum of lengths) of points U (n, d) in the unit box, the highest bit of a gene first."""
    genes: list[Any] = []
    for column, length in zip(U.T, lengths, strict=True):
        number = np.clip(np.floor(column * 2.0**length), 0, 2**length - 1).astype(np.int64)
        genes.append((number[:, None] >> np.arange(length - 1, -1, -1)) & 1)
    return np.concatenate(genes, axis=1).astype(bool)


def decode(chromosomes: Bits, lengths: Sequence[int]) -> Array:
    """Return the points (n, d) in the unit box of chromosomes: the middles of their intervals."""
    ends = np.cumsum(lengths)
    columns = []
    for end, length in zip(ends, lengths, strict=True):
        gene = chromosomes[:, end - length : end].astype(np.int64)
        number = gene @ (1 << np.arange(length - 1, -1, -1))
        columns.append((number + 0.5) / 2.0**length)
    return np.stack(columns, axis=1)
