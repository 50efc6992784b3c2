"""What differs between two studies, in words."""

from dataclasses import asdict

import pytest

from hyperspace.space import check_space
from hyperspace.study.differences import describe_difference
from hyperspace.trials.metrics import Metric

OLD = {"C": (1e-1, 1e3, "log-uniform"), "degree": (2, 5), "kernel": ["rbf", "poly"]}


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        (OLD | {"C": (1e-1, 1e4, "log-uniform")}, ["C: upper bound 1000.0 there, 10000.0 now"]),
        ({"C": OLD["C"], "kernel": OLD["kernel"]}, ["degree: missing now"]),
        (OLD | {"gamma": (0.0, 1.0)}, ["gamma: missing there"]),
        (OLD | {"degree": (2.0, 5.0)}, ['degree: kind "integer" there, "real" now']),
        (OLD | {"degree": 3}, ['degree: kind "integer" there, "constant" now']),
        (OLD | {"C": (1.0, 1e3)}, ['C: lower bound 0.1 there, 1.0 now; prior "log-uniform" there, "uniform" now']),
        (OLD | {"kernel": ["rbf"]}, ['kernel: categories ["rbf", "poly"] there, ["rbf"] now']),
        (dict(reversed(OLD.items())), ["the order of the parameters: C, degree, kernel there, kernel, degree, C now"]),
        (OLD, []),
    ],
)
def test_spaces_differ_in_words(new, lines):
    first, second = ({"space": check_space(space).describe()} for space in (OLD, new))
    assert describe_difference(first, second, "there", "now") == "".join(f"\n  {line}" for line in lines)


def test_other_settings_are_named():
    first, second = {"model": "GP", "n_drives": 4}, {"model": "RF", "n_drives": 4}
    assert describe_difference(first, second, "on rank 0", "here") == '\n  model: "GP" on rank 0, "RF" here'


def test_metrics_differ_in_words():
    first, second = ([asdict(metric) for metric in metrics] for metrics in ([Metric("drag")], [Metric("Drag", goal="maximize")]))
    lines = describe_difference({"metrics": first}, {"metrics": second}, "there", "now")
    assert lines == "\n  metric drag: missing now\n  metric Drag: missing there"
    limit = [asdict(Metric("heat", goal="constrain", upper=bound)) for bound in (400, 500)]
    told = describe_difference({"metrics": limit[:1]}, {"metrics": limit[1:]}, "there", "now")
    assert told == "\n  metric heat: upper 400 there, 500 now"


def test_what_follows_from_the_space_is_no_difference_of_its_own():
    first, second = ({"space": check_space(space).describe(), "n_drives": n} for space, n in ((OLD, 4), ({"C": (0.0, 1.0)}, 2)))
    assert "n_drives" not in describe_difference(first, second, "there", "now")
    assert "n_drives" in describe_difference(first, first | {"n_drives": 2}, "there", "now")
