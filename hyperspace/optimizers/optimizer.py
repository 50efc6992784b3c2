"""Public ask-and-tell interface for one space, without files and MPI."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.numerics.threads import one_thread
from hyperspace.optimizers import make_optimizer, refuse_several_goals
from hyperspace.optimizers.base import Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.space.labeled import rows_of, table_class
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Bounds, check_space
from hyperspace.space.values import is_whole
from hyperspace.system.arguments import check_names
from hyperspace.trials.incumbent import best_trial
from hyperspace.trials.metrics import FLOAT_NAME, Metric, Metrics, Value, scalar_of
from hyperspace.trials.trial import FAILED, OK, Trial
from hyperspace.typing import Array

_MOST_ASKED = 100_000
Point = list[Any] | dict[str, Any]


@check_names()
class Optimizer:
    """Minimize or maximize a function: ask for the next point and tell its value.

        opt = Optimizer([(-5.0, 10.0), (0.0, 15.0)], random_state=0)
        for _ in range(40):
            x = opt.ask()
            opt.tell(x, function(x))
        opt.x, opt.fun

    With `metrics` it is told the metrics that an objective of `hyperdrive` may return, and satisfies the constraints:

        opt = Optimizer([(0.0, 1.0)], metrics=[Metric("loss"), Metric("size", goal="constrain", upper=0.5)])
        opt.tell(opt.ask(), {"loss": 1.2, "size": 0.7})

    Told points that were not asked for count toward the initial design.

    An optimizer can be saved with pickle.dump(opt, file) and continues identically. Load only files that you trust.

    Args:
        dimensions: the search space, as for `hyperdrive`; with a dict, points are dicts.
        model: "GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT", "RAND", or an object of your own.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        random_state: seed; the same seed and values give the same points. None draws a seed.
        sampler: sampler of the initial design, "sobol", "lhs" or "random".
        n_samples: size of the initial design; None for twice the number of dimensions, from 5 to 20.
        metrics: goals of the metrics, see `hyperdrive`; None: the told value is minimized.
        maximize: whether the told value, a number, is maximized.

    Raises:
        InputError: an invalid argument.
        NotBuiltError: several goals.
    """

    @own_numerics()
    def __init__(
        self,
        dimensions: Any,
        model: Any = "GP",
        acquisition: str = "EI",
        random_state: int | None = 0,
        sampler: str = "sobol",
        n_samples: int | None = None,
        metrics: Sequence[Metric] | None = None,
        maximize: bool = False,
    ) -> None:
        if not isinstance(maximize, (bool, np.bool_)):
            raise InputError(f"maximize must be True or False, got {shown(maximize)}")
        if random_state is None:
            random_state = secrets.randbits(31)
        if not is_whole(random_state) or random_state < 0:
            raise InputError(f"random_state must be a non-negative integer or None, got {shown(random_state)}")
        self.space = check_space(dimensions)
        self._metrics = Metrics(metrics, bool(maximize))
        refuse_several_goals(self._metrics, None)
        if n_samples is None:
            n_samples = min(max(2 * self.space.d, 5), 20)
        if not is_whole(n_samples) or n_samples < 1:
            raise InputError(f"n_samples must be a whole number of at least 1, got {shown(n_samples)}")
        whole = Subspace(0, Bounds.whole(self.space.d), self.space)
        design = Design(sampler, n_samples, whole.bounds, self.space, seed=int(random_state))
        self._inner = make_optimizer(
            model, self.space, whole, design, acquisition=acquisition, seed=int(random_state), metrics=self._metrics
        )
        self._seed = int(random_state)
        self._asked = self._told = 0
        self._pending: list[Suggestion] = []
        self._best: Trial | None = None
        self._history: list[tuple[tuple[Any, ...], dict[str, Value] | None]] = []

    def __repr__(self) -> str:
        """Return the number of trials and the best point."""
        best = "" if self._best is None else f", fun={self.fun!r}, x={shown(self.x)}"
        return f"Optimizer(told={self._told}, pending={len(self._pending)}{best})"

    @property
    def history(self) -> list[tuple[Point, float | dict[str, Value] | None]]:
        """All told points and their results in order: a number, a dict of metrics, or None for a failure."""
        return [
            (self.space.parameters(x), outcome[FLOAT_NAME] if outcome is not None and outcome.keys() == {FLOAT_NAME} else outcome)  # type: ignore[misc]
            for x, outcome in self._history
        ]

    def forget(self, x: Any) -> None:
        """Remove a pending point whose evaluation was lost.

        Raises:
            InputError: the point is not pending.
        """
        u = self.space.to_unit([self.space.check_point(x)])[0]
        if self._no_longer_pending(u) is None:
            raise InputError(f"forget(x) takes a point that ask() returned and that was not told yet, got {shown(x)}")

    @property
    def x(self) -> Point | None:
        """Best feasible point told so far; None if there is none."""
        return None if self._best is None else self.space.parameters(self._best.x)

    @property
    def fun(self) -> float:
        """Value at the best point, as it was told; inf if there is none (-inf if the goal is to maximize)."""
        return self._metrics.sign * math.inf if self._best is None else self._metrics.value(self._best.metrics)

    @overload
    def ask(self) -> Point: ...
    @overload
    def ask(self, n: int) -> list[Point]: ...
    @check_names()
    @own_numerics()
    def ask(self, n: int | None = None) -> Point | list[Point]:
        """Return the next point to evaluate, or with n a list of n points to evaluate at the same time.

        Points that were asked for and not yet told are pending.
        """
        if n is not None:
            if not is_whole(n) or not 1 <= n <= _MOST_ASKED:
                raise InputError(f"ask(n) needs a whole number from 1 to {_MOST_ASKED}, got {shown(n)}")
            return [self.ask() for _ in range(n)]
        pending = np.array([suggestion.u for suggestion in self._pending]).reshape(-1, self.space.d)
        with one_thread():
            suggestion = self._inner.ask(Key(self._seed, 0, self._asked), pending)
        self._asked += 1
        x = self.space.from_unit(suggestion.u[None])[0]
        self._pending.append(replace(suggestion, u=self.space.to_unit([x])[0]))
        return self.space.parameters(x)

    @check_names()
    @own_numerics()
    def tell(self, x: Any, y: Any) -> None:
        """Process the result at x, or at several points. A y of None or nan means that the evaluation failed.

        Args:
            x: a point (a list of values, or a dict by name), or a sequence of points if y is one. Any point of the space is
                allowed.
            y: the value, less is better (more with maximize=True), or a dict of metrics; or a sequence of these.

        Raises:
            InputError: a point outside the space, a value that is not a number, or a missing metric.
        """
        several = (isinstance(y, Sequence) and not isinstance(y, str)) or (isinstance(y, np.ndarray) and y.ndim > 0)
        several = several or table_class(y) == "Series"
        points, values = (rows_of(x), list(y)) if several else (rows_of(x) if table_class(x) == "DataFrame" else [x], [y])
        if len(points) != len(values):
            raise InputError(f"tell got {len(points)} points and {len(values)} values")
        checked = [self.space.check_point(point) for point in points]
        outcomes = [self._outcome(value) for value in values]
        U = self.space.to_unit(checked)
        trials = []
        for u, point, outcome in zip(U, checked, outcomes, strict=True):
            asked = self._no_longer_pending(u)
            kept = {"origin": "given"} if asked is None else {"origin": "asked", **asked.kept}
            trial = Trial(drive=0, iteration=self._told, x=point, **kept)
            self._told += 1
            self._history.append((point, outcome))
            if outcome is not None:
                trials.append(trial.finish(OK, metrics=outcome))
            else:
                trials.append(trial.finish(FAILED, fault="objective"))
        self._best = best_trial(trials if self._best is None else [self._best, *trials], self._metrics)
        losses = [self._metrics.loss(trial.metrics) if trial.ended_well else math.nan for trial in trials]
        self._inner.tell(trials, U, np.array(losses))

    def _no_longer_pending(self, u: Array) -> Suggestion | None:
        """Remove u (d,) from the pending points; return its suggestion, or None for a point that was not asked for."""
        for index, suggestion in enumerate(self._pending):
            if np.array_equal(suggestion.u, u):
                return self._pending.pop(index)
        return None

    def _outcome(self, returned: Any) -> dict[str, Value] | None:
        """Return raw metrics by name; None for a failed evaluation."""
        if isinstance(returned, Mapping):
            wanted = {metric.name for metric in (*self._metrics.goals, *self._metrics.constraints)} or returned.keys()
            if any(_is_failure(value) for name, value in returned.items() if name in wanted):
                return None
            return self._metrics.read(returned)
        if returned is None:
            return None
        number = scalar_of(returned)
        if not isinstance(number, float):
            raise InputError(
                f"tell expects a number, a dict of metrics, or None for an evaluation that failed; got {shown(returned)}"
            )
        return None if _is_failure(number) else self._metrics.read(number)


def _is_failure(value: Any) -> bool:
    """Return whether a value stands for a failed evaluation."""
    number = scalar_of(value)
    return value is None or (isinstance(number, float) and not math.isfinite(number))
