"""Exact Gaussian process of one output with given hyperparameters: posterior, joint samples, sample paths, conditioning.

Notation:
    K = k(X, X) + noise I = L L^T,   W = L^-1 (lower triangular),   alpha = K^-1 (z - mean)
    k(x) = k(x, X), (q, n):   mean(x) = mean + k(x) alpha,   variance(x) = outputscale - |W k(x)^T|^2

The inverse factor W is stored instead of L. Predictions and their gradients are then matrix products, and a new point adds a row
to W.
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

MIN_NOISE = 1e-8  # for targets of variance one: keeps K well conditioned, and resolves a regret of 1e-6
_NOISY = 5e-4  # ratio of noise to function variance above which evaluations count as noisy
_ROWS = 64  # rows of a covariance matrix per block
_MIN_VARIANCE = 1e-14  # relative to the outputscale; a smaller variance is rounding error


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Hyperparameters of a Gaussian process.

    Attributes:
        lengthscales: one per dimension, (d,), in units of the unit cube.
        outputscale: variance of the function.
        noise: variance of the noise, in addition to known variances.
        mean: constant mean.
        shares: shares of the outputscale, one per dimension, (d,), for an additive kernel; None for a kernel of all dimensions.
        short_share: share of the outputscale of a second kernel with shorter lengthscales; 0 if there is none.
        short_ratio: ratio of the lengthscales to those of the second kernel.
    """

    lengthscales: Array
    outputscale: float
    noise: float
    mean: float
    shares: Array | None = None
    short_share: float = 0.0
    short_ratio: float = 1.0

    @property
    def is_noisy(self) -> bool:
        """Whether the data have noise: more than a small value that regularizes a noise-free function."""
        return self.noise > _NOISY * self.outputscale

    def kernel(self, features: Features) -> Kernel:
        """Return the kernel of scaled features."""
        if self.shares is not None:
            return Additive(self.outputscale * self.shares, features.columns)
        return TwoScale(self.outputscale, self.short_share, self.short_ratio) if self.short_share else Radial(self.outputscale)

    def dump(self) -> dict[str, Any]:
        """Return plain JSON values, from which `load` restores identical hyperparameters."""
        state = {"lengthscales": self.lengthscales.tolist(), "scale": self.outputscale, "noise": self.noise, "mean": self.mean}
        if self.shares is not None:
            state["shares"] = self.shares.tolist()
        return state | ({"short": [self.short_share, self.short_ratio]} if self.short_share else {})

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Hyperparameters:
        """Return the hyperparameters that `dump` saved."""
        shares = np.array(state["shares"]) if "shares" in state else None
        scale, noise, mean = (float(state[name]) for name in ("scale", "noise", "mean"))
        return cls(np.array(state["lengthscales"]), scale, noise, mean, shares, *state.get("short", ()))


class ExactGP:
    """Gaussian process conditioned on n points; immutable.

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
        self._prepared = self.kernel.prepare(A)
        self._diagonal = np.full(len(X), hyper.noise) if noise is None else hyper.noise + noise
        K = _upper(self.kernel, A, self._prepared)
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
        """Return mean and variance of each target given all others, (n,) and (n,); the variance includes the noise.

        The hyperparameters are fixed: mean_i = z_i - alpha_i / (K^-1)_ii and variance_i = 1 / (K^-1)_ii (Rasmussen and Williams
        2006, eq. 5.12), with (K^-1)_ii = sum_k W_ki^2.
        """
        precision = np.einsum("ki,ki->i", self._W, self._W)
        return self.z - self._alpha / precision, 1.0 / precision

    @property
    def scaled_features(self) -> Array:
        """Features of the training points, divided by the lengthscales and multiplied by sqrt(5), (n, p)."""
        return self.kernel.scaled(self._prepared)

    @property
    def noise(self) -> Array:
        """Variances of the noise of the targets, (n,)."""
        return self._diagonal

    @property
    def is_additive(self) -> bool:
        """Whether the mean is a sum of functions of one coordinate each."""
        return self.hyper.shares is not None

    def cross(self, X: Array) -> tuple[Array, Array]:
        """Return scaled features (q, p) of X (q, d), and their covariances with the training points, (q, n)."""
        A = self.features(X) * self._inverse_scales
        return A, self.kernel.matrix(A, self._prepared)

    def cross_with_slopes(self, X: Array) -> tuple[Array, Array, Array]:
        """Return the results of `cross`, and the slopes that `by_coordinate` needs."""
        A = self.features(X) * self._inverse_scales
        return A, *self.kernel.with_slopes(A, self._prepared)

    def _whiten(self, kernel: Array) -> Array:
        """Return V = (W k^T)^T, (q, n), in the memory of `kernel`: a triangular product costs half of a full one."""
        product: Array = blas.dtrmm(1.0, self._W, kernel.T, lower=1, overwrite_b=1).T
        return product

    def _variance(self, V: Array) -> Array:
        scale = self.hyper.outputscale
        variance: Array = np.maximum(scale - np.einsum("ij,ij->i", V, V), _MIN_VARIANCE * scale)
        return variance

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance of the function at X (q, d), each (q, 1), and on request their gradients (q, 1, d)."""
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
            A: scaled features of the points, from `cross_with_slopes`.
            slopes: slopes from `cross_with_slopes`.
            weights: w, (n,) or (q, n).
            more: derivatives of the other function by A, (q, p).
        """
        by_feature = self.kernel.pullback(A, self._prepared, slopes, weights) + more
        return self._by_dimension(by_feature * self._inverse_scales)

    def _by_dimension(self, values: Array) -> Array:
        """Convert derivatives by feature (q, p) to derivatives by coordinate (q, d); 0 in discrete dimensions."""
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
        """Return the posterior covariance at scaled features A (q, p), given the whitened kernel V (q, n), (q, q).

        Only the upper triangle is valid, since only half of V V^T is computed.
        """
        prior = _upper(self.kernel, A, self.kernel.prepare(A))
        # The transpose of a C array is a Fortran array, which BLAS uses without a copy; its lower triangle is our upper one.
        lower = blas.dsyrk(-1.0, V.T, beta=1.0, c=prior.T, trans=1, lower=1, overwrite_c=1)
        return np.asarray(lower).T

    def sample(self, X: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the function at X (q, d), shape (k, q, 1)."""
        A, kernel = self.cross(X)
        mean = kernel @ self._alpha + self.hyper.mean
        upper = self._upper_covariance(A, self._whiten(kernel))
        factor = _cholesky(upper, np.zeros(len(X)), self.hyper.outputscale)
        normal = rng.standard_normal((k, len(X)))
        draws: Array = mean + blas.dtrmm(1.0, factor, normal.T, lower=1).T  # (factor normal^T)^T
        return draws[:, :, None]

    def path(self, rng: np.random.Generator) -> GPPath:
        """Return a posterior sample as a function."""
        return GPPath(self, rng)

    def condition(self, X: Array, z: Array | None = None) -> ExactGP:
        """Return the process conditioned on further targets z (m,) at X (m, d).

        None means the posterior mean there, a "believer" fantasy.

        The factor is extended by a block: with L = [[L1, 0], [B, L2]], L^-1 = [[W1, 0], [-W2 B W1, W2]], W2 = L2^-1.
        """
        A, kernel = self.cross(X)
        prepared = self.kernel.prepare(A)
        B = self._whiten(kernel.copy())
        diagonal = np.full(len(X), self.hyper.noise)
        W2 = _inverse_factor(self.kernel.matrix(A, prepared) - B @ B.T, diagonal, self.hyper.outputscale)
        n, m = len(self), len(X)
        W = np.zeros((n + m, n + m), order="F")
        W[:n, :n] = self._W
        W[n:, :n] = -(W2 @ (B @ self._W))
        W[n:, n:] = W2
        extended = object.__new__(ExactGP)
        extended.features, extended.hyper, extended.kernel = self.features, self.hyper, self.kernel
        extended._inverse_scales = self._inverse_scales
        extended._prepared = np.concatenate([self._prepared, prepared])
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


def _upper(kernel: Kernel, A: Array, prepared: Array) -> Array:
    """Return the prior covariance of points (q, p), (q, q). Only blocks of the upper triangle are computed."""
    prior = np.zeros((len(A), len(A)))
    for first in range(0, len(A), _ROWS):
        rows = slice(first, first + _ROWS)
        prior[rows, first:] = kernel.matrix(A[rows], prepared[first:])
    return prior


def _inverse_factor(K: Array, diagonal: Array, scale: float) -> Array:
    """Return W = L^-1, lower triangular in Fortran order, of K + diag(diagonal)."""
    W, info = lapack.dtrtri(_cholesky(K, diagonal, scale), lower=1, overwrite_c=1)
    if info:
        raise np.linalg.LinAlgError(f"dtrtri returned {info}")
    return np.asarray(W)


def _cholesky(K: Array, diagonal: Array, scale: float) -> Array:
    """Return the lower Cholesky factor of K + diag(diagonal), in Fortran order. Only the upper triangle of K is read.

    If rounding makes the matrix indefinite, the smallest sufficient power of ten times 1e-12 of `scale` is added.
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
    """Posterior sample of a Gaussian process, which can be evaluated and differentiated at any point.

    A joint sample at q points needs the factorization of a (q, q) matrix, and is defined only at these points. A path is a
    function: a prior sample f0 plus a correction by the data (Wilson et al., "Efficiently Sampling Functions from Gaussian
    Process Posteriors", 2020, eq. 13; Matheron's rule):

        f(x) = mean + f0(x) + k(x, X) K^-1 (z - mean - f0(X) - noise),   with sampled noise

    The prior sample is a sum of random Fourier features, and only this part is approximate. Near data the exact correction
    dominates.

    Args:
        gp: the process.
        rng: generator of the sample.
    """

    def __init__(self, gp: ExactGP, rng: np.random.Generator) -> None:
        self._gp = gp
        A = gp.scaled_features
        self._prior_sample = gp.kernel.prior_sample(A.shape[1], rng)
        noise = np.sqrt(gp.noise) * rng.standard_normal(len(gp))
        self._weights = gp.solve(gp.z - gp.hyper.mean - self._prior_sample(A) - noise)

    def __call__(self, X: Array) -> Array:
        """Return the values at X (q, d), (q,)."""
        A, kernel = self._gp.cross(X)
        values: Array = self._gp.hyper.mean + self._prior_sample(A) + kernel @ self._weights
        return values

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """Return the values at X (q, d), (q,), and their gradients, (q, d); 0 in discrete dimensions."""
        A, kernel, slopes = self._gp.cross_with_slopes(X)
        prior, prior_gradient = self._prior_sample.gradient(A)
        values = self._gp.hyper.mean + prior + kernel @ self._weights
        return values, self._gp.by_coordinate(A, slopes, self._weights, prior_gradient)
