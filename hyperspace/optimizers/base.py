"""The ask/tell protocol of every optimizer: it never sees the objective, files or MPI.

A drive calls, for iteration 0, 1, 2, ...:  `tell(what became known)`, then `ask(key, pending)`.
On resuming it calls the same, with `recall(trial)` in the place of every `ask` whose answer is on record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hyperspace.numerics import random_streams
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

DESIGN = "design"  # arm of points that no model proposed
FIRST = "x0"  # arm of points that the user wanted to be evaluated first
NO_MODEL = (DESIGN, FIRST)


class Key(NamedTuple):
    """Whose question this is: all randomness of an answer comes from here."""

    seed: int
    drive: int
    iteration: int

    def rng(self, *more: int) -> np.random.Generator:
        """Return the random stream of this question."""
        return random_streams.stream(self.seed, random_streams.SUGGEST, self.drive, self.iteration, *more)


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """Where to evaluate next.

    Attributes:
        u: the point in the unit cube of the whole space, (d,), on a valid level in integer and categorical dimensions.
        arm: what proposed it, e.g. "design", "EI", "random".
        model: what the optimizer wants to be told by `recall` on resuming; plain JSON values.
        region: the region it was meant for, if any.
        predicted: the loss that a model expects there, where the strategy compares that with what is found.
    """

    u: Array
    arm: str
    model: Mapping[str, Any] | None = None
    region: int | None = None
    predicted: float | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """The fields that its trial keeps, beside the point."""
        return {"arm": self.arm, "model": self.model, "region": self.region, "predicted": self.predicted}


class AskTell(ABC):
    """One subspace's own loop. The next suggestion is a function of the key, the pending points and what was told."""

    @abstractmethod
    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point, given the points under way, `pending` (p, d) in the unit cube."""

    @abstractmethod
    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Take up finished trials, of this drive or of others.

        Args:
            trials: what became known, in order.
            U: their points in the unit cube, (n, d).
            y: their losses (less is better), (n,); nan for a trial that gave none; of a pruned trial what it teaches
                (see `hyperspace.trials.archive.Archive.y`).
        """

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Take up an answer that `ask` gave in an earlier run.

        The default asks again and drops the answer, which rebuilds an algorithm that keeps a state of its own.
        """
        self.ask(key, pending)
