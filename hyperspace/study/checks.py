"""Checks of single arguments; an error gives the expected and the actual value in one sentence."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.exchange.spec import EXCHANGES, ExchangeSpec
from hyperspace.optimizers import ALGORITHMS, HYPERBAND, is_algorithm, refuse_several_goals
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.pruning import PruningRule
from hyperspace.space.labeled import rows_of, table_class
from hyperspace.space.space import Space
from hyperspace.space.values import is_finite, is_number, is_one_of, is_whole
from hyperspace.stopping import NoProgress, Stall, StoppingRule, TargetValue
from hyperspace.strategies import STRATEGIES
from hyperspace.strategies.spec import StrategySpec
from hyperspace.study.evolution_planning import can_share_population, evolution_of
from hyperspace.system.paths import absolute_folder
from hyperspace.trials.metrics import AmbiguousMetrics, Metric, Metrics, Value
from hyperspace.trials.trial import GIVEN_DRIVE, OK, Trial, fix_goal

MODELS = ("GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT", "RAND", *ALGORITHMS, HYPERBAND)
SILENT = "silent"  # the value of `verbose` for no message at all
MOST_COUNTED = 1 << 53  # doubles skip integers beyond this
MOST_SEED = 1 << 4096  # largest seed that can be written to the study's file and read back


def check_count(name: str, value: Any, least: int = 1, most: int = MOST_COUNTED) -> int:
    """Return an integer of Python or numpy from `least` to `most`.

    Raises:
        InputError: it is not such an integer.
    """
    if not is_whole(value) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {shown(value)}")
    if value > most:
        limit = most if most <= MOST_COUNTED else f"2^{most.bit_length() - 1}"
        raise InputError(f"{name} must be at most {limit}, got {shown(value)}")
    return int(value)


def check_flag(name: str, value: Any) -> None:
    """Check an on-off argument (1 and 0 are accepted too); a word such as "no" would count as on.

    Raises:
        InputError: it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)) and not (isinstance(value, int) and value in (0, 1)):
        raise InputError(f"{name} must be True or False, got {shown(value)}")


def check_verbose(value: Any) -> None:
    """Check the argument `verbose`.

    Raises:
        InputError: it is neither True nor False nor "silent".
    """
    if not (isinstance(value, str) and value == SILENT):
        try:
            check_flag("verbose", value)
        except InputError:
            raise InputError(f'verbose must be True, False or "{SILENT}", got {shown(value)}') from None


def check_seconds(name: str, value: Any) -> None:
    """Check an optional number of seconds.

    Raises:
        InputError: it is neither None nor a positive number.
    """
    if value is not None and not (is_number(value) and value > 0 and (is_finite(value) or value == math.inf)):
        raise InputError(f"{name} must be a positive number of seconds, got {shown(value)}")


def check_model(model: Any) -> Any:
    """Return `model` if it is a valid name or object; for a list of them, a tuple.

    "HYPERBAND" becomes the object with its defaults.

    Raises:
        InputError: an unknown name; an object with neither fit and predict nor ask and tell, which cannot make one either; an
            empty list; or a list with Hyperband.
    """
    if isinstance(model, (list, tuple)):
        if not model:
            raise InputError("model must name at least one model, got an empty list")
        models = tuple(check_model(each) for each in model)
        if any(isinstance(each, Hyperband) for each in models):
            raise InputError(
                "a list of models cannot hold Hyperband, whose evaluations have budgets of their own; give it a study of its own"
            )
        return models
    if isinstance(model, str):
        return Hyperband() if check_choice("model", model, MODELS) == HYPERBAND else model
    serves = any(all(hasattr(model, method) for method in pair) for pair in (("fit", "predict"), ("ask", "tell")))
    if not serves and not is_algorithm(model) and not callable(model):
        raise InputError(
            f"model must be one of {', '.join(map(repr, MODELS))}, or an object with fit and predict, or with ask and tell; "
            f"got {shown(model)}"
        )
    return model


def check_budgeted(model: Any, takes_trial: bool, pruner: PruningRule | None) -> None:
    """Check the arguments of a study with Hyperband.

    Args:
        model: model of the study.
        takes_trial: whether the objective takes the trial's handle.
        pruner: pruning rule of the study.

    Raises:
        InputError: an objective that would not receive its budget, or a rule that would end evaluations before it is spent.
    """
    if not isinstance(model, Hyperband) and not (isinstance(model, str) and model == HYPERBAND):
        return
    if not takes_trial:
        raise InputError(
            "Hyperband gives every evaluation a budget, so that the objective must be objective(parameters, trial) and spend "
            "trial.budget; or call hyperbelt, with objective(parameters, budget)"
        )
    if pruner is not None:
        raise InputError(
            "Hyperband ends what promises little by itself, and compares evaluations that have spent the same budget; leave out "
            f"{type(pruner).__name__}, which would end some before they have"
        )


def check_strategy(value: Any) -> StrategySpec:
    """Return the strategy with this name.

    Raises:
        InputError: there is none.
    """
    return STRATEGIES[check_choice("strategy", value, STRATEGIES)]


def check_exchange(value: Any) -> ExchangeSpec | None:
    """Return the exchange with this name; None if it is left open.

    Raises:
        InputError: there is none.
    """
    return None if value is None else EXCHANGES[check_choice("exchange", value, EXCHANGES)]


def check_halving(model: Any, strategy: StrategySpec, exchange: ExchangeSpec) -> None:
    """Check the arguments of a study with successive halving.

    Raises:
        InputError: Hyperband without strategy="halving" or the reverse, or an exchange that shares nothing.
    """
    if not strategy.gives_budgets or not isinstance(model, Hyperband):
        raise InputError(
            f'strategy="halving" and model=Hyperband(...) go together, got strategy={shown(strategy.name)}, model={shown(model)}'
        )
    if not exchange.is_shared:
        raise InputError(
            f'strategy="halving" compares the evaluations of all drives of a subspace, which exchange="{exchange.name}" hides'
        )


def check_generations(model: Any, exchange: ExchangeSpec) -> None:
    """Check the arguments of a study in generations.

    Raises:
        InputError: several models; an exchange that shares nothing; or an exchange that does not wait for a generation, with a
            model that requires it.
    """
    if isinstance(model, tuple):
        raise InputError(f'a list of models gives each drive one of its own, for strategy="static"; got {label_of(model)}')
    if not can_share_population(evolution_of(model), exchange):
        raise InputError(
            f'strategy="generations" waits for each generation, which is exchange="round"; got {shown(exchange.name)}'
        )


def label_of(model: Any) -> str:
    """Return the name of a model, or of a tuple of models, in the fingerprint."""
    if isinstance(model, tuple):
        return ", ".join(label_of(each) for each in model)
    if isinstance(model, str):
        return model
    return str(model.label) if is_algorithm(model) else name_of(model)


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        InputError: it is not one of them.
    """
    if not is_one_of(value, choices):
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {shown(value)}")
    return str(value)


def check_goals(metrics: Sequence[Metric] | None, maximize: bool) -> Metrics:
    """Return the study's metrics.

    Raises:
        InputError: see Metrics.
    """
    check_flag("maximize", maximize)
    return Metrics(metrics, maximize)


def check_several_goals(metrics: Metrics, model: Any, pruner: PruningRule | None, rules: Iterable[StoppingRule]) -> None:
    """Check that all parts of the study can work with its goals.

    Raises:
        InputError: several goals, with a rule that compares trials by one of them.
        NotBuiltError: several goals, with a model that cannot optimize them yet.
    """
    if not metrics.several:
        return
    refuse_several_goals(metrics, model)
    for argument, rule in (("pruner", pruner), *(("stopping", rule) for rule in rules)):
        if isinstance(rule, (PruningRule, TargetValue, NoProgress, Stall)):
            raise InputError(
                f"{type(rule).__name__} compares trials by one goal, and this study has {len(metrics.goals)}; leave it out of "
                f"{argument}="
            )


def check_given(x0: Any, y0: Any, space: Space, metrics: Metrics) -> tuple[Trial, ...]:
    """Return the given evaluations as trials.

    Args:
        x0: one point, or a list of points; a pandas DataFrame has one per row, read by its labels.
        y0: the objective's answer at each point: a float, or a dict of metrics.
        space: the search space.
        metrics: metrics that read the answers.

    Raises:
        InputError: y0 without x0, different lengths, or a point outside the space.
    """
    if y0 is None:  # x0 alone: see `check_first`
        return ()
    if x0 is None:
        raise InputError("y0 goes with x0: what the objective returned, and the points where it did")
    single = isinstance(y0, Mapping) or not hasattr(y0, "__len__") or getattr(y0, "ndim", 1) == 0
    answers = [y0] if single else rows_of(y0)
    points = [x0] if single and table_class(x0) != "DataFrame" else _points(x0)
    if len(points) != len(answers):
        raise InputError(f"x0 has {len(points)} points and y0 {len(answers)} values; one value a point was expected")
    reader = copy(metrics)
    reader.reopen(None)  # given answers are read independently of the study's current goal
    given = tuple(
        Trial(
            drive=GIVEN_DRIVE,
            iteration=number,
            x=space.check_point(point),
            status=OK,
            metrics=_read_given(reader, number, answer),
            arm="given",
            seconds=0.0,
            origin="given",
            space=space,
        )
        for number, (point, answer) in enumerate(zip(points, answers, strict=True))
    )
    fix_goal(metrics, given)
    for trial in given:
        if (fault := metrics.fault_of(trial.metrics)) is not None:
            raise InputError(f"y0[{trial.iteration}]: {fault}")
    return given


def check_first(x0: Any, y0: Any, space: Space) -> tuple[tuple[Any, ...], ...]:
    """Return the points that are evaluated before a model chooses any: x0 if there is no y0.

    Args:
        x0: one point (a list, a dict by name, a row of a table), or a list of points; a pandas DataFrame has one per row.
        y0: known results; then nothing is evaluated.
        space: the search space.

    Raises:
        InputError: an invalid point, or one outside the space.
    """
    if x0 is None or y0 is not None:
        return ()
    one = isinstance(x0, (Mapping, str, bytes)) or table_class(x0) == "Series" or getattr(x0, "ndim", 1) == 0
    if one or not hasattr(x0, "__iter__"):
        return (space.check_point(x0),)
    rows = rows_of(x0)
    if not any(_is_row(row) for row in rows):
        return (space.check_point(x0),) if rows else ()
    with suppress(InputError):  # its values may be lists or tuples
        return (space.check_point(x0),)
    points = []
    for number, row in enumerate(rows):
        try:
            points.append(space.check_point(row))
        except InputError as error:
            raise InputError(f"x0[{number}]: {error}") from None
    return tuple(points)


def _is_row(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _read_given(metrics: Metrics, number: int, answer: Any) -> dict[str, Value]:
    try:
        return metrics.read(answer)
    except AmbiguousMetrics:
        raise
    except InputError as error:
        raise InputError(f"y0[{number}]: {error}; leave points out whose evaluation failed") from None


def _points(x0: Any) -> list[Any]:
    if isinstance(x0, (str, bytes, Mapping)) or not hasattr(x0, "__iter__"):
        raise InputError(f"x0 must be a list of points, as y0 is a list of values; got {shown(x0)}")
    return rows_of(x0)


def check_folders(name: str, value: Any) -> tuple[str, ...]:
    """Return the absolute paths of the folders of other studies; `value` is one, or a list of them.

    Raises:
        InputError: it is neither a path nor a list of paths.
    """
    paths = (value,) if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise InputError(f"{name} must be the folder of another study, or a list of folders; got {shown(value)}")
    return tuple(str(absolute_folder(path, name)) for path in paths)


def name_of(thing: Any) -> str:
    """Return the name of a function or an object in the fingerprint."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else type(thing).__qualname__
