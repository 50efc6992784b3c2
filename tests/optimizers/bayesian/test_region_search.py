"""A region's search finds low points of functions drawn from its model, and leaves those alone that fail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hyperspace.optimizers.bayesian.models import RegionModels, fit_feasibility
from hyperspace.optimizers.bayesian.region_search import RegionSearch
from hyperspace.optimizers.bayesian.settings import WHOLE, Settings, Setup
from hyperspace.optimizers.bayesian.trust_regions import Region
from hyperspace.space import Space, check_space
from hyperspace.space.space import Bounds
from hyperspace.typing import Array

MIXED = [(0.0, 1.0), (1, 9), ["a", "b"]]
LISTED = [["a", "b", "c"], (1, 5)]


def search(
    dimensions: list,
    objective: Callable[[Array], Array],
    model: str = "GP",
    fails: Callable[[Array], Array] | None = None,
    side: float = 0.8,
    additive: bool = False,
) -> RegionSearch:
    space: Space = check_space(dimensions)
    rng = np.random.default_rng(0)
    U = space.snap(rng.random((60, space.d)))
    y = objective(U)
    setup = Setup(space, Settings(), model, "EI", 0, Bounds.whole(space.d))
    fits = RegionModels(setup, 0, WHOLE, np.arange(60), U, y, None, True)
    if additive:
        fits = RegionModels(setup, 0, WHOLE, np.arange(60), U, y, fits.refit(), False)
    local = fits.local(additive)
    feasibility = None if fails is None else fit_feasibility(space, U, fails(U), 0.0)
    best = int(np.argmin(y if fails is None else np.where(fails(U), np.inf, y)))
    region, rng = Region(0, best, side), np.random.default_rng(1)
    return RegionSearch(setup, region, U[best], local, float(y[best]), feasibility, 4, rng)


def bowl(U: Array) -> Array:
    return ((U - 0.4) ** 2).sum(axis=1)


def test_what_candidates_miss_is_climbed_down_to() -> None:
    seen = search([(0.0, 1.0)] * 10, bowl)
    enough, at_candidates = seen.minimize_sample(np.inf, np.random.default_rng(2))
    climbed, lowest = seen.minimize_sample(-np.inf, np.random.default_rng(2))
    assert lowest < at_candidates - 0.2
    assert bowl(climbed[:1])[0] < bowl(enough[:1])[0]
    assert (np.abs(climbed[0] - seen.center) <= 0.8 * Settings().stretch / 2 + 1e-12).all()
    assert (seen.box.lower <= climbed[0]).all()
    assert (climbed[0] <= seen.box.upper).all()


def test_the_minimum_of_a_sum_is_put_together_from_those_along_the_axes() -> None:
    def valleys(U: Array) -> Array:  # four a dimension; the lowest is that at 0.375
        return (np.cos(8.0 * np.pi * U) + 4.0 * (U - 0.4) ** 2).sum(axis=1)

    found = {}
    for additive in (False, True):
        seen = search([(0.0, 1.0)] * 4, valleys, side=1.6, additive=additive)
        found[additive] = [
            float(valleys(seen.minimize_sample(-np.inf, np.random.default_rng(seed))[0][:1])[0]) for seed in range(8)
        ]
    assert max(found[True]) < -2.8  # all four coordinates are in a valley, where the function is -4 + 4 (u - 0.4)^2
    assert np.median(found[False]) > 0.0


def test_turns_draw_functions_and_candidates_of_their_own() -> None:
    seen = search([(0.0, 1.0)] * 3, bowl)
    first, second = (seen.minimize_sample(np.inf, np.random.default_rng(seed))[0] for seed in (3, 4))
    assert np.abs(first[0] - second[0]).max() > 1e-9
    assert np.array_equal(seen.minimize_sample(np.inf, np.random.default_rng(3))[0], first)


@pytest.mark.parametrize("target", [np.inf, -np.inf])
def test_points_that_fail_are_left_alone(target: float) -> None:
    def share(fails: Callable[[Array], Array] | None) -> float:
        seen = search([(0.0, 1.0)] * 2, lambda U: -U.sum(axis=1), fails=fails)
        found = np.array([seen.minimize_sample(target, np.random.default_rng(seed))[0][0] for seed in range(20)])
        return float(np.mean(found[:, 0] > 0.7))

    assert share(None) >= 0.9
    assert share(lambda U: U[:, 0] > 0.5) <= 0.1


def test_discrete_dimensions_stay_on_their_levels() -> None:
    space = check_space([(0.0, 1.0), (1, 9), ["a", "b", "c"]])
    U, _ = search(list(space.dimensions), bowl).minimize_sample(-np.inf, np.random.default_rng(5))
    np.testing.assert_allclose(space.snap(U[:4]), U[:4], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dimensions", "model"), [(LISTED, "GP"), ([(0.0, 1.0)] * 2, "ET")])
def test_small_boxes_and_models_without_paths_rank_candidates_by_joint_draws(dimensions: list, model: str) -> None:
    seen = search(dimensions, bowl, model)
    assert not seen.has_paths
    U, lowest = seen.ranked_candidates(2)
    assert len(U) == len(seen.candidates)
    assert seen.lowest_sample(2) == pytest.approx(float(seen.local.transform.inverse(np.array([lowest]))[0][0]))


def two_holes(U: Array) -> Array:
    return -np.exp(-30.0 * ((U - 0.25) ** 2).sum(axis=1)) - 0.8 * np.exp(-30.0 * ((U - 0.75) ** 2).sum(axis=1))


def test_local_minima_are_away_from_the_best_trial() -> None:
    seen = search([(0.0, 1.0)] * 2, two_holes, side=1.6)
    starts = np.array([[0.26, 0.24], [0.7, 0.8], [0.2, 0.6]])
    found = seen.local_minima(starts, np.random.default_rng(2))
    assert len(found)
    assert (np.abs(found - starts[0]).max(axis=1) > Settings().explore_distance).all()
    assert (np.abs(found - 0.75).max(axis=1) < 0.1).any()


def test_local_minima_are_on_levels_and_feasible() -> None:
    space = check_space(MIXED)
    seen = search(MIXED, lambda U: ((U[:, :1] - 0.4) ** 2).sum(axis=1), fails=lambda U: U[:, 0] > 0.6, side=1.6)
    starts = space.snap(np.random.default_rng(3).random((6, 3)))
    starts[:, 0] *= 0.5
    found = seen.local_minima(starts, np.random.default_rng(4))
    np.testing.assert_array_equal(found, space.snap(found))
    assert (found[:, 0] < 0.65).all()


@pytest.mark.parametrize(("dimensions", "model"), [(LISTED, "GP"), ([(0.0, 1.0)] * 3, "RF")])
def test_local_minima_need_pathwise_samples_and_a_continuous_dimension(dimensions: list, model: str) -> None:
    seen = search(dimensions, lambda U: U.sum(axis=1), model)
    assert seen.local_minima(seen.center[None], np.random.default_rng(0)).shape == (0, len(dimensions))


def test_a_sum_has_its_minimum_put_together_instead() -> None:
    seen = search([(0.0, 1.0)] * 3, lambda U: np.cos(9.0 * U).sum(axis=1), additive=True)
    assert len(seen.local_minima(seen.center[None], np.random.default_rng(0))) == 0
