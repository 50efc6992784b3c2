"""What every strategy has: first points that are dealt out, and defaults for those that need no more."""

import numpy as np

from hyperspace.optimizers.base import FIRST, Suggestion
from hyperspace.space.space import Bounds
from hyperspace.strategies.base import FirstPoints, Strategy

U = np.arange(10.0).reshape(5, 2) / 10.0


class Least(Strategy):
    """What has to be written for a strategy."""

    def ask(self, drive, iteration, archive):
        return Suggestion(U[0], "least")

    def recall(self, trial, archive):
        pass

    def searched(self, drive):
        return Bounds.whole(2)


def test_points_are_dealt_out_in_the_order_of_rounds():
    first = FirstPoints(U, 2)
    dealt = {(drive, iteration): first.of(drive, iteration) for iteration in range(4) for drive in range(3)}
    order = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)]
    for u, place in zip(U, order, strict=True):
        np.testing.assert_array_equal(dealt.pop(place).u, u)
    assert set(dealt.values()) == {None}  # of a third drive, which joined later, too


def test_a_first_point_says_that_the_user_wanted_it():
    suggestion = FirstPoints(U).of(0, 4)
    assert (suggestion.arm, suggestion.model, suggestion.region) == (FIRST, None, None)
    np.testing.assert_array_equal(suggestion.u, U[4])


def test_the_points_of_some_drives_come_in_their_order():
    first = FirstPoints(U, 3)
    assert np.array(first.of_drives([1])).tolist() == U[[1, 4]].tolist()
    assert np.array(first.of_drives(iter([2, 0]))).tolist() == U[[0, 2, 3]].tolist()
    assert first.of_drives([]) == first.of_drives([3]) == []


def test_no_points_are_none_for_anybody():
    assert FirstPoints().of(0, 0) is None
    assert FirstPoints().of_drives(range(9)) == []


def test_a_strategy_without_mates_and_subspaces_recalls_its_own_drives_from_one_home():
    strategy = Least()
    assert strategy.relevant(iter([3, 5, 3])) == {3, 5}
    assert strategy.home(7) == 0
    assert strategy.fit_ahead(0, 0, None) is None
