"""The only rank of a run in one process, without communication."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.tally import Tally


class SerialRanks(Ranks):
    """Ranks of a run in one process: this one."""

    def __init__(self) -> None:
        self._tally = Tally()

    def agree(self, value: Any) -> Any:
        """Return `value`."""
        return value

    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return `records`."""
        return list(records)

    def report(self, tally: Tally) -> None:
        """Keep the progress of this process."""
        self._tally = tally

    def progress(self) -> Tally:
        """Return the progress of this process."""
        return self._tally

    def abort(self, error: BaseException) -> NoReturn:
        """Raise `error`."""
        raise error
