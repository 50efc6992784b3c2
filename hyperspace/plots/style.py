"""Style of all plots: colors, lines, and axes in the terms of the search space.

The colors are those of Okabe and Ito, which are distinct for any kind of color vision. The sky blue is darker than theirs, for
contrast on white paper. Text and lines use matplotlib's settings, so that plots also suit a dark style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize, to_hex
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.plots.labels import LONGEST, Plain, breadth, distinct, fitting_ticks, legend_columns, number, small, text, wrapped
from hyperspace.results.result import Result
from hyperspace.space.categorical import Categorical
from hyperspace.space.dimension import Dimension
from hyperspace.space.numeric import Integer
from hyperspace.system.terminal import printable
from hyperspace.trials.incumbent import is_infeasible
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.trial import FAILED, OK, PRUNED, RUNNING, TIMEOUT, Trial
from hyperspace.typing import Array

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#3E9BD0"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
GRAY = "#7F7F7F"
STATUS_COLORS = {OK: SKY, FAILED: VERMILLION, TIMEOUT: ORANGE, PRUNED: PURPLE, RUNNING: GRAY}
SHADES: tuple[str, ...] = tuple(to_hex(c) for c in pyplot.get_cmap("viridis")(np.linspace(0.08, 0.80, 24)))  # the best first
FAINT, GRID = 0.35, 0.15  # opacities of the background
MANY_MARKS = 2000  # number of marks from which they are one image, also in a vector graphic
_MOST_TICKS = 24  # largest number of labeled categories
_DECADE_AND_A_HALF = 10**1.5
_FENCE = 3.0  # Tukey's outer fence, in units of the interquartile range
_FAR = 10**4  # an axis of integers farther from 0 than this many times its width counts from its lower end


def axes_for(ax: Axes | None, width: float = 6.4, height: float = 4.0, square: bool = False) -> Axes:
    """Return the axes to draw into, plain: the given ones, or those of a new figure of this size in inches."""
    if ax is None:
        _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    for side in ("top", "right"):
        ax.spines[side].set_visible(square)
    for spine in ax.spines.values():
        spine.set_alpha(FAINT)
    ax.tick_params(length=3, width=0.6, labelsize="small")
    ax.set_axisbelow(True)
    return ax


def grid(ax: Axes, axis: Any = "both") -> None:
    """Draw a faint grid."""
    ax.grid(True, which="major", axis=axis, color=ink(), alpha=GRID, linewidth=0.6)


def legend(ax: Axes, **options: Any) -> None:
    """Draw a plain legend, if there are labels."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"framealpha": 0.7, "edgecolor": "none", "fontsize": "small", "handlelength": 1.6, **options})


def legend_above(ax: Axes, columns: int = 4) -> None:
    """Draw a plain legend above the axes, in as many columns as fit into their width."""
    fitted_legend(ax, columns, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)


def legend_across(ax: Axes) -> None:
    """Draw a plain legend above the axes over the width of their figure, or over their own width in a shared figure.

    A title reserves its room, so that a long legend does not make the axes narrow.
    """
    figure: Any = ax.figure
    told = ax.get_legend_handles_labels()[1]
    if sum(other.get_subplotspec() is not None for other in figure.axes) > 1:
        legend_above(ax, 2)
    elif told:
        room, size = figure.bbox.width * 72.0 / figure.dpi, small()
        columns = legend_columns(told, room, 3, size)
        ax.set_title("\n".join([" "] * -(-len(told) // columns)), fontsize=size, linespacing=1.6, pad=12.0)
        across = blended_transform_factory(figure.transFigure, ax.transAxes)
        where: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "bbox_transform": across}
        legend(ax, ncols=columns, columnspacing=1.2, borderaxespad=0.2, **where)
        shown: Any = ax.get_legend()
        shown.set_in_layout(False)


def legend_below(ax: Axes, columns: int = 2, offset: float = 0.0) -> None:
    """Draw a plain legend below the axes and their labels, which have the height `offset` in units of the axes."""
    fitted_legend(ax, columns, loc="upper left", bbox_to_anchor=(0.0, -offset), borderaxespad=0.2)


def fitted_legend(ax: Axes, columns: int, **options: Any) -> None:
    """Draw a plain legend in as many columns as fit into the width of the axes, at most `columns`."""
    labels = ax.get_legend_handles_labels()[1]
    legend(ax, ncols=legend_columns(labels, breadth(ax), columns, small()), columnspacing=1.2, **options)


def say_empty(ax: Axes, words: str) -> None:
    """Write a message in the middle of axes without values, and remove the ticks of the value axis."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", alpha=0.7)
    ax.set_yticks([])


def ink() -> Any:
    """Return the color of text and lines."""
    return pyplot.rcParams["text.color"]


def goal_name(result: Result, longest: int = LONGEST) -> str:
    """Return the name of the optimized metric."""
    return text(_goal(result), longest)


def goal_label(result: Result, after: str = "") -> str:
    """Return a label of an axis: the name of the optimized metric, in two lines if it is long, and further words."""
    return wrapped(f"{_goal(result)}{after}")


def _goal(result: Result) -> str:
    metrics = next((trial.metrics for trial in result.all_trials if trial.status == OK), {})
    return result.goals.goal_name(metrics) if metrics else result.goals.goal or FLOAT_NAME


def outlined() -> Any:
    """Return an effect that makes a light line visible on any paper."""
    return [withStroke(linewidth=3.4, foreground=ink())]


def count_axis(ax: Axes, n: int) -> None:
    """Make the horizontal axis one of n evaluations, numbered from 1."""
    margin = 0.02 * n + 0.5
    ax.set_xlim(1 - margin, max(n, 1) + margin)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]) if n > 1 else FixedLocator([1]))
    ax.set_xlabel("evaluations, in the order in which they ended")


# The search space


def origin(dimension: Dimension) -> int:
    """Return the origin of a dimension's axis: 0, or the lower bound of close integers far from 0.

    Neighboring integers beyond 2^53 are the same double, and those near it have the same label.
    """
    if not isinstance(dimension, Integer) or dimension.prior == "log-uniform":
        return 0
    low, high = dimension.bounds
    return int(low) if max(abs(low), abs(high)) > _FAR * (high - low) else 0


def place(dimension: Dimension, u: Array) -> Array:
    """Return the positions of coordinates u (n,) of the unit interval on the axis of a dimension.

    The position of a number is its value, without rounding and relative to `origin`. That of a category is its index in the list.
    A level extends half a step to both sides.
    """
    u = np.asarray(u, dtype=float)
    if isinstance(dimension, Categorical):
        return u * dimension.levels - 0.5
    reach = 0.5 if isinstance(dimension, Integer) else 0.0
    low, high = _ends(dimension)
    low, high = low - reach, high + reach
    if dimension.prior == "log-uniform":
        values: Array = np.exp(np.log(low) + u * (np.log(high) - np.log(low)))
        return values
    return low + u * (high - low)


def positions(dimension: Dimension, trials: Iterable[Trial], j: int) -> Array:
    """Return the positions of the trials on the axis of dimension j, (n,)."""
    return place(dimension, dimension.to_unit([trial.x[j] for trial in trials]))


def mark_axis(axis: Axis, dimension: Dimension, name: str, spread: bool = False, room: float = 1.0) -> None:
    """Set the scale, the limits, the ticks and the name of an axis for a dimension.

    Args:
        axis: the axis.
        dimension: its dimension.
        name: name of the dimension.
        spread: whether the name should mention that trials of one level are spread.
        room: share of the axes' width that they keep, e.g. beside a color bar.
    """
    ends = place(dimension, np.array([0.0, 1.0])).tolist()
    ax: Any = axis.axes
    vertical = axis is ax.yaxis
    (ax.set_yscale if vertical else ax.set_xscale)("log" if dimension.prior == "log-uniform" else "linear")
    (ax.set_ylim if vertical else ax.set_xlim)(*ends)
    start = origin(dimension)
    shift = f" (+ {start})" if start > 0 else f" (− {-start})" if start < 0 else ""
    axis.set_label_text(wrapped(f"{printable(name)}{shift}", 26) + ("\n(spread within a level)" if spread else ""))
    room, size = room * breadth(ax, vertical), small()
    ticks, labels = ticks_of(dimension, most=6 if vertical else int(np.clip(room / 40.0, 3, 6)))
    turn = 0.0
    if isinstance(dimension, Categorical) and not vertical:
        step, longest, turn = fitting_ticks(labels, room, size)
        ticks, labels = ticks[::step], distinct([dimension.categories[int(tick)] for tick in ticks], longest)[::step]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, position: labels[position] if position is not None else f"{value:.6g}"))
    if turn:
        for label in axis.get_ticklabels():
            label.set(rotation=turn, ha="right", va="center" if turn == 90.0 else "top", rotation_mode="anchor")


def ticks_of(dimension: Dimension, most: int = 6, longest: int = LONGEST) -> tuple[list[float], list[str]]:
    """Return positions and labels of a dimension's ticks."""
    if isinstance(dimension, Categorical):
        step = -(-dimension.levels // _MOST_TICKS)
        chosen = range(0, dimension.levels, step)
        return [float(j) for j in chosen], distinct([dimension.categories[j] for j in chosen], longest)
    low, high = _ends(dimension)
    if dimension.prior == "log-uniform":
        subs = [1.0] if high / low > _DECADE_AND_A_HALF else [1.0, 2.0, 5.0]
        found = LogLocator(subs=subs, numticks=most).tick_values(low, high)
    else:
        found = MaxNLocator(most, integer=isinstance(dimension, Integer), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    margin = 1e-9 * (high - low)
    ticks = [float(tick) for tick in found if low - margin <= tick <= high + margin]
    if isinstance(dimension, Integer):
        ticks = sorted({float(round(tick)) for tick in ticks} | ({low, high} if len(ticks) < 2 else set()))
    return ticks, [number(tick) if abs(tick) < 1e5 and not float(tick).is_integer() else _whole(tick) for tick in ticks]


def _ends(dimension: Dimension) -> tuple[float, float]:
    start, (low, high) = origin(dimension), dimension.bounds
    return float(low - start), float(high - start)


def _whole(tick: float) -> str:
    return f"{tick:.0f}" if abs(tick) < 1e5 else number(tick)


# Values


def best_so_far(values: Array, maximize: bool) -> Array:
    """Return the best of the values up to each, (n,); nan before the first number."""
    sign = -1.0 if maximize else 1.0
    best = np.minimum.accumulate(np.where(np.isnan(values), np.inf, sign * values))
    return np.where(np.isinf(best), np.nan, sign * best)


def fits_log(values: Iterable[float] | Array) -> bool:
    """Return whether values are positive and have a range for a logarithmic axis."""
    finite = np.asarray(list(values), dtype=float)
    finite = finite[np.isfinite(finite)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 100)


def log_values(axis: Axis, values: Array) -> None:
    """Make a value axis logarithmic, with numbers as ticks; a range of up to two decades also has ticks at 2 and 5."""
    finite = values[np.isfinite(values) & (values > 0)]
    ax: Any = axis.axes
    (ax.set_yscale if axis is ax.yaxis else ax.set_xscale)("log")
    narrow = len(finite) > 0 and finite.max() / finite.min() < 100
    axis.set_major_locator(LogLocator(subs=[1.0, 2.0, 5.0] if narrow else [1.0], numticks=8))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def fit_values(ax: Axes, values: Array, maximize: bool, within: Array | None = None) -> None:
    """Set the value axis so that outliers do not flatten the other values: some of the worst may be outside.

    Values beyond Tukey's outer fence, three interquartile ranges from the quartiles, are ignored.

    Args:
        ax: the axes.
        values: all values; some may be nan.
        maximize: whether the largest is the best.
        within: values that must be visible, such as the best so far.
    """
    ax.yaxis.set_major_formatter(Plain())
    values = values[np.isfinite(values)]
    within = np.empty(0) if within is None else within[np.isfinite(within)]
    if len(values) == 0:
        return
    bad = -1.0 if maximize else 1.0
    if fits_log(np.concatenate([values, within])):
        seen = np.exp(bad * _without_outliers(bad * np.log(values)))
        if fits_log(np.concatenate([seen, within])):
            log_values(ax.yaxis, seen)
            seen = np.log(np.concatenate([seen, within]))
            margin = 0.06 * (seen.max() - seen.min())
            ax.set_ylim(np.exp(seen.min() - margin), np.exp(seen.max() + margin))
            return
    seen = np.concatenate([bad * _without_outliers(bad * values), within])
    margin = 0.06 * (seen.max() - seen.min()) or 0.1 * abs(seen.max()) or 1.0
    ax.set_ylim(seen.min() - margin, seen.max() + margin)


def usual_values(values: Array, maximize: bool) -> tuple[float, float] | None:
    """Return limits of the values (n,) without outliers; None if no bad value is one.

    An outlier is beyond Tukey's outer fence, three interquartile ranges from the quartiles. The limit on the good side is the
    other fence, or the best value if that is beyond it.
    """
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return None
    bad = -1.0 if maximize else 1.0
    losses = bad * values
    low, high = np.quantile(losses, [0.25, 0.75])
    fence = _fence(losses)
    if low == high or losses.max() <= fence:
        return None
    ends = sorted((bad * min(float(losses.min()), float(low - _FENCE * (high - low))), bad * fence))
    return ends[0], ends[1]


def _without_outliers(values: Array) -> Array:
    """Return the values (n,) without those that are far larger than the others."""
    kept: Array = values[values <= _fence(values)]
    return kept


def _fence(values: Array) -> float:
    """Return Tukey's upper outer fence of values (n,); inf beyond the range of a double."""
    low, high = np.quantile(values, [0.25, 0.75])
    with np.errstate(over="ignore"):
        return float(high + _FENCE * (high - low))


def without_value(trials: Sequence[Trial], goals: Metrics) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Return label, color and rows (n,) of the trials that cannot be the best: failed, pruned, and infeasible ones."""
    groups = (
        ("failed", VERMILLION, np.array([trial.failed for trial in trials], dtype=bool)),
        ("pruned", PURPLE, np.array([trial.status == PRUNED for trial in trials], dtype=bool)),
        ("infeasible", GRAY, infeasible(trials, goals)),
    )
    return [(label, color, rows) for label, color, rows in groups if rows.any()]


def infeasible(trials: Sequence[Trial], goals: Metrics) -> NDArray[np.bool_]:
    """Return which trials ended well and violate a constraint, (n,)."""
    return np.array([is_infeasible(trial, goals) for trial in trials], dtype=bool)


def good_colors(values: Array, maximize: bool) -> tuple[Colormap, Normalize]:
    """Return colors from the best value, dark, to the 80 % quantile, light; worse values have the lightest color."""
    worse = float(np.quantile(values, 0.2 if maximize else 0.8))
    best = float(values.max() if maximize else values.min())
    if worse == best:
        worse = best - 1.0 if maximize else best + 1.0
    colors = SHADES[::-1] if maximize else SHADES
    return ListedColormap(list(colors), name="good"), Normalize(min(best, worse), max(best, worse))


def colorbar(ax: Axes, colors: tuple[Colormap, Normalize], label: str, maximize: bool) -> None:
    """Draw a color bar beside the axes."""
    figure: Any = ax.figure
    bar = figure.colorbar(ScalarMappable(colors[1], colors[0]), ax=ax, label=label, extend="min" if maximize else "max", pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize="small")
    bar.ax.yaxis.set_major_formatter(Plain())


def thinned(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most `most` of the rows, evenly selected, including the first and the last."""
    if len(rows) <= most:
        return list(rows)
    return [rows[i] for i in np.linspace(0, len(rows) - 1, most).astype(int)]


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check that a value is one of the choices.

    Raises:
        InputError: it is not.
    """
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {shown(value)}")


def mark_outside(ax: Axes, x: Array, y: Array) -> None:
    """Mark at the edge, and count, the points (x, y), (n,) each, that are above or below the axes."""
    low, high = ax.get_ylim()
    for outside, marker, height, told in ((y > high, "^", 0.985, "above this axis"), (y < low, "v", 0.015, "below this axis")):
        n = int(outside.sum())
        if n:
            marks: dict[str, Any] = {"marker": marker, "s": 20, "color": GRAY, "linewidth": 0, "clip_on": False}
            ax.scatter(x[outside], np.full(n, height), transform=ax.get_xaxis_transform(), label=f"{told} ({n})", **marks)
