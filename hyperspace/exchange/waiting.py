"""How ranks wait without spinning.

A blocking MPI receive burns a third of a core to a whole one for each waiting rank. Here every wait tests a nonblocking operation
and sleeps between tests; a test costs 0.2 to 0.4 ms of processor time, so that a wait of seconds costs about
0.3 % of a core.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

_SHORTEST, _LONGEST = 0.5e-3, 0.2  # seconds
_SHARE = 0.05  # what sleeping adds to a wait, at most


def nap(waited: float) -> float:
    """Return the seconds to sleep before the next test: a twentieth of the wait so far, from 0.5 ms up to 0.2 s."""
    return min(max(_SHARE * waited, _SHORTEST), _LONGEST)


def naps_between_tests() -> Iterator[float]:
    """Yield the seconds to sleep between two tests."""
    begun = time.monotonic()
    while True:
        yield nap(time.monotonic() - begun)
