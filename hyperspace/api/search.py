"""Searches without a surrogate: evolution in generations, random and grid search, each a few words around `hyperdrive`.

They take every argument of `hyperdrive` beside their own, and return the same Result; `Result.table()` lists all evaluations,
best first, by generation and job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperspace.api.hyperdrive import hyperdrive
from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.optimizers.grid import GRID
from hyperspace.results.result import Result
from hyperspace.space.space import check_space
from hyperspace.stopping import RoundWatcher, StoppingRule, Watcher, check_rules
from hyperspace.study.checks import check_count, check_first
from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

Objective = Callable[..., Any]
Hyperparameters = Sequence[Any] | Mapping[str, Any]
Path = str | os.PathLike[str] | None


def evolutionary_search(
    objective: Objective,
    hyperparameters: Hyperparameters,
    results_path: Path,
    model: Any = "GA",
    generations: int = 20,
    population: int = 16,
    tolerance: float | None = None,
    patience: int = 5,
    **options: Any,
) -> Result:
    """Search in generations: the evaluations of one are scattered over the ranks and waited for before the next is made.

    Uneven durations and the number of ranks change nothing in what is evaluated, nor in its order.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`; constants are passed through to the objective.
        results_path: see `hyperdrive`.
        model: "GA", "CMA", "PSO", "DE", "ES", "SA", "EDA", "NSGA2", "ACO" or "PAES"; or one of them with options, from
            `hyperspace.optimizers`, such as PSO(neighborhood_size=5); or an object with ask and tell.
        generations: how many at most.
        population: evaluations a generation, fixed when the study is created.
        tolerance: the search ends when `patience` generations in a row have improved the best by no more than this; None: it
            does not.
        patience: see `tolerance`.
        **options: what else `hyperdrive` takes.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an argument is not what it has to be; and what else `hyperdrive` raises.
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


def random_search(
    objective: Objective, hyperparameters: Hyperparameters, results_path: Path, n_calls: int = 100, **options: Any
) -> Result:
    """Evaluate independent uniform points (Bergstra and Bengio 2012); with sampler="sobol" the first n_samples are spread evenly.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        n_calls: evaluations in all.
        **options: what else `hyperdrive` takes.

    Returns:
        The merged result, the same on every rank.
    """
    fixed: dict[str, Any] = {"model": "RAND", "strategy": "static", "n_subspaces": 1, "sampler": "random"}
    return hyperdrive(objective, hyperparameters, results_path, n_calls=n_calls, **fixed | options)


@own_numerics()
def grid_search(
    objective: Objective, hyperparameters: Hyperparameters, results_path: Path, points: int = 5, **options: Any
) -> Result:
    """Evaluate every combination of evenly spread values.

    Args:
        objective: see `hyperdrive`.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        points: values of a dimension, or all it has if they are fewer.
        **options: what else `hyperdrive` takes; n_calls ends the search earlier.

    Returns:
        The merged result, the same on every rank.
    """
    grid = GRID(points=points)
    space = check_space(hyperparameters)
    n_calls = grid.size(space) + len(check_first(options.get("x0"), options.get("y0"), space))
    fixed: dict[str, Any] = {"model": grid, "strategy": "static", "n_subspaces": 1, "n_calls": n_calls}
    return hyperdrive(objective, hyperparameters, results_path, **fixed | options)


@dataclass(frozen=True, slots=True)
class Stall(StoppingRule):
    """Ends a study in rounds when the rounds do not improve it any more.

    Args:
        tolerance: gain that does not count as one.
        patience: rounds in a row without a gain after which it ends.
    """

    tolerance: float
    patience: int

    @property
    def reason(self) -> str:
        """What the study was ended by."""
        return "the tolerance"

    def watch(self, metrics: Metrics) -> Watcher:
        """Return a function that ends nothing: rounds do."""
        return lambda trial: False

    def watch_rounds(self, metrics: Metrics) -> RoundWatcher:
        """Return a function that tells whether the last rounds have brought no gain."""
        best, stalled = NO_RANK, 0

        def stalls(trials: Sequence[Trial]) -> bool:
            nonlocal best, stalled
            found = min((rank(trial, metrics) for trial in trials), default=NO_RANK)
            found = found if found.is_usable else NO_RANK
            same_budget = found.budget == best.budget
            gained = found < best and not (same_budget and found.loss >= best.loss - self.tolerance)
            stalled = 0 if gained or not best.is_usable else stalled + 1
            best = min(best, found)
            return stalled >= self.patience

        return stalls
