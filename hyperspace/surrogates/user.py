"""Adapter for a user's model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.surrogates.base import Posterior, Surrogate
from hyperspace.typing import Array


class UserModel:
    """Fitted object of the user."""

    def __init__(self, fitted: Any) -> None:
        self._fitted = fitted
        self.has_gradients = hasattr(fitted, "predict_gradient")

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d), each (q, 1), and with `gradients` their gradients (q, 1, d)."""
        q, d = X.shape
        mean, std = _pair(self._fitted, "predict", X, (q,))
        variance = std * std
        if not gradients:
            return Posterior(mean[:, None], variance[:, None])
        mean_gradient, std_gradient = _pair(self._fitted, "predict_gradient", X, (q, d))
        variance_gradient = 2.0 * std[:, None] * std_gradient
        return Posterior(mean[:, None], variance[:, None], mean_gradient[:, None], variance_gradient[:, None])


class UserSurrogate(Surrogate):
    """Surrogate that wraps a user's object.

    The object works on points of the unit cube and has these methods:

        fit(X, y)                X (n, d), y (n,) standardized; called with all data each time, on a copy of the object
        predict(X)               mean (q,) and standard deviation (q,) at X (q, d)
        predict_gradient(X)      optional: d mean / d X and d std / d X, each (q, d)

    Args:
        model: the object. It is never changed, so several drives can share it.

    Raises:
        InputError: it lacks fit or predict.
    """

    def __init__(self, model: Any) -> None:
        for method in ("fit", "predict"):
            if isinstance(model, type) or not callable(getattr(model, method, None)):
                raise InputError(
                    f"a model of your own must be an object with fit(X, y) and predict(X) -> mean, std; got {shown(model)}"
                )
        self._model = model

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> UserModel:
        if Y.shape[1] != 1:
            raise InputError(f"a model of your own has one output, got {Y.shape[1]}")
        fitted = copy.deepcopy(self._model)
        fitted.fit(X.copy(), Y[:, 0].copy())
        return UserModel(fitted)


def _pair(fitted: Any, method: str, X: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    returned = getattr(fitted, method)(X.copy())
    try:
        first, second = (np.asarray(part, dtype=float).reshape(shape) for part in returned)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{type(fitted).__name__}.{method}(X) must return two arrays of shape {shape} for X {X.shape}, got {shown(returned)}"
        ) from error
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError(f"{type(fitted).__name__}.{method}(X) returned values that are not finite")
    return first, second
