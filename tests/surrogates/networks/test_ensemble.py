"""The deep ensemble: it learns, its spread is calibrated, and extending it is exact in the span of its networks."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Real, check_space
from hyperspace.surrogates.networks.ensemble import DeepEnsemble


def function(X):
    return np.sin(6.0 * X[:, 0]) + X[:, 1] ** 2


def cloud(n=60, seed=0):
    X = np.random.default_rng(seed).random((n, 2))
    return X, function(X)


def test_mean_is_right_and_std_says_how_far_it_is_not():
    surrogate = DeepEnsemble(0)
    surrogate.fit(*cloud())
    test, truth = cloud(300, seed=1)
    mean, std = surrogate.predict(test)
    assert np.sqrt(((mean - truth) ** 2).mean()) < 0.1
    assert 0.3 < np.sqrt((((mean - truth) / std) ** 2).mean()) < 2.0


def test_variance_is_the_scaled_spread_of_the_networks():
    model = DeepEnsemble(0, max_steps=50).fit(*cloud()).latent
    X = cloud(20, seed=1)[0]
    F = model.basis(X)[0]
    assert F.shape == (20, 5)
    posterior = model.posterior(X)
    assert posterior.mean[:, 0] == pytest.approx(F.mean(axis=1))
    scale = posterior.variance[:, 0] / F.var(axis=1, ddof=1)
    assert scale == pytest.approx(scale[0])


def test_gradients_equal_finite_differences():
    space = check_space([Real(0, 1), Categorical(["a", "b"]), Real(0, 1)])
    X = space.snap(np.random.default_rng(0).random((30, 3)))
    model = DeepEnsemble(0, space, max_steps=100).fit(X, X.sum(axis=1))
    for x in X[:3]:
        posterior = model.posterior(x[None], gradients=True)
        by_mean = approx_fprime(x, lambda u: model.posterior(u[None]).mean[0, 0], 1e-6)
        by_variance = approx_fprime(x, lambda u: model.posterior(u[None]).variance[0, 0], 1e-6)
        assert posterior.mean_gradient[0, 0] == pytest.approx(by_mean, abs=1e-4)
        assert posterior.variance_gradient[0, 0] == pytest.approx(by_variance, abs=1e-4)


def test_extending_is_gaussian_conditioning():
    model = DeepEnsemble(0, max_steps=50).fit(*cloud()).latent
    new, test = cloud(2, seed=2)[0], cloud(5, seed=3)[0]
    values = np.array([0.3, -0.2])
    together = np.concatenate([new, test])
    covariance, mean = model.covariance(together), model.posterior(together).mean[:, 0]
    gain = covariance[2:, :2] @ np.linalg.inv(covariance[:2, :2] + model.weights.residual * np.eye(2))
    extended = model.condition(new, values)
    assert extended.posterior(test).mean[:, 0] == pytest.approx(mean[2:] + gain @ (values - mean[:2]), abs=1e-8)
    assert extended.covariance(test) == pytest.approx(covariance[2:, 2:] - gain @ covariance[:2, 2:], abs=1e-8)


@pytest.mark.parametrize(
    "options",
    [{"depth": 1}, {"depth": 4, "width": 10}, {"activation": "relu", "initialization": "he"}, {"n_networks": 3}, {"warp": True}],
)
def test_networks_are_as_asked(options):
    surrogate = DeepEnsemble(0, max_steps=600, **options)
    model = surrogate.fit(*cloud())
    assert model.latent.basis(np.zeros((1, 2)))[0].shape == (1, options.get("n_networks", 5))
    X, y = cloud()
    assert np.corrcoef(surrogate.predict(X)[0], y)[0, 1] > 0.9


@pytest.mark.parametrize("options", [{"n_networks": 1}, {"depth": 0}, {"width": 0}, {"activation": "sine"}, {"epochs": 3}])
def test_options_without_sense_are_refused(options):
    with pytest.raises(InputError):
        DeepEnsemble(0, **options).fit(*cloud(10))
