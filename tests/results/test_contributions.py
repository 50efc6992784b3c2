"""Who found what, on trials made by hand."""

import math
from dataclasses import replace

from hyperspace import Metric
from hyperspace.results.contributions import contributions
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


def trial(iteration, value, arm, status="ok", **more):
    metrics = {} if value is None else {"objective": value}
    options = {"drive": 0, "seconds": 0.5, "started": float(iteration), **more}
    return Trial(iteration=iteration, x=(0.5,), status=status, metrics=metrics, arm=arm, **options)


def of(trials, metrics=None):
    return {group.label: group for group in contributions(trials, metrics or Metrics(), lambda trial: trial.arm)}


def test_improvements_and_gain_go_to_those_who_made_them():
    trials = [
        trial(0, 10.0, "design"),
        trial(1, 6.0, "design"),
        trial(2, 7.0, "local"),
        trial(3, None, "local", status="failed"),
        trial(4, 2.0, "local"),
        trial(5, 2.0, "global"),
    ]
    groups = of(trials)
    assert list(groups) == ["global", "local", "design"]  # the best first, of equals by name
    assert [groups[name].improvements for name in ("design", "local", "global")] == [2, 1, 0]
    assert [groups[name].gain for name in ("design", "local", "global")] == [0.5, 0.5, 0.0]
    assert (groups["local"].trials, groups["local"].failed, groups["local"].best) == (3, 1, 2.0)
    assert groups["local"].seconds == 1.5


def test_maximizing_turns_it_around():
    groups = of([trial(0, 1.0, "a"), trial(1, 3.0, "b"), trial(2, 2.0, "a")], Metrics(maximize=True))
    assert list(groups) == ["b", "a"]
    assert (groups["b"].best, groups["b"].gain, groups["a"].improvements) == (3.0, 1.0, 1)


def test_the_order_is_that_of_the_ends():
    slow, quick = trial(0, 5.0, "slow", seconds=9.0), trial(1, 4.0, "quick")
    assert of([slow, quick])["slow"].improvements == 0


def test_what_was_given_has_to_be_beaten_and_is_in_no_group():
    given = Trial(drive=-1, iteration=0, x=(0.5,), status="ok", metrics={"objective": 3.0}, arm="given")
    groups = of([trial(0, 5.0, "a"), trial(1, 1.0, "b"), given])
    assert set(groups) == {"a", "b"}
    assert (groups["a"].improvements, groups["b"].gain) == (0, 1.0)


def test_only_what_kept_the_constraints_with_the_largest_budget_counts():
    metrics = Metrics([Metric("objective"), Metric("cost", goal="constrain", upper=1.0)])
    dear = Trial(
        drive=0, iteration=1, x=(0.5,), status="ok", metrics={"objective": 0.0, "cost": 2.0}, arm="dear", seconds=1.0, started=1.0
    )
    groups = of([trial(0, 5.0, "a"), dear], metrics)
    assert math.isnan(groups["dear"].best)
    assert list(groups) == ["a", "dear"]
    small, large = trial(0, 1.0, "small", model={"budget": 1}), trial(1, 4.0, "large", model={"budget": 9})
    assert math.isnan(of([small, large])["small"].best)


def test_without_any_gain_there_are_no_shares():
    assert math.isnan(of([trial(0, 5.0, "a"), trial(1, 6.0, "b")])["b"].gain)


def test_with_several_goals_the_gain_is_the_growth_of_the_hypervolume():
    metrics = Metrics([Metric("a", threshold=10), Metric("b", goal="maximize", threshold=0)])
    answers = [("design", 5.0, 5.0), ("one", 5.0, 4.0), ("two", 2.0, 3.0), ("one", 4.0, 9.0), ("two", 99.0, 99.0)]
    trials = [trial(i, None, arm) for i, (arm, _, _) in enumerate(answers)]
    trials = [replace(each, metrics={"a": a, "b": b}) for each, (_, a, b) in zip(trials, answers, strict=True)]
    groups = of(trials, metrics)
    assert list(groups) == ["one", "two", "design"]
    assert [groups[name].improvements for name in groups] == [1, 1, 1]
    first, second, third = 25.0, 8.0 * 3.0 + 5.0 * 2.0, 8.0 * 3.0 + 6.0 * 6.0
    assert groups["two"].gain == (second - first) / (third - first)
    assert groups["one"].gain == (third - second) / (third - first)
    assert math.isnan(groups["one"].best)
