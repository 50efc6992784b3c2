"""What every exchange offers: the ranks of one run, and how drives learn of each other's trials.

The serial exchange is the twin of the parallel one: one rank, the same calls, the same order.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NoReturn

from hyperspace.errors import HyperSpaceError


class Exchange(ABC):
    """The ranks of a run. `agree` and `gather` are collective: every rank makes the same calls in the same order.

    Attributes:
        rank: number of this rank.
        size: number of ranks.
    """

    rank: int = 0
    size: int = 1

    @cached_property
    def host(self) -> str:
        """Name of this machine."""
        return socket.gethostname()

    @abstractmethod
    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` (plain JSON) on every rank."""

    @abstractmethod
    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records (plain JSON) of all ranks, in the order of ranks, on every rank."""

    @abstractmethod
    def tally(self, finished: int, failed: int, best: float | None) -> None:
        """Tell rank 0 how far this rank is; costs no waiting."""

    @abstractmethod
    def tallies(self) -> tuple[int, int, float | None]:
        """Return how far all ranks are, as far as rank 0 has heard: trials finished, of them failed, the least loss."""

    @abstractmethod
    def abort(self, error: BaseException) -> NoReturn:
        """End all ranks at once, naming this rank and host; in one process, raise `error`."""

    def close(self) -> None:
        """Give back what is held. Collective."""

    def first(self, action: Any) -> Any:
        """Let rank 0 do `action()` and return its result (plain JSON) on every rank; an error of ours is raised on every rank.

        Raises:
            HyperSpaceError: what `action` raised on rank 0.
        """
        answer: list[Any] = []
        if self.rank == 0:
            try:
                answer = [action(), None, None]
            except HyperSpaceError as error:
                answer = [None, type(error).__name__, str(error)]
        result, kind, message = self.agree(answer)
        if kind is not None:
            raise _error_class(kind)(message)
        return result


def _error_class(name: str) -> type[HyperSpaceError]:
    from hyperspace import errors

    found = getattr(errors, name, HyperSpaceError)
    return found if isinstance(found, type) and issubclass(found, HyperSpaceError) else HyperSpaceError


def least(values: Sequence[float | None]) -> float | None:
    """Return the least of the values that are there."""
    known = [value for value in values if value is not None]
    return min(known) if known else None
