import json
import math
from fractions import Fraction

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.trials.metrics import AmbiguousMetrics, Metric, Metrics


def test_a_float_is_the_objective():
    assert Metrics().read(np.float32(1.5)) == {"objective": 1.5}


def test_one_metric_is_the_goal_whatever_its_name():
    metrics = Metrics()
    assert metrics.loss(metrics.read({"error": 2})) == 2.0


def test_loss_is_the_goal_among_several():
    metrics = Metrics()
    values = metrics.read({"accuracy": 0.9, "loss": 0.4, "curve": [1, 2, 3]})
    assert metrics.loss(values) == 0.4
    assert values["curve"] == (1.0, 2.0, 3.0)


def test_several_metrics_without_a_goal_are_an_error():
    with pytest.raises(AmbiguousMetrics, match="'accuracy', 'seconds'"):
        Metrics().read({"accuracy": 0.9, "seconds": 3.0})


def test_a_declared_goal_decides_and_turns_the_sign():
    metrics = Metrics([Metric("accuracy", goal="maximize"), Metric("seconds", goal="constrain", upper=2.0)])
    values = metrics.read({"accuracy": 0.9, "seconds": 3.5, "loss": 1.0})
    assert metrics.loss(values) == -0.9
    assert metrics.value(values) == 0.9
    assert metrics.violation(values) == 1.5


def test_a_float_takes_the_name_of_the_declared_goal():
    assert Metrics([Metric("accuracy", goal="maximize")]).read(0.5) == {"accuracy": 0.5}


def test_maximize_turns_a_float_around():
    assert Metrics(maximize=True).loss({"objective": 3.0}) == -3.0


@pytest.mark.parametrize("returned", [None, "0.5", b"1", [None], object(), {"loss": "low"}, {1: 2.0}, {}])
def test_what_is_no_number_is_refused(returned):
    with pytest.raises(InputError):
        Metrics().read(returned)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_goal_must_be_finite_and_what_is_observed_need_not(value):
    with pytest.raises(InputError, match="finite"):
        Metrics().read(value)
    assert str(Metrics().read({"loss": 1.0, "seen": value})["seen"]) == str(value)


def test_a_missing_goal_is_named():
    with pytest.raises(InputError, match="must return the metric 'accuracy'; it returned 'loss'"):
        Metrics([Metric("accuracy", goal="maximize")]).read({"loss": 1.0})


def test_an_empty_trial_is_worth_nothing():
    assert math.isnan(Metrics().loss({}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a", "goal": "minimise"}, "goal must be one of"),
        ({"name": "", "goal": "minimize"}, "non-empty"),
        ({"name": "a", "upper": 1.0}, "go together"),
        ({"name": "a", "goal": "constrain"}, "go together"),
        ({"name": "a", "goal": "constrain", "lower": 2.0, "upper": 1.0}, "above"),
    ],
)
def test_a_wrong_metric_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Metric(**arguments)


@pytest.mark.parametrize(
    ("metrics", "maximize", "message"),
    [
        ([Metric("a"), Metric("a", goal="observe")], False, "twice"),
        ([Metric("a")], True, "unnamed"),
        ([Metric("a", goal="observe")], False, "needs one metric"),
        (["a"], False, "Metric objects"),
    ],
)
def test_wrong_sets_of_metrics_are_refused(metrics, maximize, message):
    with pytest.raises(InputError, match=message):
        Metrics(metrics, maximize)


@pytest.mark.parametrize("limit", [math.inf, -math.inf, math.nan, "3", True, 10**400, [1.0], np.float32("inf"), 1j])
@pytest.mark.parametrize("end", ["lower", "upper"])
def test_a_limit_must_be_a_finite_number(end, limit):
    with pytest.raises(InputError, match=f"{end} must be a finite number, got .*; leave {end} out"):
        Metric("seconds", goal="constrain", **{end: limit})


@pytest.mark.parametrize("limit", [np.float32(3), np.int64(3), 3, 3.0, Fraction(3)])
def test_limits_of_numbers_of_any_kind_are_plain(limit):
    upper = Metric("seconds", goal="constrain", upper=limit).upper
    assert upper == 3
    assert type(upper) in (int, float)
    assert json.loads(json.dumps(upper)) == 3


def test_the_first_answer_fixes_the_goal_and_an_answer_without_it_is_none():
    metrics = Metrics()
    assert metrics.goal is None
    metrics.fix(metrics.goal_name(metrics.read({"loss": 0.4, "seconds": 3.0})))
    assert metrics.goal == "loss"
    with pytest.raises(InputError, match=r"the metric 'loss' each time, .* it returned 'seconds'"):
        metrics.read({"seconds": 0.01})
    with pytest.raises(InputError, match="'loss' each time"):
        metrics.read({"objective": 0.01})
    assert metrics.read(0.3) == {"loss": 0.3}
    assert metrics.fault_of({"seconds": 0.01}) is not None
    assert metrics.fault_of({"objective": 0.01}) is None, "a plain number that came before the goal was fixed"
    assert math.isnan(metrics.value({"seconds": 0.01}))


def test_a_goal_that_is_fixed_makes_several_metrics_unambiguous():
    metrics = Metrics()
    metrics.fix("error")
    assert metrics.value(metrics.read({"error": 0.1, "seconds": 3.0})) == 0.1


def test_a_plain_number_as_the_first_answer_fixes_plain_numbers():
    metrics = Metrics()
    metrics.fix(metrics.goal_name(metrics.read(0.5)))
    with pytest.raises(InputError, match="a plain number each time"):
        metrics.read({"loss": 0.1})


def test_a_declared_goal_stays():
    metrics = Metrics([Metric("accuracy", goal="maximize")])
    metrics.fix("loss")
    metrics.reopen(None)
    assert metrics.goal == "accuracy"


@pytest.mark.parametrize("other", ["ok", None, np.eye(2), [[1], [2, 3]], {"a": 1}, {1.5}, object(), 10**400, ["a"], [None, 1.0]])
def test_what_is_no_number_beside_the_loss_is_left_out_and_told(other):
    metrics, note = Metrics().read_with_note({"loss": 0.5, "other": other, "seconds": 2})
    assert metrics == {"loss": 0.5, "seconds": 2.0}
    assert f"'other' ({type(other).__name__})" in note


def test_a_word_is_no_candidate_for_the_goal_and_a_missing_number_is():
    assert Metrics().read({"error": 0.5, "status": "ok"}) == {"error": 0.5}
    with pytest.raises(AmbiguousMetrics):
        Metrics().read({"accuracy": None, "seconds": 3.0})


def test_a_name_that_is_no_string_is_left_out_beside_the_loss():
    metrics, note = Metrics().read_with_note({"loss": 0.5, 3: 1.0})
    assert metrics == {"loss": 0.5}
    assert "3 (float)" in note


@pytest.mark.parametrize(
    "value",
    [10**400, pytest.param(10**5000, id="very long"), Fraction(10**400, 3), "n/a", None, [0.1, 0.2], np.array([1.0, 2.0]), 1j],
)
def test_a_goal_that_is_no_double_is_one_sentence(value):
    for returned in (value, {"loss": value}):
        with pytest.raises(InputError) as caught:
            Metrics().read(returned)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [np.array(1.5), np.array([1.5]), np.array([[1.5]]), np.float32(1.5), Fraction(3, 2)])
def test_an_array_of_one_number_is_that_number(value):
    assert Metrics().read(value) == {"objective": 1.5}


def test_an_array_of_numbers_is_kept_in_order():
    assert Metrics().read({"loss": 1.0, "curve": np.arange(3)})["curve"] == (0.0, 1.0, 2.0)


def test_metrics_that_are_no_list_are_refused():
    with pytest.raises(InputError, match="takes a list of Metric objects"):
        Metrics(Metric("a"))


def test_a_constraint_that_is_missing_is_not_kept():
    metrics = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=1.0)])
    assert metrics.violation({"loss": 0.0}) == math.inf


@pytest.mark.parametrize(
    "argument", [{"name": 10**5000}, {"name": "a", "goal": 10**5000}, {"name": "a", "goal": np.array(["a", "b"])}]
)
def test_a_metric_of_another_kind_is_told_in_a_sentence(argument):
    with pytest.raises(InputError, match="must be"):
        Metric(**argument)


@pytest.mark.parametrize(
    ("name", "maximize", "told"),
    [("accuracy", False, True), ("val_acc", False, True), ("R2", False, True), ("accuracy", True, False), ("loss", False, False),
     ("seconds", False, False), ("acceleration", False, False)],
)  # fmt: skip
def test_a_metric_that_sounds_like_one_to_maximize_is_not_minimized_without_a_word(name, maximize, told):
    metrics, note = Metrics(None, maximize).read_with_note({name: 0.5})
    assert metrics == {name: 0.5}
    assert (note is not None) == told
    assert not told or "is minimized; to maximize it, begin a new study with maximize=True" in note
    assert Metrics([Metric(name)]).read_with_note({name: 0.5})[1] is None  # it was said


def test_the_repr_has_the_declared_metrics_or_the_goal_so_far():
    declared = Metrics([Metric("loss"), Metric("size", "constrain", upper=0.5)])
    assert repr(declared) == f"Metrics([{Metric('loss')!r}, {Metric('size', 'constrain', upper=0.5)!r}])"
    assert eval(repr(declared)).declared == declared.declared
    first = Metrics(maximize=True)
    assert repr(first) == "Metrics(maximize=True, goal=None)"
    first.fix("accuracy")
    assert repr(first) == "Metrics(maximize=True, goal='accuracy')"


SEVERAL = [Metric("accuracy", goal="maximize"), Metric("seconds"), Metric("memory", goal="constrain", upper=8.0)]


def test_losses_of_several_goals_have_their_signs():
    metrics = Metrics(SEVERAL)
    assert metrics.several
    assert metrics.losses({"accuracy": 0.9, "seconds": 3.0}) == (-0.9, 3.0)
    assert math.isnan(metrics.losses({"accuracy": 0.9})[1])
    assert Metrics([Metric("a")]).losses({"a": 2.0}) == (2.0,)
    assert not Metrics([Metric("a")]).several


@pytest.mark.parametrize("more", [{}, {"seconds": math.nan}, {"seconds": None}])
def test_a_trial_may_lack_one_of_several_goals(more):
    metrics, note = Metrics(SEVERAL).read_with_note({"accuracy": 0.9, "memory": 1.0} | more)
    assert metrics["accuracy"] == 0.9
    assert "without a finite 'seconds' is not on the front" in note


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"memory": 1.0}, "must return the metric 'accuracy'"),
        ({"accuracy": math.nan, "seconds": math.inf, "memory": 1.0}, "returned accuracy = nan"),
        ({"accuracy": 0.9, "seconds": 1.0}, "must return the metric 'memory'"),
        ({"accuracy": "high", "memory": 1.0}, "accuracy = 'high' (str); a number was expected"),
        (0.9, "a plain number is not enough"),
    ],
)
def test_an_answer_without_any_goal_or_without_a_limit_fails(answer, told):
    with pytest.raises(InputError) as refused:
        Metrics(SEVERAL).read(answer)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"goal": "constrain", "upper": 1.0, "threshold": 2.0}, "give the limit as lower= or upper="),
        ({"goal": "observe", "threshold": 2.0}, "worst value of interest of a goal"),
        ({"threshold": math.inf}, "threshold must be a finite number"),
        ({"threshold": "2"}, "threshold must be a finite number"),
    ],
)
def test_a_threshold_belongs_to_a_goal_and_is_finite(arguments, told):
    with pytest.raises(InputError) as refused:
        Metric("a", **arguments)
    assert told in str(refused.value)
