"""Searches without a surrogate: evolution in generations, random search and grid search, as short forms of `hyperdrive`.

They accept all arguments of `hyperdrive` in addition to their own, and return a Result. `Result.table()` lists all evaluations,
best first, by generation and job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hyperspace.api.hyperdrive import hyperdrive
from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.optimizers.grid import GRID
from hyperspace.results.result import Result
from hyperspace.space.space import check_space
from hyperspace.stopping import Stall, check_rules
from hyperspace.study.checks import check_count, check_first
from hyperspace.system.arguments import check_names

Function = Callable[..., Any]
Hyperparameters = Sequence[Any] | Mapping[str, Any]
Path = str | os.PathLike[str] | None


@check_names(hyperdrive, without=("strategy", "n_iterations", "n_drives"))
def evolutionary_search(
    objective: Function,
    hyperparameters: Hyperparameters,
    results_path: Path,
    model: Any = "GA",
    generations: int = 20,
    population: int = 16,
    tolerance: float | None = None,
    patience: int = 5,
    **options: Any,
) -> Result:
    """Search in generations: the evaluations of one are distributed over the ranks and completed before the next is made.

    The evaluated points and their order do not depend on durations and on the number of ranks.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`; constants are passed to the objective.
        results_path: see `hyperdrive`.
        model: "GA", "CMA", "PSO", "DE", "ES", "SA", "EDA", "NSGA2", "ACO" or "PAES"; or one of them with options, from
            `hyperspace.optimizers`, such as PSO(neighborhood_size=5); or an object with ask and tell.
        generations: largest number of generations.
        population: number of evaluations in a generation, fixed when the study is created.
        tolerance: the search ends when `patience` successive generations have improved the best by at most this; None: it does
            not.
        patience: see `tolerance`.
        **options: further arguments of `hyperdrive`.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an invalid argument; and the further exceptions of `hyperdrive`.
    """
    if tolerance is not None:
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance >= 0:
            raise InputError(f"tolerance must be a number of at least 0, or None, got {shown(tolerance)}")
        options["stopping"] = [*check_rules(options.get("stopping")), Stall(tolerance, check_count("patience", patience))]
    return hyperdrive(
        objective,
        hyperparameters,
        results_path,
        model=model,
        strategy="generations",
        n_iterations=check_count("generations", generations),
        n_drives=check_count("population", population),
        **options,
    )


@check_names(hyperdrive)
def random_search(
    objective: Function, hyperparameters: Hyperparameters, results_path: Path, n_calls: int = 100, **options: Any
) -> Result:
    """Evaluate independent uniform points (Bergstra and Bengio 2012); with sampler="sobol" the first n_samples are spread evenly.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        n_calls: total number of evaluations.
        **options: further arguments of `hyperdrive`.

    Returns:
        The merged result, the same on every rank.
    """
    fixed: dict[str, Any] = {"model": "RAND", "strategy": "static", "n_subspaces": 1, "sampler": "random"}
    return hyperdrive(objective, hyperparameters, results_path, n_calls=n_calls, **fixed | options)


@check_names(hyperdrive)
@own_numerics()
def grid_search(
    objective: Function, hyperparameters: Hyperparameters, results_path: Path, points: int = 5, **options: Any
) -> Result:
    """Evaluate every combination of evenly spaced values.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        points: number of values of a dimension, or all its values if they are fewer.
        **options: further arguments of `hyperdrive`; n_calls ends the search earlier.

    Returns:
        The merged result, the same on every rank.
    """
    grid = GRID(points=points)
    space = check_space(hyperparameters)
    n_calls = grid.size(space) + len(check_first(options.get("x0"), options.get("y0"), space))
    fixed: dict[str, Any] = {"model": grid, "strategy": "static", "n_subspaces": 1, "n_calls": n_calls}
    return hyperdrive(objective, hyperparameters, results_path, **fixed | options)
