"""Attempts at the evaluation of a trial: it is polled, and repeated after failures that the objective did not cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from hyperspace.evaluators.base import Evaluator, Outcome
from hyperspace.exchange.waiting import naps_between_tests
from hyperspace.execution.context import RunContext
from hyperspace.execution.reports import Reports
from hyperspace.execution.signals import SIGNALS
from hyperspace.study.settings import StudySettings
from hyperspace.trials.trial import FAILED, Trial

_ONE_MOMENT = 0.2  # seconds within which all processes of a job receive a signal


class Attempts:
    """Attempts at the evaluations of this rank.

    Args:
        study: the settings.
        context: options of this run, and whether it was asked to end.
        evaluator: makes one attempt.
        reports: receives the values that an evaluation reports.
        restart: records a trial that is evaluated once more.
        meanwhile: does periodic work while an evaluation runs elsewhere.
    """

    def __init__(
        self,
        study: StudySettings,
        context: RunContext,
        evaluator: Evaluator,
        reports: Reports,
        restart: Callable[[Trial], None],
        meanwhile: Callable[[], None],
    ) -> None:
        self._study = study
        self._context = context
        self._evaluator = evaluator
        self._reports = reports
        self._restart = restart
        self._meanwhile = meanwhile

    def evaluate(self, trial: Trial) -> tuple[Trial, Outcome | None]:
        """Evaluate a trial that has started.

        Returns:
            The trial at its last attempt, and the outcome; None if its process was ended together with the study. The next run
            then repeats the evaluation.
        """
        retries = self._context.options.retries
        outcome = self._outcome(trial)
        while not self._was_cut_off(outcome):
            if not outcome.again and (outcome.fault != "infrastructure" or retries <= 0):
                return trial, outcome
            retries -= not outcome.again
            trial = replace(trial, attempt=trial.attempt + 1, started=time.time())
            self._restart(trial)
            outcome = self._outcome(trial)
        return trial, None

    def _outcome(self, trial: Trial) -> Outcome:
        """Evaluate `trial` once."""
        self._reports.clear()
        self._evaluator.submit(trial, self._study.space.parameters(trial.x))
        naps = naps_between_tests()
        while (outcome := self._evaluator.poll()) is None:
            if self._evaluator.held_up_by is not None and self._has_to_end():
                outcome = Outcome(FAILED, error=self._evaluator.held_up_by, fault="infrastructure", again=True)
                self._evaluator.cancel()
                return outcome
            self._meanwhile()
            self._evaluator.wait(next(naps))
        return outcome

    def _has_to_end(self) -> bool:
        """Return whether the study was asked to end, or has no time left."""
        deadline = self._context.options.deadline
        return self._context.stop.reason is not None or (deadline is not None and time.monotonic() > deadline)

    def _was_cut_off(self, outcome: Outcome) -> bool:
        """Return whether the request to end the study has also ended the evaluation's process, as a canceled job does.

        True also after a lasting shortage. A signal often reaches all processes of a terminal or a job, including those that the
        objective has started. The next run repeats evaluations that failed by that.
        """
        if outcome.again and self._has_to_end():
            return True
        if outcome.status == FAILED and outcome.fatal is None and self._context.stop.reason in SIGNALS:
            return True
        if outcome.fault != "infrastructure":
            return False
        time.sleep(_ONE_MOMENT)
        return self._context.stop.reason is not None
