"""hyperbelt(): Hyperband in each subspace, for objectives that can be evaluated with a small budget first."""

from __future__ import annotations

from typing import Any

from hyperspace.api.hyperdrive import hyperdrive
from hyperspace.api.search import Hyperparameters, Objective, Path
from hyperspace.errors import InputError, shown
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import takes_handle
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.results.result import Result
from hyperspace.study.checks import check_count, name_of


def hyperbelt(
    objective: Objective,
    hyperparameters: Hyperparameters,
    results_path: Path,
    max_budget: float = 81,
    eta: int = 3,
    min_budget: float = 1,
    loops: int = 1,
    **options: Any,
) -> Result:
    """Run Hyperband, all its brackets, in each subspace (Li et al. 2017); over MPI without waiting (ASHA, Li et al. 2020).

    In one process, or with exchange="round", a rung is complete before its best are promoted, and the same evaluations are made
    on any number of ranks. With exchange="async", the default over MPI, a drive promotes at once what is among the best of its
    rung so far; nobody waits, and the study ends after as many evaluations as the brackets have.

    The result's optimum is the best evaluation with the largest budget that was reached; `Result.table()` shows the budgets.

    Args:
        objective: objective(parameters, budget), or objective(parameters, budget, trial); returns what `hyperdrive` takes. A
            promoted configuration is evaluated anew, with eta times the budget.
        hyperparameters: see `hyperdrive`.
        results_path: see `hyperdrive`.
        max_budget: the budget of a whole evaluation, in the objective's own unit, e.g. epochs.
        eta: of eta evaluations one is promoted.
        min_budget: the least budget that tells anything. Where both are whole numbers, all budgets are.
        loops: how often all brackets are run; a larger number later extends the study.
        **options: what else `hyperdrive` takes; n_subspaces, by default 2^D, has brackets of its own for each; n_calls ends the
            study earlier or later.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an argument is not what it has to be; and what else `hyperdrive` raises.
    """
    if not callable(objective):
        raise InputError(f"objective must be a function of the parameters and the budget, got {shown(objective)}")
    for name in ("x0", "y0", "warm_start", "model", "strategy", "n_iterations"):
        if name in options:
            raise InputError(f"hyperbelt does not take {name}=; it evaluates with budgets of its own making")
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
    """The objective(parameters, trial) that calls objective(parameters, budget), or (parameters, budget, trial).

    An object rather than a function within one, so that another process can load it.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._wants_trial = takes_handle(objective, position=2)
        self.__qualname__ = name_of(objective)

    def __call__(self, parameters: Any, trial: TrialHandle) -> Any:
        """Call the objective with the trial's budget."""
        return self._objective(parameters, trial.budget, *([trial] if self._wants_trial else []))
