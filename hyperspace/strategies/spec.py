"""Settings that a strategy depends on, and the properties by which strategies differ.

The table of strategies is `hyperspace.strategies.STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hyperspace.exchange.spec import ExchangeSpec
from hyperspace.space.partition import Partition
from hyperspace.space.space import Space
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.trials.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """Settings of a study that its strategy depends on.

    Attributes:
        space, metrics, partition: objects of these classes.
        model: a model's name, an algorithm with options, or the user's own surrogate or optimizer; a tuple of them by drive.
        acquisition: name of the acquisition function.
        exchange: how drives share trials.
        sampler: sampler of the initial design.
        n_samples: number of points of the initial design for each drive.
        n_drives: number of drives, a multiple of the partition's subspaces.
        founders: number of drives at the creation of the study; the others have joined it later.
        first: points of the user that are evaluated before a model chooses any, assigned to the founders in turn.
        seed: entropy of all random streams.
    """

    space: Space
    metrics: Metrics
    partition: Partition
    model: Any
    acquisition: str
    exchange: ExchangeSpec
    sampler: str
    n_samples: int
    n_drives: int
    founders: int
    first: tuple[tuple[Any, ...], ...]
    seed: int

    @property
    def first_points(self) -> FirstPoints:
        """The points that are evaluated before the strategy chooses any."""
        return FirstPoints(self.space.to_unit(self.first), self.founders) if self.first else FirstPoints()


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    """Properties of a strategy.

    Attributes:
        name: its name as an argument.
        make: makes the strategy of a study.
        exchange, exchange_of_ranks: exchange in one process and on several ranks, if it is left open.
        yields_to_model: whether a model that only works under another strategy selects that one.
        shares_models: whether drives share one model, so that one drive for each rank suffices.
        works_every_subspace: whether the drives of every subspace stay in it, so that all subspaces cost evaluations.
        in_generations: whether the drives of a subspace evaluate one population, and may have to wait for each other.
        gives_budgets: whether it chooses a budget for each evaluation; n_iterations then counts loops of all brackets.
    """

    name: str
    make: Callable[[SearchSettings], Strategy]
    exchange: ExchangeSpec
    exchange_of_ranks: ExchangeSpec
    yields_to_model: bool = False
    shares_models: bool = False
    works_every_subspace: bool = False
    in_generations: bool = False
    gives_budgets: bool = False
