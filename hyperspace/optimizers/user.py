"""Adapter for a user's optimizer."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class UserOptimizer(AskTell):
    """Optimizer that wraps a user's ask-and-tell object.

    The object works on points in the user's scale and has these methods:

        setup(space, random_state)   optional: called once, before anything else, with the Space of the subspace
        ask()                        the next point: a list, or a dict by name if the search space is one
        tell(x, y)                   one evaluation: the loss, less is better; inf for one of its own that failed

    It is told its own evaluations. If drives share trials, it is also told those of others in its subspace. After a restart the
    same calls are made again in the same order. With a generator seeded by `random_state` it then continues identically.

    Args:
        model: the object, which is copied for every drive; or a class or function, called as model(space, random_state).
        space: the whole space.
        subspace: the subspace to search.
        random_state: seed of this object.

    Raises:
        InputError: the object lacks ask or tell.
    """

    def __init__(self, model: Any, space: Space, subspace: Subspace, random_state: int) -> None:
        methods = all(callable(getattr(model, name, None)) for name in ("ask", "tell"))
        if methods and not isinstance(model, type):
            self._inner = copy.deepcopy(model)
            if hasattr(self._inner, "setup"):
                self._inner.setup(subspace.space, random_state)
        elif callable(model):
            self._inner = model(subspace.space, random_state)
        if not all(callable(getattr(getattr(self, "_inner", None), name, None)) for name in ("ask", "tell")):
            raise InputError(
                "an optimizer of your own must be an object with ask() and tell(x, y), or a class or function that makes one "
                f"of (space, random_state); got {shown(model)}"
            )
        self._space, self._subspace = space, subspace
        self._drive: int | None = None

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the point that the user's optimizer asks for.

        Raises:
            InputError: its answer is not a point of its subspace.
        """
        self._drive = key.drive
        asked = self._inner.ask()
        try:
            x = self._subspace.space.check_point(asked)
        except InputError as error:
            raise InputError(f"{type(self._inner).__name__}.ask() returned a point outside its space: {error}") from error
        return Suggestion(self._space.to_unit([x])[0], type(self._inner).__name__)

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Pass on evaluations in the subspace, one by one."""
        inside = self._subspace.bounds.contains(U)
        for trial, loss, near in zip(trials, y, inside, strict=True):
            if near and (math.isfinite(loss) or trial.drive == self._drive):
                values = self._space.copied(trial.x)
                x = dict(zip(self._space.names, values, strict=True)) if self._space.named else list(values)
                self._inner.tell(x, float(loss) if math.isfinite(loss) else math.inf)
