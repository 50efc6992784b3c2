"""Commands that read a study: `hyperspace best PATH`."""

from __future__ import annotations

import hyperspace
from hyperspace.cli.arguments import StudyPath
from hyperspace.cli.output import show_best


def best(path: StudyPath) -> None:
    """Show the best trial of a study, also while the study runs."""
    show_best(hyperspace.load_results(path))
