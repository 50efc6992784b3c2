import math

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.metrics import AmbiguousMetrics, Metric, Metrics


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
