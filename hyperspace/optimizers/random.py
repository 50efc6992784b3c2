"""Random search: the design's sequence without end, independent of the results."""

from __future__ import annotations

from collections.abc import Sequence

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.space.space import Bounds, Space
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class RandomOptimizer(AskTell):
    """Optimizer that takes the design first, then independent uniform points in the box (Bergstra and Bengio 2012).

    Args:
        space: the whole space.
        bounds: the box, in the unit cube of the space.
        design: its first points.
    """

    def __init__(self, space: Space, bounds: Bounds, design: Design) -> None:
        self._space, self._bounds, self._design = space, bounds, design

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point; told trials and pending points have no influence."""
        if key.iteration < self._design.n_points:
            return Suggestion(self._design.point(key.iteration), "design")
        lower, upper = self._bounds
        u = lower + (upper - lower) * key.rng().random(self._space.d)
        return Suggestion(self._space.snap(u[None])[0], "random")

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Ignore the trials."""

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Ignore the trial."""
