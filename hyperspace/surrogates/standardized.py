"""Any surrogate, on targets that are standardized and whose tails are tamed, as the Gaussian process has them on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array


class Standardized(Surrogate):
    """A surrogate of one output behind a transform of the targets, refitted whenever there is more to learn from.

    Args:
        inner: what learns from the transformed targets.
    """

    transforms_targets = True

    def __init__(self, inner: Surrogate) -> None:
        self.inner = inner

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> LatentModel:
        transform = Transform.fit(Y[:, 0])
        variances = None if noise is None else noise * transform.slope(Y) ** 2
        return LatentModel([self.inner._fit(X, transform.forward(Y), variances)], [transform])

    def state(self) -> Mapping[str, Any] | None:
        """Return what the next fit of the inner surrogate starts from."""
        return self.inner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self.inner.restore(state)
