"""Trust regions, as a pure fold over the ordered trials.

A region is a center (the best trial there), a side, and counters of its successes and failures. Centers are chosen from all
trials: the best one, then the best one that is apart from those before, and so on; a region keeps its number, side and counters
while its center moves, and follows the nearest of the new centers. Sides follow Eriksson et al., "Scalable Global Optimization
via Local Bayesian Optimization" (2019), section 3, whose regions however neither share data nor can meet.

How fast a region narrows depends on what its model is good for. Where the model tells better points from worse ones, the region
waits for as many failures as there are dimensions. Where it does not, points are as good as random ones, since the region is
too wide for what is known: it falls to a quarter after a few of them.

Notation:
    score    what a trial is worth, (n,): its loss; inf where it gave none, was pruned or violates a constraint
    block    consecutive asked trials, one for each drive; with an exchange in rounds, a round
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.optimizers.base import NO_MODEL
from hyperspace.space.space import Space
from hyperspace.strategies.adaptive.config import WHOLE, Settings
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import OK, PRUNED, Trial
from hyperspace.typing import Array

_MISMATCH = 0.5  # distance of two categories
_FEWEST_COMPARED = 6  # trials of a region whose order may tell anything about its model
_NARROWED, _NARROWED_AT_ONCE = 0.5, 0.25  # what is left of a side
_CHUNK = 256  # trials looked at together for those that are apart
_CAUTION_LOST = 0.1  # by a success, of what a failure adds: about every eleventh trial may fail
_CAUTIOUS_BLOCK = 4  # failures of one block that add one standard deviation, since none of them knew of the others


@dataclass(frozen=True, slots=True)
class Region:
    """A trust region.

    Attributes:
        number: its name for as long as the study runs.
        center: row of the archive.
        side: in units of the cube, before it is stretched by the lengthscales.
        successes: blocks with progress in a row.
        failures: evaluations since there was progress.
    """

    number: int
    center: int
    side: float
    successes: int = 0
    failures: int = 0


def agreement(a: Array, b: Array) -> float:
    """Return Kendall's rank correlation of a (n,) and b (n,): pairs in the same order less those in opposite order, over all.

    A pair that ties in either counts for neither, so that predictions that are all alike agree with nothing ("tau-a").
    """
    first, second = np.triu_indices(len(a), 1)
    return float(np.mean(np.sign(a[first] - a[second]) * np.sign(b[first] - b[second])))


def distances(space: Space, U: Array, u: Array) -> Array:
    """Return the distances of U (n, d) to u (d,) in the maximum norm, (n,); any two categories are equally far apart."""
    gaps = np.abs(np.ascontiguousarray(U.T) - u[:, None])  # a row a dimension: the maximum is found three times as fast
    if space.has_categories:
        gaps[space.categorical] = _MISMATCH * (gaps[space.categorical] > 0.0)
    result: Array = gaps.max(axis=0)
    return result


class Fold:
    """What follows from the trials known so far; it takes up further trials, and never looks back.

    Args:
        space: the search space.
        settings: of the strategy.
        n_regions: at most so many.
        block: trials after which counters change.
    """

    def __init__(self, space: Space, settings: Settings, n_regions: int, block: int) -> None:
        self._space, self._settings, self._n_regions, self._block = space, settings, n_regions, block
        self._known = 0
        self._asked: list[int] = []  # rows of the block that is not full yet
        self._score = np.empty(64)
        self.failed: list[int] = []  # rows of evaluations whose point is to blame for their failure
        self.caution = 0.0  # standard deviations by which success is to be likely
        self.records: dict[int, Mapping[str, Any]] = {}  # by region, what its last fit recorded
        self._compared: dict[int, list[tuple[float, float]]] = {}  # by region, of its last trials, loss predicted and score found
        self._apart: list[int] = []  # centers of the first so many trials
        self._looked = 0
        self._settled: tuple[Region, ...] = ()  # at the end of the last full block
        self.regions: tuple[Region, ...] = ()

    @property
    def score(self) -> Array:
        """The scores of the trials taken up, (n,)."""
        return self._score[: self._known]

    def update(self, archive: Archive) -> None:
        """Take up the trials that are new in the archive."""
        if len(archive) == self._known:  # a question looks more than once, and among hundreds of regions that would tell
            return
        constrained = bool(archive.metrics.constraints)
        self._extend_score(archive)
        for row, trial in enumerate(archive.trials[self._known :], start=self._known):
            violated = constrained and trial.status == OK and archive.metrics.violation(trial.metrics) > 0.0
            self._take(row, trial, violated)
            if trial.origin == "asked":
                self._asked.append(row)
            if len(self._asked) >= self._block:
                self._settle(archive)
        # Between blocks centers move, but nothing is kept of it: what is known must not depend on how often anyone asked.
        between = self._asked or not self._settled  # nothing is settled before the first block, though points may be given
        self.regions = self._follow(self._centers(archive.U), archive.U) if between else self._settled

    def _extend_score(self, archive: Archive) -> None:
        """Make room for the new trials' scores, and give each the score that it has where it violates nothing."""
        known, n = self._known, len(archive)
        if n > len(self._score):
            self._score = np.concatenate([self._score[:known], np.empty(max(2 * known, n) - known)])
        losses = archive.y[known:]
        self._score[known:n] = np.where(np.isfinite(losses), losses, math.inf)

    def _take(self, row: int, trial: Trial, violated: bool) -> None:
        if violated or trial.status == PRUNED:  # its loss is what a model learns; it is no progress
            self._score[row] = math.inf
        if trial.status != OK and trial.teaches_failure:
            self.failed.append(row)
        if (self.caution or trial.status != OK) and trial.origin == "asked" and trial.arm not in NO_MODEL:
            self._learn_caution(trial)
        if trial.model is not None and "region" in trial.model:
            number = int(trial.model["region"])
            # Of a fit that all had to make one member compares it with an additive one: what that found stays.
            self.records[number] = {**self.records.get(number, {}), **trial.model}
        self._known = row + 1

    def _learn_caution(self, trial: Trial) -> None:
        """Ask for more certainty after a failure and for less after a success, of points that a model had proposed."""
        step = min(1.0, _CAUTIOUS_BLOCK / self._block)
        if trial.teaches_failure:
            self.caution += step
        elif trial.status == OK:
            self.caution = max(self.caution - _CAUTION_LOST * step, 0.0)

    def _settle(self, archive: Archive) -> None:
        """Judge a full block: each region by the trials that were meant for it, against its center at the block's begin."""
        rows, self._asked = self._asked, []
        meant: dict[int | None, list[int]] = {}
        for row in rows:
            meant.setdefault(archive.trials[row].region, []).append(row)
        for region in self._settled:
            self._compare(region.number, meant.get(region.number, []), archive.trials)
        self._settled = tuple(self._judged(region, meant.get(region.number, [])) for region in self._settled)
        self._settled = self._follow(self._centers(archive.U), archive.U)

    def _compare(self, number: int, rows: Iterable[int], trials: Sequence[Trial]) -> None:
        """Keep what was predicted of a region's last trials beside what was found."""
        kept = self._compared.setdefault(number, [])
        for row in rows:
            predicted = trials[row].predicted
            if predicted is not None and math.isfinite(self._score[row]):
                kept.append((predicted, float(self._score[row])))
        del kept[: -self._settings.compared]

    def _is_blind(self, number: int) -> bool:
        """Tell whether a region's model could not tell the better of its last trials from the worse ones.

        Where an additive process leads nothing is made of that: its minimum is found along the axes, however wide the box is.
        """
        kept = self._compared.get(number, [])
        if len(kept) < _FEWEST_COMPARED or self._is_sum(number):
            return False
        return agreement(*np.array(kept).T) < self._settings.skill

    def _is_sum(self, number: int) -> bool:
        """Tell whether an additive process leads in a region, by the last fit on record for it, or else for the whole space."""
        record = self.records.get(number) or self.records.get(WHOLE) or {}
        return bool(record.get("additive", {}).get("lead", -math.inf) > 0.0)

    def _judged(self, region: Region, rows: list[int]) -> Region:
        if not rows:
            return region
        settings = self._settings
        if self._score[rows].min() < self._score[region.center]:
            region = replace(region, successes=region.successes + 1, failures=0)
        else:
            region = replace(region, successes=0, failures=region.failures + len(rows))
        if region.successes >= settings.successes:
            region = replace(region, side=min(2.0 * region.side, settings.largest_side), successes=0)
        if region.failures >= settings.least_patience and self._is_blind(region.number):
            region = replace(region, side=_NARROWED_AT_ONCE * region.side, failures=0)
        elif region.failures >= max(settings.least_patience, self._space.d):
            region = replace(region, side=_NARROWED * region.side, failures=0)
        if region.side < settings.smallest_side:
            region = replace(region, side=settings.first_side, successes=0, failures=0)
        return region

    def _centers(self, U: Array) -> list[int]:
        """Return the rows of the best trial, of the best one apart from it, and so on."""
        score, apart = self.score, self._settings.apart
        looked, self._looked = self._looked, self._known
        if self._are_apart(U, looked):
            return self._apart
        order = np.argsort(score, kind="stable")[: int(np.isfinite(score).sum())]
        centers = best_apart(self._space, U, order, self._n_regions, apart)
        self._apart = centers
        return centers

    def _are_apart(self, U: Array, looked: int) -> bool:
        """Return whether the centers found among the first `looked` trials are those of all: the others lie near better ones."""
        centers, score = self._apart, self.score
        if not centers:
            return False
        worst = score[centers[-1]] if len(centers) == self._n_regions else math.inf
        left = looked + np.flatnonzero(score[looked:] < worst)
        for center in centers:
            if not len(left):
                break
            if score[left].min() < score[center]:  # of those left, none lies near a better one
                return False
            left = left[distances(self._space, U[left], U[center]) > self._settings.apart]
        return not len(left)

    def _follow(self, centers: list[int], U: Array) -> tuple[Region, ...]:
        """Return the regions at new centers: each center, the best first, is taken over by the nearest region that is free."""
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
                followed.append(Region(next(unused), center, self._settings.first_side))
                continue
            nearest_one = stayed.get(center)  # settled centers are apart, so that this is the only one at no distance
            if nearest_one is None or taken[nearest_one]:
                nearest_one = int(np.argmin(np.where(taken, math.inf, distances(self._space, places, U[center]))))
            taken[nearest_one] = True
            n_taken += 1
            moved = settled[nearest_one]
            followed.append(moved if moved.center == center else replace(moved, center=center))
        return tuple(followed)


def best_apart(space: Space, U: Array, order: NDArray[np.intp], n: int, apart: float) -> list[int]:
    """Return at most n rows of U, the first ones in the order given that are further than `apart` from those before them."""
    chosen: list[int] = []
    for first in range(0, len(order), _CHUNK):  # among many trials the first ones mostly do
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
    """Return the n usable rows of U nearest to `center`, in order."""
    rows = np.flatnonzero(usable)
    if len(rows) <= n:
        return rows
    away = distances(space, U[rows], center)
    return np.sort(rows[np.argsort(away, kind="stable")[:n]])
