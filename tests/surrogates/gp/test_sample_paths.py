import numpy as np
import pytest

from hyperspace.space import check_space
from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
from hyperspace.surrogates.input_encoding import Features

MIXED = [(0.0, 1.0), (1, 6), ["a", "b", "c"], (0.0, 1.0)]


KINDS = ["one", "two scales", "additive"]  # of kernels


def process(n=30, d=3, noise=1e-2, space=None, seed=0, kind="one"):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    if space is not None:
        X = space.snap(X)
    z = np.sin(5.0 * X[:, 0]) + X.sum(axis=1)
    shares = np.arange(1.0, d + 1.0) / np.arange(1.0, d + 1.0).sum() if kind == "additive" else None
    short = (0.4, 5.0) if kind == "two scales" else ()
    return ExactGP(Features(d, space), Hyperparameters(np.geomspace(0.3, 1.0, d), 1.7, noise, 0.4, shares, *short), X, z)


@pytest.mark.parametrize("kind", KINDS)
def test_prior_samples_have_the_covariance_of_the_kernel(kind: str) -> None:
    rng, kernel = np.random.default_rng(1), process(kind=kind).kernel
    A = 2.0 * rng.random((6, 3))
    draws = np.array([kernel.prior_sample(3, rng)(A) for _ in range(10_000)])
    np.testing.assert_allclose(np.cov(draws.T), kernel.matrix(A, kernel.prepare(A)), rtol=0, atol=0.1)
    np.testing.assert_allclose(draws.mean(axis=0), 0.0, rtol=0, atol=0.07)


@pytest.mark.parametrize("kind", KINDS)
def test_paths_have_the_mean_and_the_covariance_of_the_posterior(kind: str) -> None:
    gp, rng = process(kind=kind), np.random.default_rng(2)
    Q = rng.random((8, 3))
    draws = np.array([gp.path(rng)(Q) for _ in range(8000)])
    posterior = gp.posterior(Q)
    error = np.sqrt(posterior.variance[:, 0] / len(draws))
    assert (np.abs(draws.mean(axis=0) - posterior.mean[:, 0]) < 5.0 * error).all()
    scale = np.sqrt(np.outer(posterior.variance, posterior.variance))
    np.testing.assert_allclose(np.cov(draws.T) / scale, gp.covariance(Q) / scale, rtol=0, atol=0.08)


def test_a_path_passes_through_data_without_noise() -> None:
    gp = process(noise=1e-8)
    X = np.random.default_rng(0).random((30, 3))  # the points of the process
    np.testing.assert_allclose(gp.path(np.random.default_rng(1))(X), gp.z, rtol=0, atol=2e-3)


def test_a_path_is_one_function() -> None:
    gp = process()
    Q = np.random.default_rng(3).random((50, 3))
    path = gp.path(np.random.default_rng(4))
    np.testing.assert_allclose(np.concatenate([path(Q[:7]), path(Q[7:])]), path(Q), rtol=0, atol=2e-5)
    np.testing.assert_allclose(np.concatenate([path(Q[:7]), path(Q[7:14])]), path(Q[:14]), rtol=0, atol=1e-10)
    assert np.array_equal(gp.path(np.random.default_rng(4))(Q), path(Q))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mixed", [False, True])
def test_gradients_are_finite_differences(mixed: bool, kind: str) -> None:
    space = check_space(MIXED) if mixed else None
    d = 4 if mixed else 3
    gp, rng = process(d=d, space=space, kind=kind), np.random.default_rng(5)
    path, Q = gp.path(rng), rng.random((6, d))
    values, gradients = path.gradient(Q)
    np.testing.assert_allclose(values, path(Q), rtol=0, atol=1e-10)
    for j in range(d):
        if space is not None and space.levels[j]:
            assert (gradients[:, j] == 0.0).all()
            continue
        step = np.zeros(d)
        step[j] = 1e-6
        expected = (path(Q + step) - path(Q - step)) / 2e-6
        np.testing.assert_allclose(gradients[:, j], expected, rtol=1e-5, atol=1e-5)


def test_points_along_the_axes_are_worked_out_as_any_others() -> None:
    path = process(kind="additive").path(np.random.default_rng(6))
    Q = np.repeat(np.random.default_rng(7).random((1, 3)), 60, axis=0)
    for j in range(3):
        Q[1 + 19 * j : 20 + 19 * j, j] = np.linspace(0.0, 1.0, 19)
    one_by_one = np.concatenate([path(Q[i : i + 1]) for i in range(60)])
    np.testing.assert_allclose(path(Q), one_by_one, rtol=0, atol=2e-5)
