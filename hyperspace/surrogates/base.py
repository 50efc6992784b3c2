"""Interface of the surrogates: fit(X, Y) returns a model, model.posterior(X) returns mean and variance.

Notation:
    n, q   training points, query points          d   coordinates          m   outputs
    X      points in the unit cube, (n, d) or (q, d)
    Y      outputs, (n, m); for a model of one output a column

A surrogate holds settings and the starting point of its next fit. A model is the result of one fit and is immutable. A model may
have these optional capabilities; this module has a fallback for models without them:

    posterior(X, gradients=True)   d mean / d X and d variance / d X     (fallback: search without gradients)
    sample(X, k, key)              k joint samples at X                  (fallback: `draw`, independent normals)
    path(key)                      a posterior sample as a function      (fallback: `draw` at candidates)
    condition(X, Y)                the model with more data, same hyperparameters   (fallback: refit)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.typing import Array


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior at q points.

    Attributes:
        mean: (q, m).
        variance: (q, m), of the noise-free function, never negative.
        mean_gradient: d mean / d X, (q, m, d), if requested.
        variance_gradient: d variance / d X, (q, m, d), if requested.
    """

    mean: Array
    variance: Array
    mean_gradient: Array | None = None
    variance_gradient: Array | None = None

    @property
    def std(self) -> Array:
        """Standard deviation, (q, m)."""
        return np.sqrt(self.variance)


@runtime_checkable
class Model(Protocol):
    """Result of one fit."""

    has_gradients: bool

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d); with `gradients` also their derivatives (only if has_gradients)."""
        ...


class Path(Protocol):
    """Posterior sample of a model of one output."""

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        ...

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d)."""
        ...


class Surrogate(ABC):
    """Base of the surrogates: a subclass implements `_fit`, and inherits `fit` and `predict`."""

    model: Model | None = None
    transforms_targets = False  # whether it transforms its targets, so that its models are `transformed.LatentModel`
    state_is_complete = False  # whether `state` holds the whole result of a fit, so that `rebuild` is cheap
    _one_output = True

    @abstractmethod
    def _fit(self, X: Array, Y: Array, noise: Array | None) -> Model:
        """Fit X (n, d) and Y (n, m), n >= 1, both finite, with known noise variances (n, m) or None."""

    @own_numerics()
    def fit(self, X: Array, Y: Array, noise: Array | None = None) -> Model:
        """Fit X of shape (n, d) in the unit cube and Y of shape (n,) or (n, m); store the model and return it.

        Args:
            X: points in the unit cube.
            Y: outputs.
            noise: known variances of Y, in the shape of Y; None if the noise is to be learned.

        Raises:
            ValueError: inconsistent shapes, no points, or values that are not finite.
        """
        X = np.ascontiguousarray(X, dtype=float)
        Y = np.asarray(Y, dtype=float)
        if X.ndim != 2 or Y.ndim not in (1, 2) or len(X) != len(Y) or len(X) == 0:
            raise ValueError(f"fit expects X (n, d) and Y (n,) or (n, m) with n >= 1, got {X.shape} and {Y.shape}")
        if not (np.isfinite(X).all() and np.isfinite(Y).all()):
            raise ValueError("fit expects finite X and Y; leave failed trials out")
        one_output, Y = Y.ndim == 1, Y.reshape(len(Y), -1)
        self.model = self._fit(X, Y, None if noise is None else np.asarray(noise, dtype=float).reshape(Y.shape))
        self._one_output = one_output
        return self.model

    @own_numerics()
    def predict(self, X: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation at X (q, d), of shape (q,), or (q, m) if Y was given as (n, m).

        Raises:
            RuntimeError: called before `fit`.
        """
        if self.model is None:
            raise RuntimeError("predict comes after fit")
        posterior = self.model.posterior(np.atleast_2d(np.asarray(X, dtype=float)))
        if self._one_output:
            return posterior.mean[:, 0], posterior.std[:, 0]
        return posterior.mean, posterior.std

    def state(self) -> Mapping[str, Any] | None:
        """Return the starting point of the next fit (hyperparameters) as plain JSON values; None if it has none."""
        return None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state` of an earlier run, so that the next fit starts from there."""

    def rebuild(self, X: Array, Y: Array, noise: Array | None = None) -> Model:
        """Return the model that the last fit to X (n, d) and Y (n, m) gave, in this process or before `restore`.

        Surrogates with complete state need no fit; others refit.
        """
        return self._fit(X, Y, noise)


def draw(model: Model, X: Array, k: int, rng: np.random.Generator) -> Array:
    """Return k samples of the function at X (q, d), shape (k, q, m); independent normals if the model has no `sample`."""
    sample = getattr(model, "sample", None)
    if sample is not None:
        return np.asarray(sample(X, k, rng))
    posterior = model.posterior(X)
    return posterior.mean + posterior.std * rng.standard_normal((k, *posterior.mean.shape))
