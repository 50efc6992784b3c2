"""Exhaustion of small discrete spaces: drives that know all points of the box that they search."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hyperspace.acquisition.optimize import Box
from hyperspace.space.space import Space
from hyperspace.stopping import count_points, exhausts_point
from hyperspace.strategies.base import Strategy
from hyperspace.trials.trial import Trial


class Exhaustion:
    """Count of the remaining points.

    Args:
        space: the search space.
        strategy: gives the box of a drive.
        shared: whether a drive knows the trials of the others.

    Attributes:
        found_any: whether a drive had no remaining points.
    """

    def __init__(self, space: Space, strategy: Strategy, shared: bool) -> None:
        self._space, self._strategy, self._shared = space, strategy, shared
        self._total = count_points(space)
        self._few = np.isfinite(self._total) and Box(space, strategy.searched(0)).all_listed
        self._known: dict[int, set[bytes]] = {}  # by drive; if trials are shared, by 0
        self._inside: dict[int, set[bytes]] = {}  # by subspace: the points of its drives' box
        self.found_any = False

    def take(self, drive: int, trials: Iterable[Trial]) -> None:
        """Add finished trials that a drive knows, or all drives if trials are shared."""
        if self._few:
            names = self._known.setdefault(0 if self._shared else drive, set())
            names.update(_name(self._space.to_unit([trial.x])[0]) for trial in trials if exhausts_point(trial))

    def due(self, drives: Iterable[int], most: int) -> set[int] | None:
        """Return the drives that evaluate in a round; None for all of them.

        A drive evaluates if points of its box remain. If trials are shared, at most as many drives evaluate as points remain.

        Args:
            drives: numbers of drives, in ascending order.
            most: largest number of drives, if trials are shared.
        """
        if not self._few:
            return None
        searching = [drive for drive in drives if not self._points(drive) <= self._known.get(0 if self._shared else drive, set())]
        self.found_any |= len(searching) < len(list(drives))
        return set(searching[: max(min(self.left, most), 0)] if self._shared else searching)

    @property
    def left(self) -> int:
        """Number of remaining points, if trials are shared."""
        return int(self._total) - len(self._known.get(0, ())) if self._few else 0

    def _points(self, drive: int) -> set[bytes]:
        home = self._strategy.home(drive)
        if home not in self._inside:
            self._inside[home] = {_name(u) for u in Box(self._space, self._strategy.searched(drive)).listed}
        return self._inside[home]


def _name(u: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
    return (np.round(u, 9) + 0.0).tobytes()
