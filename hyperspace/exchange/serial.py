"""One process: there is nobody to exchange with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from hyperspace.exchange.base import Exchange
from hyperspace.exchange.tally import Tally


class SerialExchange(Exchange):
    """The only rank of a run."""

    def __init__(self) -> None:
        self._tally = Tally()

    def agree(self, value: Any) -> Any:
        """Return `value`."""
        return value

    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return `records`."""
        return list(records)

    def report(self, tally: Tally) -> None:
        """Keep how far this process is."""
        self._tally = tally

    def progress(self) -> Tally:
        """Return how far this process is."""
        return self._tally

    def abort(self, error: BaseException) -> NoReturn:
        """Raise `error`."""
        raise error
