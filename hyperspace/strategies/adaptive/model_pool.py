"""The models of a round: which trials each is of, where its hyperparameters come from, and which member fits them anew.

A drive whose evaluation runs elsewhere makes its next fits meanwhile ("ahead"), on nearly the same trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics import random_streams
from hyperspace.strategies.adaptive.config import WHOLE, Setup
from hyperspace.strategies.adaptive.local_model import Fits, Local
from hyperspace.strategies.adaptive.trust_regions import Fold, Region, nearest
from hyperspace.trials.archive import Archive

Ahead = Mapping[int, Mapping[str, Any]]  # by region, what a fit made ahead recorded


class Models:
    """The models of a team's regions and of the whole space, built when asked for, and kept.

    Args:
        setup: of the strategy.
        regions: of the team.
        fold: what follows from the trials known.
        archive: the trials.
        first_turn: number of the round's first turn since the study began.
        size: number of turns.
        ahead: fits that the asking drive made ahead, if it had the time for any.
    """

    def __init__(
        self,
        setup: Setup,
        regions: tuple[Region, ...],
        fold: Fold,
        archive: Archive,
        first_turn: int,
        size: int,
        ahead: Ahead | None = None,
    ) -> None:
        self._setup, self._first_turn, self._size = setup, first_turn, size
        self._centers = {region.number: region.center for region in regions}
        told, self._score = fold.records, fold.score.copy()
        self._ahead = {
            number: {**told.get(number, {}), **record}
            for number, record in (ahead or {}).items()
            if number not in told or record["n"] > told[number]["n"]
        }
        self._thought_ahead = ahead is not None
        self._records = {**told, **self._ahead}
        self._U, self._y = archive.U, archive.y
        self.usable = np.isfinite(self._y)
        self._all_near = np.count_nonzero(self.usable) <= setup.settings.nearest
        self._found: dict[int, Fits] = {}

    def of(self, number: int) -> Fits:
        """Return the models of a region, or of the whole space: the same ones up to `nearest` trials."""
        number = WHOLE if self._all_near else number
        if number not in self._found:
            setup, rows = self._setup, self._rows(number)
            seed = random_streams.seed_of(setup.seed, random_streams.STRATEGY, number + 1)
            record = self._record(number)
            stale = self._is_stale(record)
            self._found[number] = Fits(
                setup.model, seed, setup.space, setup.settings, number, rows, self._U, self._y, record, stale
            )
        return self._found[number]

    def _rows(self, number: int) -> NDArray[np.intp]:
        """Return the trials that a model is fitted to: the nearest to a region's center, or `_spread` ones."""
        if number == WHOLE:
            return self._spread()
        settings, space, center = self._setup.settings, self._setup.space, self._U[self._centers[number]]
        noisy = (self._record(number) or {}).get("noisy", False)
        return nearest(space, self._U, self.usable, center, settings.nearest_noisy if noisy else settings.nearest)

    def _spread(self) -> NDArray[np.intp]:
        """Return usable trials, half of them the best ones and half drawn from the others; all if there are few."""
        rows, n = np.flatnonzero(self.usable), self._setup.settings.nearest
        if len(rows) <= n:
            return rows
        order = rows[np.argsort(self._score[rows], kind="stable")]
        others = np.sort(order[n // 2 :])
        drawn = random_streams.stream(self._setup.seed, random_streams.STRATEGY).permutation(len(others))[: n - n // 2]
        return np.sort(np.concatenate([order[: n // 2], others[drawn]]))

    def _record(self, number: int) -> Mapping[str, Any] | None:
        """Return what the last fit of a region recorded; before there was one, what the last fit of any did."""
        if number in self._records or not self._records:
            return self._records.get(number)
        return max(self._records.values(), key=lambda other: other["n"])

    def _is_stale(self, record: Mapping[str, Any] | None) -> bool:
        """Tell whether a record has fallen so far behind that everybody fits."""
        if record is None:
            return True
        lag = self._setup.settings.ahead if self._thought_ahead else self._setup.settings.lag
        return bool(len(self._y) >= lag * record["n"])

    def _has_grown(self, number: int) -> bool:
        """Tell whether the member whose turn a region is has to fit: trials are many more than at its last fit."""
        growth = self._setup.settings.growth
        return number not in self._records or bool(len(self._y) >= growth * self._records[number]["n"])

    @property
    def _numbers(self) -> list[int]:
        return [WHOLE] if self._all_near else [WHOLE, *sorted(self._centers)]

    def _turn(self, member: int) -> int | None:
        """Return the region whose next fit is a member's, or WHOLE; None if it has none to make."""
        numbers = self._numbers
        turn = (self._first_turn // self._size + member) % max(self._size, len(numbers))  # a team of one takes all in turn
        return numbers[turn] if turn < len(numbers) else None

    def recorded(self, member: int, local: Local) -> Mapping[str, Any] | None:
        """Return what a member's trial records: a fit that all had to make, or the next fit of the region whose turn it has."""
        number = self._turn(member)
        if local.record is not None:
            return self.of(number).refit() if number is not None and number == local.record["region"] else local.record
        if number is None:
            return None
        if self._thought_ahead:
            return self._ahead.get(number)
        due = not self._is_stale(self._record(number)) and self._has_grown(number)
        return self.of(number).refit() if due else None

    def think_ahead(self, member: int) -> Ahead:
        """Return the fits that a member would have to make if it asked now, and those that it has made ahead so far."""
        made: dict[int, Mapping[str, Any]] = dict(self._ahead)
        turn, lag = self._turn(member), self._setup.settings.lag
        for number in self._numbers:
            known = self._record(number)
            lags = known is None or len(self._y) >= lag * known["n"]
            if lags or (number == turn and self._has_grown(number)):
                record = self.of(number).refit(compares=number == turn)
                if record is not None:
                    made[number] = record
        return made
