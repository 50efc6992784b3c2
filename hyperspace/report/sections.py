"""The sections of the report that show what a study found, each a function of the evidence; `tables` has the others."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from hyperspace import plots
from hyperspace.analysis.diagnostics import LeaveOneOut, by_subspace
from hyperspace.incumbent import best_trial, why_none
from hyperspace.report.evidence import Evidence
from hyperspace.report.html import Cell, Html, duration, metric, moment, pairs, percent, show, table, tag, together
from hyperspace.report.pictures import picture
from hyperspace.trial import PRUNED, Trial

_MOST_SUBSPACES = 256
_MOST_DEPENDENCES = 8
_MOST_PARTITIONS = 3
_MOST_PARAMETERS = 20


def numbers(*items: tuple[object, str]) -> Html:
    """Return a row of large numbers with what they are."""
    return tag("div", *(tag("div", tag("strong", value), tag("span", name)) for value, name in items), class_="numbers")


def optimum(study: Evidence) -> Html:
    """The best value, its parameters, and who found it."""
    result, best = study.result, study.result.best_trial
    if best is None:
        none = why_none(result.all_trials)
        return together(tag("p", f"{none[0].upper()}{none[1:]}."))
    space = result.search_space
    given = space.parameters(best.x)
    items = list(given.items()) if isinstance(given, dict) else list(zip(space.names, given, strict=True))
    goal = result.goals.goal_name(best.metrics)
    others = [(name, metric(value)) for name, value in best.metrics.items() if name != goal]
    found = "was given with the study"
    if best.drive >= 0:
        found = (
            f"was found by drive {best.drive} in its trial {best.iteration}"
            + (f", by the arm “{best.arm}”" if best.arm else "")
            + f", on rank {best.rank} of {best.host or 'an unknown machine'}, at {moment(best.started)}."
        )
    return together(
        numbers((show(result.fun), f"{goal}, the {'largest' if result.maximize else 'least'} value")),
        pairs([*items, *others]),
        tag("p", f"It {found}", class_="quiet"),
        _where(study, best),
    )


def _where(study: Evidence, best: Trial) -> Html | None:
    """Say in which boxes the best point lies, and what its drive has to do with them."""
    partition = study.result.partition
    if partition.n_subspaces == 1:
        return None
    boxes, count = partition.holding(study.result.search_space.to_unit([best.x])[0])
    named = " and ".join(filter(None, [", ".join(map(str, boxes[:-1])), str(boxes[-1])]))
    if count > len(boxes):
        named = f"{', '.join(map(str, boxes))} and {count - len(boxes)} more"
    words = (
        f"The point lies in the box of subspace {named}."
        if count == 1
        else (f"The point lies where the boxes of subspaces {named} overlap.")
    )
    if best.drive >= 0 and not bool(partition[best.subspace].bounds.contains(study.result.search_space.to_unit([best.x])[0])):
        words += f" The drive that found it is at home in subspace {best.subspace}: drives look beyond their own box."
    return tag("p", words, class_="quiet")


def progress(study: Evidence) -> Html:
    """How far the study is, and the best value so far."""
    whole, overview = study.overview.whole, study.overview
    shown = [
        (f"{whole.finished} of {overview.planned}", "trials"),
        (str(whole.failed), "failed"),
        *([(str(whole.pruned), "pruned")] if whole.pruned else []),
        (duration(overview.elapsed), "worked, pauses left out"),
    ]
    if not math.isnan(whole.utilisation):
        shown.append((f"{whole.utilisation:.0%}", "of it the ranks evaluated"))
    several = study.result.partition.n_subspaces > 1
    label = "The best value so far, by the order in which evaluations ended." + (
        " A thin line is a subspace: the best of the drives at home there, wherever they looked." if several else ""
    )
    pictures = [
        picture("convergence", label, lambda ax: plots.plot_convergence(study.result, ax=ax, subspaces=several), 8.4, 4.0)
    ]
    if any(trial.reports for trial in study.result.all_trials):
        told = "Learning curves: what each evaluation reported, over the step. A dot ends the curve of a pruned trial."
        pictures.append(picture("curves", told, lambda ax: plots.plot_curves(study.result, ax=ax), 8.4, 4.0))
    return together(numbers(*shown), *pictures)


def subspaces(study: Evidence) -> Html:
    """The table of subspaces, and the partition with the trials in it."""
    result = study.result
    partition, space = result.partition, result.search_space
    homes: dict[int, list[Trial]] = {}
    for trial in result.all_trials:
        if trial.drive >= 0:
            homes.setdefault(trial.subspace, []).append(trial)
    pruning = study.overview.whole.pruned > 0
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
        "best",
    ]
    cut = f" The first {_MOST_SUBSPACES} of {len(homes)}." if len(homes) > _MOST_SUBSPACES else ""
    caption = "Trials are those of the drives at home in a subspace, wherever they looked; ★: its box holds the best." + cut
    order = [j for j in study.by_importance if j in partition.split] + [
        j for j in study.by_importance if j not in partition.split
    ]
    couples = [(order[i], order[i + 1]) for i in range(min(len(order) - 1, _MOST_PARTITIONS))]
    pictures = [
        picture(
            f"partition-{a}-{b}",
            f"{space.names[a]} and {space.names[b]}: the halves overlap where it is shaded.",
            partial(plots.plot_partition, result, (a, b)),
            5.4,
            4.4,
        )
        for a, b in couples
    ]
    shown = sorted(study.by_importance[:_MOST_PARAMETERS])
    parallel = picture(
        "parallel",
        "A line a trial through "
        + ("all parameters" if len(shown) == space.d else f"the {len(shown)} most important of {space.d} parameters")
        + "; the dark ones are good, the orange one is the best.",
        partial(plots.plot_parallel, result, shown),
        max(6.4, 1.25 * (len(shown) + 2)),
        4.2,
        wide=True,
    )
    return together(table(caption, heads, rows), tag("div", *pictures, class_="grid"), parallel)


def parameters(study: Evidence) -> Html:
    """Which parameters matter, and how."""
    if study.importance is None:
        return together(_too_few())
    result, names = study.result, study.result.search_space.names
    shown = study.by_importance[:_MOST_DEPENDENCES]
    dependences = [
        picture(
            f"dependence-{j}",
            f"{names[j]}: the average over the other parameters, and its 90 % interval.",
            partial(plots.plot_dependence, result, j),
            4.8,
            3.1,
        )
        for j in shown
    ]
    rest = f" The {len(shown)} most important of {len(names)} parameters are drawn." if len(shown) < len(names) else ""
    return together(
        tag(
            "p",
            "Sobol indices of the merged surrogate: which part of the objective’s variance over the whole search space a "
            "parameter explains, alone and together with others. They say little about the surroundings of the optimum, and are "
            f"as right as the surrogate is (see Surrogate).{rest}",
        ),
        picture(
            "importance",
            "Importance of the parameters; lines hold 90 % of the draws from the surrogate’s posterior.",
            lambda ax: plots.plot_importance(result, ax=ax, found=study.importance),
            8.4,
            1.3 + 0.36 * min(len(names), 20),
        ),
        tag("div", *dependences, class_="grid"),
    )


def surrogate(study: Evidence) -> Html:
    """Whether the merged surrogate can be trusted."""
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
        tag(
            "div",
            picture(
                "predictions",
                "Each trial as all others predict it. On the line the prediction is right.",
                lambda ax: plots.plot_predictions(result, ax=ax, found=found),
                4.8,
                4.2,
            ),
            picture(
                "calibration",
                "Calibration: below the diagonal the surrogate is too sure of itself, above it too cautious.",
                lambda ax: plots.plot_calibration(result, ax=ax, found=found),
                4.6,
                4.2,
            ),
            class_="grid",
        ),
        table("Leave-one-out predictions by subspace; the boxes overlap, and so do their trials.", heads, rows),
    )


def timeline(study: Evidence) -> Html:
    """Evaluations in time."""
    ranks = len({trial.rank for trial in study.result.all_trials if trial.drive >= 0})
    return together(
        picture(
            "gantt",
            "Evaluations in time, a row a rank; blank is idle, thin is proposing.",
            lambda ax: plots.plot_gantt(study.result, ax=ax),
            9.0,
            float(np.clip(1.6 + 0.26 * ranks, 2.4, 10.0)),
            wide=True,
        ),
    )


def _too_few() -> Html:
    return tag("p", "Too few trials have ended well for a model of the objective.", class_="missing")


def _range(dimension: Any) -> str:
    if hasattr(dimension, "categories"):
        return ", ".join(map(str, dimension.categories))
    return " to ".join(str(end) if isinstance(end, int) else f"{end:.4g}" for end in dimension.bounds)
