"""Optimizers: ask-and-tell objects, one module each.

Algorithms with options can be imported from here and passed as `model=`, e.g. PSO(neighborhood_size=5).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hyperspace.errors import InputError, NotBuiltError, shown
from hyperspace.numerics import random_streams

if TYPE_CHECKING:
    from hyperspace.optimizers.base import AskTell
    from hyperspace.optimizers.design import Design
    from hyperspace.space.partition import Subspace
    from hyperspace.space.space import Space
    from hyperspace.trials.metrics import Metrics


# Name as `model=` and in this package -> module. A name stands for the algorithm with its defaults.
ALGORITHMS = {
    "CMA": "evolution.cmaes",
    "GA": "evolution.pymoo",
    "PSO": "evolution.pymoo",
    "DE": "evolution.pymoo",
    "ES": "evolution.pymoo",
    "NSGA2": "evolution.pymoo",
    "SA": "evolution.inspyred",
    "EDA": "evolution.inspyred",
    "ACO": "evolution.inspyred",
    "PAES": "evolution.inspyred",
    "GRID": "grid",
    "BITGA": "evolution.binary_ga",
}
HYPERBAND = "HYPERBAND"  # also a name; its objective needs a budget (`hyperspace.optimizers.hyperband`)


def __getattr__(name: str) -> Any:
    home = {**ALGORITHMS, "Hyperband": "hyperband"}.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def make_optimizer(
    model: Any,
    space: Space,
    subspace: Subspace,
    design: Design,
    acquisition: str = "EI",
    seed: int = 0,
    together: int | None = None,
    metrics: Metrics | None = None,
    member: int | None = None,
) -> AskTell:
    """Return the optimizer of one drive.

    Args:
        model: a surrogate's name (see `make_surrogate`), "RAND", one of `ALGORITHMS` or an object of such a class, an object with
            fit and predict, or a user's optimizer (see `hyperspace.optimizers.user.UserOptimizer`).
        space: the whole space.
        subspace: the subspace to search.
        design: the drive's initial design.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge", for surrogates.
        seed: entropy of the study.
        together: number of points evaluated at the same time if one optimizer chooses all of them; the size of a generation.
        metrics: metrics of the study, for its constraints; None without constraints.
        member: index of this drive among those of its subspace, if each has its own optimizer (see
            `hyperspace.optimizers.evolution.steady_state`).

    Raises:
        InputError: an unknown model or acquisition, or a missing library.
    """
    from hyperspace.optimizers.penalty import penalized
    from hyperspace.surrogates import SURROGATES, make_surrogate

    if isinstance(model, str) and model == "RAND":
        from hyperspace.optimizers.random import RandomOptimizer

        return RandomOptimizer(space, subspace.bounds, design)
    own = () if member is None else (member,)
    random_state = random_streams.seed_of(seed, random_streams.SUGGEST, *design.key, *own)
    if isinstance(model, str) and model in ALGORITHMS:
        model = __getattr__(model)()
    if isinstance(model, str) and model == HYPERBAND:
        raise InputError(
            'model="HYPERBAND" gives every evaluation a budget, which ask and tell do not carry; pass it to hyperdrive, or call '
            "hyperbelt"
        )
    if is_algorithm(model):
        optimizer: AskTell = model.optimizer(space, subspace, design, random_state, together, *own)
        return penalized(optimizer, metrics)
    if isinstance(model, str) and model not in SURROGATES:
        raise InputError(
            f"model must be one of {', '.join((*SURROGATES, 'RAND', *ALGORITHMS))}, or an object with fit and predict or with "
            f"ask and tell; got {shown(model)}"
        )
    if isinstance(model, str) or (hasattr(model, "fit") and hasattr(model, "predict") and not isinstance(model, type)):
        from hyperspace.optimizers.bayesian.optimizer import BayesOptimizer

        make_surrogate(model, space=space)  # a missing library is told before the first evaluation
        return BayesOptimizer(
            space,
            subspace.bounds,
            model,
            design,
            acquisition,
            random_state,
            metrics,
            number=subspace.index * design.team + design.member,
        )
    from hyperspace.optimizers.user import UserOptimizer

    return penalized(UserOptimizer(model, space, subspace, random_state), metrics, graded=False)


def refuse_several_goals(metrics: Metrics, model: Any) -> None:
    """Refuse several goals for a model that cannot search for their front; random search needs no goal.

    Raises:
        NotBuiltError: several goals, and the model is not "RAND".
    """
    if metrics.several and not (isinstance(model, str) and model == "RAND"):
        names = ", ".join(repr(metric.name) for metric in metrics.goals)
        raise NotBuiltError(
            f'optimizing several metrics together ({names}) is so far only possible with model="RAND" (random search); or give '
            f'one of them a goal and let the others be goal="observe", which keeps them with every trial'
        )


def is_algorithm(model: Any) -> bool:
    """Return whether a model is an algorithm object, which makes the optimizer of a subspace itself."""
    return hasattr(model, "optimizer") and hasattr(model, "label")
