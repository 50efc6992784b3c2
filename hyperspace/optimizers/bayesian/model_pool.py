"""Models of a batch: which trials each model holds, where its hyperparameters come from, and which member refits them.

In an asynchronous study a drive fits ahead while its evaluation runs. These fits use nearly the same trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics import random_streams
from hyperspace.optimizers.bayesian.known import Known
from hyperspace.optimizers.bayesian.models import IncrementalModel, LocalModel, RegionModels
from hyperspace.optimizers.bayesian.settings import WHOLE, Setup
from hyperspace.optimizers.bayesian.trust_regions import Region, TrustRegionState, nearest
from hyperspace.space.space import Bounds
from hyperspace.typing import Array

Ahead = Mapping[int, Mapping[str, Any]]  # by region, the record of a fit made ahead


class ModelPool:
    """Models of a team's regions and of the whole box. They are built on request and kept.

    Args:
        setup: settings and choices of the study.
        regions: trust regions of the team.
        region_state: state derived from the known trials.
        known: the trials.
        first_turn: number of the batch's first turn, counted from the start of the study.
        size: number of turns.
        ahead: fits that the asking drive made ahead, if any.
        extended: model of the whole box that is extended until the next fit; None to factorize it each time.
    """

    def __init__(
        self,
        setup: Setup,
        regions: tuple[Region, ...],
        region_state: TrustRegionState,
        known: Known,
        first_turn: int,
        size: int,
        ahead: Ahead | None = None,
        extended: IncrementalModel | None = None,
    ) -> None:
        self._extended = extended
        self._setup, self._first_turn, self._size = setup, first_turn, size
        self._centers = {region.number: region.center for region in regions}
        told, self._score = region_state.records, region_state.score.copy()
        self._ahead = {
            number: {**told.get(number, {}), **record}
            for number, record in (ahead or {}).items()
            if number not in told or record["n"] > told[number]["n"]
        }
        self._has_fits_ahead = ahead is not None
        self._records = {**told, **self._ahead}
        self._U, self._y = known.U, known.y
        self.usable = np.isfinite(self._y)
        self._all_near = np.count_nonzero(self.usable) <= setup.settings.nearest
        self._found: dict[int, RegionModels] = {}

    def of(self, number: int) -> RegionModels:
        """Return the models of a region or of the whole box. They are the same up to `nearest` trials."""
        number = self._setup.whole if self._all_near else number
        if number not in self._found:
            record = self._record(number)
            stale = self._is_stale(record)
            extends = self._extended is not None and record is not None and not stale
            rows = self._extended_rows(int(record["n"])) if extends and record is not None else self._rows(number)
            seed = random_streams.seed_of(self._setup.seed, random_streams.STRATEGY, max(number, WHOLE) + 1)
            self._found[number] = RegionModels(self._setup, seed, number, rows, self._U, self._y, record, stale, self._extended)
        return self._found[number]

    def _rows(self, number: int) -> NDArray[np.intp]:
        """Return the trials that a model is fitted to: the nearest to a region's center, or those of `_spread`."""
        if number == self._setup.whole:
            return self._spread()
        settings, space, center = self._setup.settings, self._setup.space, self._U[self._centers[number]]
        noisy = (self._record(number) or {}).get("noisy", False)
        return nearest(space, self._U, self.usable, center, settings.nearest_noisy if noisy else settings.nearest)

    def _extended_rows(self, n: int) -> NDArray[np.intp]:
        """Return the rows of the fit to the first n trials, and the later ones that are as near to the box."""
        fitted, later = self._spread(n), n + np.flatnonzero(self.usable[n:])
        if len(fitted) < np.count_nonzero(self.usable[:n]):
            reach = distance_to(self._setup.box, self._U[fitted]).max()
            later = later[distance_to(self._setup.box, self._U[later]) <= reach]
        return np.concatenate([fitted, later])

    def _spread(self, known: int | None = None) -> NDArray[np.intp]:
        """Return usable trials: all if there are few, else half the best ones in the box and half a random subset of the others.

        If the box has few of them, the nearest to it are added.

        Args:
            known: number of trials to choose from, the first ones; None for all.
        """
        rows, n = np.flatnonzero(self.usable[:known]), self._setup.settings.nearest
        if len(rows) <= n:
            return rows
        box = self._setup.box
        inside = rows[box.contains(self._U[rows])]
        if len(inside) <= n:
            middle = self._U[inside[int(np.argmin(self._score[inside]))]] if len(inside) else 0.5 * (box.lower + box.upper)
            away = distance_to(box, self._U[rows])
            return np.sort(rows[np.lexsort((((self._U[rows] - middle) ** 2).sum(axis=1), away))[:n]])
        order = inside[np.argsort(self._score[inside], kind="stable")]
        others = np.sort(order[n // 2 :])
        drawn = random_streams.stream(self._setup.seed, random_streams.STRATEGY).permutation(len(others))[: n - n // 2]
        return np.sort(np.concatenate([order[: n // 2], others[drawn]]))

    def _record(self, number: int) -> Mapping[str, Any] | None:
        """Return the record of a region's last fit; before its first fit, the record of the last fit of any region."""
        if number in self._records or not self._records:
            return self._records.get(number)
        return max(self._records.values(), key=lambda other: other["n"])

    def _is_stale(self, record: Mapping[str, Any] | None) -> bool:
        """Return whether a record is so old that every member refits."""
        if record is None:
            return True
        lag = self._setup.settings.lag_ahead if self._has_fits_ahead else self._setup.settings.lag
        return bool(len(self._y) >= round(lag * record["n"], 9))

    def _has_grown(self, number: int) -> bool:
        """Return whether the archive has grown enough since a region's last fit for its member to refit."""
        growth = self._setup.settings.growth
        return number not in self._records or bool(len(self._y) >= round(growth * self._records[number]["n"], 9))

    @property
    def _numbers(self) -> list[int]:
        whole = self._setup.whole
        return [whole] if self._all_near else [whole, *sorted(self._centers)]

    def _region_to_refit(self, member: int) -> int | None:
        """Return the region that a member has to refit, or the whole box; None if there is none."""
        numbers = self._numbers
        turn = (self._first_turn // self._size + member) % max(self._size, len(numbers))  # a team of one refits all in turn
        return numbers[turn] if turn < len(numbers) else None

    def recorded(self, member: int, local: LocalModel) -> Mapping[str, Any] | None:
        """Return the fit that a member's trial records: one that every member made, or the next fit of its own region."""
        number = self._region_to_refit(member)
        if local.record is not None:
            return self.of(number).refit() if number is not None and number == local.record["region"] else local.record
        if number is None:
            return None
        if self._has_fits_ahead:
            return self._ahead.get(number)
        due = not self._is_stale(self._record(number)) and self._has_grown(number)
        return self.of(number).refit() if due else None

    def fit_ahead(self, member: int) -> Ahead:
        """Return the fits that a member would make if it asked now, and those that it has made ahead so far."""
        made: dict[int, Mapping[str, Any]] = dict(self._ahead)
        turn, lag = self._region_to_refit(member), self._setup.settings.lag
        for number in self._numbers:
            known = self._record(number)
            lags = known is None or len(self._y) >= lag * known["n"]
            if lags or (number == turn and self._has_grown(number)):
                record = self.of(number).refit(compares=number == turn)
                if record is not None:
                    made[number] = record
        return made


def distance_to(bounds: Bounds, U: Array) -> Array:
    """Return the distance of points U (n, d) from a box in the maximum norm, (n,); 0 inside."""
    distance: Array = np.maximum(np.maximum(bounds.lower - U, U - bounds.upper), 0.0).max(axis=1)
    return distance
