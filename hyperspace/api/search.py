"""Searches without a surrogate: evolution in generations, random and grid search, each a few words around `hyperdrive`.

They take every argument of `hyperdrive` beside their own, and return the same Result; `Result.table()` lists all evaluations,
best first, by generation and job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hyperspace.api.hyperdrive import hyperdrive
from hyperspace.errors import InputError, shown
from hyperspace.execution.loop import Callback
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.optimizers.grid import GRID
from hyperspace.results.result import Result
from hyperspace.space.space import check_space
from hyperspace.study.checks import check_count, check_first
from hyperspace.trials.callbacks import as_one
from hyperspace.trials.incumbent import NO_RANK, rank
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import Trial, fix_goal

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
    metrics: Sequence[Metric] | None = None,
    maximize: bool = False,
    callback: Callback | Sequence[Callback] | None = None,
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
        metrics: see `hyperdrive`.
        maximize: see `hyperdrive`.
        callback: see `hyperdrive`.
        **options: what else `hyperdrive` takes.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an argument is not what it has to be; and what else `hyperdrive` raises.
    """
    if tolerance is not None:
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance >= 0:
            raise InputError(f"tolerance must be a number of at least 0, or None, got {shown(tolerance)}")
        callback = Stall(tolerance, check_count("patience", patience), Metrics(metrics, maximize), as_one(callback))
    return hyperdrive(
        objective,
        hyperparameters,
        results_path,
        model=model,
        strategy="generations",
        n_iterations=check_count("generations", generations),
        n_drives=check_count("population", population),
        metrics=metrics,
        maximize=maximize,
        callback=callback,
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


class Stall:
    """Ends a study in rounds when they have stopped to improve it.

    It is asked on every rank after every round, recorded ones included, so that all ranks and resumed runs end it at the same.

    Args:
        tolerance: gain that does not count as one.
        patience: rounds in a row without a gain after which it ends.
        metrics: says what a trial is worth.
        callback: the user's own, called with every trial that this rank finishes.
    """

    reason = "the tolerance"  # what a study that it ends was ended by

    def __init__(self, tolerance: float, patience: int, metrics: Metrics, callback: Callback | None) -> None:
        self._tolerance, self._patience = tolerance, patience
        self._metrics, self._callback = metrics, callback
        self._best = NO_RANK
        self._stalled = 0

    def __call__(self, trial: Trial) -> object:
        """Call the user's callback."""
        return None if self._callback is None else self._callback(trial)

    @property
    def prunes(self) -> Any:
        """The pruning of the user's callback, if it has one."""
        return getattr(self._callback, "prunes", None)

    def after_round(self, trials: Sequence[Trial]) -> bool:
        """Return whether the study ends with the round that these trials made."""
        fix_goal(self._metrics, trials)
        best = min((rank(trial, self._metrics) for trial in trials), default=NO_RANK)
        if not best.is_usable:
            best = NO_RANK
        none_before, same_budget = not self._best.is_usable, best.budget == self._best.budget
        gained = best < self._best and not (same_budget and best.loss >= self._best.loss - self._tolerance)
        self._stalled = 0 if gained or none_before else self._stalled + 1
        self._best = min(self._best, best)
        return self._stalled >= self._patience
