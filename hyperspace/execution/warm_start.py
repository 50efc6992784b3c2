"""Warm start: evaluations of other studies' folders that fit the space and the goal of a new study (`warm_start=`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.exchange.files import is_silent_worker
from hyperspace.journal import StudyFolder
from hyperspace.results.loading import read_trials
from hyperspace.space.space import Space
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.description import Description, describe_study
from hyperspace.system.terminal import tell
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.records import Record, trial_record
from hyperspace.trials.trial import GIVEN_DRIVE, OK, Trial, fix_goal, judged

_MOST_REASONS = 5  # reasons that are shown; the others are counted


class _Misfit(Exception):
    """Reason why an evaluation does not fit, as the end of a phrase after a number."""


def take_over(arguments: StudyArguments) -> list[Record]:
    """Return records of the fitting evaluations, as given ones, and report on stderr their number and the others' reasons.

    Args:
        arguments: arguments of hyperdrive; its `warm_start` names the folders, which are only read.

    Raises:
        InputError: a study with the opposite goal for the same metric.
        StudyError: a folder without a study, or a damaged one.
    """
    taken: dict[str, Record] = {}
    for path in arguments.warm_start:
        folder = StudyFolder(path)
        old = describe_study(folder)
        _check_goal(old.metrics, arguments.metrics, folder)
        trials = [*old.given, *sorted(read_trials(folder, old.space, old.identity), key=lambda trial: trial.key)]
        fix_goal(old.metrics, trials)
        trials = [judged(trial, old.metrics) for trial in trials if trial.finished]
        most = max((trial.fidelity for trial in trials if trial.status == OK), default=0.0)
        fits, reasons = 0, Counter[str]()
        for trial in trials:
            try:
                point = _fitting(trial, most, old, arguments.space, arguments.metrics)
            except _Misfit as misfit:
                reasons[str(misfit)] += 1
                continue
            record = trial_record(_as_given(trial, point), arguments.space)
            if taken.setdefault(repr(record), record) is record:
                fits += 1
            else:
                reasons["known twice"] += 1
        if not is_silent_worker():
            tell(_sentence(folder.name, fits, len(trials), reasons))
    return list(taken.values())


def _as_given(trial: Trial, point: tuple[Any, ...]) -> Trial:
    return Trial(
        drive=GIVEN_DRIVE, iteration=0, x=point, status=OK, metrics=trial.metrics, arm="given", seconds=0.0, origin="given"
    )


def _check_goal(old: Metrics, new: Metrics, folder: StudyFolder) -> None:
    directions = {metric.name: metric.goal for metric in old.goals}
    for metric in new.goals if old.several or new.several else ():
        if directions.get(metric.name, metric.goal) != metric.goal:
            raise InputError(
                f"warm_start takes over studies of the same goals: in {folder.name!r} {shown(metric.name)} has "
                f"goal={directions[metric.name]!r}, and here goal={metric.goal!r}"
            )
    if old.several or new.several:
        return
    same = (old.goal, new.goal) == (None, None) or not (old.declared and new.declared) or old.goal == new.goal
    if same and old.maximize != new.maximize:
        words = {True: "maximized", False: "minimized"}
        raise InputError(
            f"warm_start takes over studies of the same goal: in {folder.name!r} {shown(old.goal or 'the objective')} is "
            f"{words[old.maximize]}, and here it is {words[new.maximize]}"
        )


def _fitting(trial: Trial, most: float, old: Description, space: Space, metrics: Metrics) -> tuple[Any, ...]:
    """Return an evaluation's point in the new space.

    Raises:
        _Misfit: it does not fit.
    """
    if trial.status != OK:
        raise _Misfit("failed or pruned")
    if trial.fidelity < most:
        raise _Misfit("with a smaller budget than others")
    _check_metrics(trial, metrics)
    had = dict(zip(old.space.names, trial.x, strict=True))
    values: Mapping[str, Any] = {**old.space.constants, **had}
    for name in space.names:
        if name not in values:
            raise _Misfit(f"without a value of {name}")
    for name, value in had.items():
        if name not in space.names and name not in space.constants:
            raise _Misfit(f"with {name}, which is no parameter here")
        if name in space.constants and value != space.constants[name]:
            raise _Misfit(f"with another value of {name}, which is constant here")
    for name, value in old.space.constants.items():
        if name in space.constants and value != space.constants[name]:
            raise _Misfit(f"with another value of {name}, which is constant here")
    point = []
    for name, dimension in zip(space.names, space.dimensions, strict=True):
        try:
            point.append(dimension.check(values[name]))
        except InputError:
            raise _Misfit(f"with a value of {name} that is not allowed here") from None
    return tuple(point)


def _check_metrics(trial: Trial, metrics: Metrics) -> None:
    needed = [*metrics.goals, *metrics.constraints]
    for metric in needed:
        if not isinstance(trial.metrics.get(metric.name), float):
            raise _Misfit(f"without the metric {metric.name!r}")
    try:
        metrics.goal_name(trial.metrics)
    except AmbiguousMetrics:
        raise _Misfit("with several metrics, of which metrics= must name the goal") from None


def _sentence(name: str, fits: int, total: int, reasons: Counter[str]) -> str:
    told = [f"{count} {reason}" for reason, count in reasons.most_common(_MOST_REASONS)]
    rest = reasons.total() - sum(count for _, count in reasons.most_common(_MOST_REASONS))
    if rest:
        told.append(f"{rest} for other reasons")
    left = f"; not taken over: {', '.join(told)}" if told else ""
    return f"warm_start: {fits} of the {total} evaluations of {name!r} are taken over{left}"
