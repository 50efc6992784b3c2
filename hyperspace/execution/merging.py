"""Result of a run, merged from the trials of all ranks or from the journals; trials that the journals have lost are rescued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hyperspace.errors import StudyError, shown
from hyperspace.exchange.ranks import Ranks
from hyperspace.execution.opening import study_record
from hyperspace.execution.rescue import rescue
from hyperspace.journal import LeaseLostError, StudyFolder
from hyperspace.results.loading import read_trials
from hyperspace.results.result import Result
from hyperspace.study.description import split_label
from hyperspace.study.settings import StudySettings
from hyperspace.trials.failures import RETRY
from hyperspace.trials.records import load_trial, trial_record
from hyperspace.trials.trial import OK, Trial, fix_goal, judged


class Merger:
    """Merges the trials of a run into one result.

    Args:
        study: the settings.
        ranks: the ranks of this run.
        folder: the study's files; None if it keeps none.
        carried: the drives of this rank.
        recorded_goal: the goal that an earlier run has fixed; None if none did.
        claim_goal: makes a metric the study's goal on record, and returns the one that is.
    """

    def __init__(
        self,
        study: StudySettings,
        ranks: Ranks,
        folder: StudyFolder | None,
        carried: Sequence[int],
        recorded_goal: str | None,
        claim_goal: Callable[[str], str],
    ) -> None:
        self._study, self._ranks, self._folder, self._carried = study, ranks, folder, carried
        self._recorded_goal, self._claim_goal = recorded_goal, claim_goal

    def merge(self, finished: Iterable[Trial], gone: bool) -> Result:
        """Merge on rank 0, from the journals if there are any; every rank returns the same. Collective.

        Args:
            finished: the known finished trials.
            gone: whether the study's folder is missing.

        Raises:
            StudyError: all trials failed; or the journals hold less than the ranks know (the error's `result` has their trials).
        """
        study = self._study
        goals = [self._recorded_goal] if not study.shared else self._ranks.gather([study.metrics.goal])
        study.metrics.reopen(next((goal for goal in goals if goal is not None), None))
        own = [trial for trial in finished if trial.drive in self._carried]
        if self._folder is None:
            return self.result(self._of_all_ranks(own))
        known = sum(self._ranks.gather([len(own)]))
        kept = self._ranks.first(lambda: self._read(known, gone))
        if kept["lost"] is not None:
            raise self._rescue(self._of_all_ranks(own), kept["lost"])
        result = self.result([load_trial(record, study.space) for record in kept["records"]])
        goal, complete = study.metrics.goal, result.nfev - len(study.given) >= study.planned
        if not study.shared and goal is not None and not study.metrics.declared and complete:
            self._ranks.first(lambda: self._claim_goal(goal))  # no later answer can be the first one
        return result

    def _of_all_ranks(self, own: list[Trial]) -> list[Trial]:
        """Return the trials of all ranks. Collective."""
        space = self._study.space
        records = self._ranks.gather([trial_record(trial, space) for trial in own])
        return [load_trial(record, space) for record in records]

    def _read(self, known: int, gone: bool) -> dict[str, Any]:
        """Return the content of the journals, or a description of their losses relative to `known` ended evaluations."""
        assert self._folder is not None
        try:
            trials = read_trials(self._folder, self._study.space, self._study.identity)
        except (StudyError, OSError) as error:
            return {"records": [], "lost": str(error)}
        held = sum(trial.finished for trial in trials)
        if held >= known and not gone:
            return {"records": [trial_record(trial, self._study.space) for trial in trials], "lost": None}
        return {
            "records": [],
            "lost": f"the study's folder {str(self._folder.path)!r} was removed, moved or changed during the run: of the "
            f"{known} evaluations that were made, it holds {held}",
        }

    def _rescue(self, trials: list[Trial], lost: str, alone: bool = False) -> StudyError:
        """Save the known trials; return the error that reports them. Collective unless `alone`."""
        assert self._folder is not None
        folder, study = self._folder, self._study

        def write() -> str:
            return str(rescue(folder, study_record(study), study, trials) or "")

        place = write() if alone else self._ranks.first(write)
        kept = f"they are in {place!r}, which load_results reads" if place else "they could be written nowhere"
        result = self.result(trials, allows_failures=True)
        best = "" if result.best_trial is None else f"; the best is {result.fun!r} at {shown(result.parameters)}"
        if self._study.metrics.several and result.success:
            best = f"; {len(result.front_trials)} trials are on the front"
        error = StudyError(f"{lost}. The {len(trials)} that the run knows are not lost: {kept}{best}")
        error.result = result
        return error

    def keep(self, finished: Iterable[Trial], error: StudyError) -> None:
        """Add the result so far to an error that ends this process; save the trials if the journals have lost them.

        This is not collective. The journals of other ranks have the trials that this rank does not know.
        """
        trials = list(finished)
        others = isinstance(error, LeaseLostError) or self._ranks.size > 1
        if others and (self._folder is None or self._folder.study_file.exists()):
            return
        if self._folder is not None:
            kept = self._read(len(trials), gone=False)
            if kept["lost"] is not None and trials:
                there = self._folder.study_file.exists()  # a failed write was already reported in more detail
                raise self._rescue(trials, str(error).rstrip(".") if there else kept["lost"], alone=True) from error
            trials = [load_trial(record, self._study.space) for record in kept["records"]]
        error.result = self.result(trials, allows_failures=True)

    def result(self, trials: list[Trial], allows_failures: bool = False) -> Result:
        """Return the result of trials.

        Args:
            trials: trials of this study.
            allows_failures: whether to return it even if all failed.

        Raises:
            StudyError: all failed.
        """
        study = self._study
        fix_goal(study.metrics, [*study.given, *trials])
        trials = [judged(trial, study.metrics) for trial in trials]
        ended = [trial for trial in trials if trial.finished]
        if ended and not allows_failures and not any(trial.status == OK for trial in [*ended, *study.given]):
            again = "" if self._folder is None else f"; {RETRY}"
            raise StudyError(f"all {len(ended)} trials failed{again}. The last one said:\n{(ended[-1].error or '').rstrip()}")
        models = split_label(study.model_name)
        return Result([*study.given, *trials], study.space, study.metrics, study.partition, models, files=self._folder)
