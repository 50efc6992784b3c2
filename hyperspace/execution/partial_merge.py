"""Result of a run with silent ranks, from the other ranks and the journals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperspace.exchange.ranks import Ranks
from hyperspace.execution.loop import Loop
from hyperspace.journal import StudyFolder
from hyperspace.results.loading import read_trials
from hyperspace.study.settings import StudySettings
from hyperspace.trials.records import Record, load_trial, trial_record
from hyperspace.trials.trial import Trial


def merge_without_silent(
    ranks: Ranks, study: StudySettings, folder: StudyFolder | None, carried: Sequence[int], loop: Loop
) -> tuple[list[Trial], list[str | None], list[str]]:
    """Merge the records of the ranks that answer, on rank 0; called after RanksSilentError.

    Args:
        ranks: the ranks of this run.
        study: the settings.
        folder: the study's files; None if it keeps none.
        carried: the drives of this rank.
        loop: the loop of these drives.

    Returns:
        The trials; for each rank that answers the reason of its end; and the names of the silent ranks. The values are the same
        on all ranks that answer.
    """
    known = [] if folder is not None else list(loop.finished.values())
    own, heard = (
        [trial_record(trial, study.space) for trial in known if (trial.drive in carried) is here] for here in (True, False)
    )

    def conclude(answers: dict[int, Any]) -> Any:
        told = [answer for answer in answers.values() if answer is not None]
        if folder is None:
            records = _first_of_each([*(answer["own"] for answer in told), *(answer["heard"] for answer in told)])
        else:
            records = [trial_record(trial, study.space) for trial in read_trials(folder, study.space, study.identity)]
        return records, [answer["reason"] for answer in told]

    (records, reasons), silent = ranks.merge_answers({"own": own, "heard": heard, "reason": loop.ended_by}, conclude)
    return [load_trial(record, study.space) for record in records], reasons, silent


def _first_of_each(parts: Sequence[Sequence[Record]]) -> list[Record]:
    """Return one record of each trial; a rank's records of other ranks' trials omit rank, host and times."""
    records: dict[tuple[int, int], Record] = {}
    for part in parts:
        for record in part:
            records.setdefault((record["iteration"], record["drive"]), record)
    return list(records.values())
