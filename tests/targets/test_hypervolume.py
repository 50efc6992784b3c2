import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from targets_data import cells, losses, sphere

from hyperspace.targets.boxes import Boxes
from hyperspace.targets.hypervolume import contributions, hypervolume


def partition(Y, m, r):
    boxes = Boxes.whole(r)
    for y in Y:
        boxes = boxes.insert(y)
    return boxes


@given(losses(), st.integers(2, 7))
def test_hypervolume_is_the_number_of_cells(drawn, end):
    Y, m = drawn
    r = np.full(m, float(end))
    assert hypervolume(Y, r) == cells(Y, r)
    assert partition(Y, m, r).dominated_volume(r) == cells(Y, r)  # dominated and repeated points included, in any order
    assert Boxes.of(Y, r).dominated_volume(r) == cells(Y, r)


@given(losses())
def test_boxes_hold_each_point_that_is_not_dominated_once(drawn):
    Y, m = drawn
    r = np.full(m, 7.0)
    for boxes in (partition(Y, m, r), Boxes.of(Y, r)):
        points = np.random.default_rng(0).random((300, m)) * 8.0 - 1.0
        held = ((boxes.L[None] <= points[:, None]) & (points[:, None] < boxes.U[None])).all(axis=2).sum(axis=1)
        dominated = (points[:, None] >= Y[None]).all(axis=2).any(axis=1) | (points >= r).any(axis=1)
        np.testing.assert_array_equal(held, ~dominated)


@given(losses())
def test_a_contribution_is_the_volume_that_is_lost_without_the_point(drawn):
    Y, m = drawn
    r = np.full(m, 6.0)
    lost = [cells(Y, r) - cells(np.delete(Y, row, axis=0), r) for row in range(len(Y))]
    assert contributions(Y, r).tolist() == lost


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_hypervolume_and_contributions_are_those_of_moocore(m):
    Y = np.concatenate([sphere(30, m), np.random.default_rng(1).random((20, m))])
    r = np.linspace(0.8, 1.1, m)
    assert hypervolume(Y, r) == pytest.approx(moocore.hypervolume(Y, ref=r), rel=1e-12)
    shares = moocore.hv_contributions(Y, ref=r, ignore_dominated=False)
    np.testing.assert_allclose(contributions(Y, r), shares, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_dominated_point_changes_nothing(m):
    boxes = partition(sphere(20, m), m, np.full(m, 1.1))
    assert boxes.insert(sphere(20, m)[3] + 0.01) is boxes
    assert boxes.insert(np.full(m, 1.2)) is boxes


def test_the_number_of_boxes_is_known_for_two_and_three_goals():
    assert len(Boxes.of(sphere(50, 2), np.full(2, 1.1)).U) == 51
    assert len(Boxes.of(sphere(50, 3), np.full(3, 1.1)).U) == 101
