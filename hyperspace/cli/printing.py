"""Output that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hyperspace.system.terminal import printable
from hyperspace.trials.incumbent import closest_trial
from hyperspace.trials.trial import FAILED, OK, PRUNED, RUNNING, TIMEOUT

if TYPE_CHECKING:
    from hyperspace.results.result import Result
    from hyperspace.trials.metrics import Metric
    from hyperspace.trials.trial import Trial

_MOST_FOR_A_MODEL = (
    500  # number of evaluations up to which the best trial is shown with a model's expected value, in a second or two
)
_WIDEST = 1 << 16  # largest number of characters in a line
_STATUSES = (OK, FAILED, TIMEOUT, PRUNED, RUNNING)


def show_best(result: Result) -> None:
    """Print the number of trials, the best value, and its parameters."""
    counts = result.trials["status"].value_counts()
    told = ", ".join(f"{counts[status]} {status}" for status in _STATUSES if status in counts)
    print(f"{len(result.trials)} trials: {told}" if told else "no trials yet")
    if not result.success:
        _show_closest(result)
        return
    if result.goals.several:
        front = result.front
        print(f"{len(front)} on the front, hypervolume {result.hypervolume:.6g}:")
        show_table(front)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("best", brief(result.fun), style="bold")
    if len(result.metrics) > 1:
        for name, value in result.metrics.items():
            table.add_row(Text(printable(name)), brief(value))
    for name, value in result.search_space.by_name(result.parameters).items():
        table.add_row(Text(printable(name)), brief(value))
    Console(highlight=False).print(table)
    if (scratch := scratch_of(result)) is not None:
        print(f"folder  {printable(scratch)}")
    _show_recommended(result)


def _show_recommended(result: Result) -> None:
    """Print the trial with the best expected value if the model has found noise."""
    recommended = result.recommended if result.nfev <= _MOST_FOR_A_MODEL else None
    if recommended is None or not recommended.noise:
        return
    print(f"\nBy the model, evaluations of one point differ by {recommended.noise:.2g} (standard deviation).")
    expected = f"{recommended.value:.6g}, with a standard deviation of {recommended.std:.2g}"
    if result.best_trial is not None and recommended.trial.key == result.best_trial.key:
        print(f"If so, the best trial is also the best by its expected value, {expected}.")
        return
    print(f"If so, trial {recommended.trial.id} is the best by its expected value: {expected}.")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in result.search_space.by_name(recommended.parameters).items():
        table.add_row(Text(printable(name)), brief(value))
    Console(highlight=False).print(table)


def scratch_of(result: Result, trial: Trial | None = None) -> str | None:
    """Return the folder with a trial's files, or the best trial's, relative to the working folder; None if it has none."""
    folder = result.folder(trial)
    if folder is None or result.files is None:
        return None
    return str(Path(result.files.name) / folder.relative_to(result.files.path))


def show_top(result: Result, n: int) -> None:
    """Print the n best trials, a row each."""
    frame = result.top(n)
    if frame.empty:
        print(result.why_no_optimum())
        frame = result.least_violating(n)
        if frame.empty:
            return
        print("the closest, all infeasible:")
    show_table(frame)


def show_table(frame: Any) -> None:
    """Print a table of trials, a pandas DataFrame."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in frame.columns:
        is_text = frame[name].dtype == object
        table.add_column(Text(printable(name)), justify="left" if is_text else "right", no_wrap=not is_text)
    for _, row in frame.astype(object).iterrows():
        table.add_row(*(brief(value) for value in row))
    width = Console(width=_WIDEST).measure(table).maximum  # numbers are never cut: a terminal that is too narrow breaks lines
    console = Console(highlight=False)
    Console(highlight=False, width=max(width, console.width), soft_wrap=True).print(table)


def _show_closest(result: Result) -> None:
    """Print why there is no best trial, and the violation of the closest one."""
    closest = closest_trial(result.all_trials, result.goals)
    if closest is None:
        print(result.why_no_optimum())
        return
    print(f"{result.why_no_optimum()}; the closest one, infeasible:")
    limited = {metric.name: metric for metric in result.goals.constraints}
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in dict.fromkeys([*closest.metrics, *limited]):
        value = closest.metrics.get(name)
        shown = Text("missing") if value is None else brief(value)
        table.add_row(Text(printable(name)), shown, _excess(limited[name], value) if name in limited else "")
    space = result.search_space
    for name, value in space.by_name(space.parameters(closest.x)).items():
        table.add_row(Text(printable(name)), brief(value), "")
    Console(highlight=False).print(table)


def _excess(metric: Metric, value: Any) -> str:
    """Return the excess of a value over the limits of a metric; "" if it is within them."""
    if not isinstance(value, float):
        return "a constraint"
    if not metric.violation(value):
        return ""
    if metric.upper is not None and value > metric.upper:
        return f"above the limit {metric.upper:.6g} by {value - metric.upper:.6g}"
    return f"below the limit {metric.lower:.6g} by {metric.violation(value):.6g}"


def brief(value: Any) -> Text:
    """Return a readable value: a float with six digits."""
    return Text(f"{value:.6g}" if isinstance(value, float) else printable(value))
