"""What matters: variance-based importance of the parameters, and the dependence on each, by the merged surrogate.

Sobol indices (Sobol 2001). With f the objective over independent uniform coordinates of the unit cube (a log-uniform parameter is
uniform in its logarithm) and V its variance,

    first_j = V(E(f | u_j)) / V          what is explained by parameter j alone
    total_j = E(V(f | all but u_j)) / V  what is explained by j and by its interplay with others; total >= first

Both are estimated from f at A, B and A with column j of B (Saltelli et al. 2010, table 2, after Jansen). f is not known: the
indices are worked out for joint draws from the surrogate's posterior, and for resampled rows, so that their spread holds both
what the model does not know and what the Monte Carlo sum leaves open (Le Gratiet, Cannamela and Iooss 2014).

They speak of the whole search space, not of the neighborhood of the optimum, and only as far as the surrogate is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.numerics.sampling import sobol
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.results.result import Result

_POINTS = 3072  # of the design: joint draws take the cube of it
_FEWEST_ROWS = 32
_DRAWS = 48
_BACKGROUND = 128  # points that a dependence is averaged over
_GRID = 33


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """Sobol indices with their uncertainty.

    Attributes:
        names: of the parameters, d of them.
        first, total: medians, (d,), from 0 to 1; nan where there are too many parameters to work out this one's.
        first_interval, total_interval: from where to where 90 % of the draws lie, (2, d).
    """

    names: tuple[str, ...]
    first: Array
    total: Array
    first_interval: Array
    total_interval: Array


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """The objective by one parameter, averaged over the others (partial dependence, Friedman 2001).

    Attributes:
        dimension: which parameter.
        u: its coordinates in the unit interval, (g,); of an integer or a category one a value, where they are not too many.
        mean: the surrogate's, (g,), in the objective's scale.
        lower, upper: central 90 % of the posterior of the average, (g,).
    """

    dimension: int
    u: Array
    mean: Array
    lower: Array
    upper: Array


@own_numerics()
def importance(result: Result, seed: int = 0) -> Importance:
    """Return which part of the objective's variance each parameter explains, by the merged surrogate.

    Of more than 94 parameters it works out those with the shortest lengthscales, along which the surrogate varies most.

    Args:
        result: the study.
        seed: of the draws.

    Raises:
        StudyError: fewer than three trials ended well.
    """
    merged = result.surrogate
    d = result.search_space.d
    rng = np.random.default_rng(seed)
    columns = np.sort(np.argsort(merged.latent.hyper.lengthscales, kind="stable")[: _POINTS // _FEWEST_ROWS - 2])
    rows = 1 << int(np.log2(_POINTS / (len(columns) + 2)))
    f = merged.sample(design(rows, d, columns, rng), _DRAWS, rng).reshape(_DRAWS, len(columns) + 2, rows)
    resampled = rng.integers(0, rows, size=(_DRAWS, rows))
    indices = np.full((_DRAWS, 2, d), np.nan)
    for k in range(_DRAWS):
        indices[k][:, columns] = sobol_indices(f[k][:, resampled[k]])
    low, middle, high = np.clip(np.quantile(indices, [0.05, 0.5, 0.95], axis=0), 0.0, 1.0)
    return Importance(result.search_space.names, middle[0], middle[1], np.stack([low[0], high[0]]), np.stack([low[1], high[1]]))


def design(rows: int, d: int, columns: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Return the points A, B and A with each of k columns of B in turn, ((k + 2) rows, d)."""
    both = sobol(rows, 2 * d, rng)
    A, B = both[:, :d], both[:, d:]
    mixed = np.repeat(A[None], len(columns), axis=0)
    for position, j in enumerate(columns):
        mixed[position, :, j] = B[:, j]
    return np.concatenate([A, B, *mixed])


def sobol_indices(f: Array) -> Array:
    """Return first and total indices, (2, k), from f (k + 2, rows) at the points of `design`; 0 where f is constant."""
    A, B, mixed = f[0], f[1], f[2:]
    variance = float(np.concatenate([A, B]).var())
    if variance <= 0.0:
        return np.zeros((2, len(mixed)))
    first = 1.0 - ((B - mixed) ** 2).mean(axis=1) / (2.0 * variance)
    total = ((A - mixed) ** 2).mean(axis=1) / (2.0 * variance)
    return np.stack([first, total])


@own_numerics()
def dependence(result: Result, dimension: int | str, draws: int = 200, seed: int = 0) -> Dependence:
    """Return how the objective depends on one parameter, averaged over the others, by the merged surrogate.

    Args:
        result: the study.
        dimension: number or name of the parameter.
        draws: from the posterior.
        seed: of the draws.

    Raises:
        InputError: no such parameter.
        StudyError: fewer than three trials ended well.
    """
    space, merged = result.search_space, result.surrogate
    j = find_dimension(result, dimension)
    rng = np.random.default_rng(seed)
    levels = int(space.levels[j])
    u = space.dimensions[j].to_unit(_all_values(space.dimensions[j])) if 0 < levels <= _GRID else np.linspace(0.0, 1.0, _GRID)
    background = sobol(_BACKGROUND, space.d, rng)
    mean, lower, upper = np.empty((3, len(u)))
    for row, coordinate in enumerate(u):
        background[:, j] = coordinate
        averages = merged.sample(background, draws, rng).mean(axis=1)
        mean[row] = merged.predict(background)[0].mean()
        lower[row], upper[row] = np.quantile(averages, [0.05, 0.95])
    return Dependence(j, u, mean, lower, upper)


def find_dimension(result: Result, dimension: int | str) -> int:
    """Return the number of a parameter.

    Raises:
        InputError: there is no such number or name.
    """
    space = result.search_space
    if isinstance(dimension, str) and dimension in space.names:
        return space.names.index(dimension)
    if not isinstance(dimension, str) and 0 <= dimension < space.d:
        return int(dimension)
    raise InputError(
        f"dimension must be a number from 0 to {space.d - 1} or one of {', '.join(space.names)}, got {shown(dimension)}"
    )


def _all_values(dimension: object) -> list[object]:
    categories = getattr(dimension, "categories", None)
    return list(categories) if categories is not None else list(range(dimension.low, dimension.high + 1))  # type: ignore[attr-defined]
