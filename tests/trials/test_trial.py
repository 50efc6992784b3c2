"""What a trial says of itself, and which answer fixes the goal of a study."""

import numpy as np
import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import GIVEN_DRIVE, Trial, TrialKey, fix_goal, judged


def trial(drive, iteration, value=None, status="ok", **more):
    metrics = {} if value is None else {"objective": value}
    return Trial(drive=drive, iteration=iteration, x=(drive, iteration), status=status, metrics=metrics, **more)


def test_only_the_objectives_faults_teach_the_surrogate():
    assert trial(0, 0, status="failed", fault="objective").teaches_failure
    assert trial(0, 0, status="timeout").teaches_failure
    assert not trial(0, 0, status="failed", fault="infrastructure").teaches_failure
    assert not trial(0, 0, 1.0).teaches_failure
    assert not trial(0, 0, status="pruned").teaches_failure


def test_rounds_are_ordered_by_iteration_and_then_drive():
    keys = [TrialKey(1, 0), TrialKey(0, 7), TrialKey(0, 2)]
    assert sorted(keys) == [TrialKey(0, 2), TrialKey(0, 7), TrialKey(1, 0)]


@pytest.mark.parametrize(
    ("status", "finished", "ended_well", "failed"),
    [
        ("running", False, False, False),
        ("ok", True, True, False),
        ("pruned", True, False, False),
        ("failed", True, False, True),
        ("timeout", True, False, True),
    ],
)
def test_how_a_trial_ended(status, finished, ended_well, failed):
    one = trial(0, 0).finish(status)
    assert (one.finished, one.ended_well, one.failed) == (finished, ended_well, failed)


def test_a_trial_without_a_budget_counts_as_one_of_none():
    assert [trial(0, 0, model=model).budget for model in (None, {}, {"budget": 9})] == [None, None, 9]
    assert [trial(0, 0, model=model).fidelity for model in (None, {}, {"budget": 9})] == [0.0, 0.0, 9]


def test_a_copy_protects_values_that_can_be_changed():
    space = check_space([[[1], [2]], (0.0, 1.0)])
    one = Trial(drive=0, iteration=0, x=(space.dimensions[0].categories[0], 0.5))
    one.copied(space).x[0].append(9)
    assert one.x == ([1], 0.5)
    plain = Trial(drive=0, iteration=0, x=(0.5,))
    assert plain.copied(check_space([(0.0, 1.0)])) is plain


def answered(drive, iteration, **metrics):
    return Trial(drive=drive, iteration=iteration, x=(), status="ok", metrics=metrics)


def test_the_first_answer_in_order_fixes_the_goal_however_trials_came_in():
    later, first = answered(0, 1, error=1.0), answered(3, 0, loss=1.0, size=2.0)
    for trials in ([later, first], [first, later]):
        assert fix_goal(Metrics(), trials) == "loss"
    assert fix_goal(Metrics(), [later, trial(0, 0, status="failed")]) == "error"
    assert fix_goal(Metrics(), []) is None


def test_what_was_given_comes_first_unless_it_is_a_plain_number():
    asked = answered(0, 0, loss=1.0)
    assert fix_goal(Metrics(), [asked, answered(GIVEN_DRIVE, 5, error=1.0)]) == "error"
    assert fix_goal(Metrics(), [asked, answered(GIVEN_DRIVE, 5, objective=1.0)]) == "loss"
    assert fix_goal(Metrics(), [answered(GIVEN_DRIVE, 5, objective=1.0)]) is None


def test_an_answer_that_names_no_goal_fixes_none_and_a_goal_that_stands_stays():
    ambiguous = answered(0, 0, accuracy=0.9, seconds=3.0)
    assert fix_goal(Metrics(), [ambiguous]) is None
    assert fix_goal(Metrics(), [ambiguous, answered(1, 0, error=1.0)]) == "error"
    metrics = Metrics([Metric("accuracy", goal="maximize")])
    assert fix_goal(metrics, [answered(0, 0, error=1.0)]) == metrics.goal == "accuracy"


def test_a_trial_that_ended_well_without_the_goal_that_was_fixed_has_failed():
    metrics = Metrics()
    assert fix_goal(metrics, [answered(0, 0, accuracy=0.5)]) == "accuracy"
    kept, lost = answered(0, 0, accuracy=0.5), answered(0, 1, loss=1.0)
    assert judged(kept, metrics) is kept
    found = judged(lost, metrics)
    assert (found.status, dict(found.metrics), found.fault) == ("failed", {}, "objective")
    assert "'accuracy'" in found.error
    pruned = answered(0, 2, loss=1.0).finish("pruned")
    assert judged(pruned, metrics) is pruned
    assert np.isnan(metrics.loss(found.metrics))


def test_a_trial_tells_its_number_and_its_parameters_by_name(tmp_path):
    seen = {}

    def objective(parameters, trial):
        seen[trial.id] = parameters
        return parameters["x"]

    called = []
    space = {"x": (0.0, 1.0), "kind": ["a", "b"], "fixed": 3}
    result = hyperdrive(objective, space, tmp_path, n_calls=4, model="RAND", x0=[[0.5, "a"]], y0=[0.5], callback=called.append)
    for trials in (called, result.all_trials, load_results(tmp_path).all_trials):
        assert {trial.id: trial.parameters for trial in trials if trial.drive >= 0} == seen
    assert result.all_trials[0].parameters == {"x": 0.5, "kind": "a", "fixed": 3}
    with pytest.raises(LookupError, match="does not belong to a study"):
        _ = Trial(drive=0, iteration=0, x=(1,)).parameters
