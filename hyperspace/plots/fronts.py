"""Plots of several goals: the front, its hypervolume over the evaluations, and the probability to attain its values."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown, shown_all
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.plots.convergence import Studies, colors_of, draw_band, ended_of, groups_of, longest_of
from hyperspace.results.attainment import attainment
from hyperspace.results.result import Result
from hyperspace.targets.losses import Goals
from hyperspace.trials.metrics import Metric
from hyperspace.trials.trial import RUNNING
from hyperspace.typing import Array

_SUBSAMPLES = 10  # the default subsample is the trials divided by this
_PANEL = 2.6  # size of a panel of a matrix, in inches


@own_numerics()
def plot_front(result: Result, x: str | None = None, y: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the trials in the plane of two goals, with the front; for three goals or more, a matrix of all pairs.

    Infeasible trials are gray squares. The steps of a front of two goals bound the region that it dominates. Dashed lines are
    thresholds. Running trials have no values yet; the legend counts them.

    Args:
        result: a study with several goals.
        x: name of the goal of the horizontal axis; None for the first.
        y: name of the goal of the vertical axis; None for the second.
        ax: axes to draw one pair into.

    Returns:
        The axes; the first ones of a matrix.

    Raises:
        InputError: one goal, an unknown name, or `ax` with a matrix.
    """
    goals = _several(result)
    if len(goals) == 2 or x is not None or y is not None:
        first, second = _pair(goals, x, y)
        ax = style.axes_for(ax, 5.6, 4.4)
        _draw_pair(ax, result, first, second)
        style.legend_above(ax, 3)
        return ax
    if ax is not None:
        raise InputError(f"ax= holds one pair of the {len(goals)} goals; name them as x= and y=")
    size = len(goals) - 1
    figure, grid = pyplot.subplots(
        size, size, figsize=(_PANEL * size + 1.0, _PANEL * size), squeeze=False, sharex="col", sharey="row", layout="constrained"
    )
    for row in range(size):
        for column in range(size):
            panel = grid[row, column]
            if column > row:
                panel.set_visible(False)
                continue
            _draw_pair(style.axes_for(panel), result, column, row + 1)
            panel.label_outer()
    handles, told = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, told, loc="upper right", frameon=False, fontsize="small")
    first_panel: Axes = grid[0, 0]
    return first_panel


@own_numerics()
def plot_hypervolume(studies: Studies, ax: Axes | None = None) -> Axes:
    """Draw the hypervolume of the front over the evaluations, in the order of their ends.

    The reference point is fixed, so that a curve never falls: the worst of the studies' own reference points.

    Args:
        studies: one Result, several of one kind (median and quartiles), or a dict of either by name; all with the same goals.
        ax: axes to draw into.

    Raises:
        InputError: nothing to draw, one goal, or studies with different goals.
    """
    groups = groups_of(studies, one_goal=False)
    results = [result for _, members in groups for result in members]
    goals = _several(results[0])
    names = [(goal.name, goal.sign) for goal in goals]
    if any([(goal.name, goal.sign) for goal in result.goals.goals] != names for result in results):
        raise InputError("the studies have different goals; compare studies that want the same")
    ax = style.axes_for(ax)
    style.grid(ax)
    reached = [result.goals_reached for result in results if result.goals_reached.complete.any()]
    if reached:
        r = np.max([own.reference() for own in reached], axis=0)
        scale = r - np.min([own.Y[own.complete].min(axis=0) for own in reached], axis=0)
        for (name, members), color in zip(groups, colors_of(len(groups)), strict=True):
            draw_band(ax, name, [_hypervolumes(result, r, np.maximum(scale, 1e-300)) for result in members], color)
    else:
        style.say_empty(ax, results[0].why_no_optimum())
    style.count_axis(ax, longest_of(ax))
    ax.yaxis.set_major_formatter(labels.Plain())
    ax.set_ylabel(labels.wrapped(f"hypervolume of {', '.join(goal.name for goal in goals)}"))
    style.legend_above(ax, 2)
    return ax


@own_numerics()
def plot_attainment(
    result: Result, n: int | None = None, x: str | None = None, y: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the trials in the plane of two goals, colored by the probability that n trials attain their values.

    The probability is that of n trials drawn at random from those of the study: that one of them is feasible and at least as
    good in all goals. For a random search, it is the probability of a random search of n evaluations.

    Args:
        result: a study with several goals.
        n: number of trials; None for a tenth of the study's.
        x: name of the goal of the horizontal axis; None for the first.
        y: name of the goal of the vertical axis; None for the second.
        ax: axes to draw into.

    Raises:
        InputError: one goal, an unknown name, or a wrong n.
    """
    goals = _several(result)
    first, second = _pair(goals, x, y)
    reached = result.goals_reached
    ax = style.axes_for(ax, 5.6, 4.4)
    _name_axes(ax, goals, first, second)
    if not reached.usable.any():
        style.say_empty(ax, result.why_no_optimum())
        return ax
    n = max(len(reached.Y) // _SUBSAMPLES, 1) if n is None else n
    Y = np.where(reached.usable[:, None], reached.Y, np.inf)
    rows = np.flatnonzero(reached.usable)
    probability = attainment(Y, Y[rows], n)
    order = np.argsort(-probability, kind="stable")  # rare values on top
    values = _values(reached, goals)[rows][order]
    colors = Normalize(0.0, 1.0)
    ax.scatter(values[:, first], values[:, second], c=probability[order], cmap="viridis", norm=colors, s=18, linewidth=0)
    figure: Any = ax.figure
    told = f"probability that {n} random trials attain it"
    bar = figure.colorbar(ScalarMappable(colors, "viridis"), ax=ax, label=told, pad=0.02)
    bar.outline.set_visible(False)
    return ax


def _several(result: Result) -> tuple[Metric, ...]:
    """Return the goals of a study with several.

    Raises:
        InputError: it has one goal.
    """
    if not result.goals.several:
        raise InputError("this study has one goal, whose front is the best trial; plot_convergence shows it")
    return result.goals.goals


def _pair(goals: tuple[Metric, ...], x: str | None, y: str | None) -> tuple[int, int]:
    """Return the indices of two goals; None is the first one that is not the other.

    Raises:
        InputError: an unknown name.
    """
    names = [goal.name for goal in goals]
    for name in (x, y):
        if name is not None and name not in names:
            raise InputError(f"the goals are {shown_all(names)}; got {shown(name)}")
    first = names.index(x) if x is not None else 1 if y == names[0] else 0
    return first, names.index(y) if y is not None else 1 if first != 1 else 0


def _values(reached: Goals, goals: tuple[Metric, ...]) -> Array:
    """Return the values of the goals as the objective returned them, (n, m)."""
    return np.asarray(reached.Y * np.array([goal.sign for goal in goals]))


def _name_axes(ax: Axes, goals: tuple[Metric, ...], first: int, second: int) -> None:
    style.grid(ax)
    for axis, goal in ((ax.xaxis, goals[first]), (ax.yaxis, goals[second])):
        better = "more" if goal.goal == "maximize" else "less"
        axis.set_label_text(labels.wrapped(f"{goal.name} ({better} is better)"))
        axis.set_major_formatter(labels.Plain())


def _draw_pair(ax: Axes, result: Result, first: int, second: int) -> None:
    goals, reached = result.goals.goals, result.goals_reached
    values = _values(reached, goals)[:, [first, second]]
    known = np.isfinite(values).all(axis=1)
    on_front = np.zeros(len(values), dtype=bool)
    on_front[reached.front] = True
    feasible = known & (reached.V == 0.0)
    dots: dict[str, Any] = {"s": 14, "linewidth": 0, "rasterized": len(values) > style.MANY_MARKS}
    ring: dict[str, Any] = {"s": 14, "facecolor": "none", "edgecolor": style.GRAY, "linewidth": 0.8, "marker": "s"}
    _mark(ax, values, known & ~feasible, "infeasible", **ring)
    _mark(ax, values, feasible & ~on_front, "not on the front", color=style.SKY, alpha=0.7, **dots)
    if len(goals) == 2 and on_front.any():
        ax.plot(
            *_steps(reached.Y[reached.front][:, [first, second]]).T * _signs(goals, first, second), color=style.VERMILLION, lw=1.0
        )
    _mark(ax, values, on_front, "on the front", color=style.VERMILLION, zorder=4, **(dots | {"s": 26}))
    running = sum(trial.status == RUNNING for trial in result.all_trials)
    if running:
        ax.scatter([], [], color=style.ink(), marker=".", label=f"running ({running})")
    for draw, goal in ((ax.axvline, goals[first]), (ax.axhline, goals[second])):
        if goal.threshold is not None:
            draw(goal.threshold, color=style.ink(), alpha=0.5, linewidth=0.9, linestyle=(0, (4, 3)))
    if not known.any():
        style.say_empty(ax, result.why_no_optimum())
    _name_axes(ax, goals, first, second)


def _mark(ax: Axes, values: Array, rows: NDArray[np.bool_], label: str, **options: Any) -> None:
    if rows.any():
        ax.scatter(*values[rows].T, label=f"{label} ({int(rows.sum())})", **options)


def _signs(goals: tuple[Metric, ...], first: int, second: int) -> Array:
    return np.array([[goals[first].sign], [goals[second].sign]])


def _steps(P: Array) -> Array:
    """Return the corners of the region that a front P (k, 2) dominates, (2k - 1, 2)."""
    P = P[np.lexsort((P[:, 1], P[:, 0]))]
    corners = np.column_stack([P[1:, 0], P[:-1, 1]])
    steps = np.empty((2 * len(P) - 1, 2))
    steps[::2], steps[1::2] = P, corners
    return steps


def _hypervolumes(result: Result, r: Array, scale: Array) -> Array:
    """Return the hypervolume after each ended trial, (n,), in the order of their ends."""
    row_of = {trial.key: row for row, trial in enumerate(trial for trial in result.all_trials if trial.finished)}
    return result.goals_reached.hypervolumes([row_of[trial.key] for trial in ended_of(result)], r, scale)
