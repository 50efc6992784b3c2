"""Commands that read a study: `hyperspace best PATH`, `hyperspace export PATH`."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import hyperspace
from hyperspace.cli.output import show_best

StudyPath = Annotated[Path, typer.Argument(help="Folder of a study: the results_path of hyperdrive.")]


class Format(StrEnum):
    """How trials are written."""

    csv = "csv"
    json = "json"


def best(path: StudyPath) -> None:
    """Show the best trial of a study, also while the study runs."""
    show_best(hyperspace.load_results(path))


def export(
    path: StudyPath,
    format: Annotated[Format, typer.Option(help="How to write them.")] = Format.csv,
) -> None:
    """Write all trials of a study to standard output."""
    trials = hyperspace.load_results(path).trials
    if format is Format.csv:
        trials.to_csv(sys.stdout, index=False)
        return
    records = [{str(name): _plain(value) for name, value in row.items()} for row in trials.to_dict("records")]
    json.dump(records, sys.stdout, indent=1, allow_nan=False)
    print()


def _plain(value: Any) -> Any:
    """Return a table's value as JSON has it: null for what is missing."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
