import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

from hyperspace.space import check_space
from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
from hyperspace.surrogates.input_encoding import Features

MIXED = [(0.0, 1.0), (1, 6), ["a", "b", "c"], (1.0, 100.0, "log-uniform"), (1, 1000, "log-uniform")]


def data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, np.sin(5.0 * X[:, 0]) + X.sum(axis=1) + 0.1 * rng.standard_normal(n)


def hyperparameters(d, noise=1e-3, mean=0.4):
    return Hyperparameters(np.geomspace(0.3, 2.0, d), 1.7, noise, mean)


def two_scales(d, noise=1e-3):
    return replace(hyperparameters(d, noise), short_share=0.3, short_ratio=6.0)


def reference_kernel(hyper):
    """That of scikit-learn."""

    def scaled(variance, kernel):
        return ConstantKernel(variance, "fixed") * kernel

    scale, lengthscales, share = hyper.outputscale, hyper.lengthscales, hyper.short_share
    if not share:
        return scaled(scale, Matern(lengthscales, "fixed", nu=2.5))
    short = Matern(lengthscales / hyper.short_ratio, "fixed", nu=2.5)
    return scaled((1.0 - share) * scale, RBF(lengthscales, "fixed")) + scaled(share * scale, short)


def covariance(hyper, X):
    """The definition, written out."""
    r = np.sqrt((((X[:, None] - X) / hyper.lengthscales) ** 2).sum(axis=2))
    return hyper.outputscale * (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)


@pytest.mark.parametrize("make", [hyperparameters, two_scales])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 2), (60, 5), (400, 10)])
def test_posterior_is_that_of_scikit_learn(n, d, make):
    X, z = data(n, d)
    hyper = make(d)
    reference = GaussianProcessRegressor(reference_kernel(hyper), alpha=hyper.noise, optimizer=None).fit(X, z - hyper.mean)
    Q = np.random.default_rng(1).random((300, d))
    mean, std = reference.predict(Q, return_std=True)
    posterior = ExactGP(Features(d), hyper, X, z).posterior(Q)
    np.testing.assert_allclose(posterior.mean[:, 0], mean + hyper.mean, rtol=0, atol=1e-8)
    np.testing.assert_allclose(posterior.std[:, 0], std, rtol=0, atol=1e-8)


@pytest.mark.parametrize("make", [hyperparameters, two_scales])
def test_covariance_is_that_of_scikit_learn(make):
    X, z = data(40, 3)
    hyper = make(3)
    reference = GaussianProcessRegressor(reference_kernel(hyper), alpha=hyper.noise, optimizer=None).fit(X, z)
    Q = np.random.default_rng(1).random((20, 3))
    expected = reference.predict(Q, return_cov=True)[1]
    np.testing.assert_allclose(ExactGP(Features(3), hyper, X, z).covariance(Q), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("known", [None, 0.2])
def test_log_marginal_likelihood_is_the_density_of_the_targets(known):
    X, z = data(30, 3)
    hyper = hyperparameters(3)
    noise = None if known is None else known * np.random.default_rng(2).random(30)
    K = covariance(hyper, X) + np.diag(np.full(30, hyper.noise) + (0.0 if noise is None else noise))
    expected = multivariate_normal.logpdf(z, np.full(30, hyper.mean), K)
    assert ExactGP(Features(3), hyper, X, z, noise).log_marginal_likelihood == pytest.approx(expected, abs=1e-9)


def test_known_noise_counts_point_by_point():
    X, z = data(10, 2)
    noise = np.full(10, 1e-9)
    noise[3] = 1e9
    hyper = hyperparameters(2, noise=1e-9)
    others = np.arange(10) != 3
    Q = np.random.default_rng(1).random((5, 2))
    got = ExactGP(Features(2), hyper, X, z, noise).posterior(Q)
    expected = ExactGP(Features(2), hyper, X[others], z[others], noise[others]).posterior(Q)
    np.testing.assert_allclose(got.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(got.variance, expected.variance, atol=1e-6)


@pytest.mark.parametrize("make", [hyperparameters, two_scales])
def test_gradients_are_those_of_finite_differences(make):
    X, z = data(50, 4)
    model = ExactGP(Features(4), make(4, noise=1e-2), X, z)
    Q, step = np.random.default_rng(1).random((6, 4)), 1e-5
    posterior = model.posterior(Q, gradients=True)
    assert posterior.mean_gradient.shape == posterior.variance_gradient.shape == (6, 1, 4)
    for j, e in enumerate(step * np.eye(4)):
        above, below = model.posterior(Q + e), model.posterior(Q - e)
        np.testing.assert_allclose(posterior.mean_gradient[:, :, j], (above.mean - below.mean) / (2 * step), atol=1e-7)
        np.testing.assert_allclose(
            posterior.variance_gradient[:, :, j], (above.variance - below.variance) / (2 * step), atol=1e-7
        )


def test_gradient_is_zero_in_integers_and_categories():
    space = check_space(MIXED)
    X, z = data(30, 5)
    model = ExactGP(Features(5, space), hyperparameters(5, noise=1e-2), X, z)
    Q, step = space.snap(np.random.default_rng(1).random((6, 5))), 1e-5
    posterior = model.posterior(Q, gradients=True)
    assert np.all(posterior.mean_gradient[:, 0, [1, 2, 4]] == 0.0)
    for j in (0, 3):
        e = step * np.eye(5)[j]
        above, below = model.posterior(Q + e), model.posterior(Q - e)
        np.testing.assert_allclose(posterior.mean_gradient[:, :, j], (above.mean - below.mean) / (2 * step), atol=1e-7)
        np.testing.assert_allclose(
            posterior.variance_gradient[:, :, j], (above.variance - below.variance) / (2 * step), atol=1e-7
        )


def test_integers_and_categories_are_constant_on_their_levels_and_categories_are_only_equal_or_not():
    space = check_space(MIXED)
    X, z = data(30, 5)
    hyper = hyperparameters(5)
    model = ExactGP(Features(5, space), hyper, X, z)
    Q = np.random.default_rng(1).random((50, 5))
    np.testing.assert_allclose(model.posterior(Q).mean, model.posterior(space.snap(Q)).mean, atol=1e-12)
    # Three points that differ in the category alone, beside an observation so noisy that it says nothing.
    points = np.full((3, 5), 0.5)
    points[:, 2] = [1 / 6, 3 / 6, 5 / 6]
    prior = ExactGP(Features(5, space), hyper, points[:1], np.zeros(1), np.array([1e12])).covariance(points)
    same, different = covariance(Hyperparameters(hyper.lengthscales[[2]], 1.7, 0.0, 0.0), np.array([[0.0], [1.0]]))[0]
    np.testing.assert_allclose(prior, np.where(np.eye(3) == 1.0, same, different), atol=1e-9)


@pytest.mark.parametrize("sizes", [[1] * 30, [30], [5, 1, 24]])
def test_extended_factor_equals_a_fresh_one(sizes):
    X, z = data(80, 4)
    hyper = hyperparameters(4)
    model = ExactGP(Features(4), hyper, X[:50], z[:50])
    first = 50
    for size in sizes:
        model = model.condition(X[first : first + size], z[first : first + size])
        first += size
    fresh = ExactGP(Features(4), hyper, X, z)
    Q = np.random.default_rng(1).random((40, 4))
    assert len(model) == 80
    np.testing.assert_allclose(model.posterior(Q).mean, fresh.posterior(Q).mean, atol=1e-10)
    np.testing.assert_allclose(model.posterior(Q).variance, fresh.posterior(Q).variance, atol=1e-10)
    np.testing.assert_allclose(model.fitted, fresh.fitted, atol=1e-10)
    assert model.log_marginal_likelihood == pytest.approx(fresh.log_marginal_likelihood, abs=1e-8)


def test_a_believed_point_keeps_the_mean_and_takes_the_variance():
    X, z = data(30, 3)
    model = ExactGP(Features(3), hyperparameters(3, noise=1e-6), X, z)
    new = np.random.default_rng(1).random((4, 3))
    believed = model.condition(new)
    Q = np.random.default_rng(2).random((40, 3))
    np.testing.assert_allclose(believed.posterior(Q).mean, model.posterior(Q).mean, atol=1e-9)
    assert np.all(believed.posterior(new).variance < 2e-6)
    told = model.condition(new, model.posterior(new).mean[:, 0])
    np.testing.assert_allclose(believed.posterior(Q).variance, told.posterior(Q).variance, atol=1e-12)
    np.testing.assert_allclose(believed.fitted, told.fitted, atol=1e-5)


def test_fitted_is_the_posterior_mean_at_the_points():
    X, z = data(30, 3)
    model = ExactGP(Features(3), hyperparameters(3), X, z)
    np.testing.assert_allclose(model.fitted, model.posterior(X).mean[:, 0], atol=1e-10)


def test_joint_draws_have_the_posterior_moments():
    X, z = data(15, 2)
    model = ExactGP(Features(2), hyperparameters(2), X, z)
    Q = np.random.default_rng(1).random((5, 2))
    draws = model.sample(Q, 20_000, np.random.default_rng(0))
    assert draws.shape == (20_000, 5, 1)
    spread = model.posterior(Q).std[:, 0]
    np.testing.assert_allclose(
        draws[:, :, 0].mean(axis=0), model.posterior(Q).mean[:, 0], atol=5 * spread.max() / np.sqrt(20_000)
    )
    np.testing.assert_allclose(np.cov(draws[:, :, 0].T), model.covariance(Q), atol=0.05 * spread.max() ** 2)


def test_duplicates_do_not_break_the_factor():
    X, z = data(20, 3)
    X, z = np.concatenate([X, X, X]), np.concatenate([z, z, z])
    posterior = ExactGP(Features(3), hyperparameters(3, noise=1e-8), X, z).posterior(X)
    np.testing.assert_allclose(posterior.mean[:, 0], z, atol=1e-4)
    assert np.all(posterior.variance >= 0.0)


def test_blocks_of_queries_do_not_change_the_answer():
    X, z = data(300, 3)
    model = ExactGP(Features(3), hyperparameters(3), X, z)
    Q = np.random.default_rng(1).random((1000, 3))
    whole = model.posterior(Q, gradients=True)
    for name in ("mean", "variance", "mean_gradient", "variance_gradient"):
        parts = np.concatenate([getattr(model.posterior(Q[i : i + 1], gradients=True), name) for i in (0, 400, 999)])
        np.testing.assert_allclose(getattr(whole, name)[[0, 400, 999]], parts, atol=1e-9)


def test_hyperparameters_survive_json_exactly():
    import json

    hyper = hyperparameters(3, noise=1.0 / 3.0)
    loaded = Hyperparameters.load(json.loads(json.dumps(hyper.dump(), allow_nan=False)))
    assert loaded.dump() == hyper.dump()
    np.testing.assert_array_equal(loaded.lengthscales, hyper.lengthscales)


def additive(d, noise=1e-3):
    shares = np.arange(1.0, d + 1.0) / np.arange(1.0, d + 1.0).sum()
    return Hyperparameters(np.geomspace(0.3, 2.0, d), 1.7, noise, 0.4, shares)


@pytest.mark.parametrize("shared", [False, True])
def test_an_additive_kernel_is_the_sum_of_kernels_of_one_dimension(shared):
    X, z = data(40, 4)
    space = check_space([(0.0, 1.0), (1, 6), ["a", "b", "c"], (0.0, 1.0)])
    hyper, features = additive(4), Features(4, space)
    model = ExactGP(features, hyper, X, z)
    Q = np.random.default_rng(1).random((30, 4))
    if shared:  # a search along an axis: the kernel is worked out for what differs only
        Q[1:] = Q[0]
        Q[10:, 3] = np.linspace(0.0, 1.0, 20)
        Q[3:8, 2] = [0.1, 0.5, 0.9, 0.2, 0.8]
    expected = np.zeros((30, 40))
    for j in range(4):
        F, G = (features(points)[:, features.columns == j] for points in (Q, X))
        r = np.sqrt(((F[:, None] - G) ** 2).sum(axis=2)) / hyper.lengthscales[j]
        expected += 1.7 * hyper.shares[j] * (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
    np.testing.assert_allclose(model.cross(Q)[1], expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(model.cross_with_slopes(Q)[1], expected, rtol=0, atol=1e-7)


def test_the_mean_of_an_additive_process_is_a_sum():
    X, z = data(40, 3)
    model = ExactGP(Features(3), additive(3), X, z)
    a, b = np.random.default_rng(1).random((2, 3))
    corners = np.array([[(a, b)[(k >> j) & 1][j] for j in range(3)] for k in range(8)])
    m = model.posterior(corners).mean[:, 0]
    np.testing.assert_allclose(m[0b011] - m[0b010], m[0b001] - m[0b000], rtol=0, atol=1e-10)
    np.testing.assert_allclose(m[0b111] - m[0b011], m[0b100] - m[0b000], rtol=0, atol=1e-10)


def test_gradients_and_conditioning_of_an_additive_process():
    X, z = data(40, 3)
    model = ExactGP(Features(3), additive(3), X, z)
    Q = np.random.default_rng(1).random((5, 3))
    posterior, step = model.posterior(Q, gradients=True), 1e-6
    for j in range(3):
        above, below = (model.posterior(Q + sign * step * np.eye(3)[j]) for sign in (1, -1))
        for name in ("mean", "variance"):
            numeric = (getattr(above, name) - getattr(below, name)) / (2 * step)
            np.testing.assert_allclose(getattr(posterior, f"{name}_gradient")[:, :, j], numeric, rtol=1e-5, atol=1e-6)
    grown = model.condition(Q, np.ones(5))
    fresh = ExactGP(Features(3), additive(3), np.concatenate([X, Q]), np.concatenate([z, np.ones(5)]))
    R = np.random.default_rng(2).random((20, 3))
    for name in ("mean", "variance"):
        np.testing.assert_allclose(getattr(grown.posterior(R), name), getattr(fresh.posterior(R), name), rtol=0, atol=1e-8)
    draws = model.sample(Q, 4000, np.random.default_rng(3))[:, :, 0]
    np.testing.assert_allclose(np.cov(draws.T), model.covariance(Q), rtol=0, atol=0.02)


def test_hyperparameters_of_an_additive_process_can_be_stored():
    hyper = additive(3)
    again = Hyperparameters.load(json.loads(json.dumps(hyper.dump())))
    np.testing.assert_array_equal(again.shares, hyper.shares)
    assert Hyperparameters.load(hyperparameters(3).dump()).shares is None


# --- functions drawn from the posterior --------------------------------------------------------------------------------------

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
def test_gradients_of_a_path_are_finite_differences(mixed: bool, kind: str) -> None:
    space = check_space([(0.0, 1.0), (1, 6), ["a", "b", "c"], (0.0, 1.0)]) if mixed else None
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
