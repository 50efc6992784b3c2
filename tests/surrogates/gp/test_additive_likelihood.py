"""The likelihood of a sum of processes of one dimension each: values against other implementations, and what fits find."""

import numpy as np
import pytest
from scipy.stats import norm

from hyperspace.space import check_space
from hyperspace.surrogates.gp import additive_likelihood, likelihood
from hyperspace.surrogates.gp.additive_likelihood import AdditiveObjective
from hyperspace.surrogates.gp.matern_likelihood import MaternObjective
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.input_encoding import Features


def data(n=25, d=3):
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    z = np.sin(6.0 * X[:, 0]) + X[:, 1] ** 2
    return X, (z - z.mean()) / z.std()


def features(d, kind):
    return Features(d, check_space([(0.0, 1.0), (1, 5), ["a", "b", "c"]]) if kind == "mixed" else None)


def test_value_of_an_additive_kernel_is_minus_the_log_likelihood_and_the_log_priors():
    X, z = data()
    objective = AdditiveObjective(features(3, "mixed"), X, z)

    def other(theta):
        hyper = objective.hyperparameters(theta)
        np.testing.assert_allclose(hyper.shares * hyper.outputscale, np.exp(theta[3:6]))
        model = ExactGP(features(3, "mixed"), hyper, X, z)
        lengthscales = norm.logpdf(theta[:3], np.sqrt(2), np.sqrt(3)) - theta[:3]
        rest = norm.logpdf(theta[3:6], -np.log(3), 1.5).sum() + norm.logpdf(theta[6], -9.0, 3.0) + norm.logpdf(hyper.mean)
        return -(model.log_marginal_likelihood + lengthscales.sum() + rest)

    rng = np.random.default_rng(1)
    a, b = (objective.starts()[-1] + rng.normal(size=7) for _ in range(2))
    assert objective(a)[0] - objective(b)[0] == pytest.approx(other(a) - other(b), abs=1e-8)


def test_a_sum_of_waves_is_found_to_be_one():
    """Rastrigin's function has ten waves a dimension, which one kernel of all dimensions cannot learn from 150 points."""
    X = np.random.default_rng(0).random((150, 3))
    y = (25.0 * (X - 0.4) ** 2 - np.cos(20.0 * np.pi * (X - 0.4))).sum(axis=1)
    z = (y - y.mean()) / y.std()
    objective = AdditiveObjective(Features(3), X, z)
    theta, value = likelihood.fit(objective, likelihood.best_start(objective, objective.starts(), None), 60)
    other = MaternObjective(Features(3), X, z)
    assert value < likelihood.fit(other, other.starts()[0], 60)[1] - 50.0
    Q = np.random.default_rng(1).random((200, 3))
    truth = (25.0 * (Q - 0.4) ** 2 - np.cos(20.0 * np.pi * (Q - 0.4))).sum(axis=1)
    predicted = ExactGP(Features(3), objective.hyperparameters(theta), X, z).posterior(Q).mean[:, 0]
    assert np.sqrt(np.mean((predicted - (truth - y.mean()) / y.std()) ** 2)) < 0.05


@pytest.mark.parametrize("known", [False, True])
def test_starts_are_equal_parts_of_a_variance_of_one_with_short_and_with_long_lengthscales(known):
    X, z = data()
    objective = AdditiveObjective(Features(3), X, z, np.full(len(z), 0.1) if known else None)
    bounds = np.array(objective.bounds())
    assert len(bounds) == 6 + (not known)
    starts = objective.starts()
    for start, lengthscale in zip(starts, (0.05, 0.3), strict=True):
        assert ((bounds[:, 0] <= start) & (start <= bounds[:, 1])).all()
        found = objective.hyperparameters(start)
        assert found.lengthscales == pytest.approx(np.full(3, lengthscale))
        assert found.shares == pytest.approx(np.full(3, 1 / 3))
        assert found.outputscale == pytest.approx(1.0)


def test_dimensions_that_are_worked_on_one_by_one_give_the_same(monkeypatch):
    X, z = data(n=40, d=5)
    together = AdditiveObjective(Features(5), X, z)
    monkeypatch.setattr(additive_likelihood, "_BLOCK", 40 * 39)  # of 780 pairs, two dimensions at a time
    apart = AdditiveObjective(Features(5), X, z)
    theta = together.starts()[0] + 0.3 * np.random.default_rng(0).normal(size=11)
    assert apart(theta)[0] == pytest.approx(together(theta)[0], rel=1e-12)
    np.testing.assert_allclose(apart(theta)[1], together(theta)[1], rtol=1e-9)


def test_a_single_point_has_no_pairs_and_a_value_nevertheless():
    objective = AdditiveObjective(Features(2), np.full((1, 2), 0.3), np.array([0.7]))
    theta = np.log([0.3, 0.3, 0.5, 0.5, 1e-4])
    value, gradient = objective(theta)
    steps = 1e-5 * np.eye(5)
    numeric = [(objective(theta + step)[0] - objective(theta - step)[0]) / 2e-5 for step in steps]
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)


def test_a_dimension_that_does_not_matter_gets_next_to_no_variance():
    X = np.random.default_rng(0).random((80, 3))
    z = np.sin(9.0 * X[:, 0]) + np.cos(7.0 * X[:, 1])
    objective = AdditiveObjective(Features(3), X, (z - z.mean()) / z.std())
    theta, _ = likelihood.fit(objective, likelihood.best_start(objective, objective.starts(), None), 100)
    found = objective.hyperparameters(theta)
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.shares[2] < 0.02 * found.shares[:2].min()
