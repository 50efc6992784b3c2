import itertools

import numpy as np
from asktell import Hand

from hyperspace.optimizers import GRID
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.partition import Partition

SPACE = check_space([(0.0, 1.0), ["a", "b"], (1, 9)])
COMBINATIONS = set(itertools.product([0.0, 0.5, 1.0], ["a", "b"], [1, 5, 9]))


def walk(team, n):
    """Return the first n points of a grid that `team` drives share."""
    whole = Partition(SPACE, 1)[0]
    designs = [Design("sobol", 2, whole.bounds, SPACE, member=member, team=team) for member in range(team)]
    drives = [GRID(points=3).optimizer(SPACE, whole, design, 0) for design in designs]
    asked = [drives[i % team].ask(Key(0, i % team, i // team), np.empty((0, 3))).u for i in range(n)]
    return SPACE.from_unit(np.array(asked))


def test_every_combination_comes_once_however_many_drives_share_them():
    assert GRID(points=3).size(SPACE) == 18
    for team in (1, 4, 18):
        points = walk(team, 18)
        assert len(points) == len(set(points)) == 18
        assert set(points) == COMBINATIONS


def test_a_longer_study_refines_the_grid_without_repetition():
    points = walk(1, 18 + 32)
    assert len(set(points)) == 50
    assert set(itertools.product([0.25, 0.75], ["a", "b"], [1, 3, 5, 7, 9])) <= set(points)


def test_the_order_is_scattered():
    first = walk(1, 6)
    assert [len({x[j] for x in first}) for j in range(3)] == [3, 2, 3]


def test_a_subspace_has_a_grid_of_its_own():
    hand = Hand(GRID(points=2), [(0.0, 1.0), (0.0, 1.0)], subspaces=4, index=3).run(4)
    low = hand.subspace.bounds.lower[0]
    np.testing.assert_allclose(sorted(hand.points), [(low, low), (low, 1.0), (1.0, low), (1.0, 1.0)])


def test_after_the_last_point_of_a_finite_space_random_ones_come():
    hand = Hand("GRID", [(0, 2), ["a", "b"]]).run(8)
    assert len(set(hand.points[:6])) == 6
    assert [trial.arm for trial in hand.trials[5:]] == ["grid", "random", "random"]
