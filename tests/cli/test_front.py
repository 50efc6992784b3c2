"""`hyperspace front`, and other commands on a study with several goals."""

import csv
import io
import json
import math

import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.report import write_report

METRICS = [Metric("gain", goal="maximize"), Metric("seconds"), Metric("size", goal="constrain", upper=0.9)]


def objective(p):
    return {"gain": p["a"] - 0.3 * p["b"], "seconds": 10.0 * p["a"] ** 2 + p["b"], "size": p["a"]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("several") / "study"
    space = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    hyperdrive(objective, space, path, model="RAND", n_calls=40, n_drives=2, n_subspaces=1, metrics=METRICS)
    return path


def test_the_front_is_a_table(command, study):
    code, out, err = command("front", study)
    result = load_results(study)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == f"{len(result.front)} trials on the front, hypervolume {result.hypervolume:.6g}"
    assert lines[1].split() == ["drive", "iteration", "a", "b", "gain", "seconds", "size"]
    assert len(lines) == 2 + len(result.front)
    assert "…" not in out


def test_the_front_for_programs_has_all_digits(command, study):
    front = load_results(study).front
    rows = list(csv.DictReader(io.StringIO(command("front", study, "--format", "csv")[1])))
    assert [float(row["seconds"]) for row in rows] == front["seconds"].tolist()
    records = json.loads(command("front", study, "--x", "seconds", "--y", "gain", "--format", "json")[1])
    assert [record["seconds"] for record in records] == sorted(front["seconds"])
    assert list(records[0]) == ["seconds", "gain", "drive", "iteration", "a", "b"]


def test_one_of_the_front_is_chosen(command, study):
    (record,) = json.loads(command("front", study, "--choose", "knee", "--format", "json")[1])
    assert record["gain"] == load_results(study).choose("knee").metrics["gain"]
    code, _, err = command("front", study, "--choose", "best")
    assert (code, err.startswith("hyperspace: --choose takes knee, got 'best'")) == (1, True)
    code, _, err = command("front", study, "--x", "speed")
    assert (code, "have no metric 'speed', but 'gain', 'seconds', 'size'" in err) == (1, True)


def test_best_and_status_show_the_front(command, study):
    result = load_results(study)
    assert f"{len(result.front)} on the front, hypervolume" in command("best", study)[1]
    assert len(json.loads(command("best", study, "--format", "json")[1])) == len(result.front)
    assert len(json.loads(command("best", study, "--top", "3", "--format", "json")[1])) == 3
    feasible = sum(trial.metrics["size"] <= 0.9 for trial in result.all_trials) / 40
    assert (
        f"{len(result.front)} trials on the front, hypervolume {result.hypervolume:.6g}, {feasible:.0%} feasible"
        in command("status", study)[1]
    )


def test_a_study_without_a_front_tells_the_reason(command, tmp_path):
    metrics = [*METRICS[:2], Metric("size", goal="constrain", upper=-1.0)]
    hyperdrive(objective, {"a": (0.0, 1.0), "b": (0.0, 1.0)}, tmp_path / "none", model="RAND", n_calls=5, metrics=metrics)
    for name in ("front", "status", "best"):
        code, out, err = command(name, tmp_path / "none")
        assert code == 0
        assert "no trial has kept the constraints so far" in out + err
    assert command("front", tmp_path / "none", "--format", "json")[1] == "[]\n"
    assert "No trial has kept the constraints so far" in write_report(tmp_path / "none", tmp_path / "none.html").read_text()


def test_a_study_with_one_goal_has_its_best_trial(command, tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "one", model="RAND", n_calls=5)
    (record,) = json.loads(command("front", tmp_path / "one", "--format", "json")[1])
    assert record["objective"] == load_results(tmp_path / "one").fun


@pytest.mark.parametrize("kind", ["front", "hypervolume", "attainment", "parallel"])
def test_pictures_of_several_goals_are_written(command, study, tmp_path, kind):
    assert command("plot", study, "--kind", kind, "--output", tmp_path / "picture.svg")[0] == 0
    assert "<svg" in (tmp_path / "picture.svg").read_text()


def test_the_report_begins_with_the_front(study, tmp_path):
    page = write_report(study, tmp_path / "report.html").read_text()
    result = load_results(study)
    assert "trials on the front" in page
    assert "The hypervolume of the front, over the evaluations" in page
    assert f"{result.hypervolume:.6g}" in page
    assert all(trial.id in page for trial in result.front_trials)
    assert not math.isnan(result.hypervolume)


def test_a_metric_named_like_a_column_is_shown_by_its_values(command, tmp_path, monkeypatch):
    """The column of the drive keeps its name, and the metric has a prefix."""
    monkeypatch.chdir(tmp_path)
    metrics = [Metric("drive", goal="minimize"), Metric("cost", goal="minimize")]
    objective = lambda p: {"drive": 10.0 + p["a"], "cost": 1.0 - p["a"]}  # noqa: E731
    result = hyperdrive(objective, {"a": (0.0, 1.0)}, "study", model="RAND", n_calls=6, metrics=metrics)
    code, out, _ = command("front", "study", "--x", "drive", "--format", "json")
    records = json.loads(out)
    assert code == 0
    assert list(records[0]) == ["metric.drive", "drive", "iteration", "a"]
    assert [record["metric.drive"] for record in records] == sorted(trial.metrics["drive"] for trial in result.front_trials)


def test_the_least_violating_trials_of_several_goals_keep_their_numbers(command, tmp_path):
    metrics = [
        Metric("a", goal="minimize"),
        Metric("b", goal="minimize"),
        Metric("p", goal="constrain", upper=-1.0),
        Metric("q", goal="constrain", upper=-1.0),
    ]
    objective = lambda x: {"a": x[0], "b": -x[0], "p": 100.0 * x[0], "q": 1.0 - x[0]}  # noqa: E731
    result = hyperdrive(objective, [(0.0, 1.0)], None, checkpoints=False, model="RAND", n_calls=8, metrics=metrics)
    rows = result.least_violating(3)
    trials = {(trial.drive, trial.iteration): trial for trial in result.all_trials}
    for row in rows.to_dict("records"):
        trial = trials[row["drive"], row["iteration"]]
        assert (row["p"], row["violation"]) == (trial.metrics["p"], result.goals.violation(trial.metrics))
    assert rows["violation"].is_monotonic_increasing
