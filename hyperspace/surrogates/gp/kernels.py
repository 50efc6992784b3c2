"""Kernels with one lengthscale per dimension: joint kernels of all dimensions, laid out for BLAS, and a sum over dimensions.

Notation:
    n, q   training points, query points       d   dimensions       p   features
    A, B   features divided by their lengthscales and multiplied by sqrt(5), (q, p) and (n, p)
    s      sqrt(5) r, r the scaled distance, (q, n)
    m(s)   the Matérn-5/2 kernel, (1 + s + s^2/3) exp(-s)
    v_j    variance of dimension j's part of the function; their sum is the outputscale

Kernels:
    Radial     m(s)
    TwoScale   (1 - w) exp(-r^2/2) + w m(c s), for functions with ripples. The second part has a share w of the variance, and
               lengthscales that are c times shorter. A single kernel would treat the ripples as noise or ignore the trend.
               The squared exponential models the smooth part, since the other part models the rest.
    Additive   sum_j v_j m(|a_j - b_j|), for sums of functions of one coordinate each (Duvenaud, Nickisch and Rasmussen,
               "Additive Gaussian Processes", 2011, of first order). A point informs about all points that share a coordinate.

Squared distances are computed by one matrix product, |a|^2 + |b|^2 - 2 a.b. The features are centered to reduce cancellation (an
absolute error of about 1e-15 |a|^2 in s^2, far below the noise floor of the models).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperspace.surrogates.gp.random_features import (
    FEW_POINTS,
    MIN_COSINES,
    N_COSINES,
    SHARED,
    AdditiveFourierFeatures,
    FourierFeatures,
)
from hyperspace.typing import Array

BLOCK = 1 << 16  # elements of a kernel matrix per block, which fits the cache

# glibc maps arrays above a threshold again at each allocation, and the page faults cost more than the arithmetic. One
# allocation that is freed raises the threshold to its size. On other systems this has no effect.
np.empty(1 << 17)


def left_factor(A: Array) -> Array:
    """Return (-2 a, |a|^2, 1) for each row a: its product with (b, 1, |b|^2) is |a - b|^2."""
    left = np.ones((len(A), A.shape[1] + 2))
    np.multiply(A, -2.0, out=left[:, :-2])
    left[:, -2] = np.einsum("ij,ij->i", A, A)
    return left


def right_factor(B: Array) -> Array:
    """Return (b, 1, |b|^2) for each row b; see `left_factor`."""
    right = np.ones((len(B), B.shape[1] + 2))
    right[:, :-2] = B
    right[:, -1] = np.einsum("ij,ij->i", B, B)
    return right


def matern52(s: Array, kernel: Array | None = None, decay: Array | None = None) -> tuple[Array, Array]:
    """Return the kernel (1 + s + s^2/3) exp(-s), and (1 + s) exp(-s), which is -6 times its derivative by s^2.

    Args:
        s: the squares s^2 (rounding may make them slightly negative); overwritten by the second result.
        kernel: output array of the same shape; None allocates it.
        decay: scratch array of the same shape; None allocates it.
    """
    np.maximum(s, 0.0, out=s)
    kernel = np.multiply(s, 1.0 / 3.0, out=kernel)
    np.sqrt(s, out=s)
    decay = np.negative(s, out=decay)
    np.exp(decay, out=decay)
    s += 1.0
    s *= decay
    kernel *= decay
    kernel += s
    return kernel, s


SMOOTH_SLOPE = 0.6  # -6 times the derivative of a squared exponential by s^2, over its value


def squared_exponential(s: Array) -> Array:
    """Return exp(-r^2/2) = exp(-s^2/10); s holds the squares s^2 and is overwritten by the result."""
    s *= -0.1
    return np.exp(s, out=s)


class Kernel(Protocol):
    """Stationary kernel. Training points are stored in a prepared form (`prepare`), (n, anything)."""

    def prepare(self, A: Array) -> Array:
        """Return the prepared form of scaled features A (n, p) of training points."""
        ...

    def scaled(self, prepared: Array) -> Array:
        """Return the scaled features of a prepared form."""
        ...

    def matrix(self, A: Array, prepared: Array) -> Array:
        """Return the covariances of A (q, p) with training points, (q, n)."""
        ...

    def with_slopes(self, A: Array, prepared: Array) -> tuple[Array, Array]:
        """Return the result of `matrix`, and the slopes that `pullback` needs."""
        ...

    def pullback(self, A: Array, prepared: Array, slopes: Array, weights: Array) -> Array:
        """Return the derivatives by A of sum_i w_i k(A, B_i), for weights w (n,) or (q, n), of shape (q, p)."""
        ...

    def prior_sample(self, p: int, rng: np.random.Generator) -> FourierFeatures | AdditiveFourierFeatures:
        """Return a sample of the prior in p features."""
        ...


class Radial:
    """Matérn-5/2 kernel of the distance over all dimensions.

    Args:
        outputscale: the variance.
    """

    def __init__(self, outputscale: float) -> None:
        self.outputscale = outputscale

    def prepare(self, A: Array) -> Array:  # noqa: D102  (as in Kernel; so are those below)
        return right_factor(A)

    def scaled(self, prepared: Array) -> Array:  # noqa: D102
        return prepared[:, :-2]

    def matrix(self, A: Array, prepared: Array) -> Array:  # noqa: D102
        return self.with_slopes(A, prepared)[0]

    def with_slopes(self, A: Array, prepared: Array) -> tuple[Array, Array]:  # noqa: D102
        kernel, slopes = matern52(left_factor(A) @ prepared.T)
        kernel *= self.outputscale
        return kernel, slopes

    def pullback(self, A: Array, prepared: Array, slopes: Array, weights: Array) -> Array:  # noqa: D102
        # d k_i / d A_j = -(1/6) outputscale slope_i d s_i^2 / d A_j, with d s_i^2 / d A_j = 2 (A_j - B_ij)
        sums = (slopes * weights) @ prepared[:, :-1]  # sum_i w_i b_i, and in the last column sum_i w_i
        by_feature: Array = (A * sums[:, -1:] - sums[:, :-1]) * (-self.outputscale / 3.0)
        return by_feature

    def prior_sample(self, p: int, rng: np.random.Generator) -> FourierFeatures:  # noqa: D102
        return FourierFeatures.draw(p, N_COSINES, self.outputscale, rng)


class TwoScale(Radial):
    """Sum of a squared exponential and of a Matérn-5/2 kernel with shorter lengthscales, both of the distance in all dimensions.

    Args:
        outputscale: the variance.
        share: w, the second part's share of the variance.
        ratio: c, ratio of the first part's lengthscales to the second part's.
    """

    def __init__(self, outputscale: float, share: float, ratio: float) -> None:
        super().__init__(outputscale)
        self._share, self._ratio = share, ratio

    def with_slopes(self, A: Array, prepared: Array) -> tuple[Array, Array]:  # noqa: D102
        squares = left_factor(A) @ prepared.T
        short, slopes = matern52(squares * self._ratio**2)
        long = squared_exponential(squares)
        slopes *= self._share * self._ratio**2
        slopes += (SMOOTH_SLOPE * (1.0 - self._share)) * long
        long *= (1.0 - self._share) * self.outputscale
        short *= self._share * self.outputscale
        return np.add(long, short, out=long), slopes

    def prior_sample(self, p: int, rng: np.random.Generator) -> FourierFeatures:  # noqa: D102
        long = FourierFeatures.draw(p, N_COSINES // 2, (1.0 - self._share) * self.outputscale, rng, degrees=np.inf)
        return long.joined(FourierFeatures.draw(p, N_COSINES // 2, self._share * self.outputscale, rng).shortened(self._ratio))


class Additive:
    """Sum of one-dimensional kernels.

    Args:
        variances: v, (d,).
        columns: the dimension of each feature, (p,).
    """

    def __init__(self, variances: Array, columns: NDArray[np.intp]) -> None:
        self._variances, self._columns = variances, columns
        self._aligned = np.array_equal(columns, np.arange(len(variances)))  # whether each dimension j has exactly feature j
        # A slice gives a view; an index array would copy.
        self._parts = [_run(np.flatnonzero(columns == j)) for j in range(len(variances))]

    def prepare(self, A: Array) -> Array:  # noqa: D102
        return A

    def scaled(self, prepared: Array) -> Array:  # noqa: D102
        return prepared

    def matrix(self, A: Array, prepared: Array) -> Array:  # noqa: D102
        if len(A) <= FEW_POINTS:
            return self.with_slopes(A, prepared)[0]
        differ = A[0] != A
        if differ.mean() < SHARED:
            total = np.repeat(self.with_slopes(A[:1], prepared)[0], len(A), axis=0)
            for variance, part in zip(self._variances, self._parts, strict=True):
                rows = np.flatnonzero(differ[:, part].any(axis=1))
                if len(rows):
                    kernel = variance * _matern52_of(_distances(A[np.append(rows, 0), part], prepared[:, part]))
                    total[rows] += kernel[:-1] - kernel[-1]
            return total
        total = np.zeros((len(A), len(prepared)))
        for variance, part in zip(self._variances, self._parts, strict=True):
            kernel = _matern52_of(_distances(A[:, part], prepared[:, part]))
            kernel *= variance
            total += kernel
        return total

    def with_slopes(self, A: Array, prepared: Array) -> tuple[Array, Array]:  # noqa: D102
        if self._aligned:
            s = np.abs(A.T[:, :, None] - prepared.T[:, None, :])
        else:
            s = np.array([_distances(A[:, part], prepared[:, part]) for part in self._parts])
        decay = np.exp(-s)
        decay *= self._variances[:, None, None]
        slopes = 1.0 + s
        slopes *= decay
        s *= s
        s *= decay
        return slopes.sum(axis=0) + s.sum(axis=0) * (1.0 / 3.0), slopes

    def pullback(self, A: Array, prepared: Array, slopes: Array, weights: Array) -> Array:  # noqa: D102
        # for each feature the slopes of its dimension, (p, q, n)
        weighted = (slopes if self._aligned else slopes[self._columns]) * weights
        by_feature: Array = A * weighted.sum(axis=2).T - (weighted @ prepared.T[:, :, None])[:, :, 0].T
        by_feature *= -1.0 / 3.0
        return by_feature

    def prior_sample(self, p: int, rng: np.random.Generator) -> AdditiveFourierFeatures:  # noqa: D102
        counts = np.maximum(np.round(N_COSINES * self._variances / self._variances.sum()).astype(int), MIN_COSINES)
        return AdditiveFourierFeatures.draw(p, self._parts, counts, self._variances, rng)


def _run(columns: NDArray[np.intp]) -> slice:
    return slice(int(columns[0]), int(columns[-1]) + 1)  # features of one dimension are adjacent


def _matern52_of(s: Array) -> Array:
    """Return the kernel (1 + s + s^2/3) exp(-s) of s, which is overwritten."""
    kernel = s * (1.0 / 3.0)
    kernel += 1.0
    kernel *= s
    kernel += 1.0
    np.negative(s, out=s)
    kernel *= np.exp(s, out=s)
    return kernel


def _distances(A: Array, B: Array) -> Array:
    """Return the distances between rows of A (q, p) and B (n, p), (q, n)."""
    if A.shape[1] == 1:
        distances = A - B.T
        return np.abs(distances, out=distances)
    return np.sqrt(np.maximum(left_factor(A) @ right_factor(B).T, 0.0))
