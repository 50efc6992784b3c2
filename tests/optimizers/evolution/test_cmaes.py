"""CMA-ES: where it starts, what it is told, and that it neither stops nor sticks to a level."""

import numpy as np
import pytest

from hyperspace.optimizers import CMA
from hyperspace.optimizers.evolution.base import Setting


def setting(d=3, population=8, given=0, levels=None, start=None):
    start = np.random.default_rng(0).random((population, d)) if start is None else start
    return Setting(start, np.zeros(d, dtype=int) if levels is None else np.array(levels), 7, given)


def generations(loss, count, where, **options):
    """Return the generations of a run on a loss."""
    run, seen = CMA(**options).evolve(where), []
    points = next(run)
    for _ in range(count):
        seen.append(points.copy())
        points = run.send(np.array([loss(x) for x in points]))
    return np.array(seen)


def test_a_run_that_has_come_to_its_end_is_followed_by_one_that_begins_elsewhere():
    """A run ends soon where losses no longer differ."""
    points = generations(lambda x: max(float(((x - 0.3) ** 2).sum()), 0.01), 60, setting(2, 8), sigma=0.1)
    middles = points.mean(axis=1)
    assert np.abs(middles - 0.3).max(axis=1).min() < 0.1
    assert np.ptp(middles, axis=0).min() > 0.5


def test_a_valley_that_is_turned_and_stretched_is_learned():
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]

    def loss(x):
        return float((np.array([1.0, 10.0, 100.0, 1000.0]) * (turn @ (x - 0.4)) ** 2).sum())

    points = generations(loss, 80, setting(4, 10))
    assert min(loss(x) for x in points[-1]) < 1e-6


def test_the_first_generation_is_drawn_about_the_middle_or_about_the_best_point_given():
    start = np.full((2000, 2), 0.9)
    start[0] = 0.2, 0.7
    for given, center in ((0, (0.5, 0.5)), (2, (0.2, 0.7))):
        points = next(CMA(sigma=0.05).evolve(setting(2, given=given, start=start)))
        np.testing.assert_allclose(points.mean(axis=0), center, atol=5 * 0.05 / np.sqrt(2000))
        np.testing.assert_allclose(points.std(axis=0), 0.05, rtol=0.1)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_generations_have_their_size_and_stay_in_the_box(d):
    points = generations(lambda x: -float(x.sum()), 20, setting(d, 7), sigma=1.0)
    assert points.shape == (20, 7, d)
    assert ((points >= 0) & (points <= 1)).all()
    assert points[-1].mean() > 0.85


def test_an_integer_is_never_left_for_good():
    """Of four levels about the optimum, the neighbors are still tried when the continuous coordinate has converged."""
    points = generations(lambda x: float(((x - 0.3) ** 2).sum()), 150, setting(2, 8, levels=[4, 0]))
    late = points[-30:]
    assert late[:, :, 0].std(axis=1).min() > 0.02
    assert np.median(late[:, :, 1].std(axis=1)) < 0.01


def test_points_that_were_evaluated_in_the_place_of_members_are_what_it_learns_from():
    run = CMA(sigma=0.05).evolve(setting(2, 6))
    points = next(run)
    for _ in range(12):
        points[:] = 0.8 + 0.02 * np.random.default_rng(0).normal(size=(6, 2))
        points = run.send(np.arange(6.0))
    assert np.abs(points.mean(axis=0) - 0.8).max() < 0.08


def test_a_run_in_which_all_fail_goes_on():
    points = generations(lambda x: 1e100, 30, setting(2, 6))
    assert np.isfinite(points).all()
    assert len(np.unique(points.reshape(-1, 2), axis=0)) > 150


def test_the_same_seed_gives_the_same_run():
    def loss(x):
        return float((x**2).sum())

    np.testing.assert_array_equal(generations(loss, 10, setting()), generations(loss, 10, setting()))
