"""Importance of the parameters and dependence on them: Sobol indices and partial dependence, with their uncertainty."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.result import Result
from hyperspace.results.sensitivity import Importance, dependence, find_dimension, importance
from hyperspace.trials.trial import OK

_MOST = 20  # largest number of parameters


@own_numerics()
def plot_importance(result: Result, ax: Axes | None = None, found: Importance | None = None) -> Axes:
    """Draw each parameter's share of the objective's variance, by the merged surrogate, most important first.

    Bars are total Sobol indices, their darker part is the share of the parameter alone, and lines contain 90 % of the posterior
    samples. See `hyperspace.results.sensitivity` for the method. At most the 20 most important parameters are drawn.

    Args:
        result: the study.
        ax: axes to draw into.
        found: result of `hyperspace.results.sensitivity.importance`; None computes it.

    Raises:
        StudyError: fewer than three trials ended well.
    """
    found = importance(result) if found is None else found
    order = np.argsort(-found.total, kind="stable")[: min(_MOST, int(np.isfinite(found.total).sum()))]
    ax = style.axes_for(ax, 6.4, 1.3 + 0.38 * len(order))
    style.grid(ax, "x")
    rows = np.arange(len(order))[::-1]
    first = np.minimum(found.first, found.total)[order]
    ax.barh(rows, found.total[order], height=0.62, color=style.SKY, alpha=0.55, label="with others (total index)", zorder=2)
    ax.barh(rows, first, height=0.62, color=style.BLUE, label="alone (first index)", zorder=3)
    low, high = found.total_interval[:, order]
    total = found.total[order]
    ax.errorbar(
        total,
        rows,
        xerr=[np.maximum(total - low, 0.0), np.maximum(high - total, 0.0)],
        fmt="none",
        ecolor=style.ink(),
        elinewidth=1.1,
        capsize=3,
        zorder=4,
        label="90 % interval of the total",
    )
    ax.set_yticks(rows, labels.distinct([found.names[j] for j in order], 24))
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0.0, 1.02)
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.set_xlabel(f"part of the variance of {style.goal_name(result, 30)}")
    style.legend_above(ax, 3)
    return ax


@own_numerics()
def plot_dependence(result: Result, dimension: int | str = 0, ax: Axes | None = None) -> Axes:
    """Draw the dependence of the objective on one parameter, averaged over the others, by the merged surrogate.

    The band contains 90 % of the posterior of that average. Ticks along the lower edge are the trials; the dotted line is the
    best one. Some of the worst values may be outliers, such as those of diverged trials. Then values beyond Tukey's outer fence
    (see `style.usual_values`) count as the fence, and the legend gives it.

    Args:
        result: the study.
        dimension: number or name of the parameter.
        ax: axes to draw into.

    Raises:
        InputError: an unknown parameter.
        StudyError: fewer than three trials ended well.
    """
    j = find_dimension(result, dimension)
    space = result.search_space
    parameter = space.dimensions[j]
    limits = style.usual_values(result.surrogate.values, result.maximize)
    found = dependence(result, j, limits=limits)
    ax = style.axes_for(ax, 4.8, 3.4)
    style.grid(ax, "y")
    x = style.place(parameter, found.u)
    if space.categorical[j] or len(x) <= 2:
        errors = np.maximum([found.mean - found.lower, found.upper - found.mean], 0.0)
        ax.errorbar(x, found.mean, yerr=errors, fmt="o", color=style.BLUE, capsize=4, label="average, 90 % interval", zorder=3)
    else:
        marker = "o" if space.levels[j] and len(x) <= 40 else None
        ax.fill_between(x, found.lower, found.upper, color=style.BLUE, alpha=0.18, linewidth=0, zorder=2)
        ax.plot(
            x,
            found.mean,
            color=style.BLUE,
            linewidth=1.8,
            marker=marker,
            markersize=3.5,
            zorder=3,
            label="average, 90 % interval",
        )
    style.mark_axis(ax.xaxis, parameter, space.names[j])
    usable = [trial for trial in result.all_trials if trial.status == OK]
    rug = style.positions(parameter, style.thinned(usable, 200), j)
    ax.plot(
        rug, np.full(len(rug), 0.015), "|", color=style.ink(), alpha=style.FAINT, markersize=6, transform=ax.get_xaxis_transform()
    )
    best = result.best_trial
    if best is not None:
        at = float(style.positions(parameter, [best], j)[0])
        ax.axvline(at, color=style.VERMILLION, linestyle=":", linewidth=1.4, zorder=1, label="best trial")
    if limits is not None:
        end, side = (limits[0], "below") if result.maximize else (limits[1], "above")
        shown = labels.number(end)
        ax.plot([], [], " ", label=f"values {side} {shown} count as {shown}")
    ax.margins(y=0.12)
    ax.set_ylabel(style.goal_label(result))
    ax.yaxis.set_major_formatter(labels.Plain())
    style.legend_above(ax, 2)
    return ax
