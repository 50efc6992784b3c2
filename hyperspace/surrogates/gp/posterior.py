"""An exact Gaussian process of one output with given hyperparameters: posterior, joint samples, sample paths, conditioning.

Notation:
    K = k(X, X) + noise I = L L^T,   W = L^-1 (lower triangular),   alpha = K^-1 (z - mean)
    k(x) = k(x, X), (q, n):   mean(x) = mean + k(x) alpha,   variance(x) = outputscale - |W k(x)^T|^2

The inverse factor W is kept instead of L: predictions and their gradients are then matrix products alone, and a further
point adds a row to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from hyperspace.surrogates.base import Posterior
from hyperspace.surrogates.gp.kernels import BLOCK, Additive, Kernel, Radial, TwoScale
from hyperspace.surrogates.gp.random_features import SQRT5
from hyperspace.surrogates.input_encoding import Features
from hyperspace.typing import Array

MIN_NOISE = 1e-8  # of targets of variance one: keeps K well enough conditioned, and lets a regret of 1e-6 be resolved
_ROWS = 64  # of a covariance matrix that are worked on at a time
_MIN_VARIANCE = 1e-14  # of the outputscale: below it a variance is rounding error


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What a Gaussian process is made of.

    Attributes:
        lengthscales: one a dimension, (d,), in units of the unit cube.
        outputscale: variance of the function.
        noise: variance of the noise (added to the variances that are known, where some are).
        mean: constant mean.
        shares: of the outputscale, one a dimension, (d,), where the kernel is additive; None: a kernel of all dimensions.
        short_share: part of the outputscale that a second kernel of shorter lengthscales has; 0: there is none.
        short_ratio: of the lengthscales to those of the second kernel.
    """

    lengthscales: Array
    outputscale: float
    noise: float
    mean: float
    shares: Array | None = None
    short_share: float = 0.0
    short_ratio: float = 1.0

    def kernel(self, features: Features) -> Kernel:
        """Return the kernel of scaled features."""
        if self.shares is not None:
            return Additive(self.outputscale * self.shares, features.columns)
        return TwoScale(self.outputscale, self.short_share, self.short_ratio) if self.short_share else Radial(self.outputscale)

    def dump(self) -> dict[str, Any]:
        """Return plain JSON values, from which `load` makes the very same hyperparameters."""
        state = {"lengthscales": self.lengthscales.tolist(), "scale": self.outputscale, "noise": self.noise, "mean": self.mean}
        if self.shares is not None:
            state["shares"] = self.shares.tolist()
        return state | ({"short": [self.short_share, self.short_ratio]} if self.short_share else {})

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Hyperparameters:
        """Take up what `dump` returned."""
        shares = np.array(state["shares"]) if "shares" in state else None
        scale, noise, mean = (float(state[name]) for name in ("scale", "noise", "mean"))
        return cls(np.array(state["lengthscales"]), scale, noise, mean, shares, *state.get("short", ()))


class ExactGP:
    """A Gaussian process conditioned on n points; immutable.

    Args:
        features: coordinates in which the kernel measures distance.
        hyper: the hyperparameters.
        X: points in the unit cube, (n, d).
        z: targets, (n,).
        noise: known variances of the targets, (n,), or None.
    """

    has_gradients = True

    def __init__(self, features: Features, hyper: Hyperparameters, X: Array, z: Array, noise: Array | None = None) -> None:
        self.features, self.hyper = features, hyper
        self._inverse_scales = SQRT5 / hyper.lengthscales[features.columns]
        self.kernel = hyper.kernel(features)
        A = features(X) * self._inverse_scales
        self._side = self.kernel.side(A)
        self._diagonal = np.full(len(X), hyper.noise) if noise is None else hyper.noise + noise
        K = _upper(self.kernel, A, self._side)
        self._W = _inverse_factor(K, self._diagonal, hyper.outputscale)
        self.z = z
        self._alpha = self.solve(z - hyper.mean)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.z)

    def solve(self, residual: Array) -> Array:
        """Return K^-1 times the residual (n,)."""
        solution: Array = self._W.T @ (self._W @ residual)
        return solution

    @property
    def log_marginal_likelihood(self) -> float:
        """Log p(z | X, hyperparameters)."""
        residual = self.z - self.hyper.mean
        log_determinant = -2.0 * float(np.log(np.diagonal(self._W)).sum())
        return -0.5 * (float(residual @ self._alpha) + log_determinant + len(self.z) * float(np.log(2.0 * np.pi)))

    @property
    def fitted(self) -> Array:
        """Posterior mean at the training points, (n,): K_f alpha = z - mean - noise alpha, so mean = z - noise alpha."""
        values: Array = self.z - self._diagonal * self._alpha
        return values

    def leave_one_out(self) -> tuple[Array, Array]:
        """Return mean and variance of each target given all others, (n,) and (n,); the noise is in the variance.

        The hyperparameters stay: mean_i = z_i - alpha_i / (K^-1)_ii and variance_i = 1 / (K^-1)_ii (Rasmussen and Williams 2006,
        eq. 5.12), with (K^-1)_ii = sum_k W_ki^2.
        """
        precision = np.einsum("ki,ki->i", self._W, self._W)
        return self.z - self._alpha / precision, 1.0 / precision

    @property
    def scaled_features(self) -> Array:
        """Features of the training points, divided by the lengthscales and multiplied by sqrt(5), (n, p)."""
        return self.kernel.scaled(self._side)

    @property
    def noise(self) -> Array:
        """Variances of the noise of the targets, (n,)."""
        return self._diagonal

    @property
    def is_additive(self) -> bool:
        """Whether the mean is a sum of functions of one coordinate each."""
        return self.hyper.shares is not None

    def cross(self, X: Array) -> tuple[Array, Array]:
        """Return scaled features (q, p) of X (q, d), and its covariances with the training points, (q, n)."""
        A = self.features(X) * self._inverse_scales
        return A, self.kernel.matrix(A, self._side)

    def cross_with_slopes(self, X: Array) -> tuple[Array, Array, Array]:
        """Return what `cross` does, and what `by_coordinate` needs."""
        A = self.features(X) * self._inverse_scales
        return A, *self.kernel.with_slopes(A, self._side)

    def _whiten(self, kernel: Array) -> Array:
        """Return V = (W k^T)^T, (q, n), in the place of `kernel`: a triangular product, half the work of a full one."""
        product: Array = blas.dtrmm(1.0, self._W, kernel.T, lower=1, overwrite_b=1).T
        return product

    def _variance(self, V: Array) -> Array:
        scale = self.hyper.outputscale
        variance: Array = np.maximum(scale - np.einsum("ij,ij->i", V, V), _MIN_VARIANCE * scale)
        return variance

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance of the function at X (q, d), each (q, 1), and their gradients (q, 1, d) if wanted."""
        rows = max(BLOCK // len(self), 1)
        if len(X) > rows:
            return _join([self.posterior(X[i : i + rows], gradients) for i in range(0, len(X), rows)])
        if not gradients:
            _, kernel = self.cross(X)
            mean = kernel @ self._alpha + self.hyper.mean
            return Posterior(mean[:, None], self._variance(self._whiten(kernel))[:, None])
        A, kernel, slopes = self.cross_with_slopes(X)
        mean = kernel @ self._alpha + self.hyper.mean
        V = self._whiten(kernel)
        by_mean, by_variance = (self.by_coordinate(A, slopes, weights) for weights in (self._alpha, V @ self._W))
        return Posterior(mean[:, None], self._variance(V)[:, None], by_mean[:, None], -2.0 * by_variance[:, None])

    def by_coordinate(self, A: Array, slopes: Array, weights: Array, more: Array | float = 0.0) -> Array:
        """Return d/dx of sum_i w_i k(x, x_i), plus that of another function of A, (q, d); 0 in discrete dimensions.

        Args:
            A: of the points, as `cross_with_slopes` gives it.
            slopes: this, too.
            weights: w, (n,) or (q, n).
            more: derivatives of the other function by A, (q, p).
        """
        by_feature = self.kernel.pull(A, self._side, slopes, weights) + more
        return self._by_dimension(by_feature * self._inverse_scales)

    def _by_dimension(self, values: Array) -> Array:
        """Turn derivatives by feature (q, p) into derivatives by coordinate (q, d); 0 in discrete dimensions."""
        features = self.features
        if len(features.continuous) == features.d:
            return values
        gradient = np.zeros((len(values), features.d))
        gradient[:, features.continuous] = values[:, features.positions]
        return gradient

    def covariance(self, X: Array) -> Array:
        """Return the posterior covariance of the function at X, (q, q)."""
        A, kernel = self.cross(X)
        upper = self._upper_covariance(A, self._whiten(kernel))
        return np.asarray(np.triu(upper) + np.triu(upper, 1).T)

    def _upper_covariance(self, A: Array, V: Array) -> Array:
        """Return the posterior covariance at scaled features A (q, p), whitened kernel V (q, n): in its upper triangle, (q, q).

        Of V V^T half is computed.
        """
        prior = _upper(self.kernel, A, self.kernel.side(A))
        # The transpose of a C array is a Fortran one, which BLAS takes without a copy; its lower triangle is our upper one.
        lower = blas.dsyrk(-1.0, V.T, beta=1.0, c=prior.T, trans=1, lower=1, overwrite_c=1)
        return np.asarray(lower).T

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint draws of the function at X (q, d), shape (k, q, 1)."""
        A, kernel = self.cross(X)
        mean = kernel @ self._alpha + self.hyper.mean
        upper = self._upper_covariance(A, self._whiten(kernel))
        factor = _cholesky(upper, np.zeros(len(X)), self.hyper.outputscale)
        normal = rng.standard_normal((k, len(X)))
        draws: Array = mean + blas.dtrmm(1.0, factor, normal.T, lower=1).T  # (factor normal^T)^T
        return draws[:, :, None]

    def path(self, rng: np.random.Generator) -> GPPath:
        """Return a function drawn from the posterior."""
        return GPPath(self, rng)

    def condition(self, X: Array, z: Array | None = None) -> ExactGP:
        """Return the process after seeing targets z (m,) at X (m, d) too.

        None stands for its own mean there, a "believer" fantasy.

        The factor is extended by a block: with L = [[L1, 0], [B, L2]], L^-1 = [[W1, 0], [-W2 B W1, W2]], W2 = L2^-1.
        """
        A, kernel = self.cross(X)
        side = self.kernel.side(A)
        B = self._whiten(kernel.copy())
        diagonal = np.full(len(X), self.hyper.noise)
        W2 = _inverse_factor(self.kernel.matrix(A, side) - B @ B.T, diagonal, self.hyper.outputscale)
        n, m = len(self), len(X)
        W = np.zeros((n + m, n + m), order="F")
        W[:n, :n] = self._W
        W[n:, :n] = -(W2 @ (B @ self._W))
        W[n:, n:] = W2
        extended = object.__new__(ExactGP)
        extended.features, extended.hyper, extended.kernel = self.features, self.hyper, self.kernel
        extended._inverse_scales = self._inverse_scales
        extended._side = np.concatenate([self._side, side])
        extended._diagonal = np.concatenate([self._diagonal, diagonal])
        extended._W = W
        if z is None:
            extended.z = np.concatenate([self.z, kernel @ self._alpha + self.hyper.mean])
            extended._alpha = np.concatenate([self._alpha, np.zeros(m)])
        else:
            extended.z = np.concatenate([self.z, z])
            extended._alpha = extended.solve(extended.z - self.hyper.mean)
        return extended


def _join(parts: list[Posterior]) -> Posterior:
    mean, variance = (np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "variance"))
    if parts[0].mean_gradient is None:
        return Posterior(mean, variance)
    return Posterior(
        mean, variance, *(np.concatenate([getattr(p, f"{name}_gradient") for p in parts]) for name in ("mean", "variance"))
    )


def _upper(kernel: Kernel, A: Array, side: Array) -> Array:
    """Return the prior covariance of points (q, p): in its upper triangle, (q, q). Only blocks from there on are computed."""
    prior = np.zeros((len(A), len(A)))
    for first in range(0, len(A), _ROWS):
        rows = slice(first, first + _ROWS)
        prior[rows, first:] = kernel.matrix(A[rows], side[first:])
    return prior


def _inverse_factor(K: Array, diagonal: Array, scale: float) -> Array:
    """Return W = L^-1, lower triangular in Fortran order, of K + diag(diagonal)."""
    W, info = lapack.dtrtri(_cholesky(K, diagonal, scale), lower=1, overwrite_c=1)
    if info:
        raise np.linalg.LinAlgError(f"dtrtri returned {info}")
    return np.asarray(W)


def _cholesky(K: Array, diagonal: Array, scale: float) -> Array:
    """Return the lower Cholesky factor of K + diag(diagonal), in Fortran order; of K the upper triangle is read.

    Where rounding has left the matrix indefinite, the smallest power of ten times 1e-12 of `scale` that helps is added.
    """
    jitter = 0.0
    while True:
        shifted = K.copy()
        shifted.flat[:: len(K) + 1] += diagonal + jitter * scale
        L, info = lapack.dpotrf(shifted.T, lower=1, clean=1, overwrite_a=1)
        if info == 0:
            return np.asarray(L)
        if info < 0 or jitter > 1.0:
            raise np.linalg.LinAlgError(f"the covariance matrix is not positive definite (dpotrf returned {info})")
        jitter = max(1e-12, jitter * 10.0)


class GPPath:
    """A function drawn from the posterior of a Gaussian process, to be evaluated and differentiated anywhere.

    A joint draw at q points costs the factorization of a (q, q) matrix, and is known at these points alone. A path is a
    function: a draw f0 from the prior, plus a correction by the data (Wilson et al., "Efficiently Sampling Functions from
    Gaussian Process Posteriors", 2020, eq. 13; Matheron's rule):

        f(x) = mean + f0(x) + k(x, X) K^-1 (z - mean - f0(X) - noise),   noise drawn too

    The prior's draw is a sum of random Fourier features. Only it is an approximation: near data the correction, which is exact,
    dominates.

    Args:
        gp: the process.
        rng: of the draw.
    """

    def __init__(self, gp: ExactGP, rng: np.random.Generator) -> None:
        self._gp = gp
        A = gp.scaled_features
        self._waves = gp.kernel.waves(A.shape[1], rng)
        noise = np.sqrt(gp.noise) * rng.standard_normal(len(gp))
        self._weights = gp.solve(gp.z - gp.hyper.mean - self._waves(A) - noise)

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        A, kernel = self._gp.cross(X)
        values: Array = self._gp.hyper.mean + self._waves(A) + kernel @ self._weights
        return values

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d); 0 in discrete dimensions."""
        A, kernel, slopes = self._gp.cross_with_slopes(X)
        prior, prior_gradient = self._waves.gradient(A)
        values = self._gp.hyper.mean + prior + kernel @ self._weights
        return values, self._gp.by_coordinate(A, slopes, self._weights, prior_gradient)
