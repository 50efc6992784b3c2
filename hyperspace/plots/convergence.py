"""Convergence plots: the best value so far of a study, its subspaces, or several studies; and the regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes

from hyperspace.errors import InputError
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.activity import evaluation
from hyperspace.results.result import Result
from hyperspace.trials.incumbent import contenders, why_none
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

Studies: TypeAlias = Result | Sequence[Result] | Mapping[str, Result | Sequence[Result]]

_FLOOR = 1e-12  # smaller regrets are rounding errors
_MOST_SUBSPACES = 64


@own_numerics()
def plot_convergence(studies: Studies, ax: Axes | None = None, subspaces: bool = False, trials: bool = True) -> Axes:
    """Draw the best value so far over the evaluations, in the order of their ends.

    Args:
        studies: one Result, with its trials as dots and failures as crosses; several Results of one kind, such as seeds, drawn as
            their median and quartiles; or a dict of either by name, for a comparison.
        ax: axes to draw into.
        subspaces: also draw a line for the drives of each home subspace; for one study.
        trials: draw the single trials of one study.

    Raises:
        InputError: nothing to draw, studies with different or several goals, or `subspaces` with several studies.
    """
    groups = groups_of(studies)
    ax = style.axes_for(ax)
    style.grid(ax)
    only = groups[0][1][0]
    single = len(groups) == 1 and len(groups[0][1]) == 1
    if subspaces and not single:
        raise InputError("subspaces=True shows the subspaces of one study; pass a single Result")
    if single:
        ended = ended_of(only)
        values = _values(ended, only.goals)
        if trials:
            _draw_trials(ax, ended, values, only.goals)
        if subspaces:
            _draw_subspaces(ax, only, ended)
        best = style.best_so_far(_feasible(ended, only.goals), only.maximize)
        if np.isfinite(best).any():
            ax.step(np.arange(1, len(best) + 1), best, where="post", color=style.BLUE, linewidth=2, label="best so far", zorder=4)
        elif not np.isfinite(values).any():
            style.say_empty(ax, why_none(ended))
        allowed = ~style.infeasible(ended, only.goals)
        style.fit_values(ax, values[allowed] if np.isfinite(values[allowed]).any() else values, only.maximize, within=best)
        if trials:
            style.mark_outside(ax, np.arange(1.0, len(values) + 1), values)
        style.count_axis(ax, len(ended))
    else:
        for (name, results), color in zip(groups, colors_of(len(groups)), strict=True):
            curves = [style.best_so_far(_feasible(ended_of(result), result.goals), result.maximize) for result in results]
            draw_band(ax, name, curves, color)
        every = _drawn(ax)
        if style.fits_log(every):
            style.log_values(ax.yaxis, every)
        else:
            ax.yaxis.set_major_formatter(labels.Plain())
        style.count_axis(ax, longest_of(ax))
    ax.set_ylabel(style.goal_label(only))
    style.legend_above(ax, 5 if single else 2)
    return ax


@own_numerics()
def plot_regret(studies: Studies, optimum: float, ax: Axes | None = None) -> Axes:
    """Draw the regret of the best value so far, on a logarithmic axis; for several studies its median and quartiles.

    Args:
        studies: see `plot_convergence`.
        optimum: the best possible value.
        ax: axes to draw into.

    Raises:
        InputError: nothing to draw, or studies with different or several goals.
    """
    groups = groups_of(studies)
    ax = style.axes_for(ax)
    style.grid(ax)
    for (name, results), color in zip(groups, colors_of(len(groups)), strict=True):
        curves = []
        for result in results:
            best = style.best_so_far(_feasible(ended_of(result), result.goals), result.maximize)
            curves.append(np.maximum(result.goals.sign * (best - optimum), _FLOOR))
        draw_band(ax, name, curves, color)
    style.log_values(ax.yaxis, _drawn(ax))
    style.count_axis(ax, longest_of(ax))
    ax.set_ylabel(f"{style.goal_name(groups[0][1][0])}:\ndistance of the best from the optimum")
    style.legend_above(ax, 2)
    return ax


def groups_of(studies: Studies, one_goal: bool = True) -> list[tuple[str, list[Result]]]:
    """Return the studies by name, each a list of results.

    Raises:
        InputError: nothing to draw, studies with different goals, or several goals where `one_goal` is expected.
    """
    # A Result is a dict, since scipy's OptimizeResult is.
    if isinstance(studies, Result) or not isinstance(studies, Mapping):
        studies = {"": studies}
    groups = [(str(name), [given] if isinstance(given, Result) else list(given)) for name, given in studies.items()]
    results = [result for _, members in groups for result in members]
    if not groups or not all(members for _, members in groups):
        raise InputError("expected a Result, or several, to draw; got none")
    if not all(isinstance(result, Result) for result in results):
        raise InputError(
            "expected Results, as hyperdrive and load_results return them; use load_results(path) on a study's folder"
        )
    if one_goal and any(result.goals.several for result in results):
        raise InputError("this plot shows the best value of one goal; plot_hypervolume shows the progress of several")
    if len({result.maximize for result in results}) > 1:
        raise InputError("some of the studies minimize and others maximize; compare studies that want the same")
    return groups


def colors_of(n: int) -> list[str]:
    """Return the colors of n groups."""
    return [style.PALETTE[i % len(style.PALETTE)] for i in range(n)]


def ended_of(result: Result) -> list[Trial]:
    """Return the trials that ended, in the order of their ends; given ones come first."""
    ended = [trial for trial in result.all_trials if trial.finished]
    return sorted(ended, key=lambda trial: (trial.drive >= 0, evaluation(trial, 0.0).end, trial.key))


def _values(trials: Sequence[Trial], goals: Metrics) -> Array:
    """Return the values of the trials, (n,); nan for those that did not end well."""
    return np.array([goals.value(trial.metrics) if trial.status == OK else np.nan for trial in trials], dtype=float)


def _feasible(trials: Sequence[Trial], goals: Metrics) -> Array:
    """Return the same, with nan for all trials that cannot be the best: infeasible, or with less than the largest budget."""
    return np.where(contenders(trials, goals), _values(trials, goals), np.nan)


def _draw_trials(ax: Axes, ended: Sequence[Trial], values: Array, goals: Metrics) -> None:
    count = np.arange(1, len(ended) + 1)
    allowed = ~style.infeasible(ended, goals)
    ok = np.isfinite(values) & allowed
    largest = contenders(ended, goals)
    many = len(ended) > style.MANY_MARKS
    dots: dict[str, Any] = {"s": 8 if many else 16, "rasterized": many}
    for rows, label, opacity in ((ok & largest, "trials", 0.8), (ok & ~largest, "smaller budget", 0.4)):
        if rows.any():
            ax.scatter(count[rows], values[rows], color=style.SKY, alpha=opacity, linewidth=0, label=label, **dots)
    for label, color, rows in style.without_value(ended, goals):
        told = f"{label} ({int(rows.sum())})"
        if label == "infeasible":
            ring: dict[str, Any] = {"facecolor": "none", "edgecolor": color, "linewidth": 0.8, "marker": "s"}
            ax.scatter(count[rows], values[rows], label=told, **ring, **dots)
            continue
        edge = np.full(int(rows.sum()), 0.015)  # along the lower edge
        marks: dict[str, Any] = {"marker": "x", "s": 18, "linewidth": 1.0, "color": color, "clip_on": False, "rasterized": many}
        ax.scatter(count[rows], edge, transform=ax.get_xaxis_transform(), label=told, **marks)


def _draw_subspaces(ax: Axes, result: Result, ended: Sequence[Trial]) -> None:
    """Draw the best value of each subspace's drives over all evaluations, and highlight the best subspaces."""
    values = _feasible(ended, result.goals)
    homes = np.array([trial.subspace if trial.drive >= 0 else -1 for trial in ended])
    winner = None if result.best_trial is None or result.best_trial.drive < 0 else result.best_trial.subspace
    for index in style.thinned(sorted(set(homes[homes >= 0].tolist())), _MOST_SUBSPACES):
        best = style.best_so_far(np.where(homes == index, values, np.nan), result.maximize)
        won = index == winner
        ax.step(
            np.arange(1, len(best) + 1),
            best,
            where="post",
            color=style.VERMILLION if won else style.ink(),
            alpha=1.0 if won else style.FAINT,
            linewidth=1.2 if won else 0.7,
            linestyle=(0, (3, 2)) if won else "-",
            zorder=5 if won else 3,
            label=f"drives of subspace {index}, one of which found the best" if won else "_",
        )


def draw_band(ax: Axes, name: str, curves: Sequence[Array], color: str) -> None:
    """Draw the median and the quartiles of curves, up to the end of the shortest one."""
    shortest = min(map(len, curves))
    stacked = np.array([curve[:shortest] for curve in curves])
    known = np.flatnonzero(np.isfinite(stacked).all(axis=0))
    if len(known) == 0:
        return
    evaluations = known + 1
    low, middle, high = np.quantile(stacked[:, known], [0.25, 0.5, 0.75], axis=0)
    several = f" (median and quartiles of {len(curves)})" if len(curves) > 1 else ""
    ax.step(evaluations, middle, where="post", color=color, linewidth=1.8, label=labels.text(name, 40) + several if name else "_")
    if len(curves) > 1:
        ax.fill_between(evaluations, low, high, step="post", color=color, alpha=0.18, linewidth=0)


def _drawn(ax: Axes) -> Array:
    """Return the values of all lines."""
    return np.concatenate([np.empty(0), *(np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines())])


def longest_of(ax: Axes) -> int:
    """Return the last evaluation of all lines."""
    return int(max((np.max(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata())), default=0))  # type: ignore[arg-type]
