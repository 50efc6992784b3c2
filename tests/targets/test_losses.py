import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from targets_data import sphere

from hyperspace.targets.directions import DirectionalFront
from hyperspace.targets.front import Front
from hyperspace.targets.hypervolume import contributions
from hyperspace.targets.losses import Goals, improvement_over, near_reference
from hyperspace.trials.incumbent import best_trial, rank
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

TWO = [Metric("accuracy", goal="maximize"), Metric("seconds"), Metric("memory", goal="constrain", upper=8.0)]


def trial(number, metrics, status=OK, arm="global", **more):
    return Trial(drive=0, iteration=number, x=(0.0,), status=status, arm=arm, metrics=metrics, **more)


def told(metrics, *answers, designed=0):
    goals = Goals(Metrics(metrics))
    goals.tell([trial(i, answer, arm="design" if i < designed else "global") for i, answer in enumerate(answers)])
    return goals


def answer(accuracy, seconds, memory=1.0):
    return {"accuracy": accuracy, "seconds": seconds, "memory": memory}


def test_losses_are_less_for_better_values_and_violations_are_scaled():
    goals = told(TWO, answer(0.9, 10.0), answer(0.8, 5.0, 10.0), answer(0.7, 5.0, 12.0), {"accuracy": 0.9, "memory": 1.0})
    np.testing.assert_array_equal(goals.Y, [[-0.9, 10.0], [-0.8, 5.0], [-0.7, 5.0], [-0.9, np.nan]])
    assert goals.V.tolist() == [0.0, 2.0 / 3.0, 4.0 / 3.0, 0.0]
    assert goals.usable.tolist() == [True, False, False, False]
    assert goals.complete.tolist() == [True, True, True, False]


def test_a_trial_without_a_goal_or_a_limit_is_never_on_the_front():
    goals = told(TWO, {"accuracy": 1.0, "memory": 1.0}, {"accuracy": 1.0, "seconds": 0.0}, answer(0.5, 5.0))
    goals.tell([trial(3, {}, FAILED)])
    assert goals.front.tolist() == [2]
    assert goals.V[1] == goals.V[3] == math.inf


def test_the_front_keeps_equal_trials_and_leaves_out_those_beyond_a_threshold():
    metrics = [Metric("accuracy", goal="maximize", threshold=0.6), Metric("seconds", threshold=20)]
    goals = told(metrics, answer(0.9, 20.0), answer(0.8, 10.0), answer(0.8, 10.0), answer(0.59, 1.0), answer(0.7, 15.0))
    assert goals.front.tolist() == [0, 1, 2]
    assert goals.reference().tolist() == goals.reference(wide=False).tolist() == [-0.6, 20.0]


def test_the_wide_reference_is_the_worst_of_the_design_and_the_near_one_just_beyond_the_front():
    design = [answer(0.1, 50.0), answer(0.3, 40.0), answer(0.2, 90.0, 9.0)]
    goals = told(TWO, *design, answer(0.9, 30.0), answer(0.7, 10.0), answer(0.0, 500.0), designed=3)
    np.testing.assert_array_equal(goals.worst, [-0.1, 90.0])
    np.testing.assert_allclose(goals.reference(wide=False), [-0.68, 32.0])
    np.testing.assert_allclose(goals.reference(), [-0.1, 90.0])
    np.testing.assert_allclose(goals.reference(np.array([[0.0, 10.0], [-0.9, 60.0]]))[0], 0.09)  # beyond the design


def test_without_a_feasible_trial_the_reference_is_the_worst():
    goals = told(TWO, answer(0.1, 50.0, 9.0), answer(0.3, 40.0, 9.0), designed=2)
    assert len(goals.front) == 0
    assert goals.reference(wide=False).tolist() == goals.reference().tolist() == [-0.1, 50.0]
    assert np.isfinite(Goals(Metrics(TWO)).reference()).all()


def test_a_front_of_one_point_has_the_range_of_the_known_losses():
    assert near_reference(np.array([[1.0, 2.0]]), np.array([10.0, 0.0])).tolist() == [2.0, 2.2]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), min_size=1, max_size=15))
def test_the_order_for_one_goal_is_that_of_the_best_trial(drawn):
    metrics = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=1.0)])
    trials = [
        trial(i, {"loss": float(a), "size": float(b)}, model={"budget": 1 + large}) for i, (a, b, large) in enumerate(drawn)
    ]
    goals = Goals(metrics)
    goals.tell(trials)
    expected = sorted(range(len(trials)), key=lambda row: (goals.V[row], *rank(trials[row], metrics)[1:]))
    assert goals.order().tolist() == expected
    best = best_trial(trials, metrics)
    assert [trials[row] for row in goals.front] == ([] if best is None else [best])


def test_the_order_for_several_goals_is_by_violation_rank_and_contribution():
    Y = np.concatenate([sphere(12, 2), sphere(10, 2) + 0.3])
    order = np.random.default_rng(0).permutation(len(Y))
    answers = [answer(-Y[row, 0], Y[row, 1]) for row in order]
    goals = told(TWO, *answers, answer(2.0, -1.0, 10.0), answer(3.0, -2.0, 9.0), designed=22)
    found = goals.order()
    assert found[-2:].tolist() == [23, 22]
    assert set(order[found[:12]]) == set(range(12))
    shares = contributions(goals.Y[found[:12]], goals.reference())
    assert (np.diff(shares) <= 0.0).all()


def test_trials_of_a_smaller_budget_come_after_those_of_the_largest():
    goals = Goals(Metrics([Metric("a"), Metric("b")]))
    goals.tell(
        [trial(i, {"a": float(a), "b": float(a)}, model={"budget": b}) for i, (a, b) in enumerate([(0, 1), (5, 9), (4, 9)])]
    )
    assert goals.front.tolist() == [2]
    assert goals.order().tolist() == [2, 1, 0]


def test_telling_in_parts_is_telling_at_once():
    answers = [answer(*row) for row in np.random.default_rng(0).random((30, 3)) * 10.0]
    whole, parts = told(TWO, *answers, designed=8), Goals(Metrics(TWO))
    for number, given_answer in enumerate(answers):
        parts.tell([trial(number, given_answer, arm="design" if number < 8 else "global")])
    for name in ("Y", "V", "front", "worst", "spread"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.order(), whole.order())


@pytest.mark.parametrize(("m", "kind"), [(1, Front), (4, Front), (5, DirectionalFront)])
def test_boxes_are_exact_up_to_four_goals(m, kind):
    assert isinstance(improvement_over(np.zeros((1, m)), np.ones(m)), kind)


def test_an_undeclared_goal_is_one_goal():
    goals = Goals(Metrics(maximize=True))
    goals.tell([trial(0, {"objective": 3.0}), trial(1, {"objective": 5.0})])
    assert goals.Y.tolist() == [[-3.0], [-5.0]]
    assert goals.front.tolist() == [1]
