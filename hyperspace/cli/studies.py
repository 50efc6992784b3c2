"""Commands that read a study: `hyperspace best PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import hyperspace
from hyperspace.cli.output import show_best

StudyPath = Annotated[Path, typer.Argument(help="Folder of a study: the results_path of hyperdrive.")]


def best(path: StudyPath) -> None:
    """Show the best trial of a study, also while the study runs."""
    show_best(hyperspace.load_results(path))
