"""What every exchange offers: the ranks of one run, and how drives learn of each other's trials.

The serial exchange is the twin of the parallel ones: one rank, the same calls, the same order.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn


class Exchange(ABC):
    """The ranks of a run. Every rank makes the same calls in the same order (they are collective)."""

    rank: int = 0
    size: int = 1

    @property
    def host(self) -> str:
        """Name of this machine."""
        return socket.gethostname()

    @abstractmethod
    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` (plain JSON) on every rank."""

    @abstractmethod
    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records (plain JSON) of all ranks, in the order of ranks, on every rank. Waiting does not spin."""

    @abstractmethod
    def abort(self, error: BaseException) -> NoReturn:
        """End all ranks at once, naming this rank and host; in one process, raise `error`."""
