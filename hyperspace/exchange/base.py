"""What every exchange offers: the ranks of one run, and how drives learn of each other's trials.

The serial exchange is the twin of the parallel one: one rank, the same calls, the same order.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

from hyperspace import errors
from hyperspace.errors import HyperSpaceError, StudyError
from hyperspace.incumbent import Rank

T = TypeVar("T")


class Tally(NamedTuple):
    """How far ranks are: trials finished, of them failed, and where the best one stands; None before there is one."""

    finished: int = 0
    failed: int = 0
    best: Rank | None = None


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

    @property
    def worker(self) -> int:
        """The number under which this process's trials are recorded: its rank."""
        return self.rank

    @abstractmethod
    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` (plain JSON) on every rank."""

    @abstractmethod
    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records (plain JSON) of all ranks, in the order of ranks, on every rank."""

    @abstractmethod
    def report(self, tally: Tally) -> None:
        """Tell rank 0 how far this rank is; costs no waiting."""

    @abstractmethod
    def progress(self) -> Tally:
        """Return how far all ranks are together, as far as rank 0 has heard."""

    @abstractmethod
    def abort(self, error: BaseException) -> NoReturn:
        """End all ranks at once, naming this rank and host; in one process, raise `error`."""

    def close(self) -> None:
        """Give back what is held. Collective."""

    def first(self, action: Callable[[], Any]) -> Any:
        """Let rank 0 do `action()` and return its result (plain JSON) on every rank. Collective.

        Raises:
            HyperSpaceError: what `action` raised on rank 0, on every rank.
        """
        answer: list[Any] = []
        if self.rank == 0:
            try:
                answer = [action(), None, None]
            except HyperSpaceError as error:
                answer = [None, type(error).__name__, str(error)]
        result, kind, message = self.agree(answer)
        if kind is not None:
            raise getattr(errors, kind, HyperSpaceError)(message)
        return result

    def each(self, action: Callable[[], T]) -> T:
        """Do `action()` on every rank and return this rank's result. Collective.

        Raises:
            HyperSpaceError: what `action` raised here, or that it failed on another rank; so that no rank is left waiting.
        """
        result, failure = None, None
        try:
            result = action()
        except HyperSpaceError as error:
            failure = error
        failures = self.gather([None if failure is None else f"rank {self.rank} on {self.host}: {failure}"])
        if failure is not None:
            raise failure
        failed = [text for text in failures if text is not None]
        if failed:
            raise StudyError(failed[0])
        return cast(T, result)


def add(tallies: Iterable[Tally]) -> Tally:
    """Return how far several ranks are together."""
    tallies = list(tallies)
    best = min((tally.best for tally in tallies if tally.best is not None), default=None)
    return Tally(sum(tally.finished for tally in tallies), sum(tally.failed for tally in tallies), best)
