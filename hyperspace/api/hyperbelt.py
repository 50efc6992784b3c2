"""hyperbelt(): Hyperband in each subspace, for objectives with a budget."""

from __future__ import annotations

from typing import Any

from hyperspace.api.hyperdrive import hyperdrive
from hyperspace.api.search import Function, Hyperparameters, Path
from hyperspace.errors import InputError, shown
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.objective import Objective
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.results.result import Result
from hyperspace.study.checks import check_count
from hyperspace.system.arguments import check_names

_NOT_TAKEN = ("x0", "y0", "warm_start", "model", "strategy", "n_iterations")


@check_names(hyperdrive, without=_NOT_TAKEN)
def hyperbelt(
    objective: Function,
    hyperparameters: Hyperparameters,
    results_path: Path,
    max_budget: float = 81,
    eta: int = 3,
    min_budget: float = 1,
    loops: int = 1,
    **options: Any,
) -> Result:
    """Run Hyperband, all its brackets, in each subspace (Li et al. 2017); over MPI asynchronously (ASHA, Li et al. 2020).

    In one process, or with exchange="round", a rung is complete before its best runs are promoted. Then the same evaluations are
    made on any number of ranks. With exchange="async", the default over MPI, a drive at once promotes runs that are among the
    best of their rung so far. No rank waits, and the study ends after as many evaluations as the brackets have.

    The result's optimum is the best evaluation with the largest budget that was reached; `Result.table()` shows the budgets.

    Args:
        objective: objective(parameters, budget), or objective(parameters, budget, trial), with the return values of `hyperdrive`.
            A promoted configuration is evaluated again, with eta times the budget.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        max_budget: the budget of a complete evaluation, in the objective's own unit, e.g. epochs.
        eta: one of eta evaluations is promoted.
        min_budget: least budget with an informative result. If both are integers, all budgets are.
        loops: number of runs of all brackets; a larger number later extends the study.
        **options: further arguments of `hyperdrive`. Each of the n_subspaces, by default 2^D, has its own brackets; n_calls ends
            the study earlier or later.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an invalid argument; and the further exceptions of `hyperdrive`.
    """
    if not callable(objective):
        raise InputError(f"objective must be a function of the parameters and the budget, got {shown(objective)}")
    return hyperdrive(
        WithBudget(objective),
        hyperparameters,
        results_path,
        model=Hyperband(max_budget, eta, min_budget),
        strategy="halving",
        n_iterations=check_count("loops", loops),
        **options,
    )


class WithBudget:
    """Objective(parameters, trial) that calls objective(parameters, budget), or (parameters, budget, trial).

    It is an object instead of a nested function, so that another process can load it.
    """

    def __init__(self, objective: Function) -> None:
        self._objective = Objective(objective, n_arguments=2)
        self.__qualname__ = self._objective.name

    def __call__(self, parameters: Any, trial: TrialHandle) -> Any:
        """Call the objective with the trial's budget."""
        return self._objective(parameters, trial.budget, handle=trial)
