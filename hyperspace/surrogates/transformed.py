"""Models with transformed targets: Gaussian in z, with predictions in y.

Acquisitions use the inner model (`latent`): an increasing map keeps the order of points, and in z the posterior is Gaussian.
Other callers use mean and variance of y, computed by Gauss-Hermite quadrature if the map is not affine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyperspace.surrogates.base import Model, Posterior, draw
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.typing import Array

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class LatentModel:
    """Independent models of one transformed output each.

    Args:
        latents: models of z, one for each output; if they have `condition`, it takes targets of shape (k,).
        transforms: maps from y to z, one for each output.
    """

    def __init__(self, latents: Sequence[Model], transforms: Sequence[Transform]) -> None:
        self.latents, self.transforms = tuple(latents), tuple(transforms)
        self.has_gradients = all(latent.has_gradients for latent in latents)

    def __getattr__(self, name: str) -> Any:
        """Return `condition` if the inner models have it; a model that cannot be extended has no such attribute.

        It is bound on access: a bound method stored in the model would be a reference cycle and delay the release of memory.
        """
        if name == "condition" and all(hasattr(latent, name) for latent in self.latents):
            return self._condition
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _condition(self, X: Array, Y: Array) -> LatentModel:
        """Return the model conditioned on Y (k, m) at X (k, d), with the same hyperparameters and transforms."""
        pairs = enumerate(zip(self.latents, self.transforms, strict=True))
        latents = [latent.condition(X, t.forward(Y[:, j])) for j, (latent, t) in pairs]  # type: ignore[attr-defined]
        return type(self)(latents, self.transforms)

    @property
    def latent(self) -> Model:
        """The model of z of the first output."""
        return self.latents[0]

    @property
    def transform(self) -> Transform:
        """The map of the first output."""
        return self.transforms[0]

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance of y at X (q, d), each (q, m), and on request their gradients (q, m, d)."""
        parts = [
            through(transform, latent.posterior(X, gradients))
            for latent, transform in zip(self.latents, self.transforms, strict=True)
        ]
        if len(parts) == 1:
            return parts[0]
        mean, variance = (np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("mean", "variance"))
        if not gradients:
            return Posterior(mean, variance)
        names = ("mean_gradient", "variance_gradient")
        return Posterior(mean, variance, *(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in names))

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k samples of y at X (q, d), shape (k, q, m); joint samples if the inner model has them."""
        draws = [
            transform.inverse(draw(latent, X, k, rng))[0] for latent, transform in zip(self.latents, self.transforms, strict=True)
        ]
        return np.concatenate(draws, axis=2)


def through(transform: Transform, latent: Posterior) -> Posterior:
    """Return the posterior of y from that of z."""
    with np.errstate(over="ignore", invalid="ignore"):  # the variance of outputs beyond 1e154 is inf
        return _straight(transform, latent) if transform.affine else _by_quadrature(transform, latent)


def _straight(transform: Transform, latent: Posterior) -> Posterior:
    mean, factor = transform.inverse(latent.mean)[0], np.float64(transform.scale * transform.spread)  # which may overflow
    if latent.mean_gradient is None or latent.variance_gradient is None:
        return Posterior(mean, latent.variance * factor**2)
    return Posterior(mean, latent.variance * factor**2, latent.mean_gradient * factor, latent.variance_gradient * factor**2)


def _by_quadrature(transform: Transform, latent: Posterior) -> Posterior:
    std = latent.std[..., None]
    values, slopes = transform.inverse(latent.mean[..., None] + std * _NODES)
    mean = values @ _WEIGHTS
    deviations = values - mean[..., None]
    variance = (deviations * deviations) @ _WEIGHTS
    if latent.mean_gradient is None or latent.variance_gradient is None:
        return Posterior(mean, variance)
    # d y_k = slope_k (d mean_z + node_k d std_z), and d std = d variance / (2 std)
    by_mean, by_std = slopes @ _WEIGHTS, slopes @ (_WEIGHTS * _NODES)
    spread_by_mean = (2.0 * deviations * slopes) @ _WEIGHTS
    spread_by_std = (2.0 * deviations * slopes) @ (_WEIGHTS * _NODES)
    std_gradient = latent.variance_gradient / np.maximum(2.0 * std, 1e-150)
    return Posterior(
        mean,
        variance,
        by_mean[..., None] * latent.mean_gradient + by_std[..., None] * std_gradient,
        spread_by_mean[..., None] * latent.mean_gradient + spread_by_std[..., None] * std_gradient,
    )
