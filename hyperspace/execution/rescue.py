"""Rescue of a run's trials when the study's own folder has lost them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder, open_journal
from hyperspace.study.settings import StudySettings
from hyperspace.trials.records import Record
from hyperspace.trials.trial import Trial


def rescue(folder: StudyFolder, record: Record, study: StudySettings, trials: Sequence[Trial]) -> Path | None:
    """Write the known trials to a new folder; return it, or None if no place is writable.

    The folder is beside the study's, or among temporary files if that is not writable. `load_results` reads it.

    Args:
        folder: the study's own files, which are missing or incomplete.
        record: content of study.json.
        study: the settings.
        trials: known trials.
    """
    for parent in (folder.path.parent, Path(tempfile.gettempdir())):
        with suppress(StudyError, OSError):
            number = 1
            while (place := parent / f"{folder.path.name}.rescued-{number}").exists():
                number += 1
            _write(StudyFolder(place), record, study, trials)
            return place
    return None


def _write(kept: StudyFolder, record: Record, study: StudySettings, trials: Sequence[Trial]) -> None:
    kept.write_study(record)
    identity = study.identity
    for drive in sorted({trial.drive for trial in trials}):
        journal = open_journal(kept, identity, drive, study.space, None, attempt=0, check=lambda: None)
        try:
            for trial in sorted((trial for trial in trials if trial.drive == drive), key=lambda trial: trial.key):
                journal.started(trial)
                if trial.finished:
                    journal.finished(trial)
        finally:
            journal.close()
