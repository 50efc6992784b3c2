"""Sensitivity: variance-based importance of the parameters, and the dependence on each, by the merged surrogate.

Sobol indices (Sobol 2001). Let f be the objective over independent uniform coordinates of the unit cube (a log-uniform parameter
is uniform in its logarithm), and V its variance:

    first_j = V(E(f | u_j)) / V          share explained by parameter j alone
    total_j = E(V(f | all but u_j)) / V  share explained by j and its interactions; total >= first

Both are estimated from f at A, B and A with column j of B (Saltelli et al. 2010, table 2, after Jansen). The function is unknown,
so the indices are computed for joint posterior samples of the surrogate, and for resampled rows. Their spread includes the
uncertainty of the model and that of the Monte Carlo sum (Le Gratiet, Cannamela and Iooss 2014).

The indices describe the whole search space, not the neighborhood of the optimum. They are only as good as the surrogate.
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

_POINTS = 3072  # number of design points; the cost of joint samples is cubic in it
_FEWEST_ROWS = 32
_DRAWS = 48
_BACKGROUND = 128  # number of points for the average of a dependence
_GRID = 33


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """Sobol indices with their uncertainty.

    Attributes:
        names: names of the d parameters.
        first, total: medians, (d,), from 0 to 1; nan for parameters that were skipped because there are too many.
        first_interval, total_interval: bounds of the central 90 % of the samples, (2, d).
    """

    names: tuple[str, ...]
    first: Array
    total: Array
    first_interval: Array
    total_interval: Array


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """Dependence of the objective on one parameter, averaged over the others (partial dependence, Friedman 2001).

    With limits, it is that of the objective clipped to them.

    Attributes:
        dimension: number of the parameter.
        u: its coordinates in the unit interval, (g,); for an integer or a category one for each value, unless they are too many.
        mean: mean of the posterior of the average, (g,), in the objective's scale.
        lower, upper: central 90 % of the posterior of the average, (g,).
    """

    dimension: int
    u: Array
    mean: Array
    lower: Array
    upper: Array


@own_numerics()
def importance(result: Result, seed: int = 0) -> Importance:
    """Return each parameter's share of the objective's variance, by the merged surrogate.

    With more than 94 parameters, only those with the shortest lengthscales are included, along which the surrogate varies most.

    Args:
        result: the study.
        seed: seed of the samples.

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
    """Return first and total indices, (2, k), from f (k + 2, rows) at the points of `design`; 0 for a constant f."""
    A, B, mixed = f[0], f[1], f[2:]
    variance = float(np.concatenate([A, B]).var())
    if variance <= 0.0:
        return np.zeros((2, len(mixed)))
    first = 1.0 - ((B - mixed) ** 2).mean(axis=1) / (2.0 * variance)
    total = ((A - mixed) ** 2).mean(axis=1) / (2.0 * variance)
    return np.stack([first, total])


@own_numerics()
def dependence(
    result: Result, dimension: int | str, draws: int = 200, seed: int = 0, limits: tuple[float, float] | None = None
) -> Dependence:
    """Return the dependence of the objective on one parameter, averaged over the others, by the merged surrogate.

    Args:
        result: the study.
        dimension: number or name of the parameter.
        draws: number of posterior samples.
        seed: seed of the samples.
        limits: smallest and largest value of the objective that count as they are. Values beyond them, such as those of diverged
            trials, count as the nearer limit. None: no limits.

    Raises:
        InputError: an unknown parameter.
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
        samples = merged.sample(background, draws, rng)
        averages = (samples if limits is None else np.clip(samples, *limits)).mean(axis=1)
        # The mean of clipped values is not that of the values, clipped: rare samples of a huge value dominate the latter.
        mean[row] = merged.predict(background)[0].mean() if limits is None else averages.mean()
        lower[row], upper[row] = np.quantile(averages, [0.05, 0.95])
    return Dependence(j, u, mean, lower, upper)


def find_dimension(result: Result, dimension: int | str) -> int:
    """Return the number of a parameter.

    Raises:
        InputError: an unknown number or name.
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
