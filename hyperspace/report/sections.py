"""Sections of the report on the results of a study, each a function of the evidence; `tables` has the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hyperspace import plots
from hyperspace.plots.regions import is_spread
from hyperspace.report.evidence import Evidence
from hyperspace.report.figures import NARROW_ROW, ROW, picture
from hyperspace.report.html import Cell, Html, numbers, percent, show, table, tag, together
from hyperspace.results.diagnostics import LeaveOneOut, by_subspace
from hyperspace.results.merged_model import FEWEST
from hyperspace.system.terminal import duration
from hyperspace.trials.incumbent import best_trial, is_infeasible
from hyperspace.trials.trial import PRUNED, Trial

_MOST_SUBSPACES = 256
_MOST_DEPENDENCES = 8
_MOST_PARTITIONS = 3
_MOST_PARAMETERS = 20
_FEW_AXES = 3  # number of parameters up to which parallel coordinates are placed beside the partition


def progress(study: Evidence) -> Html:
    """Progress of the study, and the best value so far."""
    whole, overview = study.overview.whole, study.overview
    shown = [
        (f"{whole.finished} of {overview.planned}", "trial" if overview.planned == 1 else "trials"),
        (str(whole.failed), "failed"),
        *([(str(whole.pruned), "pruned")] if whole.pruned else []),
        *([(str(whole.infeasible), "infeasible")] if study.result.goals.constraints else []),
        (duration(overview.elapsed), "h:mm:ss of work, pauses left out"),
    ]
    if not math.isnan(whole.utilization):
        shown.append((f"{whole.utilization:.0%}", "of it spent in evaluations (utilization)"))
    if whole.finished == 0:
        return numbers(*shown)
    several = study.result.partition.n_subspaces > 1
    label = "The best value so far, over the evaluations in the order in which they ended."
    if study.result.goals.constraints:
        label += " Lines are of feasible trials only; squares are trials that broke a limit."
    if several:
        label += " A thin line is the best of the drives whose home is one subspace, wherever their points lie."
    draw: Callable[..., object] = lambda ax: plots.plot_convergence(study.result, ax=ax, subspaces=several)  # noqa: E731
    if study.result.goals.several:
        label = "The hypervolume of the front, over the evaluations in the order in which they ended."
        draw = lambda ax: plots.plot_hypervolume(study.result, ax=ax)  # noqa: E731
    pictures = [picture("convergence", label, draw, *ROW, narrow=NARROW_ROW)]
    if any(trial.reports for trial in study.result.all_trials):
        told = "Learning curves: what each evaluation reported, over the step. A dot ends the curve of a pruned trial."
        pictures.append(picture("curves", told, lambda ax: plots.plot_curves(study.result, ax=ax), *ROW, narrow=NARROW_ROW))
    return together(numbers(*shown), *pictures)


def subspaces(study: Evidence) -> Html:
    """The table of subspaces, and the partition with the trials in it."""
    result = study.result
    partition, space = result.partition, result.search_space
    if not any(trial.finished for trial in result.all_trials):
        return _none_ended()
    homes: dict[int, list[Trial]] = {}
    for trial in result.all_trials:
        if trial.drive >= 0:
            homes.setdefault(trial.subspace, []).append(trial)
    pruning, limited = study.overview.whole.pruned > 0, bool(result.goals.constraints)
    rows = []
    best_one = result.best_trial
    holding = [] if best_one is None else partition.holding(space.to_unit([best_one.x])[0], _MOST_SUBSPACES)[0]
    for index in sorted(homes)[:_MOST_SUBSPACES]:
        own = homes[index]
        best = best_trial(own, result.goals)
        dimensions = partition[index].space.dimensions
        rows.append(
            [
                Cell(index, tag("b", f"{index} ★") if index in holding else None),
                *(Cell(None, _range(dimensions[j])) for j in partition.split),
                len({trial.drive for trial in own}),
                sum(trial.finished for trial in own),
                sum(trial.failed for trial in own),
                *([sum(trial.status == PRUNED for trial in own)] if pruning else []),
                *([sum(is_infeasible(trial, result.goals) for trial in own)] if limited else []),
                None if best is None else result.goals.value(best.metrics),
            ]
        )
    heads = [
        "subspace",
        *(space.names[j] for j in partition.split),
        "drives",
        "trials",
        "failed",
        *(["pruned"] if pruning else []),
        *(["infeasible"] if limited else []),
        "best",
    ]
    cut = f" The first {_MOST_SUBSPACES} of {len(homes)}." if len(homes) > _MOST_SUBSPACES else ""
    caption = "A drive’s trials count in its home subspace, wherever they lie. ★: the best point lies in this box." + cut
    order = [j for j in study.by_importance if j in partition.split] + [
        j for j in study.by_importance if j not in partition.split
    ]
    couples = [(order[i], order[i + 1]) for i in range(min(len(order) - 1, _MOST_PARTITIONS))]
    shown = sorted(study.by_importance[:_MOST_PARAMETERS])
    beside = len(couples) > 0 and len(shown) <= _FEW_AXES
    width, height = _size(len(couples) + beside)
    told = " Dots of one integer or category are spread around its tick." if any(map(is_spread, space.dimensions)) else ""
    overlap = "; the halves overlap where it is shaded." if partition.split else "."
    pictures = [
        picture(
            f"partition-{a}-{b}",
            f"Trials by {space.names[a]} and {space.names[b]}{overlap}{told}",
            partial(plots.plot_partition, result, (a, b)),
            width,
            1.15 * height,
        )
        for a, b in couples
    ]
    label = (
        "A line is a trial, through "
        + ("all parameters" if len(shown) == space.d else f"the {len(shown)} most important of {space.d} parameters")
        + (
            " and its goals. Strong lines are good: rank 0 is the front."
            if result.goals.several
            else " to its value on the right. Strong lines are good; the orange one is the best."
        )
        + (" Lines of one level are spread within its gray bar." if told else "")
    )
    draw = partial(plots.plot_parallel, result, shown)
    if beside:
        pictures.append(picture("parallel", label, draw, width, 1.15 * height))
        parallel = None
    elif len(shown) == 1:
        parallel = picture("parallel", label, draw, *ROW, narrow=NARROW_ROW)
    else:
        parallel = picture("parallel", label, draw, max(ROW[0], 1.2 * (len(shown) + 1.5)), 4.2, scrolled=True)
    several = partition.n_subspaces > 1
    counted_by = table(caption, heads, rows) if several else tag("p", "The search space is not split: there is one subspace.")
    return together(counted_by, _cards(pictures) if pictures else None, parallel)


def _size(count: int) -> tuple[float, float]:
    """Return width and height in inches of pictures in a row, so that their text has about the same size."""
    return (4.6, 3.4) if count <= 2 else (4.0, 3.0)


def _cards(pictures: list[Html]) -> Html:
    """Return pictures side by side: two in a row, or three."""
    return tag("div", *pictures, class_="grid pairwise" if len(pictures) <= 2 else "grid")


def parameters(study: Evidence) -> Html:
    """Importance of the parameters and dependence on them."""
    if study.importance is None:
        return together(_too_few())
    result, names = study.result, study.result.search_space.names
    shown = study.by_importance[:_MOST_DEPENDENCES]
    dependences = [
        picture(
            f"dependence-{j}",
            f"{names[j]}: the surrogate’s mean over all other parameters, with its 90 % interval. Ticks below are trials.",
            partial(plots.plot_dependence, result, j),
            *_size(len(shown)),
        )
        for j in shown
    ]
    rest = f" The {len(shown)} most important of {len(names)} parameters are drawn." if len(shown) < len(names) else ""
    return together(
        tag(
            "p",
            "Sobol indices of the merged surrogate: the part of the objective’s variance over the whole search space that a "
            "parameter explains, alone and together with others. They say little about the neighborhood of the optimum, and are "
            f"only as accurate as the surrogate (see Surrogate).{rest}",
        ),
        _unsupported(study.predictions),
        picture(
            "importance",
            "Importance: the part of the objective’s variance that each parameter explains. Lines are 90 % intervals.",
            lambda ax: plots.plot_importance(result, ax=ax, found=study.importance),
            ROW[0],
            1.3 + 0.36 * min(len(names), 20),
            narrow=(NARROW_ROW[0], 1.6 + 0.3 * min(len(names), 20)),
        ),
        _cards(dependences),
    )


def _unsupported(predictions: LeaveOneOut | None) -> Html:
    """Return a warning if the surrogate does not predict the trials; else nothing."""
    if predictions is None or predictions.beats_chance:
        return together()
    return tag(
        "p",
        tag("strong", "The surrogate predicts these trials no better than chance"),
        f" (rank correlation {show(round(predictions.correlation, 2))}): the data support neither the importance nor the "
        "dependence.",
    )


def surrogate(study: Evidence) -> Html:
    """Calibration of the merged surrogate."""
    found = study.predictions
    if found is None:
        return together(_too_few())
    result = study.result
    levels = np.array([0.5, 0.95])

    def row(label: object, part: LeaveOneOut) -> list[Any]:
        half, most = part.coverage(levels)
        return [
            label,
            len(part),
            Cell(part.error, f"{part.error:.3g}" if len(part) else None),
            Cell(part.correlation, show(round(part.correlation, 3))),
            percent(half),
            percent(most),
        ]

    rows = [row(Cell(-1, "all"), found)]
    rows += [row(index, part) for index, part in list(by_subspace(result, found).items())[:_MOST_SUBSPACES]]
    heads = ["subspace", "trials in its box", "median error", "rank correlation", "within 50 %", "within 95 %"]
    return together(
        tag(
            "p",
            "A Gaussian process on the trials of all drives. Each trial is predicted from all others, with the hyperparameters "
            "of all; where the surrogate is right, half of the trials lie within its 50 % intervals and 95 % within its 95 % "
            "intervals.",
        ),
        _cards(
            [
                picture(
                    "predictions",
                    "Each trial, predicted from all others, over what it gave. On the line the prediction is right.",
                    lambda ax: plots.plot_predictions(result, ax=ax, found=found),
                    4.6,
                    4.2,
                ),
                picture(
                    "calibration",
                    "Calibration: below the diagonal the surrogate is too sure of itself, above it too cautious.",
                    lambda ax: plots.plot_calibration(result, ax=ax, found=found),
                    4.6,
                    4.2,
                ),
            ]
        ),
        table("Leave-one-out predictions by subspace; the boxes overlap, and so do their trials.", heads, rows),
    )


def timeline(study: Evidence) -> Html:
    """Evaluations in time."""
    if study.overview.whole.finished == 0:
        return _none_ended()
    ranks = len({trial.rank for trial in study.result.all_trials if trial.drive >= 0})
    height = float(np.clip(1.3 + 0.3 * ranks, 1.7, 10.0))
    return picture(
        "gantt",
        "Evaluations over time, a row per rank. Thick bars are evaluations, thin ones the choice of the next point; "
        "blank is idle. On the right: the part of the time spent in evaluations.",
        lambda ax: plots.plot_gantt(study.result, ax=ax),
        ROW[0],
        height,
        narrow=(NARROW_ROW[0], height + 0.3),
    )


def _none_ended() -> Html:
    return tag("p", "No trial has ended so far.", class_="missing")


def _too_few() -> Html:
    return tag("p", f"A model of the objective needs at least {FEWEST} trials that ended well.", class_="missing")


def _range(dimension: Any) -> str:
    if hasattr(dimension, "categories"):
        return ", ".join(map(str, dimension.categories))
    return " to ".join(str(end) if isinstance(end, int) else f"{end:.4g}" for end in dimension.bounds)
