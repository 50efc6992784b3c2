"""One population for a study: what a model that is an evolutionary algorithm is worked as, where the strategy was left open.

An optimizer of its own in every subspace would see a sixteenth of a study's evaluations, which is three generations. All drives
together make it a search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from hyperspace.optimizers import ALGORITHMS
from hyperspace.optimizers.evolution.base import Evolution

LEAST_POPULATION = 8  # of a study whose drives are fewer


def evolution_of(model: Any) -> Evolution | None:
    """Return the evolutionary algorithm that a model is, by name or as an object; None if it is none."""
    if isinstance(model, str) and model in ALGORITHMS:
        model = getattr(import_module("hyperspace.optimizers"), model)()
    return model if isinstance(model, Evolution) else None


def is_one_population(model: Any, strategy: str, exchange: str | None, past: Mapping[str, Any]) -> bool:
    """Return whether a study is worked as one population: in generations, or without waiting for them.

    Args:
        model: as checked.
        strategy: as asked for; "adaptive", the default, leaves the choice to the model.
        exchange: as asked for; None leaves it open.
        past: the fingerprint on record, which is gone on with as it was; empty for a new study.
    """
    algorithm = evolution_of(model)
    if strategy != "adaptive" or past.get("strategy") == "adaptive" or algorithm is None:
        return False
    return exchange in (None, "round") or (exchange in ("async", "files") and not algorithm.waits)


def exchange_of(model: Any, ranks: int) -> str:
    """Return the exchange of a study in one population that was left open."""
    algorithm = evolution_of(model)
    return "async" if ranks > 1 and algorithm is not None and not algorithm.waits else "round"


def sized(model: Any, team: int, past: Mapping[str, Any]) -> Any:
    """Return a model whose population is worth its name where the drives of a subspace are too few to be one.

    A generation is then several rounds. Chains and climbers need no company (SA, PAES), and a recorded population stays.

    Args:
        model: an evolutionary algorithm, by name or as an object.
        team: number of drives of a subspace.
        past: the fingerprint on record; empty for a new study.
    """
    algorithm = evolution_of(model)
    if algorithm is None or algorithm.population is not None or algorithm.alone == 1 or team >= LEAST_POPULATION:
        return model
    if past.get("model") == algorithm.label:
        return model
    return replace(algorithm, population=team * math.ceil(LEAST_POPULATION / team))
