"""Kernels: values against scikit-learn's, derivatives against finite differences, every way to the same matrix."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

from hyperspace.surrogates.gp.kernels import (
    SMOOTH_SLOPE,
    Additive,
    Radial,
    TwoScale,
    left_factor,
    matern52,
    right_factor,
    squared_exponential,
)
from hyperspace.surrogates.gp.random_features import FEW_POINTS

P = 3
COLUMNS = np.array([0, 1, 2, 2])  # the third dimension has two features, as a category has
VARIANCES = np.array([0.5, 0.3, 0.9])
KERNELS = {
    "one": (Radial(1.7), P),
    "two scales": (TwoScale(1.7, 0.4, 5.0), P),
    "additive": (Additive(VARIANCES, np.arange(P)), P),
    "additive with two features of one dimension": (Additive(VARIANCES, COLUMNS), P + 1),
}
kernels = pytest.mark.parametrize("kind", KERNELS)


def points(n, p, seed=0):
    """Scaled features: sqrt(5) times those divided by the lengthscales."""
    return 2.0 * np.random.default_rng(seed).random((n, p))


def reference(kind, A, B):
    """Return the covariances by scikit-learn's kernels of lengthscale sqrt(5), the scale of `points`."""

    def matern(lengthscale, A, B):
        return Matern(lengthscale, "fixed", nu=2.5)(A, B)

    scale = np.sqrt(5.0)
    if kind == "one":
        return (ConstantKernel(1.7, "fixed") * Matern(scale, "fixed", nu=2.5))(A, B)
    if kind == "two scales":
        return 1.7 * (0.6 * RBF(scale, "fixed")(A, B) + 0.4 * matern(scale / 5.0, A, B))
    columns = COLUMNS if A.shape[1] > P else np.arange(P)
    return sum(v * matern(scale, A[:, columns == j], B[:, columns == j]) for j, v in enumerate(VARIANCES))


@kernels
@pytest.mark.parametrize("q", [1, 2, FEW_POINTS, FEW_POINTS + 1, 60])
def test_covariances_are_those_of_scikit_learn(kind, q):
    kernel, p = KERNELS[kind]
    A, B = points(q, p), points(40, p, seed=1)
    side = kernel.prepare(B)
    expected = reference(kind, A, B)
    np.testing.assert_allclose(kernel.matrix(A, side), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(kernel.with_slopes(A, side)[0], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(kernel.scaled(side), B)


@kernels
def test_points_that_share_most_coordinates_are_worked_out_as_any_others(kind):
    """A search along the axes: an additive kernel computes what differs alone."""
    kernel, p = KERNELS[kind]
    B, A = points(40, p, seed=1), np.repeat(points(1, p), 50, axis=0)
    for j in range(p):
        A[1 + 12 * j : 13 + 12 * j, j] = np.linspace(0.0, 2.0, 12)
    np.testing.assert_allclose(kernel.matrix(A, kernel.prepare(B)), reference(kind, A, B), rtol=0, atol=1e-12)
    same = np.repeat(A[:1], 30, axis=0)
    np.testing.assert_allclose(kernel.matrix(same, kernel.prepare(B)), reference(kind, same, B), rtol=0, atol=1e-12)


@kernels
@pytest.mark.parametrize("each", [False, True])
def test_pull_gives_the_derivatives_of_a_weighted_sum(kind, each):
    kernel, p = KERNELS[kind]
    A, side = points(5, p), kernel.prepare(points(20, p, seed=1))
    weights = np.random.default_rng(2).normal(size=(5, 20) if each else 20)
    _, slopes = kernel.with_slopes(A, side)
    found = kernel.pullback(A, side, slopes, weights)
    assert found.shape == (5, p)
    for j, step in enumerate(1e-6 * np.eye(p)):
        numeric = ((kernel.matrix(A + step, side) - kernel.matrix(A - step, side)) * weights).sum(axis=1) / 2e-6
        np.testing.assert_allclose(found[:, j], numeric, rtol=1e-6, atol=1e-8)


@kernels
def test_a_point_has_its_variance_with_itself_and_no_slope(kind):
    kernel, p = KERNELS[kind]
    A = 1e3 + points(4, p)  # far off the center, where squares of distances cancel
    side = kernel.prepare(A)
    np.testing.assert_allclose(np.diag(kernel.matrix(A, side)), VARIANCES.sum(), rtol=1e-4)
    A = points(4, p)
    for i in range(4):
        side = kernel.prepare(A[i : i + 1])
        _, slopes = kernel.with_slopes(A[i : i + 1], side)
        np.testing.assert_allclose(kernel.pullback(A[i : i + 1], side, slopes, np.ones(1)), 0.0, atol=1e-12)


@kernels
def test_waves_have_the_covariance_of_the_kernel(kind):
    kernel, p = KERNELS[kind]
    rng = np.random.default_rng(1)
    A = points(6, p)
    draws = np.array([kernel.prior_sample(p, rng)(A) for _ in range(4000)])
    np.testing.assert_allclose(np.cov(draws.T), kernel.matrix(A, kernel.prepare(A)), rtol=0, atol=0.16)
    np.testing.assert_allclose(draws.mean(axis=0), 0.0, rtol=0, atol=0.1)


def test_the_parts_of_an_additive_draw_have_waves_by_their_variances():
    drawn = Additive(np.array([1.0, 3.0, 1e-6]), np.arange(3)).prior_sample(3, np.random.default_rng(0))
    assert [row.stop - row.start for _, row in drawn.parts] == [64, 192, 8]


def test_factors_multiply_to_squared_distances():
    A, B = points(7, 4), points(5, 4, seed=1)
    expected = ((A[:, None] - B) ** 2).sum(axis=2)
    np.testing.assert_allclose(left_factor(A) @ right_factor(B).T, expected, rtol=0, atol=1e-12)


def test_the_matern_kernel_and_its_slope_come_from_squares_in_place():
    s = np.linspace(0.0, 6.0, 50)
    squares, out, scratch = s**2, np.empty(50), np.empty(50)
    squares[0] = -1e-15  # as rounding leaves it
    kernel, slope = matern52(squares, out, scratch)
    assert kernel is out
    assert slope is squares
    np.testing.assert_allclose(kernel, (1 + s + s**2 / 3) * np.exp(-s), rtol=1e-12)
    np.testing.assert_allclose(slope, (1 + s) * np.exp(-s), rtol=1e-12)
    by_square = (matern52(s[1:] ** 2 + 1e-6)[0] - matern52(s[1:] ** 2 - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(slope[1:], -6.0 * by_square, rtol=1e-6, atol=1e-9)


def test_the_squared_exponential_and_its_slope():
    s = np.linspace(0.1, 6.0, 50)
    values = s**2
    assert squared_exponential(values) is values
    np.testing.assert_allclose(values, np.exp(-(s**2) / 10.0), rtol=1e-12)  # s is sqrt(5) r
    by_square = (squared_exponential(s**2 + 1e-6) - squared_exponential(s**2 - 1e-6)) / 2e-6
    np.testing.assert_allclose(SMOOTH_SLOPE * values, -6.0 * by_square, rtol=1e-6, atol=1e-9)
