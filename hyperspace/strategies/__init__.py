"""Strategies: they choose the subspace or region that a drive searches next."""

from __future__ import annotations

from typing import Any

from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import AskTell
from hyperspace.optimizers.design import Design
from hyperspace.space.partition import Partition, Subspace
from hyperspace.space.space import Space
from hyperspace.strategies.adaptive import AdaptiveStrategy
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.strategies.generations import GenerationsStrategy
from hyperspace.strategies.static import StaticStrategy
from hyperspace.surrogates import is_surrogate
from hyperspace.trials.metrics import Metrics


def make_strategy(
    strategy: str,
    *,
    space: Space,
    partition: Partition,
    n_drives: int,
    seed: int,
    model: Any,
    acquisition: str,
    sampler: str,
    n_samples: int,
    exchange: str,
    metrics: Metrics | None = None,
    first: FirstPoints | None = None,
    founders: int | None = None,
) -> Strategy:
    """Return the strategy of a study; `hyperspace.api.hyperdrive.hyperdrive` describes the arguments.

    The points in `first` are evaluated before the strategy chooses any.

    The adaptive strategy needs a model of the objective. An ask-and-tell algorithm, such as random search or a user's optimizer,
    runs in each drive's home subspace under both "adaptive" and "static".
    """
    wanted = first or FirstPoints()
    if strategy == "adaptive" and is_surrogate(model):
        return AdaptiveStrategy(
            space,
            partition,
            n_drives,
            seed,
            model,
            acquisition,
            sampler,
            n_samples,
            exchange,
            first=wanted,
            founders=founders,
        )

    if strategy == "generations" or (strategy == "halving" and exchange == "round"):

        def steady_optimizer(subspace: Subspace, member: int | None, team: int) -> AskTell:
            design = Design(sampler, n_samples * team, subspace.bounds, space, seed=seed, subspace=subspace.index)
            design.first = wanted.of_drives(range(subspace.index, n_drives, partition.n_subspaces))
            return make_optimizer(
                model,
                space,
                subspace,
                design,
                acquisition=acquisition,
                seed=seed,
                together=team,
                metrics=metrics,
                member=member,
            )

        def shared_optimizer(subspace: Subspace, team: int) -> AskTell:
            return steady_optimizer(subspace, None, team)

        if strategy == "generations" and exchange != "round":
            return StaticStrategy(
                partition.__getitem__, partition.n_subspaces, n_drives, steady_optimizer, seed, synchronous=False, first=wanted
            )
        return GenerationsStrategy(partition.__getitem__, partition.n_subspaces, n_drives, shared_optimizer, seed, wanted)

    def optimizer(subspace: Subspace, member: int, team: int) -> AskTell:
        design = Design(sampler, n_samples, subspace.bounds, space, seed=seed, subspace=subspace.index, member=member, team=team)
        design.first = wanted.of_drives([member * partition.n_subspaces + subspace.index])
        chosen = model[(member * partition.n_subspaces + subspace.index) % len(model)] if isinstance(model, tuple) else model
        return make_optimizer(chosen, space, subspace, design, acquisition=acquisition, seed=seed, metrics=metrics)

    return StaticStrategy(
        partition.__getitem__, partition.n_subspaces, n_drives, optimizer, seed, synchronous=exchange == "round", first=wanted
    )
