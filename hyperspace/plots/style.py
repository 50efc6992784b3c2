"""What all pictures share: colours, lines, and axes that speak the search space's language.

Colours are those of Okabe and Ito, which people with any kind of colour vision can tell apart; text and lines take matplotlib's
own settings, so that pictures fit a dark style too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hyperspace.dimensions.base import Dimension
from hyperspace.dimensions.categorical import Categorical
from hyperspace.dimensions.numeric import Integer
from hyperspace.errors import InputError, shown
from hyperspace.metrics import FLOAT_NAME
from hyperspace.results import Result
from hyperspace.terminal import printable
from hyperspace.trial import FAILED, OK, PRUNED, RUNNING, TIMEOUT, Array, Trial

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
STATUS_COLORS = {OK: SKY, FAILED: VERMILLION, TIMEOUT: ORANGE, PRUNED: PURPLE, RUNNING: "#999999"}
FAINT, GRID = 0.35, 0.15  # opacities of what is background
MANY_MARKS = 2000  # from here on marks are one image, also in a vector graphic
_LONGEST = 18  # characters of a label
_MOST_TICKS = 24  # categories that are labelled
_DECADE_AND_A_HALF = 10**1.5
_FENCE = 3.0  # Tukey's outer fence: that many ranges of the middle half beyond it
_FAR = 10**4  # times its width: an axis of integers that is farther from 0 counts from its lower end


def axes_for(ax: Axes | None, width: float = 6.4, height: float = 4.0, square: bool = False) -> Axes:
    """Return the axes to draw into, made plain: those given, or those of a new figure of this size in inches."""
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
    """Draw a quiet grid."""
    ax.grid(True, which="major", axis=axis, color=ink(), alpha=GRID, linewidth=0.6)


def legend(ax: Axes, **options: Any) -> None:
    """Draw a quiet legend, where there is anything to explain."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"framealpha": 0.7, "edgecolor": "none", "fontsize": "small", "handlelength": 1.6, **options})


def legend_above(ax: Axes, columns: int = 4) -> None:
    """Draw a quiet legend above the axes, where it covers nothing."""
    legend(ax, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2, columnspacing=1.2)


def say_empty(ax: Axes, words: str) -> None:
    """Write in the middle of axes without values why there are none, and leave out the ticks of the value axis."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", alpha=0.7)
    ax.set_yticks([])


def ink() -> Any:
    """Return the colour of text and lines."""
    return pyplot.rcParams["text.color"]


def text(value: object, longest: int = _LONGEST) -> str:
    """Return a label for any value: short, and no part of it taken for a formula."""
    words = printable(" ".join(str(value).split()))
    words = words if len(words) <= longest else words[: longest - 1] + "…"
    return words.replace("$", r"\$")


def number(value: float) -> str:
    """Return a number for a person, three digits of it."""
    shown = f"{value:.3g}"
    mantissa, e, exponent = shown.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else shown


def goal_name(result: Result) -> str:
    """Return what the optimised metric is called."""
    metrics = next((trial.metrics for trial in result.all_trials if trial.status == OK), {})
    return text(result.goals.goal_name(metrics) if metrics else FLOAT_NAME)


# The search space


def origin(dimension: Dimension) -> int:
    """Return what the axis of a dimension counts from: 0, or the lower bound of integers that lie close together far from 0.

    Neighbouring integers beyond 2^53 are one double, and those near it have one label.
    """
    if not isinstance(dimension, Integer) or dimension.prior == "log-uniform":
        return 0
    low, high = dimension.bounds
    return int(low) if max(abs(low), abs(high)) > _FAR * (high - low) else 0


def place(dimension: Dimension, u: Array) -> Array:
    """Return where coordinates u (n,) of the unit interval lie on the axis of a dimension.

    That is the value of a number, without rounding and counted from `origin`, and the position in the list of a category; a level
    reaches half a step to either side.
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
    """Return where the trials lie on the axis of dimension j, (n,)."""
    return place(dimension, dimension.to_unit([trial.x[j] for trial in trials]))


def mark_axis(axis: Axis, dimension: Dimension, name: str) -> None:
    """Give an axis the scale, the ends, the ticks and the name of a dimension."""
    ends = place(dimension, np.array([0.0, 1.0])).tolist()
    ax: Any = axis.axes
    vertical = axis is ax.yaxis
    (ax.set_yscale if vertical else ax.set_xscale)("log" if dimension.prior == "log-uniform" else "linear")
    (ax.set_ylim if vertical else ax.set_xlim)(*ends)
    start = origin(dimension)
    axis.set_label_text(text(name, 40) + (f" (+ {start})" if start > 0 else f" (− {-start})" if start < 0 else ""))
    ticks, labels = ticks_of(dimension)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, position: labels[position] if position is not None else f"{value:.6g}"))


def ticks_of(dimension: Dimension, most: int = 6) -> tuple[list[float], list[str]]:
    """Return positions and labels of a dimension's ticks."""
    if isinstance(dimension, Categorical):
        step = -(-dimension.levels // _MOST_TICKS)
        chosen = range(0, dimension.levels, step)
        return [float(j) for j in chosen], [text(dimension.categories[j]) for j in chosen]
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
    """Return the best of the values up to each, (n,); nan before the first one that is a number."""
    sign = -1.0 if maximize else 1.0
    best = np.minimum.accumulate(np.where(np.isnan(values), np.inf, sign * values))
    return np.where(np.isinf(best), np.nan, sign * best)


def fits_log(values: Iterable[float] | Array) -> bool:
    """Return whether values span so much, all of them positive, that a logarithmic axis shows them better."""
    finite = np.asarray(list(values), dtype=float)
    finite = finite[np.isfinite(finite)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 100)


def log_values(axis: Axis, values: Array) -> None:
    """Make a value axis logarithmic, with ticks that are numbers; two decades or less have 2 and 5 between the powers of ten."""
    finite = values[np.isfinite(values) & (values > 0)]
    ax: Any = axis.axes
    (ax.set_yscale if axis is ax.yaxis else ax.set_xscale)("log")
    narrow = len(finite) > 0 and finite.max() / finite.min() < 100
    axis.set_major_locator(LogLocator(subs=[1.0, 2.0, 5.0] if narrow else [1.0], numticks=8))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def fit_values(ax: Axes, values: Array, maximize: bool, within: Array | None = None) -> None:
    """Choose the value axis so that single bad values do not flatten the others: some of the worst may lie outside.

    Values beyond the outer fence of Tukey's, three times the range of the middle half away from it, do not count.

    Args:
        ax: the axes.
        values: all of them; some may be no number.
        maximize: whether the largest is the best.
        within: values that must be seen, such as the best so far.
    """
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
    margin = 0.06 * (seen.max() - seen.min()) or 1.0
    ax.set_ylim(seen.min() - margin, seen.max() + margin)


def _without_outliers(values: Array) -> Array:
    """Return the values (n,) but those that are larger than the others by far."""
    low, high = np.quantile(values, [0.25, 0.75])
    kept: Array = values[values <= high + _FENCE * (high - low)]
    return kept


def without_value(trials: Sequence[Trial]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Return label, color and rows (n,) of the trials that ended without a value: the failed ones, and the pruned ones."""
    groups = (
        ("failed", VERMILLION, np.array([trial.failed for trial in trials], dtype=bool)),
        ("pruned", PURPLE, np.array([trial.status == PRUNED for trial in trials], dtype=bool)),
    )
    return [(label, color, rows) for label, color, rows in groups if rows.any()]


def good_colors(values: Array, maximize: bool) -> tuple[Colormap, Normalize]:
    """Return colours that run from the best value, dark, to the 80 % quantile, light; what is worse looks like that."""
    worse = float(np.quantile(values, 0.2 if maximize else 0.8))
    best = float(values.max() if maximize else values.min())
    if worse == best:
        worse = best - 1.0 if maximize else best + 1.0
    colors = pyplot.get_cmap("viridis")(np.linspace(0.28, 0.95, 256))
    return ListedColormap(colors[::-1] if maximize else colors, name="good"), Normalize(min(best, worse), max(best, worse))


def colorbar(ax: Axes, colors: tuple[Colormap, Normalize], label: str, maximize: bool) -> None:
    """Draw what the colours stand for beside the axes."""
    figure: Any = ax.figure
    bar = figure.colorbar(ScalarMappable(colors[1], colors[0]), ax=ax, label=label, extend="min" if maximize else "max", pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize="small")


def thinned(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many of the rows, evenly; the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[i] for i in np.linspace(0, len(rows) - 1, most).astype(int)]


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices.

    Raises:
        InputError: it is none of them.
    """
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {shown(value)}")
