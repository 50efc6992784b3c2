"""What every surrogate offers: fit(X, Y) gives a model, model.posterior(X) gives mean and variance.

Notation:
    n, q   training points, query points          d   coordinates          m   outputs
    X      points in the unit cube, (n, d) or (q, d)
    Y      outputs, (n, m); a model of one output takes and gives a column

A surrogate holds settings and whatever speeds up its next fit; a model is what was learned from one set of data and does
not change. Optional capabilities of a model, each with a fallback in this module for models without it:

    posterior(X, gradients=True)   d mean / d X and d variance / d X     (fallback: the caller searches without gradients)
    sample(X, k, key)              k joint draws at X                    (fallback: `draw`, independent normals)
    path(key)                      a function drawn from the posterior   (fallback: `draw` at candidates)
    condition(X, Y)                the model after more data, same hyperparameters   (fallback: the caller fits again)
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
    """What a model believes about q points.

    Attributes:
        mean: (q, m).
        variance: (q, m), of the noise-free function, never negative.
        mean_gradient: d mean / d X, (q, m, d), where it was asked for.
        variance_gradient: d variance / d X, (q, m, d), where it was asked for.
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
    """What was learned from one set of data."""

    has_gradients: bool

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d); with `gradients`, their derivatives too (only if has_gradients)."""
        ...


class Path(Protocol):
    """A function drawn from the posterior of a model of one output."""

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        ...

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d)."""
        ...


class Surrogate(ABC):
    """Base of the surrogates: implement `_fit`; `fit` and `predict` come with it."""

    model: Model | None = None
    transforms_targets = False  # whether it transforms its targets on its own, and its models are `transformed.LatentModel`
    state_is_complete = False  # whether `state` holds all that a fit finds, so that `rebuild` is cheap
    _one_output = True

    @abstractmethod
    def _fit(self, X: Array, Y: Array, noise: Array | None) -> Model:
        """Learn from X (n, d) and Y (n, m), n >= 1, both finite, with known noise variances (n, m) or None."""

    @own_numerics()
    def fit(self, X: Array, Y: Array, noise: Array | None = None) -> Model:
        """Learn from X of shape (n, d) in the unit cube and Y of shape (n,) or (n, m); return the model, and keep it.

        Args:
            X: points in the unit cube.
            Y: outputs.
            noise: known variances of Y, of Y's shape; None where the noise is to be learned.

        Raises:
            ValueError: shapes that do not fit together, no points, or values that are not finite.
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
        """Return what the next fit starts from (hyperparameters), as plain JSON values; None if it starts afresh."""
        return None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned in an earlier run, so that the next fit starts where it would have."""

    def rebuild(self, X: Array, Y: Array, noise: Array | None = None) -> Model:
        """Return the model that the last fit to these X (n, d) and Y (n, m) gave, in this process or before `restore`.

        Surrogates whose state is complete need no fit for it; others fit again.
        """
        return self._fit(X, Y, noise)


def draw(model: Model, X: Array, k: int, rng: np.random.Generator) -> Array:
    """Return k draws of the function at X (q, d), shape (k, q, m); independent normals if the model has no `sample`."""
    sample = getattr(model, "sample", None)
    if sample is not None:
        return np.asarray(sample(X, k, rng))
    posterior = model.posterior(X)
    return posterior.mean + posterior.std * rng.standard_normal((k, *posterior.mean.shape))
