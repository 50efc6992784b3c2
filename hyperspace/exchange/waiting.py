"""How ranks wait without spinning, and for how long.

A blocking MPI receive burns a third of a core to a whole one for each waiting rank. Here every wait tests a nonblocking operation
and sleeps between tests; a test costs 0.2 to 0.4 ms of processor time, so that a wait of seconds costs about
0.3 % of a core. A message that is being transferred moves only while it is tested, so that such a wait sleeps for moments only.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator

from hyperspace.errors import InputError, StudyError

GRACE = 30.0  # seconds for which a rank that does not answer is waited for, once the study was asked to end
GRACE_VARIABLE = "HYPERSPACE_GRACE"  # environment variable that sets another number of seconds
ROOT_FACTOR = 10.0  # times as long rank 0 is waited for, which reads the files of all ranks at the end

_SHORTEST, _LONGEST = 0.5e-3, 0.2  # seconds
_SHARE = 0.05  # what sleeping adds to a wait, at most
_MOMENT, _LONGEST_MOMENT = 50e-6, 1e-3  # seconds between two tests of a transfer: at first, and when it takes long
_BRISK = 1.0  # seconds after which a transfer is tested less often


class RanksSilentError(StudyError):
    """Some ranks have not answered within the time that they are waited for."""


def nap(waited: float) -> float:
    """Return the seconds to sleep before the next test: a twentieth of the wait so far, from 0.5 ms up to 0.2 s."""
    return min(max(_SHARE * waited, _SHORTEST), _LONGEST)


def naps_between_tests() -> Iterator[float]:
    """Yield the seconds to sleep between two tests."""
    begun = time.monotonic()
    while True:
        yield nap(time.monotonic() - begun)


def naps_of_a_transfer() -> Iterator[float]:
    """Yield the seconds to sleep between two tests of a transfer for which all ranks are there."""
    begun = time.monotonic()
    while time.monotonic() < begun + _BRISK:
        yield _MOMENT
    while True:
        yield _LONGEST_MOMENT


def grace() -> float:
    """Return the seconds for which a rank that does not answer is waited for.

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
    """Return `grace()`, or the usual time where the variable holds none, which hyperdrive refuses on all ranks together."""
    try:
        return grace()
    except InputError:
        return GRACE


class Patience:
    """For how long a rank waits for others: without end, until the study is asked to end.

    From then on, or from the beginning of the wait if that is later, it waits for the grace period and for as long as an
    evaluation takes, since evaluations under way come to their end. No evaluation is to run after the deadline, so that after it
    the grace period is enough; a rank whose own evaluation has run over it waits for as long as an evaluation takes there, too.

    Args:
        asked: tells whether the study was asked to end.
        longest: returns the seconds that an evaluation takes, as far as is known here; infinite where nothing can be known, which
            then waits without end.
        deadline: time.monotonic() after which no evaluation may run; None without one.
        clock: tells seconds.
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
        """Note that another rank was asked to end the study."""
        if self._since is None:
            self._since = self._clock()

    def is_over(self, begun: float, factor: float = 1.0) -> bool:
        """Return whether a wait that began at `begun` has lasted too long; with a `factor`, for a longer grace period."""
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
