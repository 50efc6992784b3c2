"""An array that grows at its end."""

import numpy as np

from hyperspace.numerics.growing import GrowingArray


def test_appended_rows_are_kept_in_order() -> None:
    array, rows = GrowingArray(2), np.random.default_rng(0).random((500, 2))
    for first, last in ((0, 0), (0, 1), (1, 70), (70, 500)):
        array.append(rows[first:last])
        np.testing.assert_array_equal(array.values, rows[:last])
        assert len(array) == last


def test_earlier_views_do_not_change() -> None:
    array = GrowingArray()
    array.append(np.arange(3.0))
    before = array.values
    for _ in range(200):
        array.append(np.ones(1))
    np.testing.assert_array_equal(before, [0.0, 1.0, 2.0])


def test_the_appended_rows_can_be_changed_through_the_returned_view() -> None:
    array = GrowingArray()
    array.append(np.zeros(2))
    array.append(np.array([1.0, 2.0]))[1] = 7.0
    np.testing.assert_array_equal(array.values, [0.0, 0.0, 1.0, 7.0])


def test_memory_grows_in_steps() -> None:
    """n appends of one row copy the rows a few times, not n times."""
    array, moves, last = GrowingArray(3), 0, -1
    for _ in range(2000):
        array.append(np.zeros((1, 3)))
        address = array.values.__array_interface__["data"][0]
        moves, last = moves + (address != last), address
    assert moves < 20
