"""Choice of one trial from a front."""

import math

import numpy as np
import pytest

from hyperspace import Metric, at_least, at_most, hyperdrive, random_search
from hyperspace.errors import InputError
from hyperspace.results.choosing import Condition, choose
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

METRICS = [Metric("accuracy", goal="maximize"), Metric("seconds"), Metric("memory", goal="constrain", upper=0.9)]


def objective(parameters):
    a, b = parameters["a"], parameters["b"]
    return {"accuracy": a - 0.3 * b, "seconds": 10.0 * a * a + b, "memory": a, "note": b}


@pytest.fixture(scope="module")
def result():
    space = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    return random_search(objective, space, None, n_calls=40, metrics=METRICS, checkpoints=False)


def test_choices_are_those_of_their_rules(result):
    Y = result.front[["accuracy", "seconds"]].to_numpy() * [-1.0, 1.0]
    scaled = (Y - Y.min(axis=0)) / np.ptp(Y, axis=0)
    values = result.front["accuracy"].tolist()
    assert result.choose().metrics["accuracy"] == values[np.argmin((scaled**2).sum(axis=1))]
    assert result.choose("knee") == result.choose()
    chosen = result.choose(weights={"accuracy": 2, "seconds": 1})
    assert chosen.metrics["accuracy"] == values[np.argmin(scaled @ [2.0, 1.0])]
    assert result.choose(weights={"seconds": 1}).metrics["seconds"] == result.front["seconds"].min()
    allowed = result.front[result.front["seconds"] <= 4.0]
    assert result.choose(seconds=at_most(4.0), then="accuracy").metrics["accuracy"] == allowed["accuracy"].max()
    both = result.choose(where={"accuracy": at_least(0.2)}, seconds=at_most(6), then="seconds")
    assert both.metrics["seconds"] == result.front[result.front["accuracy"] >= 0.2]["seconds"].min()
    assert result.choose(note=at_least(0.0)) == result.choose("knee")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"rule": "best"}, 'choose takes "knee"'),
        ({"weights": {"speed": 1}}, "names 'speed', and the goals are 'accuracy', 'seconds'"),
        ({"weights": {"seconds": -1}}, "must be a finite number of at least 0"),
        ({"weights": {"seconds": 0}}, "at least one weight"),
        ({"weights": [1, 2]}, "weights= must be a dict"),
        ({"then": "memory"}, "then= must be one of the goals"),
        ({"speed": at_most(3)}, "knows no metric 'speed'"),
        ({"seconds": 3}, "must be at_most"),
        ({"seconds": at_most(-1), "then": "accuracy"}, "no trial on the front has seconds at most -1.0"),
        ({"rule": "knee", "weights": {"seconds": 1}}, "more than one"),
    ],
)
def test_a_wrong_choice_gets_one_sentence(result, arguments, told):
    with pytest.raises(InputError, match=None) as refused:
        result.choose(**arguments)
    assert told in str(refused.value)


@pytest.mark.parametrize("limit", [math.nan, math.inf, "3", None])
def test_a_limit_of_a_condition_is_a_finite_number(limit):
    with pytest.raises(InputError, match="takes a finite number"):
        at_most(limit)


@pytest.mark.parametrize("value", [None, math.nan, (0.5,), "0.5"])
def test_a_condition_holds_for_numbers_alone(value):
    assert not at_most(1.0).holds(value)
    assert not at_least(0.0).holds(value)
    assert not Condition().holds(value)


def test_a_condition_includes_its_limit():
    assert (at_most(1).holds(1.0), at_most(1).holds(1.1)) == (True, False)
    assert (at_least(1).holds(1.0), at_least(1).holds(0.9)) == (True, False)
    assert (str(at_most(1)), str(at_least(2))) == ("at most 1.0", "at least 2.0")


GOALS = Metrics([Metric("a"), Metric("b")])


def chosen(Y, rule=None, weights=None, then=None, **conditions):
    """The index of the trial that is chosen among trials with these losses."""
    front = [Trial(drive=0, iteration=i, x=(0.5,), status="ok", metrics={"a": a, "b": b}) for i, (a, b) in enumerate(Y)]
    return choose(front, np.array(Y), GOALS, rule, weights, then, conditions)


def test_the_units_of_the_goals_do_not_matter():
    Y = [(0.0, 1.0), (0.3, 0.4), (1.0, 0.0)]
    wide = [(1000.0 * a - 7.0, b) for a, b in Y]
    assert chosen(Y) == chosen(wide) == 1
    assert chosen(Y, weights={"a": 3, "b": 1}) == chosen(wide, weights={"a": 3, "b": 1}) == 0


def test_the_scale_is_that_of_the_whole_front_whatever_the_conditions():
    """Among the last two alone, both would be at a distance of 1 from the best, and the first of them would win."""
    assert chosen([(0.0, 10.0), (0.6, 0.0), (0.5, 1.0)], a=at_least(0.5)) == 2


def test_of_equals_in_one_goal_the_one_that_is_better_in_the_others_is_chosen():
    assert chosen([(0.0, 3.0), (0.0, 1.0), (0.5, 0.0)], then="a") == 1
    assert chosen([(0.0, 3.0), (0.0, 1.0), (0.5, 0.0)], then="b") == 2


def test_of_equal_trials_the_first_is_chosen():
    assert chosen([(1.0, 1.0), (1.0, 1.0)]) == chosen([(1.0, 1.0), (1.0, 1.0)], weights={"a": 1}) == 0


def test_a_study_of_one_goal_has_its_name_in_then_and_in_weights():
    front = [Trial(drive=0, iteration=0, x=(0.5,), status="ok", metrics={"loss": 2.0})]
    assert choose(front, np.array([[2.0]]), Metrics(), None, {"loss": 1.0}, None, {}) == 0
    with pytest.raises(InputError, match="then= must be one of the goals 'loss', got 'a'"):
        choose(front, np.array([[2.0]]), Metrics(), None, None, "a", {})


def test_a_condition_on_what_is_no_number_is_a_sentence():
    metrics = [Metric("a", goal="minimize"), Metric("b", goal="minimize")]
    objective = lambda x: {"a": x[0], "b": -x[0], "curve": [1.0, 2.0]}  # noqa: E731
    result = hyperdrive(objective, [(0.0, 1.0)], None, checkpoints=False, model="RAND", n_calls=4, metrics=metrics)
    with pytest.raises(InputError, match=r"curve .* \(there it is no number\)"):
        result.choose(curve=at_most(1.0))
    with pytest.raises(InputError, match=r"where= must be a dict of conditions by metric, got \[1\]"):
        result.choose(where=[1])
