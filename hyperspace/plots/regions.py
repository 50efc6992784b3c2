"""Plots of the partition with its trials, two dimensions at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.result import Result
from hyperspace.results.sensitivity import find_dimension
from hyperspace.space.dimension import Dimension
from hyperspace.space.partition import Subspace
from hyperspace.trials.incumbent import rank
from hyperspace.trials.trial import OK
from hyperspace.typing import Array

_ELSEWHERE = 0.3  # opacity of trials outside the slice
_ROOM = 0.72  # share of the axes' width beside the color bar


@own_numerics()
def plot_partition(result: Result, dimensions: tuple[int | str, int | str] = (0, 1), ax: Axes | None = None) -> Axes:
    """Draw two dimensions of the partition, its overlapping halves, and the trials; the best one's subspace is outlined.

    With more than two dimensions this is a slice through the subspace of the best trial: trials inside that subspace in all other
    dimensions are opaque, the others faint.

    Args:
        result: the study.
        dimensions: numbers or names of the two, the horizontal one first.
        ax: axes to draw into.

    Raises:
        InputError: an unknown dimension, twice the same, or not two of them.
    """
    if isinstance(dimensions, str) or not isinstance(dimensions, Sequence) or len(dimensions) != 2:
        raise InputError(f'plot_partition takes two dimensions, such as ("C", "gamma") or (0, 1), got {shown(dimensions)}')
    first, second = find_dimension(result, dimensions[0]), find_dimension(result, dimensions[1])
    if first == second:
        raise InputError(f"two different dimensions were expected, got {shown(dimensions)}")
    pair = (first, second)
    space = result.search_space
    ax = style.axes_for(ax, 5.8, 4.6, square=True)
    for j, axis in zip(pair, (ax.xaxis, ax.yaxis), strict=True):
        style.mark_axis(axis, space.dimensions[j], space.names[j], spread=is_spread(space.dimensions[j]), room=_ROOM)
    winner = winning_subspace(result)
    _draw_halves(ax, result, pair, winner)
    _draw_trials(ax, result, pair, winner)
    return ax


def winning_subspace(result: Result) -> Subspace | None:
    """Return the subspace with the best trial: its drive's home, or else the first that contains it; None without one."""
    best = result.best_trial
    if best is None:
        return None
    U = result.search_space.to_unit([best.x])[0]
    home = result.partition[best.subspace] if best.drive >= 0 else None
    if home is not None and bool(home.bounds.contains(U)):
        return home
    return result.partition[result.partition.holding(U, most=1)[0][0]]


def _draw_halves(ax: Axes, result: Result, pair: tuple[int, int], winner: Subspace | None) -> None:
    """Shade the overlap of the halves, draw their ends, and outline the subspace of the best trial."""
    whole = result.partition
    for j, horizontal in zip(pair, (True, False), strict=True):
        if j not in whole.split:
            continue
        dimension = result.search_space.dimensions[j]
        lower, upper = whole[0].bounds.upper[j], whole[whole.n_subspaces - 1].bounds.lower[j]
        shared = style.place(dimension, np.array([upper, lower]))
        span, line = (ax.axvspan, ax.axvline) if horizontal else (ax.axhspan, ax.axhline)
        span(*shared, color=style.ink(), alpha=0.07, linewidth=0, zorder=0)
        for end in shared:
            line(end, color=style.ink(), alpha=style.FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    if winner is None or whole.n_subspaces == 1:
        return
    corners = np.array([[box[j] for j in pair] for box in winner.bounds])
    x = style.place(result.search_space.dimensions[pair[0]], corners[:, 0])
    y = style.place(result.search_space.dimensions[pair[1]], corners[:, 1])
    where, width, height = (float(x[0]), float(y[0])), float(x[1] - x[0]), float(y[1] - y[0])
    label = f"subspace {winner.index}, whose box holds the best"
    ax.add_patch(Rectangle(where, width, height, facecolor=style.VERMILLION, alpha=0.06, linewidth=0, zorder=2))
    frame = Rectangle(where, width, height, fill=False, edgecolor=style.VERMILLION, linewidth=2.0, label=label, zorder=2)
    frame.set_clip_on(False)
    ax.add_patch(frame)


def _draw_trials(ax: Axes, result: Result, pair: tuple[int, int], winner: Subspace | None) -> None:
    space = result.search_space
    trials = result.all_trials
    if not trials:
        return
    xy = np.stack([spread(result, j) for j in pair], axis=1)
    U = space.to_unit([trial.x for trial in trials])
    inside = _in_slice(U, pair, winner)
    ok = np.array([trial.status == OK for trial in trials]) & ~style.infeasible(trials, result.goals)
    ended = np.array([trial.finished for trial in trials])
    many = len(trials) > style.MANY_MARKS
    size = 4 if many else 14 if len(trials) > 500 else 26

    def opacity(rows: NDArray[np.intp]) -> Any:
        return np.where(inside[rows], 0.9, _ELSEWHERE)

    if ok.any():
        values = np.array([result.goals.value(trial.metrics) for trial in trials])
        colors = style.good_colors(values[ok], result.maximize)
        rows = np.flatnonzero(ok).tolist()
        order = np.array(sorted(rows, key=lambda row: rank(trials[row], result.goals), reverse=True))  # best ones on top
        edge = 0.0 if len(trials) > 500 else 0.3  # edges make light marks visible on white paper
        dots: dict[str, Any] = {"c": values[order], "cmap": colors[0], "norm": colors[1], "s": size, "linewidth": edge}
        ax.scatter(*xy[order].T, alpha=opacity(order), zorder=3, rasterized=many, edgecolor=style.ink(), **dots)
        if np.ptp(values[ok]) > 0:
            style.colorbar(ax, colors, style.goal_name(result, 30), result.maximize)
    for told, color, bad in style.without_value(trials, result.goals):
        edges = [to_rgba(color, alpha) for alpha in opacity(np.flatnonzero(bad))]
        marks: dict[str, Any] = {"marker": "s", "facecolor": "none"} if told == "infeasible" else {"marker": "x"}
        marks |= {"linewidth": 1.0, "s": size, "rasterized": many, "edgecolor" if told == "infeasible" else "color": edges}
        ax.scatter(*xy[bad].T, zorder=3, label=f"{told} ({int(bad.sum())})", **marks)
    if not ended.all():
        ring: dict[str, Any] = {"facecolor": "none", "edgecolor": style.ink(), "linewidth": 1.0, "s": size}
        ax.scatter(*xy[~ended].T, zorder=3, label="running", **ring)
    best = result.best_trial
    if best is not None:
        row = trials.index(best)
        star: dict[str, Any] = {"marker": "*", "s": 190, "color": style.ORANGE, "edgecolor": style.ink(), "linewidth": 0.8}
        ax.scatter(*xy[row : row + 1].T, zorder=5, label=f"best, {labels.number(result.fun)}", clip_on=False, **star)
    if not inside.all():
        told = "outside of it in other parameters"
        ax.scatter([], [], s=size, color=style.ink(), alpha=_ELSEWHERE, linewidth=0, label=told)
    style.legend_across(ax)


def is_spread(dimension: Dimension) -> bool:
    """Return whether the trials of one level are spread around its middle, so that all are visible."""
    return 0 < dimension.levels <= 32 and dimension.even


def spread(result: Result, j: int) -> Array:
    """Return the positions of all trials along dimension j, (n,); those of one level are spread, so that all are visible."""
    dimension = result.search_space.dimensions[j]
    u = dimension.to_unit([trial.x[j] for trial in result.all_trials])
    if is_spread(dimension):
        return style.place(dimension, u + offsets(len(u), j) * 0.6 / dimension.levels)
    return style.place(dimension, u)


def offsets(n: int, j: int) -> Array:
    """Return the offsets of n trials along dimension j, (n,), from -0.5 to 0.5: even and reproducible."""
    spread_out: Array = (np.arange(1.0, n + 1.0) * (1 + j) * 0.6180339887498949) % 1.0 - 0.5
    return spread_out


def _in_slice(U: Array, pair: tuple[int, int], winner: Subspace | None) -> NDArray[np.bool_]:
    """Return which points are in the best trial's box in all dimensions but the two."""
    if winner is None:
        return np.ones(len(U), dtype=bool)
    others = [j for j in range(U.shape[1]) if j not in pair]
    slack = 1e-9
    lower, upper = winner.bounds.lower[others] - slack, winner.bounds.upper[others] + slack
    return np.asarray(((U[:, others] >= lower) & (U[:, others] <= upper)).all(axis=1))
