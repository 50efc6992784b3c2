"""How far a study is, from its files alone: what was planned, and what has ended.

Needs neither the objective nor pandas, and reads a study that is being worked as well as one that was left.
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
    """How far a study is.

    Attributes:
        planned: evaluations in all, as the last run was asked for; those that were given do not count.
        finished: evaluations that have ended, well or not.
        failed: those of them that failed or timed out.
        pruned: those of them that a pruning rule ended.
        running: evaluations that were begun and have not ended; a killed run leaves some behind.
        ended_by: the rule that has ended the study before its budget was spent; None where none has.
    """

    planned: int
    finished: int
    failed: int
    pruned: int
    running: int
    ended_by: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all that was planned has ended, or a rule has ended the study."""
        return self.finished >= self.planned or self.ended_by is not None


def study_state(results_path: str | os.PathLike[str]) -> StudyState:
    """Return how far the study in a folder is.

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
