"""Bayesian linear regression on features: the head of a network, and other models that are linear in their weights.

Notation:
    Phi      features of n points, (n, p)         y       targets, (n,)
    w        weights, Gaussian: mean `mean` (p,) and covariance R R^T, `factor` R (p, p)
    alpha    precision of the weights' prior      beta    precision of the residuals, y = Phi w + N(0, 1/beta)

Snoek et al. (2015), "Scalable Bayesian Optimization Using Deep Neural Networks", with K = beta Phi^T Phi + alpha I:

    m = beta K^-1 Phi^T y,   mean(x) = m^T phi(x)  (4),   variance(x) = phi(x)^T K^-1 phi(x) + 1/beta  (5)

The paper's constant prior mean eta(x) is a constant feature here. Time and memory are linear in n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperspace.surrogates.base import Posterior
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array

Pullback = Callable[[Array], Array]
_LEAST_VARIANCE = 1e-12  # for targets of variance one


@dataclass(frozen=True, slots=True, eq=False)
class GaussianWeights:
    """Normal distribution of weights, and the residual variance of their predictions; immutable.

    Attributes:
        mean: (p,).
        factor: R of the covariance R R^T, (p, p).
        residual: 1/beta.
    """

    mean: Array
    factor: Array
    residual: float

    @classmethod
    def prior(cls, p: int, alpha: float, beta: float) -> GaussianWeights:
        """Return N(0, I / alpha)."""
        return cls(np.zeros(p), np.eye(p) / np.sqrt(alpha), 1.0 / beta)

    def condition(self, Phi: Array, y: Array, precision: Array | None = None) -> GaussianWeights:
        """Return the weights conditioned on y (n,) at Phi (n, p).

        With G = Phi R the covariance becomes R M^-1 R^T, M = I + beta G^T G: from the prior, (R M^-1 R^T)^-1 is the K above.

        Args:
            Phi: features.
            y: targets.
            precision: precision of each residual, (n,); None: all 1/residual.
        """
        G = Phi @ self.factor
        weighted = G.T * (1.0 / self.residual if precision is None else precision)
        L = np.linalg.cholesky(np.eye(G.shape[1]) + weighted @ G)
        inverse = np.linalg.inv(L)
        factor = self.factor @ inverse.T
        mean = self.mean + factor @ (inverse @ (weighted @ (y - Phi @ self.mean)))
        return GaussianWeights(mean, factor, self.residual)


class Basis(Protocol):
    """Features of points in the unit cube."""

    def __call__(self, X: Array) -> tuple[Array, Pullback]:
        """Return Phi (q, p) of X (q, d), and the map from d s / d Phi (q, p) to d s / d X (q, d)."""
        ...


class LinearModel:
    """Model of one output that is linear in Gaussian weights.

    The variance of its posterior is phi^T K^-1 phi, that of the function; with `noisy` it is that of an observation, (5). They
    also differ for a noise-free objective, whose residuals are the part that the features cannot represent. Predictions need (5),
    but an optimizer that uses (5) would return to known points.

    Args:
        basis: the features.
        weights: distribution of their weights.
        noisy: whether to add the residual variance to the variance of posteriors.
    """

    has_gradients = True

    def __init__(self, basis: Basis, weights: GaussianWeights, noisy: bool = False) -> None:
        self.basis, self.weights, self.noisy = basis, weights, noisy

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean (4) and variance at X (q, d), each (q, 1), and on request their gradients (q, 1, d)."""
        Phi, pullback = self.basis(X)
        mean, R = self.weights.mean, self.weights.factor
        G = Phi @ R
        variance = np.einsum("ij,ij->i", G, G) + (self.weights.residual if self.noisy else _LEAST_VARIANCE)
        values = Posterior((Phi @ mean)[:, None], variance[:, None])
        if not gradients:
            return values
        by_mean = pullback(np.broadcast_to(mean, Phi.shape))
        by_variance = pullback(2.0 * G @ R.T)
        return Posterior(values.mean, values.variance, by_mean[:, None], by_variance[:, None])

    def covariance(self, X: Array) -> Array:
        """Return the covariance of the function at X, (q, q)."""
        G = self.basis(X)[0] @ self.weights.factor
        covariance: Array = G @ G.T
        return covariance

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the function at X (q, d), shape (k, q, 1), from samples of the weights."""
        R = self.weights.factor
        w = self.weights.mean + rng.standard_normal((k, R.shape[1])) @ R.T
        draws: Array = w @ self.basis(X)[0].T
        return draws[:, :, None]

    def path(self, rng: np.random.Generator) -> LinearPath:
        """Return a posterior sample as a function, from a sample of the weights."""
        R = self.weights.factor
        return LinearPath(self.basis, self.weights.mean + R @ rng.standard_normal(R.shape[1]))

    def condition(self, X: Array, z: Array | None = None) -> LinearModel:
        """Return the model conditioned on targets z (k,) at X (k, d); None means the posterior mean, a "believer" fantasy."""
        Phi, _ = self.basis(X)
        weights = self.weights.condition(Phi, Phi @ self.weights.mean if z is None else z)
        return LinearModel(self.basis, weights, self.noisy)


class LinearPath:
    """Function with given weights.

    Args:
        basis: as for `LinearModel`.
        w: the weights, (p,).
    """

    def __init__(self, basis: Basis, w: Array) -> None:
        self._basis, self._w = basis, w

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        values: Array = self._basis(X)[0] @ self._w
        return values

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d)."""
        Phi, pullback = self._basis(X)
        return Phi @ self._w, pullback(np.broadcast_to(self._w, Phi.shape))


class LinearModels(LatentModel):
    """Linear models of transformed outputs. Acquisitions use `latent`, the function; predictions use (5)."""

    latents: tuple[LinearModel, ...]

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance of an observation of y at X (q, d), each (q, m), and on request gradients (q, m, d)."""
        noisy = [LinearModel(latent.basis, latent.weights, noisy=True) for latent in self.latents]
        return LatentModel(noisy, self.transforms).posterior(X, gradients)


class Evidence:
    """log p(y | Phi, alpha, beta) as a function of alpha and beta, in O(p) each after one singular value decomposition.

    With Phi = U S V^T and u = U^T y:  y^T (Phi Phi^T / alpha + I / beta)^-1 y  is a sum of positive terms without cancellation,
    beta (|y|^2 - |u|^2) + sum_i u_i^2 beta alpha / (beta s_i^2 + alpha).

    Args:
        Phi: features, (n, p).
        y: targets, (n,).
        scale: relative precision of each residual, (n,), so that its precision is beta times scale; None: 1.
    """

    def __init__(self, Phi: Array, y: Array, scale: Array | None = None) -> None:
        self.n = len(y)
        self._log_scale = 0.0
        if scale is not None:
            self._log_scale = 0.5 * float(np.log(scale).sum())
            root = np.sqrt(scale)
            Phi, y = Phi * root[:, None], y * root
        U, s, _ = np.linalg.svd(Phi, full_matrices=False)
        u = U.T @ y
        outside = y - U @ u
        self._squares, self._u2, self._outside = s * s, u * u, float(outside @ outside)

    def __call__(self, log_alpha: Array | float, log_beta: Array | float) -> Array:
        """Return the log marginal likelihood for each of the given pairs."""
        alpha, beta = np.exp(log_alpha)[..., None], np.exp(log_beta)[..., None]
        spread = beta * self._squares + alpha
        fit = beta[..., 0] * self._outside + (self._u2 * (beta * alpha / spread)).sum(axis=-1)
        volume = np.log(spread / alpha).sum(axis=-1)
        value: Array = 0.5 * (self.n * (log_beta - np.log(2.0 * np.pi)) - volume - fit) + self._log_scale
        return value


def log_marginal_likelihood(Phi: Array, y: Array, alpha: float, beta: float) -> float:
    """Return log N(y; 0, Phi Phi^T / alpha + I / beta)."""
    return float(Evidence(Phi, y)(np.log(alpha), np.log(beta)))


_ALPHA, _BETA = (1e-4, 1e4), (1e-2, 1e6)  # bounds of the search
_GRID, _ZOOM = 25, 14


def maximize(objective: Callable[[Array, Array], Array]) -> tuple[float, float]:
    """Return alpha and beta that maximize a function of their logarithms, by successively refined grids."""
    low, high = np.log(np.array([_ALPHA, _BETA])).T
    axes = np.linspace(low, high, _GRID)
    step = axes[1] - axes[0]
    for _ in range(_ZOOM):
        values = objective(axes[:, :1], axes[None, :, 1])
        i, j = np.unravel_index(int(np.argmax(values)), values.shape)
        best = np.array([axes[i, 0], axes[j, 1]])
        axes = np.clip(best + np.linspace(-step, step, 9), low, high)
        step = step / 4.0
    return float(np.exp(best[0])), float(np.exp(best[1]))


def held_out_evidence(
    folds: Sequence[tuple[Array, NDArray[np.bool_]]], y: Array, scale: Array | None = None
) -> Callable[[Array, Array], Array]:
    """Return the sum over folds of log p(held-out y | other y, alpha, beta), to be maximized.

    This is the conditional marginal likelihood of Lotfi et al. (2022), "Bayesian Model Selection, the Marginal Likelihood, and
    Generalization". The features of a fold must come from a network that was trained without the held-out points.

    Args:
        folds: features (n, p) of all points, and which of them are held out (n,).
        y: targets, (n,).
        scale: relative precisions, (n,), or None.
    """
    terms = []
    for Phi, held_out in folds:
        seen = ~held_out
        terms.append((Evidence(Phi, y, scale), Evidence(Phi[seen], y[seen], None if scale is None else scale[seen])))
    return lambda a, b: sum((whole(a, b) - part(a, b) for whole, part in terms), np.zeros(1))
