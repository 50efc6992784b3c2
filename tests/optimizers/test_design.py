import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.partition import Partition

MIXED = [(0.0, 1.0), (1, 30), ["a", "b", "c", "d"]]


def design(sampler="sobol", n_points=8, dimensions=MIXED, index=5, **key):
    space = check_space(dimensions)
    part = Partition(space)[index]
    return Design(sampler, n_points, part.bounds, space, subspace=part.index, **key), part, space


@pytest.mark.parametrize("sampler", ["sobol", "lhs", "random"])
def test_points_lie_in_the_box_on_valid_levels(sampler):
    it, part, space = design(sampler)
    points = np.array([it.point(i) for i in range(30)])
    assert part.bounds.contains(points).all()
    np.testing.assert_allclose(space.snap(points), points, atol=1e-12)


@pytest.mark.parametrize("sampler", ["sobol", "lhs", "random"])
def test_points_follow_from_the_key_alone(sampler):
    first = [design(sampler, seed=1)[0].point(i) for i in range(12)]
    again = design(sampler, seed=1)[0]
    np.testing.assert_array_equal([again.point(i) for i in reversed(range(12))], first[::-1])
    assert not np.array_equal([design(sampler, seed=2)[0].point(i) for i in range(12)], first)
    assert not np.array_equal([design(sampler, seed=1, index=5 + 2**0 - 1)[0].point(i) for i in range(12)], first[::-1])


def test_subspaces_have_sequences_of_their_own():
    one, two = (design(dimensions=[(0.0, 1.0)] * 3, index=i)[0] for i in (0, 7))
    inside = [it.point(0) - it._bounds.lower for it in (one, two)]
    assert not np.allclose(*inside)


def test_numbers_of_subspaces_may_need_a_hundred_bits():
    dimensions = [(0.0, 1.0)] * 100
    points = [design(dimensions=dimensions, index=i, n_points=2)[0] for i in (2**99, 2**99 + 2**40, 2**35)]
    unit = [it.point(0) - it._bounds.lower for it in points]
    assert not np.allclose(unit[0], unit[1])
    assert not np.allclose(unit[0], unit[2])


@pytest.mark.parametrize("sampler", ["sobol", "lhs"])
def test_a_team_shares_one_sequence_evenly(sampler):
    dimensions = [(0.0, 1.0)] * 2
    members = [design(sampler, 4, dimensions, 0, member=m, team=4)[0] for m in range(4)]
    points = np.array([it.point(i) for it in members for i in range(4)]) / (5 / 8)
    assert len(np.unique(points, axis=0)) == 16
    for j in range(2):  # one point in each of sixteen slices
        np.testing.assert_array_equal(np.sort(np.floor(points[:, j] * 16)), np.arange(16))


def test_a_longer_sobol_design_begins_as_the_shorter_one():
    short, long = design(n_points=4)[0], design(n_points=16)[0]
    np.testing.assert_array_equal([short.point(i) for i in range(16)], [long.point(i) for i in range(16)])


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="sobol, lhs, random, got 'grid'"):
        design("grid")
    with pytest.raises(InputError, match="at least 1, got 0"):
        design(n_points=0)
