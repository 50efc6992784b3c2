"""Calibration of the merged surrogate: leave-one-out predictions against outcomes, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.diagnostics import LeaveOneOut, expected_coverage, leave_one_out
from hyperspace.results.result import Result

_INTERVALS = 300  # largest number of trials with individual intervals


@own_numerics()
def plot_predictions(result: Result, ax: Axes | None = None, found: LeaveOneOut | None = None) -> Axes:
    """Draw the leave-one-out predictions of the merged surrogate against the outcomes, with 95 % intervals.

    Args:
        result: the study.
        ax: axes to draw into.
        found: result of `hyperspace.results.diagnostics.leave_one_out`; None computes it.

    Raises:
        StudyError: fewer than three trials ended well.
    """
    found = leave_one_out(result) if found is None else found
    ax = style.axes_for(ax, 4.8, 4.2)
    style.grid(ax)
    out = (found.actual < found.lower) | (found.actual > found.upper)
    few = len(found) <= _INTERVALS
    for rows, color, label in ((~out, style.BLUE, "inside its 95 % interval"), (out, style.VERMILLION, "outside")):
        if not rows.any():
            continue
        x, y = found.actual[rows], found.predicted[rows]
        if few:
            ax.vlines(x, found.lower[rows], found.upper[rows], color=color, alpha=0.3, linewidth=0.9)
        ax.scatter(x, y, s=16, color=color, linewidth=0, alpha=0.85, label=f"{label} ({int(rows.sum())})", zorder=3)
    every = np.concatenate([found.actual, found.predicted])
    if style.fits_log(np.concatenate([every, found.lower])) and style.fits_log(every):
        style.log_values(ax.xaxis, found.actual)
        style.log_values(ax.yaxis, found.predicted)
    else:
        low, high = np.quantile(every, [0.0, 0.95]) if not result.maximize else np.quantile(every, [0.05, 1.0])
        margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        ax.set_xlim(low - margin, high + margin)
        ax.set_ylim(low - margin, high + margin)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6))
            axis.set_major_formatter(labels.Plain())
    diagonal = [float(every.min()), float(every.max())]
    ax.plot(diagonal, diagonal, color=style.ink(), alpha=0.5, linewidth=0.9, zorder=1)
    name = style.goal_name(result, 30)
    ax.set_xlabel(f"{name}, as evaluated")
    ax.set_ylabel(f"{name}, predicted\nfrom all other trials")
    style.legend_above(ax, 2)
    return ax


@own_numerics()
def plot_calibration(result: Result, ax: Axes | None = None, found: LeaveOneOut | None = None) -> Axes:
    """Draw the share of trials in the surrogate's central intervals against their nominal level.

    On the diagonal the uncertainty is right; below it the surrogate is overconfident, above it underconfident. Within the band
    the difference may be due to chance.

    Args:
        result: the study.
        ax: axes to draw into.
        found: result of `hyperspace.results.diagnostics.leave_one_out`; None computes it.

    Raises:
        StudyError: fewer than three trials ended well.
    """
    found = leave_one_out(result) if found is None else found
    ax = style.axes_for(ax, 4.4, 4.2)
    style.grid(ax)
    levels = np.linspace(0.01, 0.99, 99)
    low, high = expected_coverage(levels, len(found))
    ax.fill_between(levels, low, high, color=style.ink(), alpha=0.1, linewidth=0, label="chance, 19 times of 20")
    ax.plot([0, 1], [0, 1], color=style.ink(), alpha=0.5, linewidth=0.9)
    ax.plot(levels, found.coverage(levels), color=style.BLUE, linewidth=1.8, label=f"{len(found)} trials")
    ax.annotate("too cautious", (0.06, 0.94), alpha=0.6, fontsize="small", va="top")
    ax.annotate("too sure", (0.94, 0.06), alpha=0.6, fontsize="small", ha="right")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("interval that the surrogate claims")
    ax.set_ylabel("part of the trials inside it")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    style.legend_above(ax, 2)
    return ax
