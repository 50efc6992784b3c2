"""Keeps what a run knows where the study's own folder has lost it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder, open_journal
from hyperspace.study.config import Study
from hyperspace.trials.records import Record
from hyperspace.trials.trial import Trial


def rescue(folder: StudyFolder, record: Record, study: Study, trials: Sequence[Trial]) -> Path | None:
    """Write the trials known in memory into a folder of their own; return it, or None if no place takes it.

    The folder stands beside the study's, or in that for temporary files where that cannot be. `load_results` reads it.

    Args:
        folder: the study's own files, which are gone or incomplete.
        record: what study.json is to say.
        study: the settings.
        trials: what is known.
    """
    for parent in (folder.path.parent, Path(tempfile.gettempdir())):
        with suppress(StudyError, OSError):
            number = 1
            while (place := parent / f"{folder.path.name}.rescued-{number}").exists():
                number += 1
            _write(StudyFolder(place), record, study, trials)
            return place
    return None


def _write(kept: StudyFolder, record: Record, study: Study, trials: Sequence[Trial]) -> None:
    kept.write_study(record)
    for drive in sorted({trial.drive for trial in trials}):
        journal = open_journal(kept, study.identity, drive, study.space, None, attempt=0, check=lambda: None)
        try:
            for trial in sorted((trial for trial in trials if trial.drive == drive), key=lambda trial: trial.key):
                journal.started(trial)
                if trial.finished:
                    journal.finished(trial)
        finally:
            journal.close()
