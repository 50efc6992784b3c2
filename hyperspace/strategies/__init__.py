"""Strategies: they choose the subspace or region that a drive searches next. `STRATEGIES` is the table of all of them."""

from __future__ import annotations

from collections.abc import Callable

from hyperspace.exchange.spec import ASYNC, NONE, ROUND
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import AskTell
from hyperspace.optimizers.design import Design
from hyperspace.space.partition import Subspace
from hyperspace.strategies.adaptive import AdaptiveStrategy
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.strategies.generations import GenerationsStrategy
from hyperspace.strategies.spec import SearchSettings, StrategySpec
from hyperspace.strategies.static import StaticStrategy
from hyperspace.surrogates import is_surrogate


def make_adaptive(search: SearchSettings) -> Strategy:
    """Return the adaptive strategy.

    It needs a model of the objective. An ask-and-tell algorithm, such as random search or a user's optimizer, runs in each
    drive's home subspace instead, as under the static strategy.
    """
    if not is_surrogate(search.model):
        return make_static(search)
    return AdaptiveStrategy(search)


def make_static(search: SearchSettings) -> Strategy:
    """Return the strategy in which every drive has an optimizer of its own, in its home subspace."""
    n_subspaces, model, first = search.partition.n_subspaces, search.model, search.first_points

    def optimizer(subspace: Subspace, member: int, team: int) -> AskTell:
        drive = member * n_subspaces + subspace.index
        design = _design(search, subspace, search.n_samples, member=member, team=team)
        design.first = first.of_drives([drive])
        chosen = model[drive % len(model)] if isinstance(model, tuple) else model
        return make_optimizer(
            chosen, search.space, subspace, design, acquisition=search.acquisition, seed=search.seed, metrics=search.metrics
        )

    return _static(search, optimizer, first)


def make_generations(search: SearchSettings) -> Strategy:
    """Return the strategy in which the drives of a subspace evaluate one population.

    In rounds all of them ask one optimizer. Otherwise each has a replica of it, and no drive waits for a generation.
    """
    n_subspaces, n_drives, first = search.partition.n_subspaces, search.n_drives, search.first_points

    def optimizer(subspace: Subspace, member: int | None, team: int) -> AskTell:
        design = _design(search, subspace, search.n_samples * team)
        design.first = first.of_drives(range(subspace.index, n_drives, n_subspaces))
        return make_optimizer(
            search.model,
            search.space,
            subspace,
            design,
            acquisition=search.acquisition,
            seed=search.seed,
            together=team,
            metrics=search.metrics,
            member=member,
        )

    if not search.exchange.is_synchronous:
        return _static(search, optimizer, first)
    return GenerationsStrategy(
        search.partition.__getitem__,
        n_subspaces,
        n_drives,
        lambda subspace, team: optimizer(subspace, None, team),
        search.seed,
        first,
    )


def make_halving(search: SearchSettings) -> Strategy:
    """Return the strategy in which the drives of a subspace share one set of brackets; without rounds each has its own."""
    return make_generations(search) if search.exchange.is_synchronous else make_static(search)


def _static(search: SearchSettings, optimizer: Callable[[Subspace, int, int], AskTell], first: FirstPoints) -> StaticStrategy:
    return StaticStrategy(
        search.partition.__getitem__,
        search.partition.n_subspaces,
        search.n_drives,
        optimizer,
        search.seed,
        synchronous=search.exchange.is_synchronous,
        first=first,
    )


def _design(search: SearchSettings, subspace: Subspace, n_samples: int, member: int = 0, team: int = 1) -> Design:
    return Design(
        search.sampler,
        n_samples,
        subspace.bounds,
        search.space,
        seed=search.seed,
        subspace=subspace.index,
        member=member,
        team=team,
    )


STATIC = StrategySpec(name="static", make=make_static, exchange=NONE, exchange_of_ranks=NONE, works_every_subspace=True)
ADAPTIVE = StrategySpec(
    name="adaptive", make=make_adaptive, exchange=ROUND, exchange_of_ranks=ASYNC, yields_to_model=True, shares_models=True
)
GENERATIONS = StrategySpec(
    name="generations", make=make_generations, exchange=ROUND, exchange_of_ranks=ROUND, in_generations=True
)
HALVING = StrategySpec(
    name="halving",
    make=make_halving,
    exchange=ROUND,
    exchange_of_ranks=ASYNC,
    works_every_subspace=True,
    gives_budgets=True,
)

STRATEGIES = {spec.name: spec for spec in (STATIC, ADAPTIVE, GENERATIONS, HALVING)}
