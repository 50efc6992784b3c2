"""Exhaustion of small spaces: which drives evaluate in a round."""

import pytest
from studies import ended, planned

from hyperspace.execution.exhaustion import Exhaustion
from hyperspace.trials.trial import FAILED, PRUNED

SMALL = [(1, 2), ["x", "y"]]
POINTS = [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def exhaustion(space=SMALL, shared=True, **options):
    study = planned(space, n_drives=4, **{"n_subspaces": 1} | options)
    return Exhaustion(study.space, study.strategy.make(study), shared)


def trials(*points, **more):
    return [ended(0, i, x=x, **more) for i, x in enumerate(points)]


def test_at_most_as_many_drives_evaluate_as_points_and_evaluations_are_left():
    points = exhaustion()
    assert points.due(range(4), most=9) == {0, 1, 2, 3}
    assert points.due(range(4), most=2) == {0, 1}
    points.take(3, trials(*POINTS[:3]))
    assert (points.left, points.due(range(4), most=9)) == (1, {0})
    assert points.due(range(4), most=-1) == set()
    assert not points.found_any
    points.take(0, trials(*POINTS))
    assert (points.left, points.due(range(4), most=9), points.found_any) == (0, set(), True)


def test_a_point_counts_once_and_only_if_a_repetition_would_give_nothing_new():
    points = exhaustion()
    points.take(0, trials(POINTS[0], POINTS[0]))
    assert points.left == 3
    points.take(0, trials(POINTS[1], status=FAILED, fault="objective"))
    assert points.left == 2
    points.take(0, trials(POINTS[2], status=FAILED, fault="infrastructure"))
    points.take(0, trials(POINTS[2], status=PRUNED))
    assert points.left == 2


def test_drives_that_share_nothing_stop_by_their_own_trials():
    points = exhaustion(shared=False)
    points.take(1, trials(*POINTS))
    assert points.due(range(4), most=1) == {0, 2, 3}
    assert points.found_any


def test_a_drive_stops_when_its_own_box_is_known():
    study = planned([(1, 8), ["x", "y"]], n_drives=2, n_subspaces=2, strategy="static", overlap=0.0)
    points = Exhaustion(study.space, study.strategy.make(study), True)
    inside = [
        x for x in ((a, b) for a in range(1, 9) for b in "xy") if study.partition[0].bounds.contains(study.space.to_unit([x]))[0]
    ]
    assert 0 < len(inside) < 16
    points.take(0, trials(*inside[:-1]))
    assert points.due(range(2), most=9) == {0, 1}
    points.take(0, trials(inside[-1]))
    assert points.due(range(2), most=9) == {1}


@pytest.mark.parametrize("space", [[(0.0, 1.0)], [(1, 10**6), (1, 10**6)]])
def test_in_a_large_space_all_drives_evaluate(space):
    points = exhaustion(space)
    points.take(0, trials(*[tuple(dimension[0] for dimension in space)]))
    assert points.due(range(4), most=1) is None
    assert not points.found_any
