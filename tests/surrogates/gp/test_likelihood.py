import numpy as np
import pytest
from scipy.stats import norm, t

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


@pytest.mark.parametrize("make", [MaternObjective, independent, TwoScaleObjective])
def test_value_is_minus_the_log_likelihood_and_the_log_priors(make):
    X, z = data()
    objective = make(Features(3), X, z)
    location, spread = np.sqrt(2) + np.log(3) / 2, np.sqrt(3)

    def other(theta):
        """The same up to a constant, from other implementations of each term."""
        hyper = objective.hyperparameters(theta)
        model = ExactGP(Features(3), hyper, X, z)
        if make is independent:
            lengthscales = norm.logpdf(theta[:3], location, spread) - theta[:3]
        else:
            lengthscales = t.logpdf(theta[:3], 2, theta[4], 0.3)
            lengthscales[0] += norm.logpdf(theta[4], location - spread**2, 1.5)
        rest = norm.logpdf(theta[3], 0.0, 1.5) + norm.logpdf(theta[-1], -9.0, 3.0) + norm.logpdf(hyper.mean)
        if make is TwoScaleObjective:
            rest += norm.logpdf(theta[5], -2.0, 1.5) + norm.logpdf(theta[6], 1.4, 0.7)
        return -(model.log_marginal_likelihood + lengthscales.sum() + rest)

    rng = np.random.default_rng(1)
    a, b = (objective.starts()[0] + rng.normal(size=len(objective.bounds())) for _ in range(2))
    assert objective(a)[0] - objective(b)[0] == pytest.approx(other(a) - other(b), abs=1e-8)


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


def test_a_dimension_that_does_not_matter_gets_a_long_lengthscale_and_leaves_the_others_theirs():
    X = np.random.default_rng(0).random((60, 6))
    z = np.sin(6.0 * X[:, :3]).sum(axis=1)
    objective = MaternObjective(Features(6), X, (z - z.mean()) / z.std())
    lengthscales = np.exp(likelihood.fit(objective, objective.starts()[0], 100)[0][:6])
    assert lengthscales[3:].min() > 5.0 * lengthscales[:3].max()
    assert lengthscales[:3].max() < 1.5 * lengthscales[:3].min()


def test_two_scales_tell_ripples_from_noise_and_noise_from_ripples():
    rng = np.random.default_rng(0)
    X = rng.random((150, 2))
    trend = 3.0 * ((X - 0.4) ** 2).sum(axis=1)
    ripples = 0.1 * np.cos(20.0 * np.pi * X).sum(axis=1)

    def fitted(z):
        one, two = (make(Features(2), X, z) for make in (MaternObjective, TwoScaleObjective))
        single, value = likelihood.fit(one, one.starts()[0], 100)
        both, value_of_both = likelihood.fit(two, likelihood.best_start(two, two.starts_from(single), None), 100)
        return one.hyperparameters(single), two.hyperparameters(both), value - value_of_both

    single, both, gained = fitted(trend + ripples)
    assert gained > 30.0
    assert single.noise > 1e-3 > 10.0 * both.noise
    assert both.short_share > 1e-3
    assert fitted(trend + 0.1 * rng.standard_normal(150))[2] < 2.0
