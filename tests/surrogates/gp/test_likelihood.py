import numpy as np
import pytest
from scipy.stats import norm

from hyperspace.space import check_space
from hyperspace.surrogates.gp import likelihood
from hyperspace.surrogates.gp.additive_likelihood import AdditiveObjective
from hyperspace.surrogates.gp.matern_likelihood import MaternObjective, TwoScaleObjective
from hyperspace.surrogates.gp.posterior import MIN_NOISE, ExactGP
from hyperspace.surrogates.input_encoding import Features


def data(n=25, d=3):
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    z = np.sin(6.0 * X[:, 0]) + X[:, 1] ** 2
    return X, (z - z.mean()) / z.std()


def features(d, kind):
    return Features(d, check_space([(0.0, 1.0), (1, 5), ["a", "b", "c"]]) if kind == "mixed" else None)


def independent(*arguments):
    return MaternObjective(*arguments, alike=False)


@pytest.mark.parametrize("make", [MaternObjective, independent, TwoScaleObjective, AdditiveObjective])
@pytest.mark.parametrize("kind", ["continuous", "mixed"])
@pytest.mark.parametrize("known", [False, True])
def test_gradient_is_that_of_finite_differences(make, kind, known):
    X, z = data()
    noise = np.linspace(0.01, 0.3, len(z)) if known else None
    objective = make(features(3, kind), X, z, noise)
    rng = np.random.default_rng(1)
    for _ in range(3):
        theta = objective.starts()[0] + rng.normal(size=len(objective.bounds()))
        gradient, step = objective(theta)[1], 1e-5
        numeric = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * step) for e in step * np.eye(len(theta))]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())


def test_mean_has_the_largest_posterior_density():
    X, z = data()
    objective = MaternObjective(Features(3), X, z + 0.7)
    hyper = objective.hyperparameters(objective.starts()[0])

    def log_density(mean):
        model = ExactGP(Features(3), type(hyper)(hyper.lengthscales, hyper.outputscale, hyper.noise, mean), X, z + 0.7)
        return model.log_marginal_likelihood + norm.logpdf(mean)

    assert log_density(hyper.mean) > max(log_density(hyper.mean - 1e-3), log_density(hyper.mean + 1e-3))


TRUTH = [0.2, 1.0, 1.0, 0.5, 1e-4]  # lengthscales, outputscale, common lengthscale, noise


def test_fit_finds_what_the_data_were_drawn_from():
    rng = np.random.default_rng(0)
    X = rng.random((150, 2))
    truth = MaternObjective(Features(2), X, np.zeros(150)).hyperparameters(np.log(TRUTH))
    prior = ExactGP(Features(2), truth, np.full((1, 2), 1e6), np.zeros(1))  # an observation too far away to matter
    z = prior.sample(X, 1, rng)[0, :, 0] + 1e-2 * rng.standard_normal(150)
    objective = MaternObjective(Features(2), X, z)
    theta, value = likelihood.fit(objective, objective.starts()[0], 60)
    assert value < objective(np.log(TRUTH))[0]
    np.testing.assert_allclose(theta[:2], np.log([0.2, 1.0]), atol=0.5)
    assert np.exp(theta[-1]) == pytest.approx(1e-4, rel=1.5)


def test_fit_starts_from_the_better_of_two():
    X, z = data()
    objective = MaternObjective(Features(3), X, z)
    default = objective.starts()[0]
    good = likelihood.fit(objective, default, 60)[0]
    bad = np.full(6, -6.0)
    assert likelihood.best_start(objective, [default], good) is good
    np.testing.assert_array_equal(likelihood.best_start(objective, [default], bad), default)
    np.testing.assert_array_equal(likelihood.best_start(objective, [default], np.zeros(9)), default)


def test_a_fit_without_noise_starts_with_some_where_new_data_contradict_it():
    X, z = data()
    few = MaternObjective(Features(3), X[:8], z[:8])
    earlier = np.append(likelihood.fit(few, few.starts()[0], 60)[0][:-1], np.log(MIN_NOISE))
    surprised = MaternObjective(Features(3), X, z + 2.0 * np.random.default_rng(2).normal(size=len(z)))
    start = likelihood.best_start(surprised, surprised.starts(), earlier)
    assert surprised(start)[0] < surprised(earlier)[0] - 100.0
    assert start[-1] > earlier[-1]


def test_noise_stays_above_its_floor_and_known_noise_is_not_learned():
    X, z = data(60)
    objective = MaternObjective(Features(3), X, z)
    theta, _ = likelihood.fit(objective, objective.starts()[0], 60)
    assert np.exp(theta[-1]) >= MIN_NOISE
    objective = MaternObjective(Features(3), X, z, np.full(60, 0.5))
    theta, _ = likelihood.fit(objective, objective.starts()[0], 60)
    assert len(theta) == 5
    assert objective.hyperparameters(theta).noise == MIN_NOISE
