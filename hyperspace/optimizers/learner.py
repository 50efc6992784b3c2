"""Surrogate model of the trials told so far, derived from them in order.

Refits are expensive and rare: hyperparameters are fitted after the data have grown by a tenth. In between, the model is extended
point by point, in order. So the sizes of the batches do not change its bits. A refit is recorded (number of points,
hyperparameters), and the record rebuilds the same model without fitting.

Notation:
    n       number of usable points told so far        U, y    the points and their values, in order
    rows    points in the model: the nearest to the box at the last refit, and near ones since then
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.space.space import Bounds
from hyperspace.surrogates.base import Model, Surrogate
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array

MAX_ROWS = 500  # largest number of points that a model is fitted to


def distance_to(bounds: Bounds, U: Array) -> Array:
    """Return the distance of points U (n, d) from the box in the maximum norm, (n,); 0 inside."""
    distance: Array = np.maximum(np.maximum(bounds.lower - U, U - bounds.upper), 0.0).max(axis=1)
    return distance


class Learner:
    """Points told so far and their current model.

    Args:
        surrogate: surrogate whose model works on transformed targets (`LatentModel`).
        bounds: box of interest. If there are many points, the nearest to it are used.
        max_rows: largest number of points at a refit.
    """

    def __init__(self, surrogate: Surrogate, bounds: Bounds, max_rows: int = MAX_ROWS) -> None:
        self.surrogate, self.bounds, self.max_rows = surrogate, bounds, max_rows
        d = len(bounds.lower)
        self._U, self._y, self._n = np.empty((64, d)), np.empty(64), 0
        self._record: dict[str, Any] | None = None
        self._reset()

    def _reset(self) -> None:
        """Reset the state that depends on the record and the points."""
        self._model: LatentModel | None = None
        self._rows: list[int] = []
        self._known = 0  # number of points considered for the model
        self._at_refit = 0  # number of points in the model at its last refit
        self._in_model = 0  # number of `rows` in the model
        self._reach = np.inf  # distance from the box beyond which later points are ignored

    @property
    def U(self) -> Array:
        """The points, (n, d)."""
        return self._U[: self._n]

    @property
    def y(self) -> Array:
        """Their values, (n,)."""
        return self._y[: self._n]

    @property
    def rows(self) -> NDArray[np.intp]:
        """Indices of the points in the model, in its order."""
        return np.array(self._rows, dtype=np.intp)

    def tell(self, U: Array, y: Array) -> None:
        """Add points U (k, d) and their values y (k,), all finite, in order."""
        n = self._n + len(y)
        if n > len(self._y):
            room = max(n, 2 * len(self._y))
            self._U = np.concatenate([self.U, np.empty((room - self._n, U.shape[1]))])
            self._y = np.concatenate([self.y, np.empty(room - self._n)])
        self._U[self._n : n], self._y[self._n : n] = U, y
        self._n = n

    def recall(self, record: Mapping[str, Any]) -> None:
        """Restore the record of a refit; the model is rebuilt when needed."""
        self._record = dict(record)
        self._reset()
        if record["state"] is not None:
            self.surrogate.restore(record["state"])

    def update(self) -> tuple[LatentModel | None, dict[str, Any] | None]:
        """Return the model of all points (None without points), and the record of a refit if one was made."""
        if self._n == 0:
            return None, None
        if self._record is not None and not self._rows:
            self._select(int(self._record["n"]))
            if self._record["state"] is not None and not _rebuilds(self.surrogate):
                self._model = self._rebuild()  # the next fit starts from this one
        self._add_near_rows()
        if self._record is None or self._due(bool(self._record["extends"])):
            return self._refit()
        if self._model is None:
            self._model = self._rebuild()
        self._extend()
        return self._model, None

    def _due(self, extends: bool) -> bool:
        """Return whether a refit is due: the data grew by a tenth, or the model cannot be extended."""
        grown, before = len(self._rows), self._at_refit
        return grown > before and (not extends or 10 * grown >= 11 * before)

    def _select(self, n: int) -> None:
        """Select the rows of a refit among the first n points: nearest to the box, then nearest to its best point."""
        U, y = self._U[:n], self._y[:n]
        if n <= self.max_rows:
            self._rows, self._reach = list(range(n)), np.inf
        else:
            distance = distance_to(self.bounds, U)
            nearest = np.flatnonzero(distance == distance.min())
            best = U[nearest[int(np.argmin(y[nearest]))]]
            order = np.lexsort((((U - best) ** 2).sum(axis=1), distance))[: self.max_rows]
            self._rows, self._reach = np.sort(order).tolist(), float(distance[order[-1]])
        self._known, self._at_refit = n, len(self._rows)

    def _add_near_rows(self) -> None:
        """Add the points told since the refit that are near enough."""
        if self._rows and self._known < self._n:
            near = np.flatnonzero(distance_to(self.bounds, self._U[self._known : self._n]) <= self._reach)
            self._rows += (self._known + near).tolist()
            self._known = self._n

    def _refit(self) -> tuple[LatentModel, dict[str, Any]]:
        self._select(self._n)
        before = self.surrogate.state()
        X, Y = self._data(0, len(self._rows))
        self._model = cast(LatentModel, self.surrogate.fit(X, Y))
        state = self.surrogate.state() if _rebuilds(self.surrogate) else before
        self._record = {"n": self._n, "extends": hasattr(self._model, "condition"), "state": state}
        self._in_model = len(self._rows)
        return self._model, self._record

    def _rebuild(self) -> LatentModel:
        """Return the model of the recorded refit."""
        self._in_model = self._at_refit
        return cast(LatentModel, self.surrogate.rebuild(*self._data(0, self._at_refit)))

    def _extend(self) -> None:
        while self._model is not None and self._in_model < len(self._rows):
            self._model = self._model.condition(*self._data(self._in_model, self._in_model + 1))
            self._in_model += 1

    def _data(self, first: int, last: int) -> tuple[Array, Array]:
        rows = self._rows[first:last]
        return self._U[rows], self._y[rows][:, None]

    def with_fantasies(self, model: LatentModel, X: Array) -> Model:
        """Return the inner model with fantasies at the pending points X (k, d)."""
        latent = model.latent
        if isinstance(latent, ExactGP):
            return latent.condition(X)
        means = latent.posterior(X).mean
        if hasattr(latent, "condition"):
            conditioned: Model = latent.condition(X, means[:, 0])
            return conditioned
        state = self.surrogate.state()  # a fit to fantasies must not change the start of the next fit
        known, values = self._data(0, len(self._rows))
        Y = np.concatenate([values, model.transform.inverse(means)[0]])
        extended = cast(LatentModel, self.surrogate.rebuild(np.concatenate([known, X]), Y))
        if state is not None:
            self.surrogate.restore(state)
        return extended.latent


def _rebuilds(surrogate: Surrogate) -> bool:
    """Return whether `surrogate` can rebuild a model from its state without fitting."""
    return type(surrogate).rebuild is not Surrogate.rebuild
