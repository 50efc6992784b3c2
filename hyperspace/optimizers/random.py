"""Random search: the design's sequence without end, with no regard to what came back."""

from __future__ import annotations

from collections.abc import Sequence

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.space.space import Bounds, Space
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class RandomOptimizer(AskTell):
    """The design first, then independent uniform points in the box (Bergstra and Bengio 2012).

    Args:
        space: the whole space.
        bounds: the box, in the unit cube of the space.
        design: its first points.
    """

    def __init__(self, space: Space, bounds: Bounds, design: Design) -> None:
        self._space, self._bounds, self._design = space, bounds, design

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point; what was told and what is pending changes nothing."""
        if key.iteration < self._design.n_points:
            return Suggestion(self._design.point(key.iteration), "design")
        lower, upper = self._bounds
        u = lower + (upper - lower) * key.rng().random(self._space.d)
        return Suggestion(self._space.snap(u[None])[0], "random")

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Take no notice."""

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Take no notice."""
