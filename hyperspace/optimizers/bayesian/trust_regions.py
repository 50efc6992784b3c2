"""Trust regions, derived from the ordered trials.

A region has a center (its best trial), a side length, and counters of successes and failures. The centers are chosen from all
trials: the best trial, then the best trial that is separated from it, and so on. A region keeps its number, length and counters
while its center moves: each new center is assigned to the nearest region. The lengths follow Eriksson et al., "Scalable Global
Optimization via Local Bayesian Optimization" (2019), section 3. Their regions do not share data and may overlap.

A region with an informative model shrinks after d failures. Predictions that do not rank
its trials show that a region is too wide for the data: its points are as good as random ones. Then it shrinks to a quarter after
few failures.

Notation:
    score    value of a trial, (n,): its loss; inf if it failed, was pruned, violates a constraint or is outside the box
    block    consecutive asked trials, one for each drive; a round if the exchange works in rounds
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics.growing import GrowingArray
from hyperspace.optimizers.base import NO_MODEL
from hyperspace.optimizers.bayesian.known import Known
from hyperspace.optimizers.bayesian.settings import Setup
from hyperspace.space.space import Space
from hyperspace.trials.trial import OK, PRUNED, Trial
from hyperspace.typing import Array

_MISMATCH = 0.5  # distance between two categories
_FEWEST_COMPARED = 6  # least number of trials for a rank correlation
_SHRINK, _SHRINK_UNINFORMATIVE = 0.5, 0.25  # factors of the side length
_CHUNK = 256  # trials that are tested together for their separation
_Z_DECREASE = 0.1  # decrease after a success, relative to the increase after a failure: one trial in eleven may fail
_FAILURES_PER_Z = 4  # failures of one block that add one standard deviation, since they were chosen at the same time


@dataclass(frozen=True, slots=True)
class Region:
    """A trust region.

    Attributes:
        number: identity of the region during the study.
        center: row of the archive.
        length: side length in units of the unit cube, before it is scaled by the lengthscales.
        successes: consecutive blocks with progress.
        failures: evaluations since the last progress.
    """

    number: int
    center: int
    length: float
    successes: int = 0
    failures: int = 0


def kendall_tau(a: Array, b: Array) -> float:
    """Return Kendall's rank correlation of a (n,) and b (n,): the difference of concordant and discordant pairs, over all pairs.

    A tied pair counts as neither ("tau-a"), so that constant predictions have correlation 0.
    """
    first, second = np.triu_indices(len(a), 1)
    return float(np.mean(np.sign(a[first] - a[second]) * np.sign(b[first] - b[second])))


def distances(space: Space, U: Array, u: Array) -> Array:
    """Return the distances of U (n, d) to u (d,) in the maximum norm, (n,). Different categories have the same distance."""
    gaps = np.abs(np.ascontiguousarray(U.T) - u[:, None])  # one row a dimension: the maximum is three times as fast
    if space.has_categories:
        gaps[space.categorical] = _MISMATCH * (gaps[space.categorical] > 0.0)
    result: Array = gaps.max(axis=0)
    return result


class TrustRegionState:
    """State that follows from the trials known so far. It is updated with further trials and never recomputed.

    Args:
        setup: settings and choices of the study.
        n_regions: largest number of regions.
        block: number of trials after which the counters change.
    """

    def __init__(self, setup: Setup, n_regions: int, block: int) -> None:
        self._setup, self._space, self._settings = setup, setup.space, setup.settings
        self._n_regions, self._block = n_regions, block
        self._known = 0
        self._asked: list[int] = []  # rows of the current, incomplete block
        self._score = GrowingArray()
        self.failed: list[int] = []  # rows of evaluations that failed because of their point
        self.required_z = 0.0  # standard deviations of the margin of success
        self.records: dict[int, Mapping[str, Any]] = {}  # by region, the record of its last fit
        self._predictions: dict[int, list[tuple[float, float]]] = {}  # by region, predicted losses and scores of its last trials
        self._apart: list[int] = []  # centers among the first `_looked` trials
        self._looked = 0
        self._settled: tuple[Region, ...] = ()  # at the end of the last complete block
        self._settled_at = 0  # number of trials then
        self.unlabeled: list[int] = []  # rows of trials that neither succeeded nor failed because of their point
        self.regions: tuple[Region, ...] = ()

    @property
    def score(self) -> Array:
        """Scores of the known trials, (n,)."""
        return self._score.values[: self._known]

    def update(self, known: Known) -> None:
        """Update the state with the new trials."""
        first = self._known
        if len(known) == first:  # one question calls this several times, and with hundreds of regions it would be slow
            return
        score = self._score.append(np.where(np.isfinite(known.y[first:]), known.y[first:], math.inf))
        inside = self._setup.box.contains(known.U[first:])
        score[~inside] = math.inf
        constrained = bool(known.metrics.constraints)
        for row, trial in enumerate(known.trials[first:], start=first):
            violated = constrained and trial.status == OK and known.metrics.violation(trial.metrics) > 0.0
            if violated or trial.status == PRUNED:  # the model learns its loss, but it does not count as progress
                score[row - first] = math.inf
            self._take(row, trial, bool(inside[row - first]))
            if trial.origin == "asked":
                self._asked.append(row)
            if len(self._asked) >= self._block:
                self._finish_block(known)
        # Between blocks the centers move, but the move is not kept: the state must not depend on the number of questions.
        between = self._known > self._settled_at
        self.regions = self._follow(self._centers(known.U), known.U) if between else self._settled

    def _take(self, row: int, trial: Trial, inside: bool) -> None:
        if trial.status != OK and trial.teaches_failure:
            self.failed.append(row)
        if (self.required_z or trial.status != OK) and inside and trial.origin == "asked" and trial.arm not in NO_MODEL:
            self._update_required_z(trial)
        if trial.status != OK and not trial.teaches_failure:
            self.unlabeled.append(row)
        self.take_record(trial.model)
        self._known = row + 1

    def take_record(self, record: Mapping[str, Any] | None) -> None:
        """Take the record of a fit, if it is one. In a box, only its own fits count, and only newer ones."""
        if record is None or "region" not in record:
            return
        number = int(record["region"])
        known = self.records.get(number, {})
        if self._settings.needs_regions:
            # One member also compares a shared fit with an additive one; keep the result of that comparison.
            self.records[number] = {**known, **record}
        elif number == self._setup.whole and record["n"] >= known.get("n", 0):
            self.records[number] = record

    def _update_required_z(self, trial: Trial) -> None:
        """Increase the margin after a failure and decrease it after a success, for points that a model proposed."""
        step = min(1.0, _FAILURES_PER_Z / self._block)
        if trial.teaches_failure:
            self.required_z += step
        elif trial.status == OK:
            self.required_z = max(self.required_z - _Z_DECREASE * step, 0.0)

    def _finish_block(self, known: Known) -> None:
        """Update the regions with a complete block: each with its own trials, relative to its center before the block."""
        rows, self._asked = self._asked, []
        meant: dict[int | None, list[int]] = {}
        for row in rows:
            meant.setdefault(known.trials[row].region, []).append(row)
        for region in self._settled:
            self._keep_predictions(region.number, meant.get(region.number, []), known.trials)
        self._settled = tuple(self._updated(region, meant.get(region.number, [])) for region in self._settled)
        self._settled = self._follow(self._centers(known.U), known.U)
        self._settled_at = self._known

    def _keep_predictions(self, number: int, rows: Iterable[int], trials: Sequence[Trial]) -> None:
        """Keep the predicted losses and the scores of a region's last trials."""
        kept = self._predictions.setdefault(number, [])
        for row in rows:
            predicted = trials[row].predicted
            if predicted is not None and math.isfinite(self.score[row]):
                kept.append((predicted, float(self.score[row])))
        del kept[: -self._settings.correlation_window]

    def _is_uninformative(self, number: int) -> bool:
        """Return whether a region's predictions do not rank its last trials.

        False if an additive process leads: its minimum is found along the axes in a box of any width.
        """
        kept = self._predictions.get(number, [])
        if len(kept) < _FEWEST_COMPARED or self._additive_leads(number):
            return False
        return kendall_tau(*np.array(kept).T) < self._settings.min_correlation

    def _additive_leads(self, number: int) -> bool:
        """Return whether an additive process leads in the last recorded fit of a region, or of the whole space."""
        record = self.records.get(number) or self.records.get(self._setup.whole) or {}
        return bool(record.get("additive", {}).get("lead", -math.inf) > 0.0)

    def _updated(self, region: Region, rows: list[int]) -> Region:
        if not rows:
            return region
        settings = self._settings
        if self.score[rows].min() < self.score[region.center]:
            region = replace(region, successes=region.successes + 1, failures=0)
        else:
            region = replace(region, successes=0, failures=region.failures + len(rows))
        if region.successes >= settings.success_tolerance:
            region = replace(region, length=min(2.0 * region.length, settings.max_length), successes=0)
        if region.failures >= settings.failure_tolerance and self._is_uninformative(region.number):
            region = replace(region, length=_SHRINK_UNINFORMATIVE * region.length, failures=0)
        elif region.failures >= max(settings.failure_tolerance, self._space.d):
            region = replace(region, length=_SHRINK * region.length, failures=0)
        if region.length < settings.min_length:
            region = replace(region, length=settings.initial_length, successes=0, failures=0)
        return region

    def _centers(self, U: Array) -> list[int]:
        """Return the rows of the best trial, of the best trial separated from it, and so on."""
        score, apart = self.score, self._settings.min_separation
        looked, self._looked = self._looked, self._known
        if self._are_apart(U, looked):
            return self._apart
        order = np.argsort(score, kind="stable")[: int(np.isfinite(score).sum())]
        centers = separated_best(self._space, U, order, self._n_regions, apart)
        self._apart = centers
        return centers

    def _are_apart(self, U: Array, looked: int) -> bool:
        """Return whether the centers of the first `looked` trials are those of all trials: no new center has appeared."""
        centers, score = self._apart, self.score
        if not centers:
            return False
        worst = score[centers[-1]] if len(centers) == self._n_regions else math.inf
        left = looked + np.flatnonzero(score[looked:] < worst)
        for center in centers:
            if not len(left):
                break
            if score[left].min() < score[center]:  # no better center is near the remaining ones
                return False
            left = left[distances(self._space, U[left], U[center]) > self._settings.min_separation]
        return not len(left)

    def _follow(self, centers: list[int], U: Array) -> tuple[Region, ...]:
        """Return the regions at new centers. Each center, best first, is assigned to the nearest region not yet assigned."""
        settled = self._settled
        known = {region.number for region in settled}
        unused = (number for number in range(self._n_regions) if number not in known)
        places = U[[region.center for region in settled]]
        stayed = {region.center: index for index, region in enumerate(settled)}
        taken = np.zeros(len(settled), dtype=bool)
        n_taken = 0
        followed = []
        for center in centers:
            if n_taken == len(settled):
                followed.append(Region(next(unused), center, self._settings.initial_length))
                continue
            nearest_one = stayed.get(center)  # settled centers are separated, so that no other one has distance zero
            if nearest_one is None or taken[nearest_one]:
                nearest_one = int(np.argmin(np.where(taken, math.inf, distances(self._space, places, U[center]))))
            taken[nearest_one] = True
            n_taken += 1
            moved = settled[nearest_one]
            followed.append(moved if moved.center == center else replace(moved, center=center))
        return tuple(followed)


def separated_best(space: Space, U: Array, order: NDArray[np.intp], n: int, apart: float) -> list[int]:
    """Return at most n rows of U: the first in the given order that are farther than `apart` from the rows before them."""
    chosen: list[int] = []
    for first in range(0, len(order), _CHUNK):  # the first chunk mostly suffices
        left = order[first : first + _CHUNK]
        for row in chosen:
            left = left[distances(space, U[left], U[row]) > apart]
        while len(left) and len(chosen) < n:
            chosen.append(int(left[0]))
            left = left[distances(space, U[left], U[left[0]]) > apart]
        if len(chosen) == n:
            break
    return chosen


def nearest(space: Space, U: Array, usable: NDArray[np.bool_], center: Array, n: int) -> NDArray[np.intp]:
    """Return the n usable rows of U nearest to `center`, in ascending order."""
    rows = np.flatnonzero(usable)
    if len(rows) <= n:
        return rows
    away = distances(space, U[rows], center)
    return np.sort(rows[np.argsort(away, kind="stable")[:n]])
