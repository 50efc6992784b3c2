"""The Bayesian linear head against a Gaussian process with a linear kernel, scipy's normal density, and Monte Carlo."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from hyperspace.surrogates.networks.bayesian_linear import (
    Evidence,
    GaussianWeights,
    LinearModel,
    LinearModels,
    held_out_evidence,
    log_marginal_likelihood,
    maximize,
)
from hyperspace.surrogates.outcome_transforms import Transform

ALPHA, BETA = 3.0, 40.0


def data(n=30, p=8, seed=0):
    rng = np.random.default_rng(seed)
    Phi = np.tanh(rng.standard_normal((n, p)))
    return Phi, Phi @ rng.standard_normal(p) + 0.1 * rng.standard_normal(n)


def gaussian_process(Phi, y, test, alpha, noise):
    """Return mean and variance of a Gaussian process with the kernel phi^T phi' / alpha, from its n x n matrices."""
    K = Phi @ Phi.T / alpha + np.diag(noise)
    cross = test @ Phi.T / alpha
    variance = (test**2).sum(axis=1) / alpha - np.einsum("ij,ji->i", cross, np.linalg.solve(K, cross.T))
    return cross @ np.linalg.solve(K, y), variance


class Waves:
    """A basis with derivatives that are easily written down: sin(j x_1) + x_2."""

    def __init__(self, p=5):
        self.j = np.arange(1, p + 1)

    def __call__(self, X):
        def pullback(by_features):
            first = (by_features * np.cos(X[:, :1] * self.j) * self.j).sum(axis=1)
            return np.stack([first, by_features.sum(axis=1)], axis=1)

        return np.sin(X[:, :1] * self.j) + X[:, 1:], pullback


def fitted(p=5):
    rng = np.random.default_rng(1)
    X = rng.random((20, 2))
    basis = Waves(p)
    y = np.sin(4.0 * X[:, 0]) * X[:, 1]
    return LinearModel(basis, GaussianWeights.prior(p, ALPHA, BETA).condition(basis(X)[0], y)), X, y


@pytest.mark.parametrize("n", [1, 5, 200])
def test_head_is_a_gaussian_process_with_a_linear_kernel(n):
    Phi, y = data(n)
    test = data(50, seed=1)[0]
    weights = GaussianWeights.prior(8, ALPHA, BETA).condition(Phi, y)
    mean, variance = gaussian_process(Phi, y, test, ALPHA, np.full(n, 1.0 / BETA))
    assert test @ weights.mean == pytest.approx(mean, abs=1e-8)
    assert ((test @ weights.factor) ** 2).sum(axis=1) == pytest.approx(variance, abs=1e-8)


def test_head_follows_the_equations_of_the_paper():
    Phi, y = data()
    K = BETA * Phi.T @ Phi + ALPHA * np.eye(8)
    weights = GaussianWeights.prior(8, ALPHA, BETA).condition(Phi, y)
    assert weights.mean == pytest.approx(BETA * np.linalg.solve(K, Phi.T @ y), abs=1e-10)
    assert weights.factor @ weights.factor.T == pytest.approx(np.linalg.inv(K), abs=1e-10)


def test_known_noise_is_added_point_by_point():
    Phi, y = data()
    noise = np.linspace(0.0, 1.0, len(y))
    weights = GaussianWeights.prior(8, ALPHA, BETA).condition(Phi, y, 1.0 / (1.0 / BETA + noise))
    mean, _ = gaussian_process(Phi, y, Phi, ALPHA, 1.0 / BETA + noise)
    assert Phi @ weights.mean == pytest.approx(mean, abs=1e-8)


def test_posterior_is_equations_4_and_5_with_or_without_the_residuals():
    model, X, _ = fitted()
    Phi = model.basis(X)[0]
    function, observation = model.posterior(X), LinearModel(model.basis, model.weights, noisy=True).posterior(X)
    assert function.mean[:, 0] == pytest.approx(Phi @ model.weights.mean)
    assert function.variance[:, 0] == pytest.approx(np.diag(model.covariance(X)), abs=1e-10)
    assert observation.mean == pytest.approx(function.mean)
    assert observation.variance == pytest.approx(function.variance + 1.0 / BETA, abs=1e-10)


def test_predictions_are_of_observations_and_acquisitions_see_the_function():
    latent, X, _ = fitted()
    model = LinearModels([latent], [Transform(center=5.0, scale=2.0)])
    assert model.latent is latent
    assert model.posterior(X).mean == pytest.approx(5.0 + 2.0 * latent.posterior(X).mean)
    assert model.posterior(X).variance == pytest.approx(4.0 * (latent.posterior(X).variance + 1.0 / BETA))
    assert isinstance(model.condition(X, np.zeros((len(X), 1))), LinearModels)


def test_gradients_equal_finite_differences():
    model, _, _ = fitted()
    for x in np.random.default_rng(2).random((3, 2)):
        posterior = model.posterior(x[None], gradients=True)
        by_mean = approx_fprime(x, lambda u: model.posterior(u[None]).mean[0, 0], 1e-7)
        by_variance = approx_fprime(x, lambda u: model.posterior(u[None]).variance[0, 0], 1e-7)
        assert posterior.mean_gradient[0, 0] == pytest.approx(by_mean, abs=1e-5)
        assert posterior.variance_gradient[0, 0] == pytest.approx(by_variance, abs=1e-5)


def test_conditioning_point_by_point_equals_conditioning_at_once():
    model, X, y = fitted()
    new = np.random.default_rng(3).random((4, 2))
    values = np.arange(4.0)
    step = model
    for x, value in zip(new, values, strict=True):
        step = step.condition(x[None], np.array([value]))
    Phi = model.basis(np.concatenate([X, new]))[0]
    at_once = GaussianWeights.prior(5, ALPHA, BETA).condition(Phi, np.concatenate([y, values]))
    assert step.weights.mean == pytest.approx(at_once.mean, abs=1e-10)
    assert step.covariance(new) == pytest.approx(LinearModel(model.basis, at_once).covariance(new), abs=1e-12)


def test_believing_its_own_mean_changes_only_the_variance():
    model, _, _ = fitted()
    new = np.array([[0.9, 0.9]])
    believer = model.condition(new)
    assert believer.posterior(new).mean == pytest.approx(model.posterior(new).mean)
    assert believer.posterior(new).variance[0, 0] < model.posterior(new).variance[0, 0]


def test_draws_have_the_posterior_moments():
    model, _, _ = fitted()
    X = np.random.default_rng(4).random((3, 2))
    draws = model.sample(X, 40_000, np.random.default_rng(5))
    assert draws.shape == (40_000, 3, 1)
    covariance = model.covariance(X)
    scale = np.sqrt(np.diag(covariance))
    assert draws[:, :, 0].mean(axis=0) == pytest.approx(model.posterior(X).mean[:, 0], abs=5e-2 * scale.max())
    assert np.cov(draws[:, :, 0].T) == pytest.approx(covariance, abs=0.05 * covariance.max())


@pytest.mark.parametrize("n", [1, 4, 30])
@pytest.mark.parametrize(("alpha", "beta"), [(ALPHA, BETA), (1e-3, 1e4), (1e3, 0.1)])
def test_log_marginal_likelihood_is_the_normal_density_of_the_targets(n, alpha, beta):
    Phi, y = data(n)
    expected = multivariate_normal(np.zeros(n), Phi @ Phi.T / alpha + np.eye(n) / beta).logpdf(y)
    assert log_marginal_likelihood(Phi, y, alpha, beta) == pytest.approx(expected, rel=1e-8)


def test_paths_are_draws_of_the_function():
    model, _, _ = fitted()
    Q = np.random.default_rng(7).random((5, 2))
    rng = np.random.default_rng(8)
    draws = np.array([model.path(rng)(Q) for _ in range(20_000)])
    assert draws.mean(axis=0) == pytest.approx(model.posterior(Q).mean[:, 0], abs=0.02)
    assert np.cov(draws.T) == pytest.approx(model.covariance(Q), rel=0.1, abs=0.01)
    path = model.path(rng)
    values, gradients = path.gradient(Q)
    assert values == pytest.approx(path(Q))
    for j, step in enumerate(1e-6 * np.eye(2)):
        assert gradients[:, j] == pytest.approx((path(Q + step) - path(Q - step)) / 2e-6, abs=1e-6)


def test_evidence_with_known_noise_is_the_normal_density():
    Phi, y = data()
    scale = np.linspace(0.1, 1.0, len(y))
    expected = multivariate_normal(np.zeros(len(y)), Phi @ Phi.T / ALPHA + np.diag(1.0 / (BETA * scale))).logpdf(y)
    assert Evidence(Phi, y, scale)(np.log(ALPHA), np.log(BETA)) == pytest.approx(expected, rel=1e-8)


def test_held_out_evidence_is_the_density_of_some_targets_given_the_others():
    Phi, y = data()
    held_out = np.arange(len(y)) % 4 == 0
    weights = GaussianWeights.prior(8, ALPHA, BETA).condition(Phi[~held_out], y[~held_out])
    G = Phi[held_out] @ weights.factor
    expected = multivariate_normal(Phi[held_out] @ weights.mean, G @ G.T + np.eye(len(G)) / BETA).logpdf(y[held_out])
    value = held_out_evidence([(Phi, held_out), (Phi, held_out)], y)(np.log(ALPHA), np.log(BETA))
    assert value == pytest.approx(2.0 * expected, rel=1e-8)


def test_maximize_finds_the_precisions_that_made_the_data():
    rng = np.random.default_rng(6)
    Phi = rng.standard_normal((2000, 200))
    y = Phi @ (rng.standard_normal(200) / np.sqrt(ALPHA)) + rng.standard_normal(2000) / np.sqrt(BETA)
    evidence = Evidence(Phi, y)
    alpha, beta = maximize(evidence)
    assert (alpha, beta) == pytest.approx((ALPHA, BETA), rel=0.2)
    top = evidence(np.log(alpha), np.log(beta))
    for nearby in ((1.001, 1.0), (0.999, 1.0), (1.0, 1.001), (1.0, 0.999)):
        assert evidence(np.log(alpha * nearby[0]), np.log(beta * nearby[1])) < top
