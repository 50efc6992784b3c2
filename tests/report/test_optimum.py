"""The optimum, where it lies, or why there is none."""

import pytest
from pages import evidence_of, rows, words

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.report.optimum import optimum
from hyperspace.report.sections import subspaces
from hyperspace.report.tables import failures


def test_the_report_says_in_which_box_the_optimum_lies(tmp_path):
    result = hyperdrive(lambda x: (x[0] - 0.05) ** 2 + x[1], [(0.0, 1.0), (0.0, 1.0)], tmp_path, n_subspaces=2, n_calls=16)
    (box,), count = result.partition.holding(result.search_space.to_unit([result.x])[0])
    assert (box, count) == (0, 1)
    evidence = evidence_of(tmp_path)
    page, boxes = optimum(evidence), subspaces(evidence)
    assert "The point lies in the box of subspace 0." in page
    assert "0 ★" in boxes
    assert "1 ★" not in boxes
    assert ("home is subspace 1: a drive may also evaluate points outside its home" in page) == (result.best_trial.subspace == 1)


def test_where_no_trial_is_feasible_the_closest_one_is_shown(tmp_path):
    metrics = [Metric("cost"), Metric("weight", goal="constrain", upper=-1)]
    hyperdrive(lambda x: {"cost": 1.0, "weight": x[0]}, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=4, metrics=metrics)
    text = words(optimum(evidence_of(tmp_path)))
    least = load_results(tmp_path).trials["weight"].min()
    assert "No trial has kept the constraints so far" in text
    assert f"{least:.6g}" in text
    assert "limit: at most -1, broken" in text


def test_a_study_of_failures_only_says_so_and_points_at_them(tmp_path):
    def fails(x):
        raise ValueError(f"no convergence at {x[0]}")

    with pytest.raises(StudyError):
        hyperdrive(fails, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=4)
    evidence = evidence_of(tmp_path)
    page = optimum(evidence)
    assert "All 4 trials that ended have failed; see Failures." in words(page)
    assert '<a href="#failures">Failures</a>' in page
    assert "4 × failed" in words(failures(evidence))


def test_the_best_point_has_its_parameters_and_its_other_metrics(tmp_path):
    def objective(parameters):
        return {"score": parameters["x"], "size": 2.0, "curve": [1.0, 2.0, 3.0]}

    metrics = [Metric("score", goal="maximize"), Metric("size", goal="constrain", upper=3.0)]
    result = hyperdrive(objective, {"x": (0.0, 1.0), "epochs": 7}, tmp_path, model="RAND", n_calls=3, metrics=metrics)
    page = optimum(evidence_of(tmp_path))
    assert f"{result.fun:.6g}score, the largest value that keeps the limits" in words(page)
    assert rows(page) == [
        ["x", f"{result.x[0]:.6g}"],
        ["epochs", "7"],
        ["size", "2", "limit: at most 3"],
        ["curve", "3 values"],
    ]
    best = result.best_trial
    assert f"It was found by drive {best.drive} in its trial {best.iteration}, on rank 0 of {best.host}, at " in words(page)
    assert f"the strategy’s rule “{best.arm}” chose the point." in words(page)
    assert "The point lies" not in words(page)  # there is one subspace


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (0.5, "The point lies where the boxes of subspaces 0, 1, 2 and 3 overlap."),
        (0.95, "The point lies in the box of subspace 3."),
    ],
)
def test_a_given_point_was_found_by_no_drive(tmp_path, x, told):
    hyperdrive(
        lambda x: 1.0 + x[0],
        [(0.0, 1.0)] * 2,
        tmp_path,
        model="RAND",
        n_calls=2,
        x0=[[x, x]],
        y0=[0.0],
        n_subspaces=4,
        n_drives=4,
    )
    text = words(optimum(evidence_of(tmp_path)))
    assert "It was given with the study." in text
    assert told in text
    assert "home" not in text


def test_one_failure_is_the_only_trial(tmp_path):
    def fails(x):
        raise ValueError

    with pytest.raises(StudyError):
        hyperdrive(fails, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=1)
    assert words(optimum(evidence_of(tmp_path))) == "The only trial that ended has failed; see Failures."
