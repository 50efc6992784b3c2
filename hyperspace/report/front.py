"""The first section of the report on a study with several goals: the front."""

from __future__ import annotations

from collections.abc import Sequence

from hyperspace import plots
from hyperspace.report.evidence import Evidence
from hyperspace.report.figures import NARROW_ROW, ROW, picture
from hyperspace.report.html import Html, metric, numbers, show, table, tag, together
from hyperspace.trials.trial import Trial

_MOST_TRIALS = 100
_MOST_PARAMETERS = 12
_MOST_PICTURES = 6  # all pairs of four goals


def front(study: Evidence) -> Html:
    """Return the size of the front, its hypervolume, its pictures and its trials."""
    result, goals = study.result, study.result.goals.goals
    on_front = result.front_trials
    reference = ", ".join(f"{name} {show(value)}" for name, value in result.reference.items())
    words = (
        f"No other feasible trial is at least as good in all of {', '.join(goal.name for goal in goals)}, and better in one. The "
        f"hypervolume is measured from {reference}."
    )
    pictures = [
        picture(
            f"front-{i}-{j}",
            f"The trials by {goals[i].name} and {goals[j].name}, and the front of all goals.",
            lambda ax, i=i, j=j: plots.plot_front(result, goals[i].name, goals[j].name, ax=ax),
            *ROW,
            narrow=NARROW_ROW,
        )
        for i, j in [(i, j) for j in range(1, len(goals)) for i in range(j)][:_MOST_PICTURES]
    ]
    return together(
        numbers((str(len(on_front)), "trials on the front"), (show(result.hypervolume), "hypervolume")),
        tag("p", words),
        *pictures,
        _table(study, on_front),
    )


def _table(study: Evidence, on_front: Sequence[Trial]) -> Html:
    result = study.result
    trials = on_front[:_MOST_TRIALS]
    goals = [goal.name for goal in result.goals.goals]
    others = [name for name in dict.fromkeys(name for trial in trials for name in trial.metrics) if name not in goals]
    columns = sorted(study.by_importance[:_MOST_PARAMETERS])
    heads = ["trial", *goals, *others, *(result.search_space.names[j] for j in columns)]
    rows = [
        [trial.id, *(metric(trial.metrics.get(name)) for name in (*goals, *others)), *(trial.x[j] for j in columns)]
        for trial in trials
    ]
    cut = f" The first {len(trials)} of {len(on_front)}." if len(trials) < len(on_front) else ""
    return table(f"The trials on the front, by {goals[0]}; a trial’s number is DRIVE-ITERATION.{cut}", heads, rows)
