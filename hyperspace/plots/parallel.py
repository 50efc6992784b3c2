"""Parallel coordinates: a vertical axis for each parameter, a line for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.plots.regions import is_spread, offsets
from hyperspace.results.result import Result
from hyperspace.results.sensitivity import find_dimension
from hyperspace.targets.dominance import non_dominated_ranks
from hyperspace.trials.incumbent import rank
from hyperspace.trials.trial import OK
from hyperspace.typing import Array

_MOST = 600  # largest number of lines: the best trials and an even selection of the others
_MOST_AXES = 20
_TICK = 0.03
_SPREAD = 0.3  # share of a level over which its lines are spread


@own_numerics()
def plot_parallel(result: Result, dimensions: Sequence[int | str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw each trial as a line through its parameters, with the objective as the last axis and the best trials on top.

    With several goals, each has an axis, and the color is the non-dominated rank: 0 on the front, 1 on the front of the others.

    Trials without a value, or with a violated constraint, are thin, dashed, and end before the last axis. Lines with the same
    level of an integer or a category are spread within the gray bar at that level. From more than 600 trials the best 200 and an
    even selection of the others are drawn.

    Args:
        result: the study.
        dimensions: numbers or names of the parameters, from left to right; None for all, or the first 20 of more.
        ax: axes to draw into.

    Raises:
        InputError: an unknown parameter.
    """
    chosen = range(min(result.search_space.d, _MOST_AXES)) if dimensions is None else dimensions
    columns = [find_dimension(result, dimension) for dimension in chosen]
    outcomes = len(result.goals.goals) if result.goals.several else 1
    ax = style.axes_for(ax, max(6.4, 1.25 * (len(columns) + 1 + outcomes)), 4.2)
    _draw_axes(ax, result, columns)
    trials = result.all_trials
    heights = np.stack([_height(result, j) for j in columns], axis=1) if trials else np.empty((0, len(columns)))
    ok = _valued(result)
    places = np.arange(float(len(columns) + outcomes))
    for label, color, bad in style.without_value(trials, result.goals):
        rows = style.thinned(np.flatnonzero(bad).tolist(), _MOST // 3)
        lines = [np.column_stack([places[: len(columns)], heights[row]]) for row in rows]
        ax.add_collection(LineCollection(lines, color=color, linewidth=0.7, linestyle=(0, (3, 3)), alpha=0.5))
        ax.plot([], [], color=color, linewidth=0.9, linestyle=(0, (3, 3)), label=f"{label} ({int(bad.sum())})")
    if result.goals.several:
        _draw_by_rank(ax, result, heights, places)
    elif ok.any():
        values = np.array([result.goals.value(trial.metrics) for trial in trials])
        colors = style.good_colors(values[ok], result.maximize)
        last = _objective_heights(values[ok], result.maximize)
        ended_well = [trial for trial, valued in zip(trials, ok, strict=True) if valued]
        order = np.array(sorted(range(len(ended_well)), key=lambda row: rank(ended_well[row], result.goals)), dtype=np.intp)
        if len(order) > _MOST:
            order = np.concatenate([order[: _MOST // 3], style.thinned(order[_MOST // 3 :].tolist(), _MOST - _MOST // 3)])
        order = order[::-1]  # draw the best last
        paths = np.column_stack([heights[ok], last])[order]
        ranks = np.linspace(0.0, 1.0, len(order))
        collection = LineCollection(
            [np.column_stack([places, path]) for path in paths],
            cmap=colors[0],
            norm=colors[1],
            array=values[ok][order],
            linewidths=0.6 + 0.9 * ranks**4,
            alpha=(0.15 + 0.75 * ranks**2) if len(order) > 40 else 0.8,
        )
        ax.add_collection(collection)
        best = result.best_trial
        if best is not None:
            row = trials.index(best)
            top = last[np.flatnonzero(ok).tolist().index(row)]
            label = f"best, {labels.number(result.fun)}"
            line: dict[str, Any] = {"linewidth": 2.2, "solid_capstyle": "round", "path_effects": style.outlined()}
            ax.plot(places, [*heights[row], top], color=style.ORANGE, zorder=5, label=label, **line)
    style.legend_below(ax, 4)
    return ax


def _draw_by_rank(ax: Axes, result: Result, heights: Array, places: Array) -> None:
    """Draw the usable trials of a study with several goals, the front on top."""
    reached = result.goals_reached
    rows = np.flatnonzero(reached.usable)
    if len(rows) == 0:
        return
    finished = np.flatnonzero([trial.finished for trial in result.all_trials])
    low, extent = _goal_ranges(result)
    signs = np.array([goal.sign for goal in result.goals.goals])
    last = (reached.Y[rows] * signs - low) / extent
    ranks = non_dominated_ranks(reached.Y[rows]).astype(float)
    order = np.argsort(ranks, kind="stable")
    if len(order) > _MOST:
        order = np.concatenate([order[: _MOST // 3], style.thinned(order[_MOST // 3 :].tolist(), _MOST - _MOST // 3)])
    order = order[::-1]  # draw the front last
    colors = style.good_colors(ranks, maximize=False)
    paths = np.column_stack([heights[finished[rows]], last])[order]
    collection = LineCollection(
        [np.column_stack([places, path]) for path in paths],
        cmap=colors[0],
        norm=colors[1],
        array=ranks[order],
        linewidths=np.where(ranks[order] == 0.0, 1.8, 0.7),
        alpha=np.where(ranks[order] == 0.0, 0.95, 0.35),
    )
    ax.add_collection(collection)
    style.colorbar(ax, colors, "non-dominated rank", maximize=False)


def _goal_ranges(result: Result) -> tuple[Array, Array]:
    """Return the least value and the range of each goal over the usable trials, (m,) each; the range is never 0."""
    reached = result.goals_reached
    values = reached.Y[reached.usable] * np.array([goal.sign for goal in result.goals.goals])
    extent = np.ptp(values, axis=0)
    return values.min(axis=0), np.where(extent > 0.0, extent, 1.0)


def _valued(result: Result) -> NDArray[np.bool_]:
    """Return which trials ended well and are feasible, (n,)."""
    trials = result.all_trials
    ok = np.array([trial.status == OK for trial in trials], dtype=bool)
    return np.asarray(ok & ~style.infeasible(trials, result.goals))


def _height(result: Result, j: int) -> Array:
    """Return the positions of all trials on the axis of dimension j, (n,), from 0 to 1."""
    dimension = result.search_space.dimensions[j]
    u = dimension.to_unit([trial.x[j] for trial in result.all_trials])
    return u + offsets(len(u), j) * _SPREAD / dimension.levels if is_spread(dimension) else u


def _objective_heights(values: Array, maximize: bool) -> Array:
    """Return the positions of values on the objective's axis, within the range of the colors."""
    _, norm = style.good_colors(values, maximize)
    heights: Array = np.clip(np.asarray(norm(values), dtype=float), 0.0, 1.0)
    return heights


def _draw_axes(ax: Axes, result: Result, columns: Sequence[int]) -> None:
    space = result.search_space
    last = len(columns)
    goals = [goal.name for goal in result.goals.goals] if result.goals.several else [style.goal_name(result, 60)]
    end = last + len(goals) - 1
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlim(-0.35, end + 0.45)
    ax.set_ylim(-0.04, 1.04)
    ax.set_yticks([])
    room = labels.breadth(ax) / (end + 0.8)  # points between two axes
    names = [*(space.names[j] for j in columns), *goals]
    size = "medium" if room > 60 else "small"
    across = int(np.clip(labels.characters(room, size), 5, 14))
    ax.set_xticks(range(end + 1), [labels.wrapped(name, across) for name in names])
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0, labelsize=size, pad=8)
    for place, dimension in enumerate(space.dimensions[j] for j in columns):
        ticks, texts = style.ticks_of(dimension, most=5, longest=int(np.clip(labels.characters(0.9 * room, "x-small"), 5, 16)))
        ends = style.place(dimension, np.array([0.0, 1.0]))
        scale = np.log if dimension.prior == "log-uniform" else np.asarray
        low, high = (float(end) for end in scale(ends))
        _draw_axis(ax, place, [(float(scale(tick)) - low) / (high - low) for tick in ticks], texts)
        if is_spread(dimension):
            middles, half = (np.arange(dimension.levels) + 0.5) / dimension.levels, 0.5 * _SPREAD / dimension.levels
            ax.vlines([place] * len(middles), middles - half, middles + half, color=style.GRAY, linewidth=5, alpha=0.5, zorder=1)
    if result.goals.several:
        if result.goals_reached.usable.any():
            for place, (low, extent) in enumerate(zip(*_goal_ranges(result), strict=True), start=last):
                marks = np.linspace(0.0, 1.0, 5)
                _draw_axis(ax, place, marks.tolist(), labels.Plain().format_ticks((low + extent * marks).tolist()))
        return
    values = np.array([result.goals.value(t.metrics) for t, ok in zip(result.all_trials, _valued(result), strict=True) if ok])
    if len(values):
        _, norm = style.good_colors(values, result.maximize)
        marks = np.linspace(0.0, 1.0, 5) if np.ptp(values) > 0 else np.array([1.0 if result.maximize else 0.0])
        at = [float(value) for value in norm.inverse(marks)]
        texts = [labels.number(value) for value in at]
        if len(set(texts)) < len(texts):
            texts = labels.Plain().format_ticks(at)
        if len(marks) > 1:
            worse = 0 if result.maximize else -1
            texts[worse] = ("≤ " if result.maximize else "≥ ") + texts[worse]
        _draw_axis(ax, last, marks.tolist(), texts)


def _draw_axis(ax: Axes, place: int, heights: list[float], texts: list[str]) -> None:
    ax.plot([place, place], [0, 1], color=style.ink(), alpha=0.6, linewidth=0.9, zorder=4)
    for height, label in zip(heights, texts, strict=True):
        ax.plot([place, place + _TICK], [height, height], color=style.ink(), alpha=0.6, linewidth=0.9, zorder=4)
        ax.text(
            place + 2 * _TICK,
            height,
            label,
            fontsize="x-small",
            va="center",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": ax.get_facecolor(), "edgecolor": "none", "alpha": 0.75},
        )
