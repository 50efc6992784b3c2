"""Commands that read a study: `hyperspace best PATH`, `hyperspace failures PATH`."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hyperspace
from hyperspace.cli.export import csv_bytes, json_bytes, json_value, write_bytes
from hyperspace.cli.path_arguments import StudyPath
from hyperspace.cli.printing import brief, scratch_of, show_best, show_top
from hyperspace.system.terminal import printable, tell, well_formed
from hyperspace.trials.trial import PRUNED

if TYPE_CHECKING:
    from hyperspace.results.result import Result
    from hyperspace.trials.trial import Trial

_MOST_NUMBERS = 12  # largest number of trials that a kind of failure names on a terminal


class TopFormat(StrEnum):
    """Format of the best trials."""

    table = "table"
    csv = "csv"
    json = "json"


class FailuresFormat(StrEnum):
    """Format of failures."""

    text = "text"
    json = "json"


def best(
    path: StudyPath,
    top: Annotated[
        int | None,
        typer.Option("--top", "-n", min=1, help="The N best trials, a row each.", metavar="N", show_default="the best"),
    ] = None,
    format: Annotated[TopFormat, typer.Option(help="How to show them; csv and json have all digits.")] = TopFormat.table,
) -> None:
    """Show the best trial of a study, its front if it has several goals, or the best trials, also while the study runs."""
    result = hyperspace.load_results(path)
    if format is not TopFormat.table:
        rows = result.front if top is None and result.goals.several else result.top(top or 1)
        if rows.empty:
            rows = result.least_violating(top or 1)
            tell(result.why_no_optimum() + ("" if rows.empty else "; the closest ones follow, marked as infeasible"))
        write_bytes({TopFormat.csv: csv_bytes, TopFormat.json: json_bytes}[format](rows))
    elif top is None:
        show_best(result)
    else:
        show_top(result, top)


def failures(
    path: StudyPath,
    format: Annotated[FailuresFormat, typer.Option(help="How to show them; json has all trials and tracebacks.")] = (
        FailuresFormat.text
    ),
) -> None:
    """Show what went wrong, by kind of error: how often, the first and the last message, where it began, and which trials."""
    from hyperspace.results.failure_kinds import failure_kinds, message

    result = hyperspace.load_results(path)
    trials = result.all_trials
    kinds = failure_kinds(trials)
    if format is FailuresFormat.json:
        records = [
            {
                "status": kind.status,
                "count": len(kind.trials),
                "first": _record(kind.first, message(kind.first), result),
                "last": _record(kind.last, message(kind.last), result),
                "trials": [trial.id for trial in kind.trials],
            }
            for kind in kinds
        ]
        write_bytes(json.dumps(records, indent=1, allow_nan=False).encode() + b"\n")
        return
    ended = sum(trial.finished and trial.drive >= 0 for trial in trials)
    pruned = sum(trial.status == PRUNED for trial in trials)
    failed = sum(len(kind.trials) for kind in kinds)
    print(f"{failed} of {ended} evaluations failed" + (f"; {pruned} more were pruned, which is no failure" if pruned else ""))
    for kind in kinds:
        numbers = [trial.id for trial in kind.trials]
        more = len(numbers) - _MOST_NUMBERS
        print(f"\n{len(numbers)} × {kind.status}: {printable(message(kind.first))}")
        print("  first   " + ", ".join(f"{printable(name)}={brief(value)}" for name, value in kind.first.parameters.items()))
        if (scratch := scratch_of(result, kind.first)) is not None:
            print(f"  folder  {printable(scratch)}")
        if message(kind.last) != message(kind.first):
            print(f"  last    {printable(message(kind.last))}")
        print("  trials  " + " ".join(numbers[:_MOST_NUMBERS]) + (f" and {more} more" if more > 0 else ""))
    if kinds:
        print("\nA trial's number is DRIVE-ITERATION. --format json has all of them, with the tracebacks.")


def _record(trial: Trial, told: str, result: Result) -> dict[str, Any]:
    scratch = scratch_of(result, trial)
    return {
        "trial": trial.id,
        "message": well_formed(told),
        "parameters": {well_formed(name): json_value(value) for name, value in trial.parameters.items()},
        "folder": None if scratch is None else well_formed(scratch),
        "error": well_formed(trial.error or ""),
        "fault": trial.fault,
        "started": trial.started,
        "rank": trial.rank,
        "host": trial.host,
    }
