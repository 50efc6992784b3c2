"""Boxes: a disjoint partition of the region that is not dominated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from targets_data import cells, losses, sphere

from hyperspace.targets.boxes import Boxes


def partition(Y, m, r):
    boxes = Boxes.whole(r)
    for y in Y:
        boxes = boxes.insert(y)
    return boxes


@given(losses(), st.integers(2, 7))
def test_the_dominated_volume_is_the_number_of_cells(drawn, end):
    Y, m = drawn
    r = np.full(m, float(end))
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


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_dominated_point_changes_nothing(m):
    boxes = partition(sphere(20, m), m, np.full(m, 1.1))
    assert boxes.insert(sphere(20, m)[3] + 0.01) is boxes
    assert boxes.insert(np.full(m, 1.2)) is boxes


def test_the_number_of_boxes_is_known_for_two_and_three_goals():
    assert len(Boxes.of(sphere(50, 2), np.full(2, 1.1)).U) == 51
    assert len(Boxes.of(sphere(50, 3), np.full(3, 1.1)).U) == 101


def test_points_that_are_not_below_the_reference_have_no_effect():
    r = np.array([1.0, 1.0, 1.0])
    inside = np.array([[0.2, 0.5, 0.3], [0.4, 0.1, 0.6]])
    beside = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    both = Boxes.of(np.vstack([beside, inside]), r)
    np.testing.assert_array_equal(both.U, Boxes.of(inside, r).U)
    assert Boxes.of(beside, r).dominated_volume(r) == 0.0


def test_another_point_leaves_the_partition_before_it_as_it_was():
    r = np.array([1.0, 1.0, 1.0])
    before = Boxes.of(sphere(5, 3), r)
    U, defining = before.U.copy(), before.defining.copy()
    after = before.insert(np.array([0.1, 0.1, 0.1]))
    assert after.dominated_volume(r) > before.dominated_volume(r)
    np.testing.assert_array_equal(before.U, U)
    np.testing.assert_array_equal(before.defining, defining)
