"""What every strategy offers: where a drive evaluates next, given the trials it knows.

A strategy is built alike on every rank and keeps nothing that does not follow from the seed and the ordered trials; so a
study that goes on later, on any number of ranks, goes on as it would have.
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
    """Points that the user wants to be evaluated before a strategy is asked, dealt out to the drives in turn.

    Args:
        U: the points in the unit cube, (k, d), in the order of rounds: point j is trial j // n_drives of drive j mod n_drives.
        n_drives: number of drives that they are dealt out to; a further one, which joined the study later, gets none.
    """

    def __init__(self, U: Array | None = None, n_drives: int = 1) -> None:
        self._U, self._n_drives = U if U is not None else (), n_drives

    def of(self, drive: int, iteration: int) -> Suggestion | None:
        """Return the point of a trial; None where the strategy chooses it."""
        number = iteration * self._n_drives + drive
        return Suggestion(self._U[number], FIRST) if drive < self._n_drives and number < len(self._U) else None

    def of_drives(self, drives: Iterable[int]) -> list[Array]:
        """Return the points of some drives, in their order."""
        drives = set(drives)
        return [u for number, u in enumerate(self._U) if number % self._n_drives in drives]


class Strategy(ABC):
    """Decides for all drives that a rank carries. `archive` is what a drive knows: finished trials in order, and pending ones."""

    @abstractmethod
    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return where `drive` evaluates its trial number `iteration`."""

    @abstractmethod
    def recall(self, trial: Trial, archive: Archive) -> None:
        """Take up an answer that `ask` gave in an earlier run, when the archive was as it is now."""

    def think_ahead(self, drive: int, iteration: int, archive: Archive) -> None:
        """Prepare to be asked for that trial next, which may happen once more trials are known; cheap where nothing is due."""

    def relevant(self, drives: Iterable[int]) -> set[int]:
        """Return the drives whose answers have to be recalled on a rank that carries `drives`."""
        return set(drives)

    @abstractmethod
    def searched(self, drive: int) -> Bounds:
        """Return the box in the unit cube in which `drive` evaluates."""

    def home(self, drive: int) -> int:
        """Return the number of the drive's home subspace."""
        return 0
