"""Values that an evaluation reports while it runs: they are recorded, and a pruning rule may end the evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from hyperspace.evaluators.handle import TrialHandle
from hyperspace.execution.context import RunContext
from hyperspace.numerics import random_streams
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.pruning import Pruned, curve_of, loss_of, thinned
from hyperspace.study.settings import StudySettings
from hyperspace.system.forks import call
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import FLOAT_NAME, AmbiguousMetrics, Value
from hyperspace.trials.trial import Trial


class Reports:
    """Reports of the running trial of this rank.

    Args:
        study: the settings.
        context: the journals, the scratch folders and the pruning rule of this run.
        archive_of: returns the current archive of a carried drive.
        show_once: shows a message to the user.
    """

    def __init__(
        self, study: StudySettings, context: RunContext, archive_of: Callable[[int], Archive], show_once: Callable[[str], None]
    ) -> None:
        self._study, self._context = study, context
        self._archive_of, self._show_once = archive_of, show_once
        self._values: dict[int, float] = {}

    def clear(self) -> None:
        """Forget the reports, before the next evaluation."""
        self._values = {}

    @property
    def kept(self) -> tuple[tuple[int, float], ...] | None:
        """The finite values by step, as a trial keeps them; None without any."""
        return tuple((step, value) for step, value in self._values.items() if math.isfinite(value)) or None

    def handle(self, trial: Trial) -> TrialHandle:
        """Return the handle that the objective receives for a trial."""
        sign = self._study.metrics.sign
        pruner = self._context.options.pruner
        known = [] if pruner is None else self._archive_of(trial.drive).trials
        peers = [curve_of(other, sign) for other in known if other.reports]

        @own_numerics()
        def report(step: int, metrics: Mapping[str, Value]) -> None:
            journal = self._context.journals.get(trial.drive)
            if journal is not None:
                journal.reported(trial, step, metrics)
            goal = self._goal_of(metrics, pruner is not None)
            value = None if goal is None else metrics.get(goal)
            if not isinstance(value, float):
                return
            if not math.isfinite(value):
                self._show_once(
                    "an evaluation has reported a value that is no finite number; learning curves leave such values out, the "
                    "journal has them, and a pruning rule takes them for the worst"
                )
                if pruner is None:
                    return
            self._values.pop(step, None)  # the step reported last is the last one
            self._values[step] = value
            if pruner is None:
                self._values = thinned(self._values)
            elif call(pruner.prunes, {at: loss_of(reported, sign) for at, reported in self._values.items()}, peers):
                raise Pruned(f"pruned at step {step}")

        scratch = self._context.scratch
        return TrialHandle(
            id=trial.id,
            seed=random_streams.seed_of(self._study.seed, random_streams.OBJECTIVE, trial.drive, trial.iteration),
            attempt=trial.attempt,
            folder=None if scratch is None else scratch(trial.drive, trial.iteration),
            report=report,
            budget=trial.budget,
        )

    def _goal_of(self, metrics: Mapping[str, Value], needed: bool) -> str | None:
        """Return the optimized one of the metrics that an objective has reported; None if it is unknown.

        Raises:
            AmbiguousMetrics: it is unknown and needed.
        """
        if metrics.keys() == {FLOAT_NAME}:
            return FLOAT_NAME
        try:
            return self._study.metrics.goal_name(metrics)
        except AmbiguousMetrics:
            if needed:
                raise
            return None
