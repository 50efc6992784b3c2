"""Sections of the report with tables and texts: contributions, trials, failures, settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hyperspace.report.evidence import Evidence
from hyperspace.report.html import Cell, Html, limits, metric, moment, pairs, percent, show, table, tag, together
from hyperspace.results.contributions import contributions
from hyperspace.results.failure_kinds import failure_kinds, message
from hyperspace.results.result import Result
from hyperspace.results.trial_table import free_label
from hyperspace.space.categorical import Categorical
from hyperspace.space.dimension import Dimension
from hyperspace.space.numeric import Integer
from hyperspace.trials.incumbent import is_infeasible
from hyperspace.trials.trial import Trial

_MOST_TRIALS = 1000  # rows of the table of trials
_MOST_PARAMETERS = 20  # columns of it
_MOST_FAILURES = 25  # number of different tracebacks


def finders(study: Evidence) -> Html:
    """Contributions of models, arms and ranks."""
    trials, goals, models = study.result.all_trials, study.result.goals, study.description.models
    if study.overview.whole.finished == 0:
        return tag("p", "No trial has ended so far.", class_="missing")
    groups: list[tuple[str, Callable[[Trial], Any]]] = [("rule (arm)", lambda trial: trial.arm or "–")]
    if len(models) > 1:
        groups.insert(0, ("model", lambda trial: models[trial.drive % len(models)]))
    if len({trial.rank for trial in trials}) > 1:
        groups.append(("rank", lambda trial: trial.rank))
    pruning, limited = study.overview.whole.pruned > 0, bool(goals.constraints)
    counts = ["trials", "failed", *(["pruned"] if pruning else []), *(["infeasible"] if limited else [])]
    heads = [*counts, "best", "new bests", "share of the gain", "seconds of evaluation"]
    tables = []
    for name, key in groups:
        rows = [
            [
                *(c.label, c.trials, c.failed, *([c.pruned] if pruning else []), *([c.infeasible] if limited else [])),
                *(c.best, c.improvements),
                *(percent(c.gain), Cell(c.seconds, f"{c.seconds:.3g}")),
            ]
            for c in contributions(trials, goals, key)
        ]
        tables.append(table(f"By {name}", [name, *heads], rows))
    who = "The drive uses" if study.description.fingerprint["n_drives"] == 1 else "All drives use"
    words = (f"{who} the model {models[0]}. " if len(models) == 1 else f"The drives use {len(models)} models in turn. ") + (
        "A rule (arm) is how the strategy chose a point. A new best is a trial better than all that ended before it. "
        "The gain is the improvement of the best value after the first usable trial; early steps are large for any rule."
    )
    return together(tag("p", words), *tables)


def trials(study: Evidence) -> Html:
    """The table of trials, best first."""
    result = study.result
    space, goals = result.search_space, result.goals
    ended = result.finished_trials
    if not ended:
        return tag("p", "No trial has ended so far.", class_="missing")
    shown = ended[:_MOST_TRIALS]
    metrics = list(dict.fromkeys(name for trial in ended for name in trial.metrics))
    budgets = ["budget"] if any(trial.budget is not None for trial in ended) else []
    columns = sorted(study.by_importance[:_MOST_PARAMETERS])
    around = (["drive", "iteration", "status"], [*budgets, "seconds", "arm", "rank"])
    taken = {*around[0], *around[1]}
    labels = [free_label(name, "metric", taken) for name in metrics]
    labels += [free_label(space.names[j], "parameter", {*taken, *labels}) for j in columns]
    heads = [*around[0], *labels, *around[1]]
    rows = [
        [
            trial.drive if trial.drive >= 0 else Cell("given"),
            trial.iteration,
            "infeasible" if is_infeasible(trial, goals) else trial.status,
            *(metric(trial.metrics.get(name)) for name in metrics),
            *(trial.x[j] for j in columns),
            *([trial.budget] if budgets else []),
            Cell(trial.seconds, "" if trial.seconds is None else f"{trial.seconds:.3g}"),
            trial.arm,
            trial.rank,
        ]
        for trial in shown
    ]
    fewer = "" if len(columns) == space.d else f" Shown are the {len(columns)} most important of {space.d} parameters."
    cut = "" if len(shown) == len(ended) else f" These are the best {len(shown)} of {len(ended)}; hyperspace export writes all."
    broken = " An infeasible trial ended well and broke a limit." if goals.constraints else ""
    caption = f"Best first. A click on a head sorts; pointing at a row, or tapping it, shows more.{broken}{cut}{fewer}"
    notes = [_note(result, trial, columns) for trial in shown]
    return together(table(caption, heads, rows, notes))


def failures(study: Evidence) -> Html:
    """Failures by message, without the numbers in it."""
    kinds = failure_kinds(study.result.all_trials)
    pruned = study.overview.whole.pruned
    if not kinds:
        ended = "trial was pruned, which is" if pruned == 1 else "trials were pruned, which is"
        return together(tag("p", "No evaluation has failed." + (f" {pruned} {ended} no failure." if pruned else "")))
    parts: list[Html] = []
    for kind in kinds[:_MOST_FAILURES]:
        first = kind.first
        where = json.dumps(study.result.search_space.dump(first.x), ensure_ascii=False)
        heading = tag("summary", tag("b", f"{len(kind.trials)} × {kind.status}"), f" {message(first)}")
        told = f"drive {first.drive}, iteration {first.iteration}, at {where}, on rank {first.rank} of {first.host}"
        fault = f"; blamed on the {first.fault}" if first.fault else ""
        parts.append(tag("details", heading, tag("p", told + fault, class_="quiet"), tag("pre", first.error or "(no message)")))
    rest = len(kinds) - len(parts)
    more = tag("p", f"and {rest} other messages; hyperspace export has them all", class_="quiet") if rest > 0 else None
    intro = tag(
        "p", "Each message once, whatever the numbers in it: the first trial that gave it, and how many did.", class_="quiet"
    )
    return together(intro, *parts, more)


def settings(study: Evidence) -> Html:
    """Settings of the study, and the versions and machines that ran it."""
    description, goals = study.description, study.description.metrics
    own = dict(description.fingerprint)
    wanted = [
        f"{metric.name}: {limits(metric) if metric.goal == 'constrain' else metric.goal}"
        for metric in goals.declared
        if metric.goal != "observe"
    ]
    own["goal"] = "; ".join(wanted) or f"{'maximize' if own.get('maximize') else 'minimize'} the objective"
    own["parameters"] = "a dict, by name" if own.get("named") else "a list, in order"
    own |= {"evaluations planned": description.planned, "exchange": description.exchange}
    own["given evaluations"] = len(description.given)
    left_out = ("space", "given", "metrics", "maximize", "named")
    items = [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in own.items()
        if name not in left_out
    ]
    space = [
        (part["name"], in_words(dimension))
        for part, dimension in zip(description.fingerprint["space"], description.space.dimensions, strict=False)
    ]
    constants = [(name, f"constant {value!r}") for name, value in description.space.constants.items()]
    return together(
        pairs(items),
        tag("h3", "Search space"),
        pairs([*space, *constants]),
        tag("h3", "Versions"),
        pairs(description.versions.items()),
    )


def in_words(dimension: Dimension) -> str:
    """Return a readable description of a dimension's values."""
    if isinstance(dimension, Categorical):
        return "one of " + ", ".join(map(repr, dimension.categories))
    low, high = dimension.bounds
    kind = "integer" if isinstance(dimension, Integer) else "real"
    scale = ", on a logarithmic scale" if dimension.prior == "log-uniform" else ""
    return f"{kind}, {low!r} to {high!r}{scale}"


def _note(result: Result, trial: Trial, columns: list[int]) -> str:
    items = [(result.search_space.names[j], trial.x[j]) for j in columns]
    lines = [f"drive {trial.drive}, iteration {trial.iteration}" if trial.drive >= 0 else "given with the study", ""]
    lines += [f"{name} = {value!r}" for name, value in items]
    lines += ["", *(f"{name} = {value!r}" for name, value in trial.metrics.items() if not isinstance(value, tuple))]
    if trial.drive >= 0:
        lines.append(f"began {moment(trial.started)}, took {show(trial.seconds)} s, proposed in {trial.suggest_seconds:.3g} s")
        lines.append(f"rank {trial.rank} of {trial.host}" + (f", attempt {trial.attempt}" if trial.attempt else ""))
    if trial.error:
        lines += ["", message(trial)]
    return "\n".join(lines)
