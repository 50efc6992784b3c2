"""Ask-and-tell protocol of the optimizers. An optimizer never sees the objective, files or MPI.

For each iteration 0, 1, 2, ... a drive calls `tell` with the new trials, then `ask(key, pending)`.
A resumed drive makes the same calls, with `recall(trial)` instead of `ask` for each recorded point.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hyperspace.numerics import random_streams
from hyperspace.trials.trial import DESIGN as DESIGN
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

FIRST = "x0"  # arm of the user's first points
NO_MODEL = (DESIGN, FIRST)


class Key(NamedTuple):
    """Identity of a question. All randomness of its answer comes from this key."""

    seed: int
    drive: int
    iteration: int

    def rng(self, *more: int) -> np.random.Generator:
        """Return the random stream of this question."""
        return random_streams.stream(self.seed, random_streams.SUGGEST, self.drive, self.iteration, *more)


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """Point to evaluate next.

    Attributes:
        u: the point in the unit cube of the whole space, (d,), on a valid level in integer and categorical dimensions.
        arm: name of the rule that proposed it, e.g. "design", "EI", "random".
        model: what `recall` needs when the study is resumed; plain JSON values.
        region: the region that it belongs to, if any.
        predicted: the loss that the model predicts, if the strategy compares predictions with results.
    """

    u: Array
    arm: str
    model: Mapping[str, Any] | None = None
    region: int | None = None
    predicted: float | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """Fields that its trial keeps in addition to the point."""
        return {"arm": self.arm, "model": self.model, "region": self.region, "predicted": self.predicted}


class AskTell(ABC):
    """Optimizer of one subspace. The next point is a function of the key, the pending points and the trials told."""

    @abstractmethod
    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point, given the pending points (p, d) in the unit cube."""

    @abstractmethod
    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials of this drive or of others.

        Args:
            trials: the new trials, in order.
            U: their points in the unit cube, (n, d).
            y: their losses (less is better), (n,); nan for a trial without a loss. For a pruned trial see
                `hyperspace.trials.archive.Archive.y`.
        """

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Restore a point that `ask` returned in an earlier run.

        The default asks again and drops the answer. This rebuilds the state of an algorithm that has one.
        """
        self.ask(key, pending)
