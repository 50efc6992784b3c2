"""The first section of the report: the optimum, or why there is none."""

from __future__ import annotations

from hyperspace.report.evidence import Evidence
from hyperspace.report.front import front
from hyperspace.report.html import Cell, Html, limits, metric, moment, numbers, pairs, show, tag, together
from hyperspace.trials.incumbent import closest_trial
from hyperspace.trials.trial import Trial


def optimum(study: Evidence) -> Html:
    """Return the best value, its parameters, and its origin; with several goals, the front."""
    result, best = study.result, study.result.best_trial
    if result.goals.several and result.success:
        return front(study)
    if best is None:
        return _no_optimum(study)
    goal = result.goals.goal_name(best.metrics)
    found = "was given with the study."
    if best.drive >= 0:
        found = f"was found by drive {best.drive} in its trial {best.iteration}, on rank {best.rank} of "
        found += f"{best.host or 'an unknown machine'}, at {moment(best.started)}"
        found += f"; the strategy’s rule “{best.arm}” chose the point." if best.arm else "."
    least = "largest" if result.maximize else "least"
    kept = " that keeps the limits" if result.goals.constraints else ""
    return together(
        numbers((show(result.fun), f"{goal}, the {least} value{kept}")),
        pairs(_point(study, best)),
        tag("p", f"It {found}", class_="quiet"),
        _where(study, best),
        _recommended(study, best),
    )


def _recommended(study: Evidence, best: Trial) -> Html | None:
    """Return the trial with the best expected value if the model has found noise."""
    found = study.result.recommended
    if found is None or not found.noise:
        return None
    noise = f"By the model, evaluations of one point differ by {show(found.noise)} (standard deviation)."
    expected = f"{show(found.value)}, with a standard deviation of {show(found.std)}"
    if found.trial.key == best.key:
        return tag("p", f"{noise} If so, the best trial is also the best by its expected value, {expected}.")
    space = study.result.search_space
    return together(
        tag("p", f"{noise} If so, trial {found.trial.id} is the best by its expected value: {expected}."),
        pairs(list(space.by_name(found.parameters).items())),
    )


def _no_optimum(study: Evidence) -> Html:
    """Return the reason why there is no optimum; if all trials are infeasible, also the closest one."""
    trials, goals, whole = study.result.all_trials, study.result.goals, study.overview.whole
    if whole.finished == 0:
        return tag("p", "No trial has ended so far.")
    if whole.failed == whole.finished:
        all_of_them = (
            "The only trial that ended has failed" if whole.failed == 1 else f"All {whole.failed} trials that ended have failed"
        )
        return tag("p", all_of_them, "; see ", tag("a", "Failures", href="#failures"), ".")
    none = study.result.why_no_optimum()
    closest = closest_trial(trials, goals)
    said = tag("p", f"{none[0].upper()}{none[1:]}.")
    if closest is None:
        return said
    goal = goals.goal_name(closest.metrics)
    return together(
        said,
        tag("p", f"The trial that came closest to keeping them has {goal} = {show(goals.value(closest.metrics))}:"),
        pairs(_point(study, closest)),
    )


def _point(study: Evidence, trial: Trial) -> list[tuple[object, ...]]:
    """Return the parameters and the other metrics of a trial, with the limits of the metrics."""
    space, goals = study.result.search_space, study.result.goals
    items: list[tuple[object, ...]] = list(space.by_name(space.parameters(trial.x)).items())
    goal = goals.goal_name(trial.metrics)
    limited = {metric.name: metric for metric in goals.constraints}
    for name, value in trial.metrics.items():
        if name == goal:
            continue
        told = metric(value)
        remark = []
        if name in limited:
            broken = isinstance(value, float) and limited[name].violation(value) > 0.0
            remark = [limits(limited[name]) + (", broken" if broken else "")]
        items.append((name, told.shown if isinstance(told, Cell) else told, *remark))
    return items


def _where(study: Evidence, best: Trial) -> Html | None:
    """Return the boxes that contain the best point, and their relation to its drive."""
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
        words += f" Its drive’s home is subspace {best.subspace}: a drive may also evaluate points outside its home."
    return tag("p", words, class_="quiet")
