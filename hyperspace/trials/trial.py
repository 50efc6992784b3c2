"""Trial: one evaluation of the objective, with its point, metrics, origin, times and status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hyperspace.space.space import Space
from hyperspace.trials.metrics import FLOAT_NAME, AmbiguousMetrics, Metrics, Value

RUNNING, OK, FAILED, TIMEOUT, PRUNED = "running", "ok", "failed", "timeout", "pruned"
FINISHED = (OK, FAILED, TIMEOUT, PRUNED)
GIVEN_DRIVE = -1  # drive number of given evaluations (x0, y0)
DESIGN = "design"  # arm of points of the initial design


class TrialKey(NamedTuple):
    """Identity of an evaluation in a study. Sorting by it gives the order of a round: (iteration, drive)."""

    iteration: int
    drive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One evaluation of the objective.

    Attributes:
        drive: number of the drive that asked for it; -1 for given evaluations.
        iteration: number of earlier trials of this drive.
        x: the point in the user's own scale, a value for each dimension of the space.
        status: "running", "ok", "failed", "timeout" or "pruned".
        metrics: raw outputs by name; empty until it has ended well.
        attempt: number of restarts (after a killed process, or a lease that was taken over).
        retry: number of repetitions after failures.
        subspace: number of the drive's home subspace.
        region: region of the adaptive strategy that it belongs to, if any.
        arm: name of the rule that proposed it, e.g. "design", "EI", "random".
        model: what the optimizer needs when the study is resumed (refit point, hyperparameters); plain JSON values.
        predicted: loss predicted at x when it was asked (the optimized metric, with its sign set so that less is better).
        known: number of trials of each drive that became known since this drive's last question, in batches (exchange="async"
            only). The last batch was processed by this question, those before it during the drive's last evaluation.
        pending: drives whose running trials were known at the question (exchange="async" only).
        started: start of its evaluation, after it was proposed; seconds since the epoch.
        seconds: duration of the evaluation; None while it runs.
        suggest_seconds: duration of the suggestion.
        rank: rank that evaluated it.
        host: host that evaluated it.
        error: traceback or message of a trial that did not end well.
        fault: "objective" or "infrastructure", for a trial that did not end well. A surrogate ignores the latter.
        reports: (step, value) of the reported values of the optimized metric; finite values only, thinned if there are very many
            (see `hyperspace.pruning.thinned`).
        origin: "asked" or "given".
        space: the search space, which gives the point's values their names; None if unknown.
    """

    drive: int
    iteration: int
    x: tuple[Any, ...]
    status: str = RUNNING
    metrics: Mapping[str, Value] = field(default_factory=dict)
    attempt: int = 0
    retry: int = 0
    subspace: int = 0
    region: int | None = None
    arm: str = ""
    model: Mapping[str, Any] | None = field(default=None, repr=False)
    predicted: float | None = None
    known: tuple[Mapping[int, int], ...] | None = field(default=None, repr=False)
    pending: tuple[int, ...] | None = field(default=None, repr=False)
    started: float = 0.0
    seconds: float | None = None
    suggest_seconds: float = 0.0
    rank: int = 0
    host: str = ""
    error: str | None = None
    fault: str | None = None
    reports: tuple[tuple[int, float], ...] | None = field(default=None, repr=False)
    origin: str = "asked"
    space: Space | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Its number in words, "DRIVE-ITERATION", as the objective's `trial.id` has it."""
        return f"{self.drive}-{self.iteration}"

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that the objective received, by name, constants included.

        Raises:
            LookupError: the trial does not belong to a study.
        """
        if self.space is None:
            raise LookupError("this trial does not belong to a study; its parameters have no names")
        return self.space.by_name(self.space.parameters(self.x))

    @property
    def key(self) -> TrialKey:
        """(iteration, drive)."""
        return TrialKey(self.iteration, self.drive)

    @property
    def finished(self) -> bool:
        """Whether the evaluation has ended, well or not."""
        return self.status != RUNNING

    @property
    def ended_well(self) -> bool:
        """Whether the objective returned a valid answer."""
        return self.status == OK

    @property
    def failed(self) -> bool:
        """Whether the evaluation failed or timed out; a pruned one did not fail."""
        return self.status in (FAILED, TIMEOUT)

    @property
    def teaches_failure(self) -> bool:
        """Whether the point caused the failure, so that a surrogate should learn to avoid its neighborhood."""
        return self.failed and self.fault != "infrastructure"

    @property
    def budget(self) -> float | None:
        """Budget of the evaluation, in the objective's unit; None if evaluations have no budgets."""
        return None if self.model is None else self.model.get("budget")

    @property
    def fidelity(self) -> float:
        """Budget as a number in any case, so that trials are compared with those of the same budget."""
        return self.budget or 0.0

    def finish(self, status: str, **changes: Any) -> Trial:
        """Return this trial with its end."""
        return replace(self, status=status, **changes)

    def copied(self, space: Space) -> Trial:
        """Return this trial with a copy of its point, for code that could change the point in place."""
        return replace(self, x=space.copied(self.x)) if space.mutable else self


def fix_goal(metrics: Metrics, trials: Iterable[Trial]) -> str | None:
    """Let the first answer of these trials fix the study's goal, unless it is fixed; return the goal.

    Given trials come first, then all others by (iteration, drive). A given plain number is compatible with any goal.
    """
    if metrics.goal is not None:
        return metrics.goal
    answers = [trial for trial in trials if trial.status == OK and not (trial.drive < 0 and trial.metrics.keys() == {FLOAT_NAME})]
    for trial in sorted(answers, key=lambda trial: (trial.drive >= 0, trial.key)):
        with suppress(AmbiguousMetrics):
            metrics.fix(metrics.goal_name(trial.metrics))
            break
    return metrics.goal


def judged(trial: Trial, metrics: Metrics) -> Trial:
    """Return a trial in terms of the study's goal: one that ended well without the goal counts as failed."""
    fault = metrics.fault_of(trial.metrics) if trial.status == OK else None
    return trial if fault is None else trial.finish(FAILED, metrics={}, error=fault, fault="objective")
