"""Results from the files of a study."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hyperspace.journal import Leases, StudyFolder
from hyperspace.journal.stop_request import BUDGET, recorded_request
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.results.result import Result
from hyperspace.space.space import Space
from hyperspace.study.description import describe_study
from hyperspace.system.arguments import check_names
from hyperspace.trials.trial import Trial

_LATE = 10.0  # seconds after a request to end after which a trial must belong to a later run


@check_names()
@own_numerics()
def load_results(results_path: str | os.PathLike[str]) -> Result:
    """Read a study from its folder; also while it runs.

    Args:
        results_path: the folder that hyperdrive wrote.

    Returns:
        The Result that hyperdrive returned, or the result so far.

    Raises:
        StudyError: no study there, or a damaged file (its name and line).
    """
    folder = StudyFolder(results_path)
    study = describe_study(folder)
    trials = read_trials(folder, study.space, study.identity)
    ended_by = _ended_by(folder, trials, study.planned)
    return Result([*study.given, *trials], study.space, study.metrics, study.partition, study.models, ended_by, folder)


def _ended_by(folder: StudyFolder, trials: Sequence[Trial], planned: int) -> str | None:
    """Return the reason of the last run's end, as far as the files have it; None during a run, or if unknown."""
    if sum(trial.finished for trial in trials) >= planned:
        return BUDGET
    ending, request = folder.read_ending(), recorded_request(folder)
    if ending is None and (request is None or any(trial.started > request[1] + _LATE for trial in trials)):
        return None
    try:
        at_work = any(not held.expired for held in Leases(folder.leases).holders().values())
    except OSError:  # a read-only folder
        return None
    return None if at_work else ending or (request[0] if request is not None else None)


def read_trials(folder: StudyFolder, space: Space, study: str | None = None) -> list[Trial]:
    """Return all trials in the journals of a study.

    Args:
        folder: the study's files.
        space: converts JSON to points.
        study: required identity of the study; None skips the check.

    Raises:
        StudyError: a damaged journal, or one of another study.
    """
    readers = folder.read_journals(space, folder.drives(), study)
    return [trial for reader in readers.values() for trial in reader.trials.values()]
