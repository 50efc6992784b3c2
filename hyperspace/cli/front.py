"""`hyperspace front PATH`: the trials on the front of a study with several goals, or one of them."""

from __future__ import annotations

from typing import Annotated

import typer

import hyperspace
from hyperspace.cli.export import csv_bytes, json_bytes, write_bytes
from hyperspace.cli.path_arguments import StudyPath
from hyperspace.cli.printing import show_table
from hyperspace.cli.studies import TopFormat
from hyperspace.errors import InputError, shown, shown_all
from hyperspace.results.choosing import KNEE
from hyperspace.system.terminal import tell, well_formed


def front(
    path: StudyPath,
    x: Annotated[
        str | None,
        typer.Option("--x", help="Sort by this metric, and show no other one but --y.", metavar="NAME", show_default="the goals"),
    ] = None,
    y: Annotated[str | None, typer.Option("--y", help="A second metric to show.", metavar="NAME", show_default="none")] = None,
    choose: Annotated[
        str | None, typer.Option("--choose", help="Only one trial: knee, the closest to the best of all goals.", metavar="RULE")
    ] = None,
    format: Annotated[TopFormat, typer.Option(help="How to show them; csv and json have all digits.")] = TopFormat.table,
) -> None:
    """Show the front of a study: the trials that no other is better than in all goals, also while the study runs."""
    result = hyperspace.load_results(path)
    if choose is not None and choose != KNEE:
        raise InputError(f"--choose takes {KNEE}, got {shown(choose)}; the page on several goals has more ways, in Python")
    frame = result.front
    if frame.empty:
        tell(result.why_no_optimum())
    elif choose is not None:
        chosen = result.choose(choose).key
        frame = frame[(frame["drive"] == chosen.drive) & (frame["iteration"] == chosen.iteration)].reset_index(drop=True)
    if wanted := [name for name in (x, y) if name is not None]:
        metrics = list(dict.fromkeys(name for trial in result.front_trials for name in trial.metrics))
        for name in wanted:
            if name not in metrics and not frame.empty:
                raise InputError(f"the trials on the front have no metric {shown(name)}, but {shown_all(metrics)}")
        if not frame.empty:
            labels = {name: f"metric.{name}" if f"metric.{name}" in frame.columns else well_formed(name) for name in metrics}
            first = list(dict.fromkeys(labels[name] for name in wanted))
            others = [label for label in frame.columns if label not in labels.values()]
            frame = frame.sort_values(first, kind="stable")[[*first, *others]]
    if format is TopFormat.csv:
        write_bytes(csv_bytes(frame))
    elif format is TopFormat.json:
        write_bytes(json_bytes(frame))
    elif not frame.empty:
        if choose is None:
            print(f"{len(frame)} trial{'s' * (len(frame) != 1)} on the front, hypervolume {result.hypervolume:.6g}")
        show_table(frame)
