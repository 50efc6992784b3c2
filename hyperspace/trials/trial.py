"""A trial is one evaluation of the objective: its point, its metrics, who made it, when, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hyperspace.space.space import Space
from hyperspace.trials.metrics import FLOAT_NAME, AmbiguousMetrics, Metrics, Value

RUNNING, OK, FAILED, TIMEOUT, PRUNED = "running", "ok", "failed", "timeout", "pruned"
FINISHED = (OK, FAILED, TIMEOUT, PRUNED)
GIVEN_DRIVE = -1  # evaluations that the user brought along (x0, y0) belong to no drive


class TrialKey(NamedTuple):
    """Which evaluation of a study this is. Sorting by it gives the order of a round: (iteration, drive)."""

    iteration: int
    drive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One evaluation: where, what came back, who, when, how long.

    Attributes:
        drive: number of the drive that asked for it; -1 for evaluations that were given.
        iteration: how many trials this drive had begun before.
        x: the point in the user's own scale, a value for each dimension of the space.
        status: "running", "ok", "failed", "timeout" or "pruned".
        metrics: raw outputs by name; empty until it has ended well.
        attempt: 0, and one more each time it was begun again (a killed process, a lease taken over).
        retry: 0, and one more each time it was evaluated again because it had failed.
        subspace: number of the drive's home subspace.
        region: the region of the adaptive strategy that it was meant for, if any.
        arm: what proposed it, e.g. "design", "EI", "random".
        model: what the optimizer wants back on resuming (refit point, hyperparameters); plain JSON values.
        predicted: the loss that the model expected at x when it was asked (the optimized metric, turned so that less is better).
        known: how many trials of each drive became known since this drive asked last (exchange="async" only), in the batches in
            which they were taken up: the last one when it asked, those before it while its last evaluation ran.
        pending: the drives whose running trials it knew of when it asked (exchange="async" only).
        started: when its evaluation began, after it was proposed; seconds since the epoch.
        seconds: what the evaluation took; None while it runs.
        suggest_seconds: what it took to propose it.
        rank: who evaluated it.
        host: where.
        error: traceback or message of a trial that did not end well.
        fault: "objective" or "infrastructure", for a trial that did not end well. The latter teaches the surrogate nothing.
        reports: (step, value) of what the objective reported of the optimized metric; finite values only, and some of very many
            (see `hyperspace.pruning.thinned`).
        origin: "asked" or "given".
        space: the search space, which gives the point's values their names; None where nobody asks for them.
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
        """What the objective received, by name, constants included.

        Raises:
            LookupError: the trial is not one of a study, so that nothing tells the names.
        """
        if self.space is None:
            raise LookupError("this trial is none of a study's, so that its parameters have no names")
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
        """Whether the objective returned what it has to."""
        return self.status == OK

    @property
    def failed(self) -> bool:
        """Whether the evaluation came to no end of its own: one that was pruned did as it was asked."""
        return self.status in (FAILED, TIMEOUT)

    @property
    def teaches_failure(self) -> bool:
        """Whether the point itself is to blame, so that a surrogate should learn to avoid its surroundings."""
        return self.failed and self.fault != "infrastructure"

    @property
    def budget(self) -> float | None:
        """What the objective may spend, in its own unit, where evaluations differ in that; None where they do not."""
        return None if self.model is None else self.model.get("budget")

    @property
    def fidelity(self) -> float:
        """The budget, as a number in any case, so that trials are compared with those of the same."""
        return self.budget or 0.0

    def finish(self, status: str, **changes: Any) -> Trial:
        """Return this trial as it ended."""
        return replace(self, status=status, **changes)

    def copied(self, space: Space) -> Trial:
        """Return this trial with a copy of its point, for code that might change the point in place."""
        return replace(self, x=space.copied(self.x)) if space.mutable else self


def fix_goal(metrics: Metrics, trials: Iterable[Trial]) -> str | None:
    """Let the first answer among these trials fix the study's goal, unless it is fixed; return the goal.

    Those that were given come first, then all by (iteration, drive). A plain number that was given goes with any goal.
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
    """Return a trial as the study's goal has it: one that ended well without it has failed."""
    fault = metrics.fault_of(trial.metrics) if trial.status == OK else None
    return trial if fault is None else trial.finish(FAILED, metrics={}, error=fault, fault="objective")
