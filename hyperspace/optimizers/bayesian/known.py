"""Trials as the engine reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hyperspace.numerics.growing import GrowingArray
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class Known(Protocol):
    """Finished trials in the order in which they became known, and pending points. An `Archive` is one."""

    metrics: Metrics

    def __len__(self) -> int:
        """Return the number of finished trials, n."""
        ...

    @property
    def trials(self) -> Sequence[Trial]:
        """The finished trials."""
        ...

    @property
    def U(self) -> Array:
        """Their points in the unit cube, (n, d)."""
        ...

    @property
    def y(self) -> Array:
        """Their losses, (n,); nan for a trial without a loss."""
        ...

    @property
    def pending(self) -> Array:
        """Pending points, (p, d)."""
        ...


class Told:
    """Trials that an optimizer was told.

    Args:
        metrics: metrics of the study.
        d: number of dimensions.
    """

    def __init__(self, metrics: Metrics, d: int) -> None:
        self.metrics = metrics
        self.pending: Array = np.empty((0, d))
        self._trials: list[Trial] = []
        self._U, self._y = GrowingArray(d), GrowingArray()

    def __len__(self) -> int:
        """Return the number of finished trials."""
        return len(self._trials)

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Add finished trials at U (k, d) with losses y (k,)."""
        self._trials += trials
        self._U.append(U)
        self._y.append(y)

    @property
    def trials(self) -> Sequence[Trial]:
        """The finished trials."""
        return self._trials

    @property
    def U(self) -> Array:
        """Their points, (n, d)."""
        return self._U.values

    @property
    def y(self) -> Array:
        """Their losses, (n,)."""
        return self._y.values
