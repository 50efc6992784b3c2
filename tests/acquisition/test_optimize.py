import numpy as np
import pytest

from hyperspace.acquisition.optimize import Box, candidates, choose_new, first_new, is_taken, maximize, search_axes
from hyperspace.space import Categorical, check_space
from hyperspace.space.partition import Partition
from hyperspace.space.space import Bounds

CONTINUOUS = [(0.0, 1.0)] * 3
MIXED = [(0.0, 1.0), (1, 30), ["a", "b", "c", "d"], (1, 1000, "log-uniform")]
DISCRETE = [(1, 4), ["a", "b", "c"]]
HUGE = [(0, 10**9), (1, 10**9, "log-uniform")]


class Peak:
    """A smooth criterion with its largest value at a given point; gradients where wanted."""

    def __init__(self, center, has_gradients=True):
        self.center, self.has_gradients = np.asarray(center), has_gradients

    def __call__(self, X):
        return -((X - self.center) ** 2).sum(axis=1)

    def gradient(self, X):
        return self(X), -2.0 * (X - self.center)


def box(dimensions, subspaces=1, index=0):
    space = check_space(dimensions)
    return Box(space, Partition(space, subspaces)[index].bounds)


def best(criterion, where, incumbents=None, seed=0):
    rng = np.random.default_rng(seed)
    U = candidates(where, np.empty((0, where.d)) if incumbents is None else incumbents, rng)
    points, values = maximize(criterion, where, U, rng)
    np.testing.assert_array_equal(values, criterion(points))
    assert np.all(np.diff(values) <= 0.0)
    return points[0]


@pytest.mark.parametrize("has_gradients", [True, False])
@pytest.mark.parametrize("center", [[0.21, 0.77, 0.5], [0.0, 1.0, 0.3], [-1.0, 0.4, 2.0]])
def test_maximum_in_a_continuous_box(center, has_gradients):
    found = best(Peak(center, has_gradients), box(CONTINUOUS))
    np.testing.assert_allclose(found, np.clip(center, 0.0, 1.0), atol=1e-4 if has_gradients else 0.05)


@pytest.mark.parametrize("has_gradients", [True, False])
def test_maximum_among_levels(has_gradients):
    where = box(MIXED)
    center = where.space.to_unit([(0.33, 17, "c", 250)])[0]
    x = where.space.from_unit(best(Peak(center, has_gradients), where)[None])[0]
    assert x[0] == pytest.approx(0.33, abs=1e-3 if has_gradients else 0.05)
    assert x[1:3] == (17, "c")
    assert x[3] == pytest.approx(250, rel=0.01 if has_gradients else 0.2)


def test_maximum_among_more_levels_than_can_be_listed():
    where = box(HUGE)
    center = where.space.to_unit([(123_456_789, 4_321)])[0]
    x = where.space.from_unit(best(Peak(center), where)[None])[0]
    assert x[0] == pytest.approx(123_456_789, rel=0.05)
    assert np.log(x[1]) == pytest.approx(np.log(4_321), rel=0.05)


@pytest.mark.parametrize("dimensions", [CONTINUOUS, MIXED, DISCRETE, HUGE])
@pytest.mark.parametrize("index", [0, 3])
def test_all_points_lie_in_the_box_on_valid_levels(dimensions, index):
    where = box(dimensions, 4, index)
    rng = np.random.default_rng(0)
    incumbents = where.spread(3, rng)
    U = candidates(where, incumbents, rng)
    points, _ = maximize(Peak(np.full(where.d, 0.5)), where, U, rng)
    for V in (U, points):
        assert where.bounds.contains(V).all()
        np.testing.assert_allclose(where.space.snap(V), V, atol=1e-12)


def test_small_discrete_box_is_listed_whole():
    where = box(DISCRETE)
    assert where.all_listed
    assert len(candidates(where, np.empty((0, 2)), np.random.default_rng(0))) == 12
    assert len({where.space.from_unit(u[None])[0] for u in where.listed}) == 12
    part = box(DISCRETE, 4, 3)
    assert {where.space.from_unit(u[None])[0] for u in part.listed} == {(v, c) for v in (2, 3, 4) for c in "bc"}


def test_a_box_between_two_levels_has_the_nearest_one():
    where = Box(check_space([(1, 4), ["a", "b"]]), Bounds(np.array([0.4, 0.0]), np.array([0.45, 1.0])))
    assert {where.space.from_unit(u[None])[0] for u in where.listed} == {(2, "a"), (2, "b")}


def test_a_constant_dimension_is_no_obstacle():
    where = box([(0.0, 1.0), [5], (2, 4)])
    np.testing.assert_allclose(best(Peak([0.3, 0.5, 0.5]), where), [0.3, 0.5, 0.5], atol=1e-4)
    pinned = Box(check_space(CONTINUOUS), Bounds(np.array([0.0, 0.4, 0.0]), np.array([1.0, 0.4, 1.0])))
    np.testing.assert_allclose(best(Peak([0.3, 0.9, 0.5]), pinned), [0.3, 0.4, 0.5], atol=1e-4)


def test_spread_covers_the_box_and_differs_by_stream():
    where = box(CONTINUOUS, 8, 5)
    U = where.spread(256, np.random.default_rng(0))
    unit = (U - where.lower) / where.side
    counts = np.histogramdd(unit, bins=[4, 4, 4], range=[(0, 1)] * 3)[0]
    assert counts.min() >= 1
    assert not np.allclose(U, where.spread(256, np.random.default_rng(1)))


def test_moves_stay_near_in_part_and_change_few_coordinates_of_many():
    where = box([(0.0, 1.0)] * 100)
    center = np.full((1, 100), 0.5)
    moved = where.move(center, 400, np.random.default_rng(0))
    changed = (moved != center).sum(axis=1)
    assert 15 < changed.mean() < 25
    assert changed.min() >= 1
    assert np.median(np.abs(moved - center).max(axis=1)) < 0.2


def waves(U):
    """A sum over the dimensions with four maxima in each; that at 0.45 is the largest."""
    return (np.cos(8.0 * np.pi * (U - 0.45)) - 4.0 * (U - 0.45) ** 2).sum(axis=1)


def test_the_maximum_of_a_sum_is_combined_from_its_axes():
    where = box([(0.0, 1.0)] * 10)
    points = search_axes(waves, where, np.full(10, 0.95), np.random.default_rng(0))
    assert points.shape == (1, 10)
    np.testing.assert_allclose(points[0], 0.45, rtol=0, atol=1.0 / 64)


def test_another_round_of_combining_starts_from_the_first_one_s_end():
    def ridge(U):
        return -((U[:, 0] - U[:, 1]) ** 2) - 0.1 * (U[:, 0] - 0.2) ** 2

    first, second = search_axes(ridge, box([(0.0, 1.0)] * 2), np.array([0.9, 0.9]), np.random.default_rng(0), 2)
    assert ridge(second[None])[0] > ridge(first[None])[0]


def test_combined_levels_are_valid_and_stay_where_nothing_is_better():
    where = box(MIXED)
    u = where.snap(np.array([[0.3, 0.52, 0.4, 0.7]]))[0]
    point = search_axes(Peak(u), where, u, np.random.default_rng(0))[0]
    np.testing.assert_allclose(point, u, rtol=0, atol=1e-9)
    moved = search_axes(Peak([0.9, 0.1, 0.9, 0.2]), where, u, np.random.default_rng(0))[0]
    np.testing.assert_allclose(where.snap(moved[None])[0], moved, rtol=0, atol=1e-12)
    assert moved[2] == max(where.levels(2))


def test_a_narrow_peak_beside_an_incumbent_is_found():
    where = box([(0.0, 1.0)] * 6)
    center = np.full(6, 0.4)

    class Narrow(Peak):
        def __call__(self, X):
            return np.exp(-((X - self.center) ** 2).sum(axis=1) / 0.01**2)

        def gradient(self, X):
            return self(X), -2.0 * (X - self.center) / 0.01**2 * self(X)[:, None]

    assert Narrow(center)(best(Narrow(center), where, incumbents=center[None] + 0.003)[None])[0] > 0.99


def test_points_taken_are_passed_over():
    where = box(CONTINUOUS)
    U = np.random.default_rng(0).random((5, 3))
    assert is_taken(U[2] + 1e-12, U)
    assert not is_taken(U[2] + 1e-6, U)
    assert not is_taken(U[0], np.empty((0, 3)))
    assert first_new(U, U[:2]) == 2
    assert first_new(U, U) is None
    chosen = choose_new(where, U, Peak(U[0]), U, np.random.default_rng(0))
    assert not is_taken(chosen, U)


def test_an_exhausted_box_repeats_what_was_evaluated_least():
    where = box(DISCRETE)
    U, rng = where.listed, np.random.default_rng(0)
    criterion = Peak(U[4])
    np.testing.assert_array_equal(choose_new(where, U, criterion, U[1:], rng), U[0])
    np.testing.assert_array_equal(choose_new(where, U, criterion, U, rng), U[4])
    np.testing.assert_array_equal(choose_new(where, U, criterion, np.concatenate([U, U[:8]]), rng), U[8])


def test_values_that_are_not_numbers_never_win():
    class Broken(Peak):
        def __call__(self, X):
            return np.where(X[:, 0] < 0.5, np.nan, super().__call__(X))

        def gradient(self, X):
            return self(X), super().gradient(X)[1]

    where = box(CONTINUOUS)
    rng = np.random.default_rng(0)
    points, values = maximize(Broken([0.6, 0.5, 0.5]), where, where.spread(64, rng), rng)
    assert points[0, 0] >= 0.5
    assert np.isfinite(values[0])


def test_levels_of_unequal_width_are_counted_and_not_guessed():
    space = check_space([(1, 1000, "log-uniform")] * 2)
    narrow = Box(space, Bounds(np.array([0.9, 0.9]), np.array([0.925, 0.925])))
    assert not narrow.all_listed
    assert narrow._count() >= len(narrow.levels(0)) ** 2 > 5000
    assert Box(space, Bounds(np.zeros(2), np.array([0.2, 0.2]))).all_listed  # 1 to 3, each


@pytest.mark.parametrize("levels", [[(1, 10**9, "log-uniform")], [(0, 2**50 - 1)], [(1, 2**40, "log-uniform")], [range(20_000)]])
def test_only_the_levels_in_the_box_are_listed(levels, monkeypatch):
    """Millions of levels outside the box cost nothing."""
    space = check_space([Categorical(levels[0])] if isinstance(levels[0], range) else levels)
    dimension = space.dimensions[0]
    u = space.snap(np.array([0.7]))[0]
    steps = space.steps(np.array([u]))
    where = Box(space, Bounds(np.array([u]) - 2.5 * steps, np.array([u]) + 2.5 * steps))
    asked = []
    to_unit = type(dimension).to_unit
    monkeypatch.setattr(type(dimension), "to_unit", lambda self, values: asked.append(len(values)) or to_unit(self, values))
    assert where.all_listed
    values = dimension.from_unit(where.listed[:, 0])
    assert 4 <= len(values) <= 64
    assert values == list(range(values[0], values[0] + len(values)))
    assert sum(asked) <= 128


@pytest.mark.parametrize("dimension", [(1, 5000, "log-uniform"), (1, 3000), list(range(100))])
@pytest.mark.parametrize(("lower", "upper"), [(0.0, 1.0), (0.31, 0.62), (0.5, 0.5 + 1e-7), (0.999, 1.0), (0.0, 1e-5)])
def test_the_levels_in_a_box_are_those_of_a_full_list(dimension, lower, upper):
    space = check_space([dimension])
    where = Box(space, Bounds(np.array([lower]), np.array([upper])))
    part = space.dimensions[0]
    values = list(part.categories) if space.categorical[0] else list(range(part.low, part.high + 1))
    every = part.to_unit(values)
    distance = np.maximum(np.maximum(lower - every, every - upper), 0.0)
    assert np.array_equal(where.levels(0), every[distance <= max(1e-9, distance.min())])


def test_of_very_many_categories_some_are_tried_from_each_point():
    where = box([list(range(20_000)), (0.0, 1.0)])
    tried = [where.near_levels(0, u) for u in np.linspace(0.1, 0.9, 20)]
    assert max(map(len, tried)) <= 512
    assert len(np.unique(np.concatenate(tried))) > 1000
    assert len(box([list(range(500)), (0.0, 1.0)]).near_levels(0, 0.5)) == 500


def test_a_walk_along_levels_stays_in_the_box():
    where = Box(check_space([(0.0, 1.0), (0, 1)]), Bounds(np.array([0.0, 0.0]), np.array([1.0, 0.5])))
    assert len(where.near_levels(1, 0.25)) == 0
    assert best(Peak([0.3, 0.75]), where)[1] == 0.25
