"""Repetition of recorded failures before a study is resumed.

A retried trial keeps its key and its point. Its new end replaces the failure once it is recorded. Until then the failure counts,
so that the knowledge of other drives stays on record. Points that were chosen with knowledge of the failure are not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hyperspace.execution.context import RunContext
from hyperspace.execution.loop import Loop
from hyperspace.study.settings import StudySettings
from hyperspace.trials.archive import Archive
from hyperspace.trials.records import load_trial, trial_record
from hyperspace.trials.trial import Trial, TrialKey


class RetryLoop(Loop):
    """Loop that evaluates the failed trials of this rank's drives once more.

    Args:
        study: the settings.
        context: objects and settings of this run.

    Attributes:
        recorded: recorded trials, with the new ends.
    """

    def __init__(self, study: StudySettings, context: RunContext) -> None:
        self._failed = {key: trial for key, trial in context.recorded.items() if trial.failed}
        others = {key: trial for key, trial in context.recorded.items() if key not in self._failed}
        super().__init__(study, replace(context, recorded=others, rules=()))
        self.recorded: Mapping[TrialKey, Trial] = context.recorded

    def _work(self) -> None:
        carried = [self._failed[key] for key in sorted(self._failed) if key.drive in self._carried]
        ended = []
        for failed in carried:
            if self._must_stop():
                break
            trial = self._evaluate(self._steps.ask_again(failed))
            if trial.finished:
                self.finished[trial.key] = trial
                ended.append(trial)
        ranks, space = self._context.ranks, self._study.space
        answers = ranks.gather([{"trials": [trial_record(trial, space) for trial in ended], "ended_by": self.ended_by}])
        news = [load_trial(record, space) for answer in answers for record in answer["trials"]]
        self.recorded = {**self.recorded, **{trial.key: trial for trial in news if trial.key in self.recorded}}
        self.ended_by = next((answer["ended_by"] for answer in answers if answer["ended_by"] is not None), None)

    def _knowledge(self, drive: int) -> Archive:
        archive = self._fresh_archive()
        archive.extend(self.finished[key] for key in sorted(self.finished))
        return archive

    def _ends_by_streaks(self) -> bool:
        return False  # repeated failures are likely here
