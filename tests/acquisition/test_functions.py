import math

import numpy as np
import pytest
from scipy.stats import norm

from hyperspace.acquisition.feasibility import Success
from hyperspace.acquisition.functions import LCB, LogEI, LogPI, ModelCriterion, SampleCriterion, make_acquisition
from hyperspace.errors import InputError
from hyperspace.numerics.normal import log_h
from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
from hyperspace.surrogates.input_encoding import Features

MEAN, STD = np.linspace(-2.0, 3.0, 9), np.geomspace(0.05, 2.0, 9)


def gp(y, d=3, n=25):
    X = np.random.default_rng(0).random((n, d))
    return ExactGP(Features(d), Hyperparameters(np.full(d, 0.6), 1.0, 1e-2, 0.0), X, y(X))


def test_expected_improvement_is_that_of_sampling():
    draws = np.random.default_rng(0).standard_normal(1_000_000)
    for mean, std in zip(MEAN, STD, strict=True):
        improvement = np.maximum(0.3 - (mean + std * draws), 0.0)
        error = improvement.std() / 1000.0
        assert math.exp(LogEI(0.3)(np.array([mean]), np.array([std]))[0]) == pytest.approx(
            improvement.mean(), abs=5 * error + 1e-12
        )


def test_log_expected_improvement_is_finite_and_smooth_far_out():
    z = -np.geomspace(1.0, 1e9, 2000)
    values = log_h(z)
    assert np.isfinite(values).all()
    assert np.all(np.diff(values) < 0.0)
    np.testing.assert_allclose(values[z < -1e4], -0.5 * z[z < -1e4] ** 2, rtol=1e-6)
    np.testing.assert_allclose(log_h(np.array([1e3, 1e6])), np.log([1e3, 1e6]), rtol=1e-12)
    value, by_mean, by_std = LogEI(0.0).gradient(np.array([1e3]), np.array([1e-3]))
    assert np.isfinite([value, by_mean, by_std]).all()


def test_probability_of_improvement_is_the_normal_distribution_and_counts_a_margin():
    np.testing.assert_allclose(LogPI(0.3, margin=0.1)(MEAN, STD), norm.logcdf((0.2 - MEAN) / STD), rtol=1e-9)


def test_lower_confidence_bound_trades_mean_for_deviation():
    np.testing.assert_allclose(LCB(2.0)(MEAN, STD), 2.0 * STD - MEAN)


@pytest.mark.parametrize("acquisition", [LogEI(0.3), LogPI(0.3), LCB()])
@pytest.mark.parametrize("far", [0.0, 8.0])
def test_derivatives_are_those_of_finite_differences(acquisition, far):
    value, by_mean, by_std = acquisition.gradient(MEAN + far, STD)
    np.testing.assert_array_equal(value, acquisition(MEAN + far, STD))
    step = 1e-6 * STD
    by_mean_numeric = (acquisition(MEAN + far + step, STD) - acquisition(MEAN + far - step, STD)) / (2 * step)
    by_std_numeric = (acquisition(MEAN + far, STD + step) - acquisition(MEAN + far, STD - step)) / (2 * step)
    np.testing.assert_allclose(by_mean, by_mean_numeric, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_std, by_std_numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("acquisition", [LogEI(-0.5), LogPI(-0.5), LCB(), LogEI(-40.0)])
@pytest.mark.parametrize("required_z", [None, 0.0, 5.0])
def test_gradient_of_the_criterion_is_that_of_finite_differences(acquisition, required_z):
    feasibility = None if required_z is None else Success(gp(lambda X: (X[:, 0] > 0.5) * 1.0), 0.5, required_z)
    criterion = ModelCriterion(gp(lambda X: np.sin(5 * X[:, 0]) + X[:, 1]), acquisition, feasibility)
    Q, step = np.random.default_rng(2).random((8, 3)), 1e-6
    value, gradient = criterion.gradient(Q)
    np.testing.assert_allclose(value, criterion(Q), rtol=1e-9)
    for j, e in enumerate(step * np.eye(3)):
        numeric = (criterion(Q + e) - criterion(Q - e)) / (2 * step)
        np.testing.assert_allclose(gradient[:, j], numeric, rtol=1e-4, atol=1e-4)


def test_what_is_resolved_has_nothing_to_offer():
    model = gp(lambda X: np.sin(5 * X[:, 0]) + X[:, 1])
    Q = np.random.default_rng(2).random((8, 3))
    variance = model.posterior(Q).variance[:, 0]
    resolved = float(np.sort(variance)[4])
    criterion = ModelCriterion(model, LogEI(-0.5), resolved=resolved)
    sure = variance <= resolved
    assert (criterion(Q)[sure] < -1e6).all()
    mean = model.posterior(Q).mean[:, 0]
    np.testing.assert_allclose(criterion(Q)[~sure], LogEI(-0.5)(mean[~sure], np.sqrt(variance[~sure] - resolved)))
    value, gradient = criterion.gradient(Q)
    np.testing.assert_allclose(value, criterion(Q), rtol=1e-9)
    for j, e in enumerate(1e-7 * np.eye(3)):
        numeric = (criterion(Q + e) - criterion(Q - e)) / 2e-7
        np.testing.assert_allclose(gradient[~sure, j], numeric[~sure], rtol=1e-4, atol=1e-4)


def test_feasibility_is_the_probability_of_lying_below_the_threshold():
    model = gp(lambda X: (X[:, 0] > 0.5) * 1.0)
    Q = np.random.default_rng(2).random((50, 3))
    posterior = model.posterior(Q)
    z = (0.5 - posterior.mean[:, 0]) / posterior.std[:, 0]
    log_probability = Success(model, 0.5).log_probability(Q)
    np.testing.assert_allclose(log_probability[z > 0.0], norm.logcdf(z[z > 0.0]), rtol=1e-9)
    assert np.all(log_probability[z < 0.0] < norm.logcdf(z[z < 0.0]))
    near = np.linspace(0.1, 0.9, 9)[:, None] * np.array([1.0, 0.0, 0.0]) + np.array([0.0, 0.5, 0.5])
    log_probability = Success(model, 0.5).log_probability(near)
    assert log_probability[:3].min() > -0.2
    assert log_probability[-3:].max() < -10.0


def test_a_place_that_fails_loses_even_where_all_else_is_explored():
    """Next to a known point log EI is of the order of -1e6: the promise of a place that surely fails must not outweigh that."""
    feasibility = Success(gp(lambda X: (X[:, 0] > 0.5) * 1.0), 0.5)
    explored = ExactGP(Features(3), Hyperparameters(np.full(3, 5.0), 1.0, 1e-8, 0.0), np.full((1, 3), 0.2), np.ones(1))
    criterion = ModelCriterion(explored, LogEI(-3.0), feasibility)
    known, failing = np.array([[0.2, 0.2, 0.2]]), np.array([[0.9, 0.5, 0.5]])
    assert LogEI(-3.0)(*(part[:, 0] for part in (explored.posterior(known).mean, explored.posterior(known).std)))[0] < -1e4
    assert criterion(known)[0] > criterion(failing)[0]


def test_a_drawn_minimum_is_minus_a_path_where_the_path_of_failures_succeeds():
    objective, failures = gp(lambda X: X.sum(axis=1)), gp(lambda X: np.where(X[:, 0] > 0.5, 1.0, -1.0))
    U = np.random.default_rng(3).random((400, 3))
    drawn = SampleCriterion(objective, Success(failures, 0.0, required_z=1.0), U, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    path, failure = objective.path(rng), failures.path(rng)
    doubt = np.maximum(failures.posterior(U).std[:, 0], 0.2)
    fails = failure(U) + doubt > 0.0
    assert 0 < fails.sum() < len(U)
    np.testing.assert_allclose(drawn(U), np.where(fails, -np.inf, -path(U)))
    few = U[:16]  # so many are worked out in double precision
    value, gradient = drawn.gradient(few)
    np.testing.assert_allclose(value, drawn(few))
    for j, e in enumerate(1e-6 * np.eye(3)):
        numeric = (path(few - e) - path(few + e)) / 2e-6
        np.testing.assert_allclose(gradient[:, j], numeric, rtol=1e-5, atol=1e-5)
    drawn.set_margin(U, 2.0)
    fails = failure(U) + 3.0 * doubt > 0.0
    np.testing.assert_allclose(drawn(U), np.where(fails, -np.inf, -path(U)))


def test_a_drawn_minimum_leaves_a_point_where_all_would_fail():
    objective, failures = gp(lambda X: X.sum(axis=1)), gp(lambda X: np.ones(len(X)))
    U = np.random.default_rng(5).random((50, 3))
    drawn = SampleCriterion(objective, Success(failures, 0.0), U, np.random.default_rng(6))
    assert np.isfinite(drawn(U)).sum() == 1


def test_names():
    assert make_acquisition("EI", 0.5) == LogEI(0.5)
    assert make_acquisition("PI", 0.5) == LogPI(0.5)
    assert make_acquisition("LCB", 0.5) == LCB()
    with pytest.raises(InputError, match=r"EI, PI, LCB, TS, gp_hedge, got 'UCB'"):
        make_acquisition("UCB", 0.5)
