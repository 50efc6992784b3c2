import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from targets_data import cells, losses, sphere

from hyperspace.acquisition.functions import LogEI
from hyperspace.targets.front import Front
from hyperspace.targets.hypervolume import hypervolume


def beliefs(q, m, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.2, 1.5, (q, m)), rng.uniform(0.02, 0.6, (q, m))


def test_one_goal_is_expected_improvement_bit_for_bit():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=3000) * 10.0 ** rng.integers(-3, 4, 3000)
    std = 10.0 ** rng.uniform(-11, 2, 3000)
    front, expected = Front(np.array([[0.7], [0.3]]), np.array([np.inf])), LogEI(0.3)
    np.testing.assert_array_equal(front.gain(mean[:, None]), 0.3 - mean)
    np.testing.assert_array_equal(front.log_expected(mean[:, None], std[:, None]), expected(mean, std))
    for found, wanted in zip(front.log_expected_gradient(mean[:, None], std[:, None]), expected.gradient(mean, std), strict=True):
        np.testing.assert_array_equal(found.reshape(-1), wanted)


def test_one_goal_improves_on_each_inserted_point():
    front = Front(np.empty((0, 1)), np.array([np.inf])).insert(np.array([[2.0], [1.0], [3.0]]))
    assert front.gain(np.array([[0.25], [1.5]])).tolist() == [0.75, -0.5]


@given(losses())
def test_gain_is_the_added_volume_or_a_distance(drawn):
    Y, m = drawn
    r = np.full(m, 6.0)
    front = Front(Y, r)
    points = np.random.default_rng(0).integers(0, 8, (20, m)).astype(float)
    for point, gain in zip(points, front.gain(points), strict=True):
        added = cells(np.vstack([Y, point]), r) - cells(Y, r)
        assert gain == added if added > 0.0 else gain <= 0.0
        if gain <= 0.0:  # all losses fall by the distance: then the point is on the border of the region
            moved = front.gain(np.array([point + gain - 1e-6, point + gain + 1e-6]))
            assert moved[0] > 0.0 >= moved[1]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_inserting_is_the_same_as_building(m):
    Y = np.random.default_rng(3).permutation(np.concatenate([sphere(25, m), sphere(25, m) * 1.1]))
    r = np.full(m, 1.1)
    whole, grown = Front(Y, r), Front(Y[:7], r).insert(Y[7]).insert(Y[8:])
    mean, std = beliefs(50, m)
    assert grown.hypervolume == pytest.approx(hypervolume(Y, r), rel=1e-12)
    np.testing.assert_allclose(grown.gain(mean), whole.gain(mean), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(grown.log_expected(mean, std), whole.log_expected(mean, std), rtol=1e-9)
    assert whole.insert(Y[3]) is whole


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_the_expected_improvement_is_that_of_sampling(m):
    front = Front(sphere(15, m), np.full(m, 1.1))
    mean, std = beliefs(6, m)
    draws = np.random.default_rng(1).standard_normal((100_000, m))
    for mu, sigma, log in zip(mean, std, front.log_expected(mean, std), strict=True):
        gains = np.maximum(front.gain(mu + sigma * draws), 0.0)
        assert np.exp(log) == pytest.approx(gains.mean(), abs=5 * gains.std() / np.sqrt(len(draws)) + 1e-9)


def exact_log(front, mu, sigma):
    """Return the log expected improvement in arithmetic of many digits."""
    h = lambda z: mpmath.npdf(z) + z * mpmath.ncdf(z)  # noqa: E731
    total = mpmath.mpf(0)
    for L, U in zip(front.boxes.L, front.boxes.U, strict=True):
        product = mpmath.mpf(1)
        for low, high, m, s in zip(L, U, mu, sigma, strict=True):
            part = h((mpmath.mpf(high) - m) / s)
            product *= s * (part - h((mpmath.mpf(low) - m) / s) if np.isfinite(low) else part)
        total += product
    return mpmath.log(total)


@pytest.mark.parametrize(("m", "sigma"), [(2, 0.05), (2, 0.5), (2, 30.0), (3, 0.1), (3, 2.0)])
def test_value_and_gradient_are_exact_near_and_far(m, sigma):
    front = Front(sphere(6, m), np.full(m, 1.1))
    mean = np.random.default_rng(2).uniform(-1.0, 2.5, (4, m))
    std = np.full((4, m), sigma) * np.linspace(0.5, 2.0, m)
    found = front.log_expected_gradient(mean, std)
    np.testing.assert_array_equal(found.value, front.log_expected(mean, std))
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        for row, (mu, s) in enumerate(zip(mean.tolist(), std.tolist(), strict=True)):
            log = exact_log(front, list(map(mpmath.mpf, mu)), list(map(mpmath.mpf, s)))
            assert found.value[row] == pytest.approx(float(log), rel=1e-12, abs=1e-12)
            for j in range(m):
                for values, slopes in ((0, found.by_mean), (1, found.by_std)):
                    arguments = [list(map(mpmath.mpf, mu)), list(map(mpmath.mpf, s))]
                    arguments[values][j] += step
                    slope = float((exact_log(front, *arguments) - log) / step)
                    assert slopes[row, j] == pytest.approx(slope, rel=1e-7, abs=1e-9 / sigma)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_value_and_gradient_stay_finite_in_the_farthest_tails(m):
    front = Front(sphere(20, m), np.full(m, 1.1))
    for mean, std in itertools.product((-1e6, -1.0, 0.5, 1e6), (1e-11, 1e-3, 1e8)):
        found = front.log_expected_gradient(np.full((1, m), mean), np.full((1, m), std))
        assert all(np.isfinite(part).all() for part in found)
        assert (found.by_mean <= 0.0).all()


def test_the_gradient_points_to_smaller_losses_where_improvement_underflows():
    front = Front(sphere(20, 2), np.full(2, 1.1))
    mean, std = np.array([[5.0, 7.0]]), np.full((1, 2), 1e-3)
    found = front.log_expected_gradient(mean, std)
    assert found.value[0] < -1e6
    better = front.log_expected(mean + 1e-4 * found.by_mean / np.abs(found.by_mean).max(), std)
    assert better[0] > found.value[0]


def test_without_points_it_is_the_product_of_single_improvements():
    front = Front(np.empty((0, 3)), np.array([1.0, 2.0, 3.0]))
    mean, std = beliefs(9, 3)
    single = sum(LogEI(end)(mean[:, j], std[:, j]) for j, end in enumerate((1.0, 2.0, 3.0)))
    np.testing.assert_allclose(front.log_expected(mean, std), single, rtol=1e-13)
    assert front.hypervolume == 0.0


def test_many_points_are_evaluated_in_blocks():
    front = Front(sphere(120, 3), np.full(3, 1.1))
    mean, std = beliefs(2000, 3)
    rows = [0, 1, 700, 1999]
    np.testing.assert_allclose(front.log_expected(mean, std)[rows], front.log_expected(mean[rows], std[rows]), rtol=1e-13)
    np.testing.assert_allclose(front.gain(mean)[rows], front.gain(mean[rows]), rtol=1e-13)


def test_several_goals_need_a_finite_reference():
    with pytest.raises(ValueError, match="must be finite"):
        Front(np.zeros((1, 2)), np.array([1.0, np.inf]))


@given(losses(most_goals=3, most_points=8), st.integers(0, 10_000))
def test_another_point_never_raises_the_expected_improvement(drawn, seed):
    Y, m = drawn
    front = Front(Y, np.full(m, 7.0))
    rng = np.random.default_rng(seed)
    y, mean, std = rng.uniform(-1.0, 7.0, m), rng.uniform(-2.0, 9.0, (5, m)), 10.0 ** rng.uniform(-2, 1, (5, m))
    before, after = front.log_expected(mean, std), front.insert(y).log_expected(mean, std)
    assert (after <= before + 1e-9 * (1.0 + np.abs(before))).all()


@given(losses(most_goals=3, most_points=8), st.integers(0, 10_000))
def test_units_and_origins_of_the_goals_do_not_matter(drawn, seed):
    Y, m = drawn
    rng = np.random.default_rng(seed)
    unit, origin = 10.0 ** rng.uniform(-3, 3, m), rng.normal(size=m) * 100.0
    mean, std = rng.uniform(-2.0, 9.0, (5, m)), 10.0 ** rng.uniform(-1, 1, (5, m))
    one, other = Front(Y, np.full(m, 7.0)), Front(Y * unit + origin, 7.0 * unit + origin)
    expected = one.log_expected(mean, std) + np.log(unit).sum()
    np.testing.assert_allclose(other.log_expected(mean * unit + origin, std * unit), expected, rtol=1e-6, atol=1e-6)


@given(losses(most_goals=4, most_points=10), st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(drawn, random):
    Y, m = drawn
    rows = list(range(len(Y)))
    random.shuffle(rows)
    r = np.full(m, 6.0)
    one, other = Front(Y, r), Front(np.empty((0, m)), r).insert(Y[rows])
    mean, std = beliefs(10, m)
    np.testing.assert_allclose(other.log_expected(mean * 6.0, std * 4.0), one.log_expected(mean * 6.0, std * 4.0), rtol=1e-9)
    points = np.random.default_rng(0).integers(0, 8, (20, m)).astype(float)
    np.testing.assert_allclose(np.maximum(other.gain(points), 0.0), np.maximum(one.gain(points), 0.0), rtol=1e-12, atol=1e-12)
