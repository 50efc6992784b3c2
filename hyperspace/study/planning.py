"""Planning of a study from hyperdrive's arguments: decide those left open, and check that all of them go together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hyperspace.errors import InputError
from hyperspace.exchange.spec import ExchangeSpec
from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.space.partition import Partition
from hyperspace.space.space import Space
from hyperspace.strategies import GENERATIONS, HALVING
from hyperspace.strategies.spec import StrategySpec
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.checks import (
    MOST_SEED,
    check_count,
    check_first,
    check_generations,
    check_given,
    check_halving,
    label_of,
)
from hyperspace.study.evolution_planning import evolution_of, exchange_of, is_one_population, sized
from hyperspace.study.settings import StudySettings
from hyperspace.surrogates import is_surrogate
from hyperspace.trials.records import Record, load_trial
from hyperspace.trials.trial import Trial, fix_goal

LARGEST_STATIC_PARTITION = 4096
_MOST_DRIVES = 1 << 20  # each one holds a design and a journal
_KEPT = ("objective_name", "space", "metrics", "acquisition", "sampler")  # arguments that the study has as they are
LEAST_GENERATION = 16  # evaluations of a generation if its size is left open


def plan_study(
    arguments: StudyArguments,
    recorded: Mapping[str, Any] | None,
    ranks: int,
    fresh_seed: int,
    taken: Sequence[Record] = (),
    n_drives_now: int | None = None,
) -> StudySettings:
    """Decide the arguments left open, as in the recorded study or for a new one, and check that all go together.

    Args:
        arguments: the arguments.
        recorded: the fingerprint in the study's folder; None for a new study.
        ranks: number of ranks.
        fresh_seed: seed of a new study with a random seed.
        taken: records of the evaluations that a new study receives from others (warm_start=).
        n_drives_now: number of drives of the recorded study, if drives have joined it since its creation.

    Raises:
        InputError: an invalid argument.
    """
    # A study over another space is not used: it will be an error, and its other settings would give misleading messages.
    past = recorded if recorded is not None and recorded.get("space") == arguments.space.describe() else {}
    model, strategy, exchange = arguments.model, arguments.strategy, arguments.exchange
    if isinstance(model, Hyperband) and strategy.yields_to_model:
        strategy = HALVING  # the only possible one
    one_population = is_one_population(model, strategy, exchange, past)
    if one_population:  # such a model works best this way
        strategy = GENERATIONS
        exchange = exchange_of(model, ranks) if exchange is None else exchange
    if exchange is None:
        exchange = strategy.exchange_of_ranks if ranks > 1 else strategy.exchange
    n_subspaces = arguments.n_subspaces if arguments.n_subspaces is not None else past.get("n_subspaces")
    n_drives = arguments.n_drives if arguments.n_drives is not None else past.get("n_drives")
    is_team = strategy.shares_models and shares_one_model(model)
    if n_drives is None and n_subspaces is None and is_team:
        n_drives = plan_team(arguments.exchange, ranks)
    partition = plan_subspaces(n_subspaces, strategy, arguments.space, arguments.overlap, ranks, n_drives)
    least = max(ranks, LEAST_GENERATION) if strategy.in_generations else ranks
    if one_population and (algorithm := evolution_of(model)) is not None and algorithm.population is not None:
        least = algorithm.population * partition.n_subspaces
    founders = plan_drives(n_drives, partition.n_subspaces, least)
    n_drives = founders
    if founders == past.get("n_drives"):
        n_drives = max(founders, n_drives_now or 0)
        if arguments.n_drives is None and exchange.adds_drives and is_team:
            n_drives = max(n_drives, plan_drives(None, partition.n_subspaces, ranks))  # add drives for ranks without one
    if one_population:
        model = sized(model, n_drives // partition.n_subspaces, past)
    n_samples = arguments.n_samples if arguments.n_samples is not None else past.get("n_samples")
    n_calls = None if arguments.n_calls is None else check_count("n_calls", arguments.n_calls)
    seed = arguments.random_state if arguments.random_state is not None else past.get("random_state", fresh_seed)
    if strategy.in_generations:
        check_generations(model, exchange)
    n_iterations = check_count("n_iterations", arguments.n_iterations) if n_calls is None else None
    has_budgets = strategy.gives_budgets or isinstance(model, Hyperband)
    if has_budgets:
        check_halving(model, strategy, exchange)
        if n_iterations is not None and arguments.strategy.gives_budgets:  # the caller has counted loops
            n_iterations, n_calls = plan_loops(model, n_iterations, partition.n_subspaces, n_drives, exchange)
    first, given = plan_given(arguments, past, taken)
    if first and has_budgets:
        raise InputError("Hyperband gives every evaluation a budget of its own making; it takes no x0 to be evaluated first")
    return StudySettings(
        **{name: getattr(arguments, name) for name in _KEPT},
        partition=partition,
        model=model,
        model_name=label_of(model),
        strategy=strategy,
        exchange=exchange,
        n_samples=plan_samples(n_samples, strategy, exchange, is_team, arguments.space.d, founders),
        n_drives=n_drives,
        founders=founders,
        n_iterations=n_iterations if n_calls is None else None,
        n_calls=n_calls,
        given=given,
        first=first,
        seed=check_count("random_state", seed, least=0, most=MOST_SEED),
    )


def plan_given(
    arguments: StudyArguments, past: Mapping[str, Any], taken: Sequence[Record]
) -> tuple[tuple[tuple[Any, ...], ...], tuple[Trial, ...]]:
    """Return the points to be evaluated first, and the known evaluations; as recorded if the call has none.

    Args:
        arguments: the arguments.
        past: the recorded study's fingerprint; empty for a new study.
        taken: records of the evaluations that a new study receives.

    Raises:
        InputError: see `check_given` and `check_first`.
    """
    space, metrics = arguments.space, arguments.metrics
    own = check_given(arguments.x0, arguments.y0, space, metrics)
    first = check_first(arguments.x0, arguments.y0, space)
    if not past:
        more = [load_trial(record, space) for record in taken]
        given = (*own, *(replace(trial, iteration=number) for number, trial in enumerate(more, start=len(own))))
    elif arguments.warm_start or arguments.y0 is None:  # recorded at the creation: other studies are not read again
        given = (*own, *(load_trial(record, space) for record in past["given"][len(own) :]))
    else:
        given = own
    if arguments.x0 is None:
        first = tuple(space.load(x) for x in past.get("x0", []))
    fix_goal(metrics, given)
    return first, given


def shares_one_model(model: Any) -> bool:
    """Return whether the drives of the adaptive strategy share one model, so that one drive for each rank suffices.

    Drives with their own algorithms divide the space, and a portfolio needs a drive for each member.
    """
    return is_surrogate(model) or (isinstance(model, str) and model == "RAND")


def plan_team(exchange: ExchangeSpec | None, ranks: int) -> int | None:
    """Return the number of drives of a new adaptive study: one for each rank.

    None if drives are distributed over the subspaces: beyond one team, with an open number of workers, and with an exchange
    that gives the same trials on any number of ranks.

    Args:
        exchange: as requested; None leaves it open.
        ranks: number of ranks that create the study, or of expected workers; 1 if unknown.
    """
    if exchange is not None and (exchange.is_repeatable or (exchange.has_workers and ranks == 1)):
        return None
    return ranks if ranks <= LARGEST_TEAM else None


def plan_loops(
    hyperband: Hyperband, loops: int, n_subspaces: int, n_drives: int, exchange: ExchangeSpec
) -> tuple[int, int | None]:
    """Return n_iterations and n_calls for a number of loops in each subspace.

    With an exchange in rounds the plan counts rounds, and drives that would wait start the next loop. Otherwise it counts
    evaluations.
    """
    if exchange.is_synchronous:
        return hyperband.rounds(n_drives // n_subspaces, loops), None
    return loops, loops * hyperband.evaluations() * n_subspaces


def plan_subspaces(
    n_subspaces: Any, strategy: StrategySpec, space: Space, overlap: float, ranks: int, n_drives: Any = None
) -> Partition:
    """Return the partition of a new study.

    Args:
        n_subspaces: as requested; None leaves it open.
        strategy: strategy of the study.
        space: space to split.
        overlap: overlap of the halves.
        ranks: number of ranks that create the study.
        n_drives: as requested or planned; None while it is open. All subspaces of an adaptive study get the same number.

    Raises:
        InputError: overlap outside [0, 1], n_subspaces that is not a power of two or too large, or a static partition that is
            too large.
    """
    if n_subspaces is None and strategy.in_generations:
        n_subspaces = 1
    elif n_subspaces is None and not strategy.works_every_subspace:
        splittable = Partition(space, None, overlap).split
        splits = min(len(splittable), max(4, math.ceil(math.log2(ranks))))
        if n_drives is not None:
            n_drives = check_count("n_drives", n_drives, most=_MOST_DRIVES)
            splits = min(splits, (n_drives & -n_drives).bit_length() - 1)  # the largest power of two that divides it
        n_subspaces = 2**splits
    partition = Partition(space, n_subspaces, overlap)
    k = len(partition.split)
    if strategy.works_every_subspace and partition.n_subspaces > LARGEST_STATIC_PARTITION:
        raise InputError(
            f'strategy="{strategy.name}" works all 2^{k} subspaces of {k} dimensions, each with evaluations of its own; it takes '
            f'at most {LARGEST_STATIC_PARTITION}. Set n_subspaces to split fewer dimensions, or take strategy="adaptive"'
        )
    return partition


def plan_drives(n_drives: int | None, n_subspaces: int, ranks: int) -> int:
    """Return the number of drives of a new study: as given, or the least multiple of n_subspaces with one for each rank.

    Raises:
        InputError: not a multiple of n_subspaces.
    """
    if n_drives is None:
        return n_subspaces * math.ceil(ranks / n_subspaces)
    n_drives = check_count("n_drives", n_drives, most=_MOST_DRIVES)
    if n_drives % n_subspaces:
        raise InputError(f"n_drives must be a multiple of the {n_subspaces} subspaces, got {n_drives}")
    return n_drives


def plan_samples(
    n_samples: int | None, strategy: StrategySpec, exchange: ExchangeSpec, is_team: bool, d: int, n_drives: int
) -> int:
    """Return the number of points of the initial design for each drive.

    A static drive without exchange needs enough points for a model, d + 1 but at most 10. Drives that share trials need 2 d in
    all, and two each, since their first round has no model. An asynchronous or a small team needs only d + 2 in all: it learns
    from every evaluation.
    """
    if n_samples is not None:
        return check_count("n_samples", n_samples)
    if strategy.works_every_subspace and not exchange.is_shared:
        return min(max(d + 1, 3), 10)
    if is_team and exchange.is_shared and (not exchange.is_synchronous or n_drives < LARGEST_TEAM):
        return math.ceil((d + 2) / n_drives)
    return max(2, math.ceil(2 * d / n_drives))
