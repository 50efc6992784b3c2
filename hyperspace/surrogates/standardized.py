"""Any surrogate on standardized targets with compressed tails, as the Gaussian process has by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array


class Standardized(Surrogate):
    """Surrogate of one output with a transform of the targets. It is refitted whenever new data arrive.

    Args:
        inner: surrogate of the transformed targets.
    """

    transforms_targets = True

    def __init__(self, inner: Surrogate) -> None:
        self.inner = inner

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> LatentModel:
        transform = Transform.fit(Y[:, 0])
        variances = None if noise is None else noise * transform.slope(Y) ** 2
        return LatentModel([self.inner._fit(X, transform.forward(Y), variances)], [transform])

    def state(self) -> Mapping[str, Any] | None:
        """Return the starting point of the inner surrogate's next fit."""
        return self.inner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state`."""
        self.inner.restore(state)
