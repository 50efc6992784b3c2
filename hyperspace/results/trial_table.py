"""Tables of trials, a row each."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from hyperspace.system.terminal import well_formed
from hyperspace.trials.incumbent import is_infeasible, rank
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.trial import Trial

if TYPE_CHECKING:
    import pandas

COLUMNS = ("drive", "iteration", "subspace", "region", "arm", "status")
JOB_COLUMNS = ("generation", "job")
MORE_COLUMNS = ("seconds", "suggest_seconds", "started", "rank", "host", "attempt", "origin", "fault", "error")
_BUDGET, _FEASIBLE = "budget", "feasible"


def trials_frame(trials: Sequence[Trial], names: Sequence[str], metrics: Metrics) -> pandas.DataFrame:
    """Return the table of `Result.trials`.

    Args:
        trials: the trials, in the order of the rows.
        names: names of the dimensions.
        metrics: metrics of the study.
    """
    import pandas

    metric_names = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    columns: dict[str, Any] = {name: [getattr(trial, name) for trial in trials] for name in COLUMNS}
    budgets = {_BUDGET: [trial.budget for trial in trials]} if any(trial.budget is not None for trial in trials) else {}
    feasible = {_FEASIBLE: [_keeps(trial, metrics) for trial in trials]} if metrics.constraints else {}
    taken = {*COLUMNS, *JOB_COLUMNS, *MORE_COLUMNS, *budgets, *feasible}
    named = {*taken, *(metric_names or [FLOAT_NAME])}
    mixed: list[str] = []
    for position, name in enumerate(names):
        values = [trial.x[position] for trial in trials]
        label = free_label(name, "parameter", named | ({*names} - {name}))
        columns[label] = values
        if len(set(map(type, values))) > 1:
            mixed.append(label)
    used = {*taken, *columns}  # one set for all: an objective may return thousands of metrics
    for name in metric_names:
        label = free_label(name, "metric", used)
        used.add(label)
        columns[label] = [trial.metrics.get(name, float("nan")) for trial in trials]
    columns |= budgets | feasible | {name: [getattr(trial, name) for trial in trials] for name in MORE_COLUMNS}
    cells = {well_formed(label): [cell(value) for value in values] for label, values in columns.items()}
    frame = pandas.DataFrame(cells)
    for label in map(well_formed, mixed):  # pandas converts integers among other values to floats
        frame[label] = pandas.Series(cells[label], dtype=object)
    return frame


def _keeps(trial: Trial, metrics: Metrics) -> bool | None:
    """Return whether a trial is feasible; None for one without a loss."""
    return True if rank(trial, metrics).is_usable else False if is_infeasible(trial, metrics) else None


def free_label(name: str, prefix: str, taken: Container[str]) -> str:
    """Return the label of a column: `name`, with one or more prefixes if it is already used."""
    while name in taken:
        name = f"{prefix}.{name}"
    return name


def cell(value: Any) -> Any:
    """Return a value for tables: invalid characters of texts are escaped."""
    return well_formed(value) if isinstance(value, str) and not value.isascii() else value
