"""Parallel coordinates: a vertical axis a parameter, a line a trial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from hyperspace.analysis.sensitivity import find_dimension
from hyperspace.incumbent import rank
from hyperspace.numerics import own_numerics
from hyperspace.plots import style
from hyperspace.plots.regions import spread
from hyperspace.results import Result
from hyperspace.trial import OK, Array

_MOST = 600  # lines: of more trials the best ones and every so-manieth of the others
_MOST_AXES = 20
_TICK = 0.03


@own_numerics()
def plot_parallel(result: Result, dimensions: Sequence[int | str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw each trial as a line through its parameters, the last axis being the objective; the best lie on top.

    Trials that ended without a value are thin, dashed, and end before the last axis. Of more than 600 trials the best 200 and
    an even part of the others are drawn.

    Args:
        result: the study.
        dimensions: numbers or names of the parameters, from left to right; None for all, or the first 20 of more.
        ax: where to draw.

    Raises:
        InputError: no such parameter.
    """
    chosen = range(min(result.search_space.d, _MOST_AXES)) if dimensions is None else dimensions
    columns = [find_dimension(result, dimension) for dimension in chosen]
    ax = style.axes_for(ax, max(6.4, 1.25 * (len(columns) + 2)), 4.2)
    _draw_axes(ax, result, columns)
    trials = result.all_trials
    heights = np.stack([_height(result, j) for j in columns], axis=1) if trials else np.empty((0, len(columns)))
    ok = np.array([trial.status == OK for trial in trials], dtype=bool)
    places = np.arange(len(columns) + 1.0)
    for label, color, bad in style.without_value(trials):
        rows = style.thinned(np.flatnonzero(bad).tolist(), _MOST // 3)
        lines = [np.column_stack([places[:-1], heights[row]]) for row in rows]
        ax.add_collection(LineCollection(lines, color=color, linewidth=0.7, linestyle=(0, (3, 3)), alpha=0.5, label=label))
    if ok.any():
        values = np.array([result.goals.value(trial.metrics) for trial in trials])
        colors = style.good_colors(values[ok], result.maximize)
        last = _objective_heights(values[ok], result.maximize)
        ended_well = [trial for trial in trials if trial.status == OK]
        order = np.array(sorted(range(len(ended_well)), key=lambda row: rank(ended_well[row], result.goals)), dtype=np.intp)
        if len(order) > _MOST:
            order = np.concatenate([order[: _MOST // 3], style.thinned(order[_MOST // 3 :].tolist(), _MOST - _MOST // 3)])
        order = order[::-1]  # the best are drawn last
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
            label = f"best, {style.number(result.fun)}"
            ax.plot(
                places, [*heights[row], top], color=style.ORANGE, linewidth=2.2, zorder=5, label=label, solid_capstyle="round"
            )
    style.legend(ax, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
    return ax


def _height(result: Result, j: int) -> Array:
    """Return how high all trials cross the axis of dimension j, (n,), from 0 to 1."""
    dimension = result.search_space.dimensions[j]
    u = dimension.to_unit([trial.x[j] for trial in result.all_trials])
    if 0 < dimension.levels <= 32 and dimension.even:
        spread_out: Array = (spread(result, j) - style.place(dimension, np.zeros(1))[0]) / dimension.levels
        return spread_out
    return u


def _objective_heights(values: Array, maximize: bool) -> Array:
    """Return how high values cross the objective's axis: their own scale, within the colours' range."""
    _, norm = style.good_colors(values, maximize)
    heights: Array = np.clip(np.asarray(norm(values), dtype=float), 0.0, 1.0)
    return heights


def _draw_axes(ax: Axes, result: Result, columns: Sequence[int]) -> None:
    space = result.search_space
    last = len(columns)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlim(-0.35, last + 0.45)
    ax.set_ylim(-0.04, 1.04)
    ax.set_yticks([])
    ax.set_xticks(
        range(last + 1), [style.text(name, 14) for name in (*(space.names[j] for j in columns), style.goal_name(result))]
    )
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0, labelsize="medium", pad=8)
    for place, dimension in enumerate(space.dimensions[j] for j in columns):
        ticks, labels = style.ticks_of(dimension, most=5)
        ends = style.place(dimension, np.array([0.0, 1.0]))
        scale = np.log if dimension.prior == "log-uniform" else np.asarray
        low, high = (float(end) for end in scale(ends))
        _draw_axis(ax, place, [(float(scale(tick)) - low) / (high - low) for tick in ticks], labels)
    values = np.array([result.goals.value(trial.metrics) for trial in result.all_trials if trial.status == OK])
    if len(values):
        _, norm = style.good_colors(values, result.maximize)
        marks = np.linspace(0.0, 1.0, 5)
        labels = [style.number(float(value)) for value in norm.inverse(marks)]
        worse = 0 if result.maximize else -1
        labels[worse] = ("≤ " if result.maximize else "≥ ") + labels[worse]
        _draw_axis(ax, last, marks.tolist(), labels)


def _draw_axis(ax: Axes, place: int, heights: list[float], labels: list[str]) -> None:
    ax.plot([place, place], [0, 1], color=style.ink(), alpha=0.6, linewidth=0.9, zorder=4)
    for height, label in zip(heights, labels, strict=True):
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
