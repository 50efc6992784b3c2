"""Probabilities of keeping limits: against scipy's normal distribution, and gradients against finite differences."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from hyperspace.acquisition.feasibility import Joint, Limit, Limits, Success, ViolationCriterion, _log_between
from hyperspace.surrogates.gp.surrogate import GP

RNG = np.random.default_rng(0)
X = RNG.random((12, 2))
Q = RNG.random((7, 2))


def model(function):
    return GP(warp=False).fit(X, function(X)[:, None]).latent


def limits():
    first = model(lambda X: np.sin(5 * X[:, 0]) + X[:, 1])
    second = model(lambda X: X[:, 0] - X[:, 1] ** 2)
    return Limits((Limit(first, high=0.2), Limit(second, low=-0.3, high=0.1), Limit(second, low=0.4)))


def differences(function, at, step=1e-6):
    moves = np.eye(at.shape[1]) * step
    return np.stack([(function(at + move) - function(at - move)) / (2 * step) for move in moves], axis=1)


@pytest.mark.parametrize(("a", "b"), [(-1.0, 0.5), (2.0, 3.0), (-3.0, -2.0), (-math.inf, 1.0), (1.5, math.inf), (-0.5, math.inf)])
def test_the_probability_between_limits_is_the_normal_one(a, b):
    expected = math.log(norm.cdf(b) - norm.cdf(a))
    assert _log_between(np.array([a]), np.array([b]))[0] == pytest.approx(expected, rel=1e-10)


def test_far_tails_and_limits_that_nearly_meet_stay_finite_and_ordered():
    a = np.array([30.0, 40.0, 200.0, -1e6, 5.0])
    values = _log_between(a, a + np.array([1.0, 1.0, 1.0, 1.0, 1e-18]))
    assert np.isfinite(values).all()
    assert values[0] > values[1] > values[2]
    assert values[1] == pytest.approx(norm.logsf(40.0), rel=1e-6)
    assert _log_between(np.array([-1e9, -math.inf]), np.array([1e9, math.inf])).tolist() == [0.0, 0.0]


def test_gradients_are_those_of_finite_differences():
    both = Joint((limits(), Success(model(lambda X: (X[:, 0] > 0.6) * 1.0), 0.5, 0.5)))
    for feasibility in (limits(), both):
        values, gradient = feasibility.gradient(Q)
        assert values == pytest.approx(feasibility.log_probability(Q), rel=1e-9)
        assert gradient == pytest.approx(differences(feasibility.log_probability, Q), rel=1e-3, abs=1e-3)


def test_a_drawn_violation_is_zero_where_the_draws_keep_the_limits():
    drawn = ViolationCriterion(Limits((Limit(model(lambda X: X[:, 0]), high=0.0),)), np.random.default_rng(1))
    inside, outside = np.array([[0.05, 0.5]]), np.array([[0.95, 0.5]])
    assert drawn(inside)[0] == 0.0 > drawn(outside)[0]
    values, gradient = drawn.gradient(Q)
    assert values == pytest.approx(drawn(Q))
    assert gradient == pytest.approx(differences(drawn, Q), rel=1e-3, abs=1e-3)


def test_joint_draws_and_paths_agree_on_what_is_certain():
    known = limits()
    at = X[:3]  # all but known there
    sampled = known.sample(at, 5, np.random.default_rng(2))
    assert sampled == pytest.approx(np.tile(known.path(np.random.default_rng(3))(at), (5, 1)), abs=0.01)


def test_points_under_way_are_believed_to_come_out_as_expected():
    before = limits()
    after = before.with_fantasies(Q)
    for old, new in zip(before.parts, after.parts, strict=True):
        assert new.model.posterior(Q).mean == pytest.approx(old.model.posterior(Q).mean, abs=1e-3)
        assert (new.model.posterior(Q).variance <= old.model.posterior(Q).variance + 1e-9).all()
    assert before.with_fantasies(np.empty((0, 2))) is before
