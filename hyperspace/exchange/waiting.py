"""How ranks wait without spinning.

A blocking MPI receive burns a third of a core to a whole one for each waiting rank. Here every wait tests a nonblocking operation
and sleeps between tests, which costs under 1 % of a core.
"""

from __future__ import annotations

from collections.abc import Iterator

_SHORTEST, _LONGEST = 0.5e-3, 20e-3  # seconds


def naps_between_tests() -> Iterator[float]:
    """Yield the seconds to sleep between two tests: 0.5 ms at first, then twice as long each time, up to 20 ms."""
    nap = _SHORTEST
    while True:
        yield nap
        nap = min(2 * nap, _LONGEST)
