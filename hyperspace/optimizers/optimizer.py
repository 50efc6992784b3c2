"""The public ask/tell loop of one space, without files and without MPI."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from hyperspace.errors import InputError
from hyperspace.metrics import FLOAT_NAME
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.partition import Subspace
from hyperspace.space import Bounds, check_space
from hyperspace.threads import one_thread
from hyperspace.trial import FAILED, OK, Array, Trial

Point = list[Any] | dict[str, Any]


class Optimizer:
    """Minimise a function by asking where to evaluate it and telling what came back.

        opt = Optimizer([(-5.0, 10.0), (0.0, 15.0)], random_state=0)
        for _ in range(40):
            x = opt.ask()
            opt.tell(x, function(x))
        opt.x, opt.fun

    Args:
        dimensions: the search space, as `hyperdrive` takes it; with a dict points are dicts.
        model: "GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT", "RAND", or an object of your own.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        random_state: seed; the same seed and the same answers give the same questions.
        sampler: initial design, "sobol", "lhs" or "random".
        n_samples: its size; None for twice the number of dimensions, from 5 to 20.

    Raises:
        InputError: an argument is not what it has to be.
    """

    def __init__(
        self,
        dimensions: Any,
        model: Any = "GP",
        acquisition: str = "EI",
        random_state: int = 0,
        sampler: str = "sobol",
        n_samples: int | None = None,
    ) -> None:
        if not isinstance(random_state, (int, np.integer)) or random_state < 0:
            raise InputError(f"random_state must be a non-negative integer, got {random_state!r}")
        self.space = check_space(dimensions)
        if n_samples is None:
            n_samples = min(max(2 * self.space.d, 5), 20)
        whole = Subspace(0, Bounds.whole(self.space.d), self.space)
        design = Design(sampler, n_samples, whole.bounds, self.space, seed=int(random_state))
        self._inner = make_optimizer(model, self.space, whole, design, acquisition=acquisition, seed=int(random_state))
        self._seed = int(random_state)
        self._asked = self._told = 0
        self._pending: list[Suggestion] = []
        self._best: tuple[float, tuple[Any, ...] | None] = (math.inf, None)

    @property
    def x(self) -> Point | None:
        """The best point told; None before there is one."""
        return None if self._best[1] is None else self.space.parameters(self._best[1])

    @property
    def fun(self) -> float:
        """The value at the best point told; inf before there is one."""
        return self._best[0]

    @overload
    def ask(self) -> Point: ...
    @overload
    def ask(self, n: int) -> list[Point]: ...
    def ask(self, n: int | None = None) -> Point | list[Point]:
        """Return the next point to evaluate, or with n a list of n points to evaluate at the same time.

        Points asked for and not told yet count as under way, however they were asked for.
        """
        if n is not None:
            if n < 1:
                raise InputError(f"ask(n) needs n >= 1, got {n}")
            return [self.ask() for _ in range(n)]
        pending = np.array([suggestion.u for suggestion in self._pending]).reshape(-1, self.space.d)
        with one_thread():
            suggestion = self._inner.ask(Key(self._seed, 0, self._asked), pending)
        self._asked += 1
        x = self.space.from_unit(suggestion.u[None])[0]
        self._pending.append(replace(suggestion, u=self.space.to_unit([x])[0]))
        return self.space.parameters(x)

    def tell(self, x: Any, y: Any) -> None:
        """Take up the value y at x, or values at several points; a y of None or nan says that the evaluation failed.

        Args:
            x: a point (a list of values, or a dict by name), or a sequence of points if y is one. It need not be one asked for.
            y: the value, less is better, or a sequence of values.

        Raises:
            InputError: a point outside the space, or a value that is no number.
        """
        several = (isinstance(y, Sequence) and not isinstance(y, str)) or (isinstance(y, np.ndarray) and y.ndim > 0)
        points, values = (list(x), list(y)) if several else ([x], [y])
        if len(points) != len(values):
            raise InputError(f"tell got {len(points)} points and {len(values)} values")
        checked = [self.space.check_point(point) for point in points]
        losses = [_loss(value) for value in values]
        U = self.space.to_unit(checked)
        trials = []
        for u, point, loss in zip(U, checked, losses, strict=True):
            trial = Trial(drive=0, iteration=self._told, x=point, arm=self._no_longer_pending(u))
            self._told += 1
            if math.isfinite(loss):
                trials.append(trial.finish(OK, metrics={FLOAT_NAME: loss}))
            else:
                trials.append(trial.finish(FAILED, fault="objective"))
            if loss < self._best[0]:
                self._best = loss, point
        self._inner.tell(trials, U, np.array(losses))

    def _no_longer_pending(self, u: Array) -> str:
        """Take u (d,) off the points under way; return what had proposed it, "" for a point that was not asked for."""
        for index, suggestion in enumerate(self._pending):
            if np.array_equal(suggestion.u, u):
                return self._pending.pop(index).arm
        return ""


def _loss(value: Any) -> float:
    """Return a value as a float; nan for one that says that the evaluation failed."""
    try:
        loss = math.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise InputError(f"tell expects a number, or None for an evaluation that failed; got {value!r}") from None
    return loss if math.isfinite(loss) else math.nan
