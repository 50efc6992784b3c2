"""Timeline of the evaluations, a row for each rank, which shows idle times and stragglers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.activity import Span, evaluation, last_event, timed, utilization, worked
from hyperspace.results.result import Result
from hyperspace.trials.trial import FAILED, OK, PRUNED, RUNNING, TIMEOUT, Trial

_STRAGGLES = 3.0  # multiple of the median duration
_VISIBLE = 0.005  # share of the whole time below which an interval is invisible
_LABELED = 32  # largest number of ranks with a label each
_NAMES = {OK: "ended well", FAILED: "failed", TIMEOUT: "timed out", PRUNED: "pruned", RUNNING: "running"}
_HALF = 0.38
_UNITS = ((3 * 86400.0, 86400.0, "days"), (3 * 3600.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


@own_numerics()
def plot_gantt(result: Result, ax: Axes | None = None) -> Axes:
    """Draw when each rank evaluated, suggested (thin) and waited (blank), with its utilization.

    Evaluations of more than three times the median duration are outlined. Pauses of the study are left out and marked by a line.

    Args:
        result: the study.
        ax: axes to draw into.
    """
    trials = timed(result.all_trials)
    now = last_event(trials)
    periods = worked(trials, now)
    ranks = sorted({trial.rank for trial in trials})
    row_of = {rank: row for row, rank in enumerate(ranks)}
    ax = style.axes_for(ax, 8.0, float(np.clip(1.6 + 0.26 * len(ranks), 2.4, 10.0)))
    style.grid(ax, "x")
    total = sum(period.seconds for period in periods)
    _, unit, unit_name = next(units for units in _UNITS if total >= units[0])
    bars: dict[str, list[list[tuple[float, float]]]] = {}
    thin, outlined = [], []
    durations = [trial.seconds for trial in trials if trial.seconds is not None and trial.status == OK]
    limit = _STRAGGLES * float(np.median(durations)) if len(durations) >= 5 else np.inf
    for trial in trials:
        row = row_of[trial.rank]
        start, end = (_clock(periods, moment) / unit for moment in evaluation(trial, now))
        bar = _bar(start, end, row, _HALF)
        bars.setdefault(trial.status, []).append(bar)
        if trial.suggest_seconds > 0:
            thin.append(_bar(_clock(periods, trial.started - trial.suggest_seconds) / unit, start, row, _HALF / 4))
        if trial.seconds is not None and trial.seconds > max(limit, _VISIBLE * total):
            outlined.append(bar)
    many = len(trials) > style.MANY_MARKS
    edge: dict[str, Any] = {"linewidth": 0.0 if many else 0.4, "edgecolor": ax.get_facecolor()}
    for status in _NAMES:
        if status in bars:
            hatch = "////" if status == RUNNING else None
            ax.add_collection(
                PolyCollection(
                    bars[status],
                    facecolor=style.STATUS_COLORS[status],
                    hatch=hatch,
                    label=_NAMES[status],
                    rasterized=many,
                    **edge,
                )
            )
    if thin:
        ax.add_collection(
            PolyCollection(thin, facecolor=style.ink(), alpha=0.45, linewidth=0, label="proposing", rasterized=many)
        )
    if outlined:
        ax.add_collection(
            PolyCollection(
                outlined, facecolor="none", edgecolor=style.ink(), linewidth=1.0, label=f"over {_STRAGGLES:.0f} × the median"
            )
        )
    _mark_pauses(ax, periods, unit)
    _label(ax, trials, ranks, periods, now)
    ax.set_xlim(0.0, max(total / unit, 1e-9))
    ax.set_ylim(len(ranks) - 0.4, -0.6)
    ax.set_xlabel(unit_name + (" of work, pauses left out" if len(periods) > 1 else " since the start"))
    ax.xaxis.set_major_formatter(labels.Plain())
    style.legend_above(ax, 6)
    return ax


def _clock(periods: Sequence[Span], moment: float) -> float:
    """Return the active seconds up to a time."""
    return sum(min(max(moment - period.start, 0.0), period.seconds) for period in periods)


def _bar(start: float, end: float, row: int, half: float) -> list[tuple[float, float]]:
    return [(start, row - half), (end, row - half), (end, row + half), (start, row + half)]


def _mark_pauses(ax: Axes, periods: Sequence[Span], unit: float) -> None:
    at = 0.0
    for period in periods[:-1]:
        at += period.seconds / unit
        ax.axvline(at, color=style.ink(), linestyle=(0, (2, 2)), linewidth=1.0, label="pause" if period is periods[0] else "_")


def _label(ax: Axes, trials: Sequence[Trial], ranks: Sequence[int], periods: Sequence[Span], now: float) -> None:
    """Write the ranks on the left, with their machine if there are several, and their utilization on the right."""
    own: dict[int, list[Trial]] = {rank: [] for rank in ranks}
    for trial in trials:
        own[trial.rank].append(trial)
    if len(ranks) > _LABELED:
        ax.yaxis.set_major_locator(MaxNLocator(12, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda row, _: str(ranks[int(row)]) if 0 <= row < len(ranks) else ""))
        ax.set_ylabel("rank")
        return
    hosts = {trial.host for trial in trials}
    names = [f"rank {rank}" + (f", {labels.text(own[rank][-1].host, 12)}" if len(hosts) > 1 else "") for rank in ranks]
    ax.set_yticks(range(len(ranks)), names)
    ax.tick_params(axis="y", length=0)
    for row, rank in enumerate(ranks):
        share = utilization(own[rank], periods, now)
        if np.isfinite(share):
            ax.text(1.01, row, f"{share:.0%}", transform=ax.get_yaxis_transform(), va="center", fontsize="small")
    if ranks:
        ax.text(1.01, -0.6, "busy", transform=ax.get_yaxis_transform(), va="bottom", fontsize="small", alpha=0.7)
