"""Interface of a strategy: it chooses where a drive evaluates next, given the known trials.

A strategy is the same on every rank. Its state follows from the seed and the ordered trials. So a resumed study continues
identically on any number of ranks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from hyperspace.optimizers.base import FIRST, Suggestion
from hyperspace.space.space import Bounds
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class FirstPoints:
    """Points of the user that are evaluated before a strategy is asked. They are assigned to the drives in turn.

    Args:
        U: the points in the unit cube, (k, d), in the order of rounds: point j is trial j // n_drives of drive j mod n_drives.
        n_drives: number of drives that receive points. Drives that joined the study later receive none.
    """

    def __init__(self, U: Array | None = None, n_drives: int = 1) -> None:
        self._U, self._n_drives = U if U is not None else (), n_drives

    def of(self, drive: int, iteration: int) -> Suggestion | None:
        """Return the point of a trial; None if the strategy chooses it."""
        number = iteration * self._n_drives + drive
        return Suggestion(self._U[number], FIRST) if drive < self._n_drives and number < len(self._U) else None

    def of_drives(self, drives: Iterable[int]) -> list[Array]:
        """Return the points of some drives, in order."""
        drives = set(drives)
        return [u for number, u in enumerate(self._U) if number % self._n_drives in drives]


class Strategy(ABC):
    """Choice of points for all drives of a rank. `archive` holds the known trials: finished ones in order, and pending ones."""

    @abstractmethod
    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return the point of trial number `iteration` of `drive`."""

    @abstractmethod
    def recall(self, trial: Trial, archive: Archive) -> None:
        """Restore a point that `ask` returned in an earlier run, when the archive was as it is now."""

    def fit_ahead(self, drive: int, iteration: int, archive: Archive) -> None:
        """Prepare for that trial's `ask`, which may come after further trials. Cheap if nothing is due."""

    def relevant(self, drives: Iterable[int]) -> set[int]:
        """Return the drives whose points a rank with `drives` has to recall."""
        return set(drives)

    @abstractmethod
    def searched(self, drive: int) -> Bounds:
        """Return the box in the unit cube that `drive` searches."""

    def home(self, drive: int) -> int:
        """Return the number of the drive's home subspace."""
        return 0
