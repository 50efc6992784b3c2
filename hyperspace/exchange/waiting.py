"""Waiting of ranks without busy loops, and its limits.

A blocking MPI receive uses a third of a core to a whole one on a rank. Here every wait tests a nonblocking operation and
sleeps between tests. A test costs 0.2 to 0.4 ms of processor time, so a wait of seconds costs about 0.3 % of a core. A message in
transfer only progresses during tests, so such a wait uses very short sleeps.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator

from hyperspace.errors import InputError, StudyError

GRACE = 30.0  # seconds that a silent rank is waited for, after the study was asked to end
GRACE_VARIABLE = "HYPERSPACE_GRACE"  # environment variable with another number of seconds
ROOT_FACTOR = 10.0  # factor of the grace period for rank 0, which reads the files of all ranks at the end

_SHORTEST, _LONGEST = 0.5e-3, 0.2  # seconds
_SHARE = 0.05  # largest share of a wait that sleeping adds
_MOMENT, _LONGEST_MOMENT = 50e-6, 1e-3  # seconds between two tests of a transfer, at first and if it takes long
_BRISK = 1.0  # seconds after which a transfer is tested less often


class RanksSilentError(StudyError):
    """Some ranks have not answered within the limit of the wait."""


def nap(waited: float) -> float:
    """Return the seconds to sleep before the next test: a twentieth of the wait so far, from 0.5 ms up to 0.2 s."""
    return min(max(_SHARE * waited, _SHORTEST), _LONGEST)


def naps_between_tests() -> Iterator[float]:
    """Yield the seconds to sleep between two tests."""
    begun = time.monotonic()
    while True:
        yield nap(time.monotonic() - begun)


def naps_of_a_transfer() -> Iterator[float]:
    """Yield the seconds to sleep between two tests of a transfer for which all ranks are present."""
    begun = time.monotonic()
    while time.monotonic() < begun + _BRISK:
        yield _MOMENT
    while True:
        yield _LONGEST_MOMENT


def grace() -> float:
    """Return the seconds that a silent rank is waited for.

    Raises:
        InputError: the environment variable does not hold a number of seconds.
    """
    text = os.environ.get(GRACE_VARIABLE)
    if text is None:
        return GRACE
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds < math.inf:
        raise InputError(f"{GRACE_VARIABLE} must be a positive number of seconds, got {text!r}; correct it, or unset it")
    return seconds


def _valid_grace() -> float:
    """Return `grace()`, or the default if the variable is invalid, which hyperdrive reports on all ranks together."""
    try:
        return grace()
    except InputError:
        return GRACE


class Patience:
    """Limit of a rank's waits for others: none, until the study is asked to end.

    After that, a wait may take the grace period plus the duration of an evaluation, since running evaluations are completed. The
    time counts from the request or from the start of the wait, whichever is later. No evaluation runs after the deadline, so
    the grace period suffices after it. Only if this rank's own evaluation exceeded the deadline is the duration added.

    Args:
        asked: returns whether the study was asked to end.
        longest: returns the seconds of an evaluation, as far as known here; infinite if unknown, for a wait without limit.
        deadline: time.monotonic() after which no evaluation may run; None without one.
        clock: returns seconds.
    """

    def __init__(
        self,
        asked: Callable[[], bool] = lambda: False,
        longest: Callable[[], float] = lambda: 0.0,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.grace = _valid_grace()
        self._asked = asked
        self._longest = longest
        self._deadline = deadline
        self._clock = clock
        self._since: float | None = None

    def tell(self) -> None:
        """Record that another rank was asked to end the study."""
        if self._since is None:
            self._since = self._clock()

    def is_over(self, begun: float, factor: float = 1.0) -> bool:
        """Return whether a wait that began at `begun` has exceeded its limit; `factor` extends the grace period."""
        now = self._clock()
        if self._since is None and self._asked():
            self._since = now
        if now < begun + factor * self.grace:
            return False
        longest = self._longest()
        if self._since is not None and now >= max(self._since, begun) + factor * self.grace + longest:
            return True
        if self._deadline is None or longest == math.inf:
            return False
        late = longest if begun > self._deadline else 0.0
        return now >= max(self._deadline, begun) + factor * self.grace + late
