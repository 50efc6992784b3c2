"""Commands around the runs of a study on a cluster: `hyperspace stop PATH`."""

from __future__ import annotations

from hyperspace.cli.studies import StudyPath


def stop(path: StudyPath) -> None:
    """End the running study: what is under way comes to its end, and everything is merged. To go on, run its program again."""
    from hyperspace.stopping import request_stop

    request_stop(path)
    print(f"The runs of the study in {path} begin no further evaluation, and end when those under way have.")
