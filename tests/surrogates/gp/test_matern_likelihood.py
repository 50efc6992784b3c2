"""The likelihood of one Matérn kernel and of two scales: values against other implementations, starts, and what fits find."""

import numpy as np
import pytest
from scipy.stats import norm, t

from hyperspace.surrogates.gp import likelihood
from hyperspace.surrogates.gp.matern_likelihood import MaternObjective, TwoScaleObjective
from hyperspace.surrogates.gp.posterior import MIN_NOISE, ExactGP
from hyperspace.surrogates.input_encoding import Features


def data(n=25, d=3):
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    z = np.sin(6.0 * X[:, 0]) + X[:, 1] ** 2
    return X, (z - z.mean()) / z.std()


def independent(*arguments):
    return MaternObjective(*arguments, alike=False)


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


@pytest.mark.parametrize("make", [MaternObjective, independent, TwoScaleObjective])
@pytest.mark.parametrize("known", [False, True])
def test_starts_lie_within_the_bounds_and_are_as_long(make, known):
    X, z = data()
    objective = make(Features(3), X, z, np.full(len(z), 0.1) if known else None)
    bounds = np.array(objective.bounds())
    assert len(bounds) == {MaternObjective: 5, independent: 4, TwoScaleObjective: 7}[make] + (not known)
    for start in objective.starts():
        assert ((bounds[:, 0] <= start) & (start <= bounds[:, 1])).all()
        assert np.isfinite(objective(start)[0])


def test_lengthscales_are_expected_to_grow_with_the_number_of_dimensions():
    """At the mode of the density of a lengthscale, exp(sqrt(2) + ln(d)/2 - 3): distances grow as sqrt(d), too."""
    for d in (1, 4, 100):
        start = MaternObjective(Features(d), np.random.default_rng(0).random((5, d)), np.zeros(5)).starts()[0]
        assert np.exp(start[:d]) == pytest.approx(np.full(d, np.exp(np.sqrt(2) - 3) * np.sqrt(d)))


def test_memory_to_work_in_may_be_shared():
    X, z = data()
    scratch = np.full((3, len(z), len(z)), np.nan)
    alone = [MaternObjective(Features(3), X, z), TwoScaleObjective(Features(3), X, z)]
    sharing = [MaternObjective(Features(3), X, z, scratch=scratch), TwoScaleObjective(Features(3), X, z, scratch=scratch)]
    for _ in range(2):
        for one, other in zip(alone, sharing, strict=True):
            theta = one.starts()[0]
            assert other(theta)[0] == one(theta)[0]
            np.testing.assert_array_equal(other(theta)[1], one(theta)[1])


def test_hyperparameters_are_read_from_theta_by_place():
    X, z = data()
    theta = np.log([0.1, 0.2, 0.3, 1.7, 0.25, 3.0, 6.0, 1e-3])
    theta[5] = np.log(0.2 / 0.8)  # logit
    found = TwoScaleObjective(Features(3), X, z).hyperparameters(theta)
    assert found.lengthscales == pytest.approx([0.1, 0.2, 0.3])
    assert (found.outputscale, found.short_share, found.short_ratio, found.noise) == pytest.approx((1.7, 0.2, 6.0, 1e-3))
    found = MaternObjective(Features(3), X, z).hyperparameters(theta[[0, 1, 2, 3, 4, 7]])
    assert (found.outputscale, found.short_share, found.noise) == pytest.approx((1.7, 0.0, 1e-3))
    assert found.shares is None


@pytest.mark.parametrize(("noise", "share"), [(0.3, 0.2), (1e-6, 0.1), (20.0, 0.9)])
def test_two_scales_start_with_the_noise_of_one_as_the_short_part(noise, share):
    X, z = data()
    single = np.log([0.5, 0.6, 0.7, 1.2, 0.6, noise])
    two = TwoScaleObjective(Features(3), X, z)
    starts = [two.hyperparameters(theta) for theta in two.starts_from(single)]
    assert [start.short_ratio for start in starts] == pytest.approx([3.0, 8.0])
    for start in starts:
        assert start.lengthscales == pytest.approx([0.5, 0.6, 0.7])
        assert start.outputscale == pytest.approx(1.2 + noise)
        assert (start.short_share, start.noise) == pytest.approx((share, 1e-4))


def test_known_noise_is_not_taken_for_a_short_part():
    X, z = data()
    two = TwoScaleObjective(Features(3), X, z, np.full(len(z), 0.4))
    for theta in two.starts_from(np.log([0.5, 0.6, 0.7, 1.0, 0.6])):
        found = two.hyperparameters(theta)
        assert (found.short_share, found.outputscale, found.noise) == pytest.approx((0.1, 1.0 + MIN_NOISE, MIN_NOISE))
