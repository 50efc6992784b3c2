"""Goals: the losses and violations of a study's trials, its front, its reference points and the order of its trials.

Everything is a function of the ordered finished trials, so that a resumed study has the same.

Notation:
    n, m, c   finished trials, goals, constraints            Y   losses, (n, m); nan where a metric is missing
    V         scaled violations, (n,); 0 if feasible, inf if a constrained metric is missing
    worst     largest loss of each goal in the initial design, (m,)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hyperspace.targets.directions import N_DIRECTIONS, N_FINE, DirectionalFront, estimated_contributions
from hyperspace.targets.dominance import non_dominated, non_dominated_ranks
from hyperspace.targets.front import Front, Improvement
from hyperspace.targets.hypervolume import contributions
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import DESIGN, Trial
from hyperspace.typing import Array

MOST_EXACT = 4  # largest number of goals with exact boxes
MARGIN = 0.1  # of the near reference point beyond the front, in units of the front's range
_N_DIRECTIONS = 1024  # of estimated contributions: exact ones would cost seconds for a front of a thousand trials
ORDERED = 200  # number of trials whose order uses ranks and contributions; further ones follow by rank or time


def improvement_over(P: Array, r: Array, scale: Array | None = None, n_directions: int = N_DIRECTIONS) -> Improvement:
    """Return the improvement over points P (n, m) below r (m,): exact for up to four goals, else along directions.

    Args:
        P: points.
        r: reference point.
        scale: lengths that make the goals comparable, (m,); only for more than four.
        n_directions: number of directions, only for more than four.
    """
    return Front(P, r) if len(r) <= MOST_EXACT else DirectionalFront(P, r, scale, n_directions)


def near_reference(P: Array, spread: Array) -> Array:
    """Return the reference point just beyond a front P (n, m), (m,): its nadir and a tenth of its range.

    Args:
        P: points that do not dominate each other, at least one.
        spread: ranges of the known losses, (m,), in place of a range that is zero.
    """
    nadir, extent = P.max(axis=0), np.ptp(P, axis=0)
    extent = np.where(extent > 0.0, extent, spread)
    return np.asarray(nadir + MARGIN * np.where(extent > 0.0, extent, np.maximum(np.abs(nadir), 1.0)))


class Goals:
    """Losses of the finished trials and all that follows from them. `tell` adds trials in order.

    Args:
        metrics: metrics of the study.

    Attributes:
        m: number of goals.
        thresholds: worst losses of interest, (m,); inf where none was given.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        goals = metrics.goals
        self.m = max(1, len(goals))
        given = [math.inf if goal.threshold is None else goal.sign * goal.threshold for goal in goals]
        self.thresholds = np.array(given or [math.inf])
        self._Y = np.empty((0, self.m))
        self._beyond = np.empty((0, len(metrics.constraints)))
        self._budgets = np.empty(0)
        self._design = np.empty(0, dtype=bool)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Add finished trials, in order."""
        if not trials:
            return
        missing, constraints = (math.nan,) * self.m, self._metrics.constraints
        Y = [self._metrics.losses(trial.metrics) if trial.ended_well else missing for trial in trials]
        beyond = np.empty((len(trials), len(constraints)))
        for row, trial in enumerate(trials):
            for j, metric in enumerate(constraints):
                value = trial.metrics.get(metric.name) if trial.ended_well else None
                beyond[row, j] = metric.violation(value) if isinstance(value, float) else math.inf
        self._Y = np.concatenate([self._Y, np.array(Y)])
        self._beyond = np.concatenate([self._beyond, beyond])
        self._budgets = np.concatenate([self._budgets, [trial.fidelity for trial in trials]])
        self._design = np.concatenate([self._design, [trial.arm == DESIGN for trial in trials]])

    @property
    def Y(self) -> Array:
        """Losses, (n, m); nan where a metric is missing or the trial did not end well."""
        return self._Y

    @property
    def V(self) -> Array:
        """Violations, (n,): the sum over the constrained metrics, each in units of its median violation."""
        total = np.zeros(len(self._Y))
        for beyond in self._beyond.T:
            broken = beyond[(beyond > 0.0) & np.isfinite(beyond)]
            total += beyond / np.median(broken) if len(broken) else beyond
        return total

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Whether each trial ended well and has a finite value of every goal, (n,)."""
        return np.asarray(np.isfinite(self._Y).all(axis=1))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether each trial is complete, feasible, and has the largest budget of these, (n,)."""
        usable = self.complete & (self._beyond <= 0.0).all(axis=1)
        return np.asarray(usable & (self._budgets == self._budgets.max(where=usable, initial=-math.inf)))

    @property
    def of_interest(self) -> NDArray[np.bool_]:
        """Whether each trial is usable and not beyond a threshold, (n,)."""
        if self.m == 1:
            return self.usable
        return np.asarray(self.usable & (self.thresholds >= self._Y).all(axis=1))

    @property
    def front(self) -> NDArray[np.intp]:
        """Rows of the trials on the front, (k,); for one goal the first of the best trials."""
        rows = np.flatnonzero(self.of_interest)
        if self.m == 1:
            return rows[[np.argmin(self._Y[rows, 0])]] if len(rows) else rows
        return rows[non_dominated(self._Y[rows])]

    @property
    def worst(self) -> Array:
        """Largest loss of each goal in the initial design, (m,); without a design, in all trials; nan without any trial."""
        known = np.isfinite(self._Y)
        designed = known & self._design[:, None]
        return _largest(self._Y, np.where(designed.any(axis=0), designed, known))

    @property
    def spread(self) -> Array:
        """Range of the known losses of each goal, (m,)."""
        known = np.isfinite(self._Y)
        spread = _largest(self._Y, known) + _largest(-self._Y, known)
        return np.where(np.isfinite(spread), spread, 0.0)

    def reference(self, P: Array | None = None, wide: bool = True) -> Array:
        """Return a reference point, (m,); a threshold overrides its coordinate.

        Args:
            P: non-dominated points, (k, m), such as posterior means; None: the trials on the front.
            wide: whether the worst of the initial design counts, so that points outside of the front's range are of interest.
                Otherwise the point is just beyond the front.
        """
        P = self._Y[self.front] if P is None else P
        worst = self.worst
        worst = np.where(np.isfinite(worst), worst, 1.0)
        r = near_reference(P, self.spread) if len(P) else worst
        r = np.maximum(worst, r) if wide else r
        return np.where(np.isfinite(self.thresholds), self.thresholds, r)

    def hypervolumes(self, rows: Sequence[int], r: Array, scale: Array | None = None) -> Array:
        """Return the hypervolume below r (m,) after each of these trials in turn, (len(rows),); it never falls.

        Args:
            rows: rows of the trials, in the order in which they count. Those that are not of interest change nothing.
            r: reference point.
            scale: see `improvement_over`.
        """
        counts, total, curve = self.of_interest, 0.0, np.zeros(len(rows))
        improvement = improvement_over(np.empty((0, self.m)), r, self.spread if scale is None else scale, N_FINE)
        for number, row in enumerate(rows):
            if counts[row]:
                total += max(float(improvement.gain(self._Y[row : row + 1])[0]), 0.0)
                improvement = improvement.insert(self._Y[row])
            curve[number] = total
        return curve

    def order(self) -> NDArray[np.intp]:
        """Return the rows of the complete trials, best first: by violation, larger budget, non-dominated rank, hypervolume share.

        For one goal that is by violation, budget and loss. For several, the first `ORDERED` feasible trials have exact ranks, and
        contributions within their rank; for more than two goals these are estimated. Equal trials are in the order of time.
        """
        V = np.where(self.complete, self.V, np.inf)
        rank, share = np.zeros(len(V)), np.zeros(len(V))
        if self.m == 1:
            rank = np.where(self.complete, self._Y[:, 0], np.inf)
        elif len(rows := np.flatnonzero(self.usable)):
            ranks = non_dominated_ranks(self._Y[rows], at_least=ORDERED)
            rank[rows] = ranks
            share[rows] = self._shares(self._Y[rows], ranks)
        order = np.lexsort((-share, rank, -self._budgets, V))
        return order[self.complete[order]]

    def _shares(self, Y: Array, ranks: NDArray[np.intp]) -> Array:
        """Return the hypervolume contributions of Y (k, m) within their ranks, (k,); 0 after the first `ORDERED` rows."""
        r, shares, done = self.reference(), np.zeros(len(Y)), 0
        for rank in range(int(ranks.max()) + 1):
            if done >= ORDERED:
                break
            own = ranks == rank
            shares[own] = contributions(Y[own], r) if self.m == 2 else estimated_contributions(Y[own], r, _N_DIRECTIONS)
            done += int(own.sum())
        return shares


def _largest(Y: Array, counted: NDArray[np.bool_]) -> Array:
    """Return the largest counted number of each column, (m,); nan where none is counted."""
    largest = np.where(counted, Y, -np.inf).max(axis=0, initial=-np.inf)
    return np.where(np.isneginf(largest), np.nan, largest)
