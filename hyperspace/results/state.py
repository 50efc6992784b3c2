"""State of a study from its files: the planned and the finished evaluations.

It needs neither the objective nor pandas, and also reads a running study.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

from hyperspace.journal import StudyFolder
from hyperspace.study.description import describe_study
from hyperspace.trials.trial import FAILED, PRUNED, RUNNING, TIMEOUT, fix_goal, judged


@dataclass(frozen=True, slots=True)
class StudyState:
    """State of a study.

    Attributes:
        planned: planned number of evaluations of the last run, without given ones.
        finished: number of finished evaluations.
        failed: number of failed or timed-out ones.
        pruned: number of pruned ones.
        running: number of started and unfinished evaluations; a killed run leaves some behind.
        ended_by: the rule that ended the study before its budget was spent; None if none did.
    """

    planned: int
    finished: int
    failed: int
    pruned: int
    running: int
    ended_by: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all planned evaluations have ended, or a rule has ended the study."""
        return self.finished >= self.planned or self.ended_by is not None


def study_state(results_path: str | os.PathLike[str]) -> StudyState:
    """Return the state of the study in a folder.

    Args:
        results_path: the folder that hyperdrive writes.

    Raises:
        StudyError: no study there, or a damaged file (its name and line).
    """
    folder = StudyFolder(results_path)
    study = describe_study(folder)
    journals = folder.read_journals(study.space, folder.drives(), study.identity).values()
    trials = [trial for journal in journals for trial in journal.trials.values()]
    fix_goal(study.metrics, trials)
    statuses = Counter(judged(trial, study.metrics).status for trial in trials)
    finished = statuses.total() - statuses[RUNNING]
    failed = statuses[FAILED] + statuses[TIMEOUT]
    return StudyState(study.planned, finished, failed, statuses[PRUNED], statuses[RUNNING], folder.read_ending())
