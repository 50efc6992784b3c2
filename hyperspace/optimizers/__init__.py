"""Optimizers: ask/tell objects, each a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspace import streams
from hyperspace.errors import InputError

if TYPE_CHECKING:
    from hyperspace.optimizers.base import AskTell
    from hyperspace.optimizers.design import Design
    from hyperspace.partition import Subspace
    from hyperspace.space import Space


def make_optimizer(
    model: Any, space: Space, subspace: Subspace, design: Design, acquisition: str = "EI", seed: int = 0
) -> AskTell:
    """Return the optimizer of one drive.

    Args:
        model: a surrogate's name (see `make_surrogate`), "RAND", an object with fit and predict, or an optimizer of the user's
            own (see `hyperspace.optimizers.user.UserOptimizer`).
        space: the whole space.
        subspace: the part of it to search.
        design: the drive's initial design.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge", for surrogates.
        seed: entropy of the study.

    Raises:
        InputError: an unknown model or acquisition, or a library that the model needs is missing.
    """
    from hyperspace.surrogates import SURROGATES, make_surrogate

    if model == "RAND":
        from hyperspace.optimizers.random import RandomOptimizer

        return RandomOptimizer(space, subspace.bounds, design)
    if isinstance(model, str) and model not in SURROGATES:
        raise InputError(
            f"model must be one of {', '.join((*SURROGATES, 'RAND'))}, or an object with fit and predict or with ask and tell; "
            f"got {model!r}"
        )
    random_state = streams.seed_of(seed, streams.SUGGEST, *design.key)
    if isinstance(model, str) or (hasattr(model, "fit") and hasattr(model, "predict") and not isinstance(model, type)):
        from hyperspace.optimizers.bayes import BayesOptimizer

        surrogate = make_surrogate(model, random_state=random_state, space=space)
        return BayesOptimizer(space, subspace.bounds, surrogate, design, acquisition)
    from hyperspace.optimizers.user import UserOptimizer

    return UserOptimizer(model, space, subspace, random_state)
