"""Learning curves: the reports of each evaluation, and which of them were pruned."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedLocator, MaxNLocator

from hyperspace.errors import StudyError
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.result import Result
from hyperspace.trials.trial import OK, PRUNED, Trial

_MOST = 600  # largest number of curves
_FAINT = 0.45  # opacity of a curve among many others


@own_numerics()
def plot_curves(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the values that evaluations reported over the step; the best trial is highlighted, a dot ends a pruned one.

    These are the values of trial.report(step, value). From more than 600 curves an even selection is drawn.

    Args:
        result: the study.
        ax: axes to draw into.

    Raises:
        StudyError: no trial has a recorded value.
    """
    reported = [trial for trial in result.all_trials if trial.reports]
    if not reported:
        raise StudyError(
            "no trial of this study has reported values; an objective(parameters, trial) does that by trial.report(step, value)"
        )
    ax = style.axes_for(ax)
    style.grid(ax)
    best = result.best_trial
    shown = style.thinned(reported, _MOST)
    for label, color, own in (
        ("ended well", style.SKY, [trial for trial in shown if trial.status == OK]),
        ("pruned", style.PURPLE, [trial for trial in shown if trial.status == PRUNED]),
        ("failed", style.VERMILLION, [trial for trial in shown if trial.failed]),
        ("running", style.ink(), [trial for trial in shown if not trial.finished]),
    ):
        if own:
            _draw(ax, own, color, f"{label} ({sum(_like(trial, own[0]) for trial in reported)})", len(shown) > style.MANY_MARKS)
    if best is not None and best.reports:
        steps, values = zip(*best.reports, strict=True)
        told = f"best, {labels.number(result.fun)}"
        ax.plot(steps, values, color=style.ORANGE, linewidth=2.2, zorder=5, label=told, path_effects=style.outlined())
    every = np.array([value for trial in reported for _, value in trial.reports or ()])
    style.fit_values(ax, every, result.maximize)
    ends = np.array([trial.reports[-1] for trial in shown if trial.reports], dtype=float)
    style.mark_outside(ax, ends[:, 0], ends[:, 1])
    steps_all = [step for trial in reported for step, _ in trial.reports or ()]
    low, high = min(steps_all), max(steps_all)
    margin = 0.02 * (high - low) or 0.5
    ax.set_xlim(low - margin, high + margin)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]) if low < high else FixedLocator([low]))
    ax.set_xlabel("step that the evaluation reported")
    ax.set_ylabel(style.goal_label(result, ", as reported"))
    style.legend_above(ax)
    return ax


def _draw(ax: Axes, trials: list[Trial], color: Any, label: str, many: bool) -> None:
    curves = [np.array(trial.reports, dtype=float) for trial in trials]
    ax.add_collection(
        LineCollection(curves, colors=[color], linewidths=0.9, alpha=_FAINT, label=label, zorder=2, rasterized=many)
    )
    ends = np.array([curve[-1] for curve, trial in zip(curves, trials, strict=True) if trial.status != OK or len(curve) == 1])
    if len(ends):
        ax.scatter(ends[:, 0], ends[:, 1], s=10, color=color, linewidth=0, zorder=3, rasterized=many)


def _like(trial: Trial, other: Trial) -> bool:
    return trial.failed == other.failed and (trial.failed or trial.status == other.status)
