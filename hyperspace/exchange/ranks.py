"""The ranks of one run, and the communication between them: the interface of MPI ranks, of a single process, and of a worker.

`SerialRanks` behaves as `MPIRanks` of size 1: the same calls in the same order.
"""

from __future__ import annotations

import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from types import TracebackType
from typing import Any, NoReturn, TypeVar, cast

from hyperspace import errors
from hyperspace.errors import HyperSpaceError, message_of, shown
from hyperspace.exchange.tally import Tally
from hyperspace.exchange.waiting import Patience
from hyperspace.system.terminal import tell

T = TypeVar("T")


class Ranks(ABC):
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
        """Number under which this process's trials are recorded: its rank."""
        return self.rank

    @abstractmethod
    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` (plain JSON) on every rank."""

    @abstractmethod
    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records (plain JSON) of all ranks, in the order of ranks, on every rank."""

    @abstractmethod
    def report(self, tally: Tally) -> None:
        """Send the progress of this rank to rank 0, without waiting."""

    @abstractmethod
    def progress(self) -> Tally:
        """Return the total progress of all ranks, as known to rank 0."""

    @abstractmethod
    def abort(self, error: BaseException) -> NoReturn:
        """End all ranks at once with a message that names this rank and host; in one process, raise `error`."""

    def bound(self, patience: Patience) -> None:
        """Limit waits for other ranks by `patience`; without a limit they do not end. Collective."""

    def check(self, begun: float) -> None:
        """Do periodic work in a wait for others that began at time.monotonic() `begun`.

        Raises:
            RanksSilentError: the wait has exceeded its limit.
        """

    @property
    def has_given_up(self) -> bool:
        """Whether some ranks are silent, so that collective operations no longer complete."""
        return False

    def merge_answers(self, records: Any, conclude: Callable[[dict[int, Any]], Any]) -> tuple[Any, list[str]]:
        """Merge the records of the ranks that still answer; called after RanksSilentError.

        Args:
            records: records of this rank (plain JSON).
            conclude: returns the outcome (plain JSON), given the records by rank. Called on rank 0.

        Returns:
            The outcome, on all ranks that answer, and the names of those that do not.
        """
        return conclude({self.rank: records}), []

    def close(self) -> None:
        """Release resources. Collective."""

    def first(self, action: Callable[[], Any]) -> Any:
        """Call `action()` on rank 0 and return its result (plain JSON) on every rank. Collective.

        Raises:
            HyperSpaceError: the exception of `action` on rank 0, on every rank.
        """
        answer: list[Any] = []
        failure = None
        if self.rank == 0:
            try:
                answer = [action(), None, None]
            except HyperSpaceError as error:
                failure = error
                answer = [None, _kind(error), str(error)]
        result, kind, message = self.agree(answer)
        if kind is not None:
            failure = _error(kind, message) if failure is None else failure
            raise self._for_all(failure, told_by_rank_0=self.rank != 0)
        return result

    def each(self, action: Callable[[], T]) -> T:
        """Call `action()` on every rank and return this rank's result. Collective.

        Raises:
            HyperSpaceError: the exception of `action` here or on another rank, so that no rank keeps waiting.
        """
        result, failure = None, None
        try:
            result = action()
        except HyperSpaceError as error:
            failure = error
        own = None if failure is None else [_kind(failure), str(failure), self.rank, self.host]
        failed = [told for told in self.gather([own]) if told is not None]
        if not failed:
            return cast(T, result)
        if failure is None:
            kind, message, rank, host = failed[0]
            more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            failure = _error(kind, f"rank {rank} on {host}{more}: {message}")
        raise self._for_all(failure, told_by_rank_0=self.rank != 0)

    def _for_all(self, error: HyperSpaceError, told_by_rank_0: bool) -> HyperSpaceError:
        """Return `error`, which all ranks raise together; only rank 0 prints it, in a sentence."""
        error.raised_by_all = self
        error.told_by_rank_0 = told_by_rank_0
        if self.size > 1:
            _tell_in_a_sentence()
        return error

    @contextmanager
    def ends_together(self) -> Iterator[None]:
        """End all ranks if this one leaves the block by an exception that the others do not raise.

        This includes exceptions that are not an Exception: Ctrl-C, sys.exit() in a callback, a canceled task. If only this rank
        left, the others would keep waiting.
        """
        try:
            yield
        except BaseException as error:
            if isinstance(error, HyperSpaceError) and error.raised_by_all is self:
                raise
            self.abort(error)


def describe_error(error: BaseException) -> str:
    """Return a one-line description of the exception that ends this process."""
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted (SIGINT, KeyboardInterrupt)"
    if isinstance(error, SystemExit):
        return f"sys.exit({shown(error.code)}) was called during the study"
    return message_of(error) or type(error).__name__


def _kind(error: HyperSpaceError) -> str:
    """Return the name of the most special class of `error` that every rank knows: one of `hyperspace.errors`."""
    known = vars(errors).values()
    return next(kind.__name__ for kind in type(error).__mro__ if kind in known)


def _error(kind: str, message: str) -> HyperSpaceError:
    error: HyperSpaceError = getattr(errors, kind)(message)
    return error


@cache
def _tell_in_a_sentence() -> None:
    """Print no traceback of an error that all ranks raise, and its message only on rank 0; the exit code is unchanged."""
    former = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not (isinstance(error, HyperSpaceError) and error.raised_by_all is not None):
            former(kind, error, trace)
        elif not error.told_by_rank_0:
            tell(f"{kind.__name__}: {error}")

    sys.excepthook = hook
