"""Single population of a study: the default for evolutionary algorithms if the strategy is left open.

A separate optimizer in every subspace would use a sixteenth of a study's evaluations, about three generations. One population of
all drives has enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from hyperspace.exchange.spec import ASYNC, ROUND, ExchangeSpec
from hyperspace.optimizers import ALGORITHMS
from hyperspace.optimizers.evolution.base import Evolution
from hyperspace.strategies.spec import StrategySpec

LEAST_POPULATION = 8  # of a subspace; one with fewer drives uses several rounds for a generation


def evolution_of(model: Any) -> Evolution | None:
    """Return the evolutionary algorithm of a model, by name or as an object; None for other models."""
    if isinstance(model, str) and model in ALGORITHMS:
        model = getattr(import_module("hyperspace.optimizers"), model)()
    return model if isinstance(model, Evolution) else None


def can_share_population(algorithm: Evolution | None, exchange: ExchangeSpec) -> bool:
    """Return whether drives that share trials in this way can evaluate one population of an algorithm.

    They can in rounds. Without rounds they can if the algorithm does not wait for a generation.
    """
    steady = algorithm is not None and not algorithm.waits
    return exchange.is_shared and (exchange.is_synchronous or steady)


def is_one_population(model: Any, strategy: StrategySpec, exchange: ExchangeSpec | None, past: Mapping[str, Any]) -> bool:
    """Return whether a study has a single population, with or without waiting for generations.

    Args:
        model: the checked model.
        strategy: as requested; the default leaves the choice to the model.
        exchange: as requested; None leaves it open.
        past: the recorded fingerprint, which is kept; empty for a new study.
    """
    algorithm = evolution_of(model)
    if not strategy.yields_to_model or past.get("strategy") == strategy.name or algorithm is None:
        return False
    return exchange is None or can_share_population(algorithm, exchange)


def exchange_of(model: Any, ranks: int) -> ExchangeSpec:
    """Return the exchange of a study with a single population, if it was left open."""
    algorithm = evolution_of(model)
    return ASYNC if ranks > 1 and algorithm is not None and not algorithm.waits else ROUND


def sized(model: Any, team: int, past: Mapping[str, Any]) -> Any:
    """Return a model with a sufficient population if a subspace has too few drives.

    A generation then takes several rounds. SA and PAES work with any population, and a recorded population is kept.

    Args:
        model: an evolutionary algorithm, by name or as an object.
        team: number of drives of a subspace.
        past: the recorded fingerprint; empty for a new study.
    """
    algorithm = evolution_of(model)
    if algorithm is None or algorithm.population is not None or algorithm.alone == 1 or team >= LEAST_POPULATION:
        return model
    if past.get("model") == algorithm.label:
        return model
    return replace(algorithm, population=team * math.ceil(LEAST_POPULATION / team))
