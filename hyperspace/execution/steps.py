"""Steps of a trial: ask, start, tell. A loop calls them around an evaluation, and they can be called without a loop.

A program that evaluates by itself, elsewhere or on another day, asks and starts a trial now, and tells its outcome later. The
journals are the same in both cases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyperspace.evaluators.base import Outcome
from hyperspace.evaluators.trial_output import limit_error
from hyperspace.exchange.ranks import Ranks
from hyperspace.journal import Journal
from hyperspace.optimizers.base import Suggestion
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.trials.trial import RUNNING, Trial, TrialKey, judged


class TrialSteps:
    """Steps of the trials of this rank.

    Args:
        study: the settings.
        ranks: the ranks of this run.
        journals: the open journals, by drive; empty if none are kept.
        recorded: the trials of earlier runs.
        scratch: returns the scratch folder of (drive, iteration); None if no files are kept.
        settle: returns a finished trial in terms of the study's goal; None reads it by the study's metrics.
    """

    def __init__(
        self,
        study: StudySettings,
        ranks: Ranks,
        journals: Mapping[int, Journal],
        recorded: Mapping[TrialKey, Trial],
        scratch: Callable[[int, int], Path] | None = None,
        settle: Callable[[Trial], Trial] | None = None,
    ) -> None:
        self._study = study
        self._ranks = ranks
        self._journals = journals
        self._recorded = recorded
        self._scratch = scratch
        self._settle = settle or (lambda trial: judged(trial, study.metrics))

    def ask(self, key: TrialKey, suggest: Callable[[], Suggestion], home: int, **knowledge: Any) -> Trial:
        """Return the running trial with this key: asked for, or left unfinished by an earlier run.

        Args:
            key: drive and iteration.
            suggest: asks the strategy.
            home: number of the drive's home subspace.
            **knowledge: what the drive knows at its question (`known` and `pending` of the trial).
        """
        interrupted = self._recorded.get(key)
        if interrupted is not None:
            return replace(interrupted, attempt=interrupted.attempt + 1, started=time.time(), **self._here)
        start = time.perf_counter()
        suggestion = call(suggest)  # it may run a user's model
        return Trial(
            drive=key.drive,
            iteration=key.iteration,
            x=self._study.first_point(key) or self._study.space.from_unit(suggestion.u[None])[0],
            subspace=home,
            suggest_seconds=time.perf_counter() - start,
            started=time.time(),
            space=self._study.space,
            **suggestion.kept | self._here | knowledge,
        )

    def ask_again(self, failed: Trial) -> Trial:
        """Return a failed trial as a running one at the same point."""
        return replace(
            failed,
            status=RUNNING,
            metrics={},
            attempt=failed.attempt + 1,
            retry=failed.retry + 1,
            started=time.time(),
            seconds=None,
            error=None,
            fault=None,
            reports=None,
            **self._here,
        )

    def start(self, trial: Trial) -> None:
        """Record that the evaluation of a trial starts now."""
        journal = self._journals.get(trial.drive)
        if journal is not None:
            journal.started(trial)

    def finish(self, trial: Trial, outcome: Outcome, reports: tuple[tuple[int, float], ...] | None = None) -> Trial:
        """Return the trial with the outcome of its evaluation, and with the reported values by step; nothing is recorded."""
        finished = trial.finish(
            outcome.status,
            metrics=outcome.metrics,
            seconds=outcome.seconds,
            error=self._limited(trial, outcome.error),
            fault=outcome.fault,
            reports=reports,
        )
        return self._settle(finished)

    def record(self, finished: Trial) -> None:
        """Record a finished trial; it is on disk when this returns.

        Raises:
            StudyError: it cannot be written.
        """
        journal = self._journals.get(finished.drive)
        if journal is not None:
            journal.finished(finished)

    def tell(self, trial: Trial, outcome: Outcome) -> Trial:
        """Finish a trial and record it; return it.

        Raises:
            StudyError: it cannot be written.
        """
        finished = self.finish(trial, outcome)
        self.record(finished)
        return finished

    @property
    def _here(self) -> dict[str, Any]:
        return {"rank": self._ranks.worker, "host": self._ranks.host}

    def _limited(self, trial: Trial, error: str | None) -> str | None:
        """Return an error's text for the journal."""
        folder = None if self._scratch is None else self._scratch(trial.drive, trial.iteration)
        return None if error is None else limit_error(error, folder, trial.attempt)
