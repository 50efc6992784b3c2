import moocore
import numpy as np
from hypothesis import given
from targets_data import losses

from hyperspace.targets.dominance import non_dominated, non_dominated_ranks


def dominates(y, z):
    return bool((y <= z).all() and (y < z).any())


@given(losses())
def test_non_dominated_is_the_definition(drawn):
    Y, _ = drawn
    assert non_dominated(Y).tolist() == [not any(dominates(z, y) for z in Y) for y in Y]


@given(losses(most_points=25))
def test_ranks_are_fronts_of_the_rest(drawn):
    Y, _ = drawn
    ranks = non_dominated_ranks(Y)
    left = np.arange(len(Y))
    for rank in range(len(Y)):
        front = left[non_dominated(Y[left])]
        assert ranks[front].tolist() == [rank] * len(front)
        left = np.setdiff1d(left, front)


def test_dominance_is_that_of_moocore():
    rng = np.random.default_rng(0)
    for m in (2, 3, 5):
        Y = rng.integers(0, 12, (300, m)).astype(float)
        np.testing.assert_array_equal(non_dominated(Y), moocore.is_nondominated(Y, keep_weakly=True))
        np.testing.assert_array_equal(non_dominated_ranks(Y), moocore.pareto_rank(Y))


def test_ranking_stops_when_enough_rows_have_a_rank():
    Y = np.random.default_rng(0).random((200, 3))
    whole, part = non_dominated_ranks(Y), non_dominated_ranks(Y, at_least=50)
    last = part.max()
    assert (whole < last).sum() >= 50 > (whole < last - 1).sum()
    np.testing.assert_array_equal(part, np.minimum(whole, last))


def test_nothing_is_ranked_in_an_empty_set():
    assert len(non_dominated(np.empty((0, 3)))) == len(non_dominated_ranks(np.empty((0, 3)))) == 0
