import moocore
import numpy as np
import pytest
from targets_data import sphere

from hyperspace.targets.directions import DirectionalFront, along, directions, estimated_contributions, estimated_hypervolume
from hyperspace.targets.hypervolume import contributions


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_directions_spread_evenly_over_the_sphere_for_any_number_of_teams(m):
    one = directions(np.arange(1000), 0, m)
    many = np.concatenate([directions(np.arange(10), team, m) for team in range(100)])
    drawn = np.abs(np.random.default_rng(0).normal(size=(100_000, m)))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    for lam in (one, many):
        assert (lam > 0.0).all()
        np.testing.assert_allclose(np.linalg.norm(lam, axis=1), 1.0)
        np.testing.assert_allclose(lam.mean(axis=0), drawn.mean(axis=0), atol=0.02)
        np.testing.assert_allclose(lam.T @ lam / len(lam), drawn.T @ drawn / len(drawn), atol=0.02)


def test_two_teams_and_two_turns_have_other_directions():
    lam = np.concatenate([directions(np.arange(16), team, 2) for team in range(8)])
    assert len(np.unique(lam.round(6), axis=0)) == len(lam)


def test_the_value_along_a_direction_is_the_length_of_the_dominated_ray():
    r, lam = np.array([1.0, 2.0]), directions(np.arange(5), 0, 2)
    Y = np.array([[0.2, 0.7], [0.9, 0.1], [1.2, 0.0]])
    s = along(Y, r, lam)
    ends = r - s[:, :, None] * lam
    np.testing.assert_allclose((ends - Y[:, None]).min(axis=2), 0.0, atol=1e-12)
    assert (s[2] < 0.0).all()


@pytest.mark.parametrize("m", [2, 3, 5, 6])
def test_the_mean_over_directions_is_the_hypervolume(m):
    size = np.arange(1.0, m + 1.0)
    P, r = sphere(40, m) * size, 1.1 * size
    assert estimated_hypervolume(P, r) == pytest.approx(moocore.hypervolume(P, ref=r), rel=0.02)
    front = DirectionalFront(P[:20], r, scale=size)
    assert front.insert(P[20:]).hypervolume == pytest.approx(DirectionalFront(P, r, scale=size).hypervolume)
    assert estimated_hypervolume(np.empty((0, m)), r) == 0.0


@pytest.mark.parametrize("m", [3, 4])
def test_contributions_are_estimated(m):
    P, r = sphere(30, m), np.full(m, 1.1)
    np.testing.assert_allclose(estimated_contributions(P, r), contributions(P, r), atol=0.1 * contributions(P, r).max())


@pytest.mark.parametrize("m", [2, 5])
def test_the_expected_improvement_along_directions_is_that_of_sampling(m):
    rng = np.random.default_rng(0)
    front = DirectionalFront(sphere(30, m), np.full(m, 1.1))
    mean, std = rng.uniform(0.0, 1.3, (6, m)), rng.uniform(0.05, 0.5, (6, m))
    draws = rng.standard_normal((20_000, m))
    for mu, sigma, log in zip(mean, std, front.log_expected(mean, std), strict=True):
        gains = np.maximum(front.gain(mu + sigma * draws), 0.0)
        assert np.exp(log) == pytest.approx(gains.mean(), rel=0.02, abs=5 * gains.std() / np.sqrt(len(draws)) + 1e-9)


@pytest.mark.parametrize("m", [2, 5])
def test_gradients_are_those_of_finite_differences(m):
    rng = np.random.default_rng(0)
    front = DirectionalFront(sphere(30, m), np.full(m, 1.1)).insert(np.full(m, 0.4))
    mean, std = rng.uniform(-0.5, 1.6, (5, m)), rng.uniform(0.05, 0.5, (5, m))
    found, step = front.log_expected_gradient(mean, std), 1e-6
    for j, e in enumerate(step * np.eye(m)):
        by_mean = (front.log_expected(mean + e, std) - front.log_expected(mean - e, std)) / (2 * step)
        by_std = (front.log_expected(mean, std + e) - front.log_expected(mean, std - e)) / (2 * step)
        np.testing.assert_allclose(found.by_mean[:, j], by_mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.by_std[:, j], by_std, rtol=1e-5, atol=1e-5)


def test_the_gradient_remains_where_improvement_underflows():
    front = DirectionalFront(sphere(30, 5), np.full(5, 1.1))
    found = front.log_expected_gradient(np.full((1, 5), 40.0), np.full((1, 5), 1e-3))
    assert all(np.isfinite(part).all() for part in found)
    assert (found.by_mean < 0.0).all()
