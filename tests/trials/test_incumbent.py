"""One rule of what is best: feasible, then the largest budget, then the least loss."""

import math

from hyperspace.trials.incumbent import NO_RANK, best_trial, closest_trial, contenders, is_infeasible, rank, why_none
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

GOALS = Metrics([Metric("gain", goal="maximize"), Metric("size", goal="constrain", upper=1.0)])


def trial(number, gain, size, budget=None, status=OK):
    model = None if budget is None else {"budget": budget}
    return Trial(drive=0, iteration=number, x=(), status=status, metrics={"gain": gain, "size": size}, model=model)


def test_the_best_is_feasible_then_has_the_largest_budget_then_the_least_loss():
    trials = [trial(0, 9.0, 2.0, 81), trial(1, 5.0, 1.0, 3), trial(2, 1.0, 0.5, 9), trial(3, 2.0, 0.5, 9), trial(4, 2.0, 0.1, 9)]
    assert best_trial(trials, GOALS) is trials[3]
    assert contenders(trials, GOALS).tolist() == [False, False, True, True, True]
    assert sorted(trials, key=lambda one: rank(one, GOALS)) == [trials[i] for i in (3, 4, 2, 1, 0)]


def test_infeasible_ones_are_ordered_by_their_violation_and_are_never_the_best():
    trials = [trial(0, 9.0, 3.0), trial(1, 1.0, 2.0), trial(2, 1.0, 0.0, status=FAILED)]
    assert best_trial(trials, GOALS) is None
    assert rank(trials[1], GOALS) < rank(trials[0], GOALS) < rank(trials[2], GOALS) == NO_RANK
    assert why_none(trials) == "no trial has kept the constraints so far"
    assert why_none(trials[2:]) == "no trial has ended well so far"


def test_what_has_no_finite_loss_is_not_usable():
    assert not rank(trial(0, math.nan, 0.0), GOALS).is_usable
    assert not rank(trial(0, -math.inf, 0.0), GOALS).is_usable


def test_several_goals_have_no_best_trial():
    metrics = Metrics([Metric("a"), Metric("b"), Metric("size", goal="constrain", upper=1.0)])
    answers = [
        {"a": 1.0, "b": 1.0, "size": 0.0},
        {"a": 1.0, "size": 0.0},
        {"a": 0.0, "b": 0.0, "size": 3.0},
        {"b": 0.0, "size": 2.0},
    ]
    trials = [Trial(drive=0, iteration=i, x=(), status=OK, metrics=answer) for i, answer in enumerate(answers)]
    assert best_trial(trials, metrics) is None
    assert contenders(trials, metrics).tolist() == [True, False, False, False]
    assert [is_infeasible(trial, metrics) for trial in trials] == [False, False, True, True]
    assert closest_trial(trials, metrics) is trials[3]
