"""A trial is one evaluation of the objective; the archive holds all trials known in one place.

Notation used throughout the package:
    n   finished trials           d   dimensions of the search space
    U   points in the unit cube, shape (n, d), in the order in which the trials became known
    y   losses (the optimised metric, turned so that less is better), shape (n,); nan where a trial gave none; of a pruned trial
        what it teaches (`Archive.y`)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspace.incumbent import NO_RANK, rank
from hyperspace.metrics import FLOAT_NAME, AmbiguousMetrics, Metrics, Value

Array = NDArray[np.float64]
Encode = Callable[[Sequence[Sequence[Any]]], Array]

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
        predicted: the loss that the model expected at x when it was asked (the optimised metric, turned so that less is better).
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
        reports: (step, value) of what the objective reported of the optimised metric; finite values only, and some of very many
            (see `hyperspace.pruning.thinned`).
        origin: "asked" or "given".
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


class Archive:
    """All trials known here: finished ones in columns, append-only; running ones beside them.

    Args:
        encode: turns points in the user's scale into the unit cube, (n, d).
        metrics: says what a trial is worth.
        n_dimensions: d.
    """

    def __init__(self, encode: Encode, metrics: Metrics, n_dimensions: int) -> None:
        self.metrics = metrics
        self.encode = encode
        self._trials: list[Trial] = []
        self._running: dict[TrialKey, Trial] = {}
        self._row_of: dict[TrialKey, int] = {}
        self._U: Array = np.empty((0, n_dimensions))
        self._y: Array = np.empty(0)
        self._best, self._best_rank = -1, NO_RANK
        self._worst = math.nan  # the largest finite loss so far

    def __len__(self) -> int:
        """Return the number of finished trials."""
        return len(self._trials)

    def __contains__(self, key: TrialKey) -> bool:
        """Return whether the trial of this key has finished."""
        return key in self._row_of

    def extend(self, trials: Iterable[Trial]) -> list[Trial]:
        """Take up trials in the given order and return the finished ones that are new here.

        A running trial counts as pending until it comes again, finished. Of two records of one key the first stays. One that
        ended well without the study's goal has failed.
        """
        fresh: list[Trial] = []
        for trial in trials:
            trial = judged(trial, self.metrics)
            key = trial.key
            if key in self._row_of:
                continue
            if trial.status == RUNNING:
                self._running[key] = trial
                continue
            if self._running:
                self._running.pop(key, None)
            self._row_of[key] = len(self._trials)
            self._trials.append(trial)
            fresh.append(trial)
        if fresh:
            self._append_columns(fresh)
        return fresh

    def _append_columns(self, fresh: list[Trial]) -> None:
        first, last = len(self._trials) - len(fresh), len(self._trials)
        if last > len(self._y):  # grow by half, so that n appends cost O(n)
            room = max(last, len(self._y) * 3 // 2, 64)
            self._U = np.concatenate([self._U[:first], np.empty((room - first, self._U.shape[1]))])
            self._y = np.concatenate([self._y[:first], np.empty(room - first)])
        self._U[first:last] = self.encode([trial.x for trial in fresh])
        losses = self.metrics.loss
        for row, trial in enumerate(fresh, start=first):
            loss = losses(trial.metrics) if trial.status == OK else self._taught(trial) if trial.status == PRUNED else math.nan
            self._y[row] = loss
            if math.isfinite(loss) and not loss <= self._worst:
                self._worst = loss
            found = rank(trial, self.metrics)
            if found.is_usable and found < self._best_rank:
                self._best, self._best_rank = row, found

    def _taught(self, trial: Trial) -> float:
        """Return the loss that a pruned trial teaches, given the trials before it; see `y`."""
        loss = self.metrics.reported_loss(trial.metrics)
        if not math.isfinite(loss):
            return self._worst
        return max(loss, self._best_rank.loss) if self._best >= 0 else loss

    def replace_running(self, trials: Iterable[Trial]) -> None:
        """Take these for the trials under way, in this order."""
        self._running = {trial.key: trial for trial in trials}

    @property
    def trials(self) -> Sequence[Trial]:
        """The finished trials, in the order in which they became known."""
        return self._trials

    @property
    def running(self) -> Sequence[Trial]:
        """The trials under way, in the order in which they became known."""
        return list(self._running.values())

    @property
    def U(self) -> Array:
        """Finished points in the unit cube, (n, d); a view."""
        return self._U[: len(self)]

    @property
    def y(self) -> Array:
        """Losses of the finished trials, (n,), nan where a trial gave none; a view.

        A pruned trial has the loss that it reported last, which is too high where learning curves fall, but tells a surrogate not
        to look there again. It never looks better than the best trial before it. One whose last report is no finite number, or
        that reported nothing, is taken for as bad as the worst before it. No such loss makes a trial usable (see `incumbent`).
        """
        return self._y[: len(self)]

    @property
    def pending(self) -> Array:
        """Points under way in the unit cube, (p, d)."""
        if not self._running:
            return np.empty((0, self._U.shape[1]))
        return self.encode([trial.x for trial in self._running.values()])

    @property
    def best(self) -> Trial | None:
        """The best trial (see `incumbent`), of equals the first one; None before there is one."""
        return self._trials[self._best] if self._best >= 0 else None
