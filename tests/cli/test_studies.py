"""`hyperspace best` and `hyperspace failures`: the best trials and what went wrong, for people and for programs."""

import csv
import io
import json

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.pruning import MedianRule
from hyperspace.trials.metrics import Metric
from hyperspace.trials.trial import FAILED, PRUNED


def objective(parameters, trial):
    x = parameters["x"]
    if x > 0.9:
        raise ValueError(f"too large: {x}")
    if x > 0.8:
        raise KeyError("wheel")
    for step in range(1, 6):
        trial.report(step, {"loss": x + 1.0 / step, "size": 2 * x, "seconds": 7.0})
    return {"loss": x, "size": 2 * x, "seconds": 7.0}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "study"
    metrics = [Metric("loss"), Metric("size", goal="constrain", lower=0.2), Metric("seconds", goal="observe")]
    space = {"x": (0.0, 1.0), "kind": ["a", "b"], "epochs": 20}
    hyperdrive(
        objective, space, path, model="RAND", n_calls=48, n_drives=4, metrics=metrics, pruner=MedianRule(min_trials=3),
        random_state=3,
    )  # fmt: skip
    return path


def of(study, status):
    return [trial for trial in load_results(study).all_trials if trial.status == status]


def test_the_best_trials_are_a_row_each_and_keep_the_constraints(command, study):
    result = load_results(study)
    code, out, err = command("best", study, "--top", 3, "--format", "json")
    records = json.loads(out, parse_constant=pytest.fail)
    assert (code, err) == (0, "")
    assert len(records) == 3
    assert records[0]["x"] == result.parameters["x"]
    assert [record["loss"] for record in records] == sorted(record["loss"] for record in records)
    assert all(record["size"] >= 0.2 for record in records)
    assert {record["epochs"] for record in records} == {20}
    assert {record["metric.seconds"] for record in records} == {7.0}
    assert all(record["seconds"] < 7.0 for record in records)
    rows = list(csv.DictReader(io.StringIO(command("best", study, "--top", 3, "--format", "csv")[1])))
    assert [float(row["x"]) for row in rows] == [record["x"] for record in records]
    table = command("best", study, "--top", 3)[1].splitlines()
    assert table[0].split()[:2] == ["drive", "iteration"]
    assert len(table) == 4
    assert [float(line.split()[2]) for line in table[1:]] == pytest.approx([record["x"] for record in records], rel=1e-5)


def test_without_a_number_it_is_the_best_one(command, study):
    assert len(json.loads(command("best", study, "--format", "json")[1])) == 1
    assert command("best", study, "--top", 0)[0] == 2
    with pytest.raises(InputError, match="at least 1"):
        load_results(study).top(0)


def test_failures_are_grouped_by_kind_with_the_first_and_the_last(command, study):
    failed = of(study, FAILED)
    code, out, err = command("failures", study, "--format", "json")
    kinds = json.loads(out)
    assert (code, err) == (0, "")
    assert sorted(kind["first"]["message"][:8] for kind in kinds) == ["KeyError", "ValueErr"]
    assert sum(kind["count"] for kind in kinds) == len(failed)
    assert sorted(name for kind in kinds for name in kind["trials"]) == sorted(f"{t.drive}-{t.iteration}" for t in failed)
    (large,) = [kind for kind in kinds if kind["first"]["message"].startswith("ValueError")]
    assert "Traceback" in large["first"]["error"]
    started = {f"{trial.drive}-{trial.iteration}": trial.started for trial in failed}
    assert started[large["first"]["trial"]] == min(started[name] for name in large["trials"])
    assert started[large["last"]["trial"]] == max(started[name] for name in large["trials"])
    (own,) = [trial for trial in failed if f"{trial.drive}-{trial.iteration}" == large["first"]["trial"]]
    assert (large["first"]["parameters"]["x"], large["first"]["parameters"]["epochs"]) == (own.x[0], 20)
    out = command("failures", study)[1]
    assert f"  first   x={own.x[0]:.6g}, kind={own.x[1]}, epochs=20\n" in out
    pruned = len(of(study, PRUNED))
    assert pruned > 0
    assert out.splitlines()[0] == f"{len(failed)} of 48 evaluations failed; {pruned} more were pruned, which is no failure"
    assert f"{large['count']} × failed: {large['first']['message']}" in out


def test_a_pruned_trial_has_not_failed(command, study):
    failed, pruned = len(of(study, FAILED)), len(of(study, PRUNED))
    out = command("status", study)[1]
    assert f"{failed} failed (" in out
    assert f"{pruned} pruned (" in out
    by = load_results(study).summary_by("drive")
    assert (by["failed"].sum(), by["pruned"].sum()) == (failed, pruned)
    from hyperspace.results.state import study_state

    state = study_state(study)
    assert (state.failed, state.pruned) == (failed, pruned)


def test_learning_curves_are_drawn_and_stand_in_the_report(command, study, tmp_path):
    from hyperspace.report import render_report

    file = tmp_path / "curves.png"
    assert command("plot", study, "--kind", "curves", "-o", file)[0] == 0
    assert file.stat().st_size > 1000
    page = render_report(study)
    assert "Learning curves" in page
    failures = page[page.index('id="failures"') :]
    assert "pruned at step" not in failures[: failures.index("</section>")]
    assert "× pruned" not in page


def test_curves_of_a_study_that_reports_nothing_are_one_sentence(command, tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "s", model="RAND", n_calls=2)
    code, out, err = command("plot", tmp_path / "s", "--kind", "curves", "-o", tmp_path / "x.png")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "trial.report(step, value)" in err


def test_a_failure_names_the_folder_with_its_files(command, tmp_path):
    from hyperspace.evaluators.command import Command

    with pytest.raises(RuntimeError):
        hyperdrive(Command("sh -c 'echo mesh >&2; exit {x}'"), {"x": (1, 9)}, tmp_path / "s", model="RAND", n_calls=2)
    (kind,) = json.loads(command("failures", tmp_path / "s", "--format", "json")[1])
    folder = kind["first"]["folder"]
    assert f"  folder  {folder}\n" in command("failures", tmp_path / "s")[1]
    assert (tmp_path / "s" / "scratch" / "00000-00000" / "stderr.txt").read_text() == "mesh\n"
    assert folder.endswith("s/scratch/00000-00000")


def test_where_no_trial_keeps_the_limits_the_closest_is_shown_as_infeasible(command, tmp_path):
    def sized(parameters):
        x = parameters["x"]
        return {"loss": x, "size": 2.0 + x, "age": 1.0}

    metrics = [Metric("loss"), Metric("size", "constrain", upper=1.5), Metric("age", "constrain", lower=0.5)]
    space = {"x": (0.0, 1.0), "violation": 3}
    hyperdrive(sized, space, tmp_path, model="RAND", n_calls=8, n_drives=2, metrics=metrics)
    trials = load_results(tmp_path).all_trials
    closest = min(trials, key=lambda trial: trial.metrics["size"])
    code, out, err = command("best", tmp_path)
    assert (code, err) == (0, "")
    assert "no trial has kept the constraints so far; the closest one, infeasible:" in out
    assert f"above the limit 1.5 by {closest.metrics['size'] - 1.5:.6g}" in out
    assert f"{closest.x[0]:.6g}" in out
    code, out, err = command("best", tmp_path, "--top", 3, "--format", "json")
    records = json.loads(out)
    assert (code, "marked as infeasible" in err) == (0, True)
    assert [record["infeasible"] for record in records] == [True] * 3
    assert [record["size"] - 1.5 for record in records] == [record["study.violation"] for record in records]
    assert (records[0]["x"], records[0]["violation"]) == (closest.x[0], 3)
    assert (records[0]["drive"], records[0]["iteration"]) == (closest.drive, closest.iteration)
    assert "infeasible" in command("best", tmp_path, "--format", "csv")[1]
    table = command("best", tmp_path, "--top", 3)[1]
    assert "the closest, all infeasible:" in table
    assert len(table.splitlines()) == 6


def test_a_study_whose_trials_all_failed_has_no_closest(command, tmp_path):
    def fails(parameters):
        raise ValueError

    with pytest.raises(RuntimeError):
        hyperdrive(fails, {"x": (0.0, 1.0)}, tmp_path, model="RAND", n_calls=2)
    assert "no trial has ended well so far" in command("best", tmp_path)[1]
    assert command("best", tmp_path, "--format", "json")[1].strip() == "[]"


def test_the_best_trial_names_its_folder(command, tmp_path, monkeypatch):
    def writes(parameters, trial):
        (trial.folder / "note.txt").write_text(trial.id)
        return parameters["x"]

    monkeypatch.chdir(tmp_path)
    hyperdrive(writes, {"x": (0.0, 1.0)}, "study", model="RAND", n_calls=3)
    folder = command("best", "study")[1].splitlines()[-1].removeprefix("folder  ")
    assert (tmp_path / folder / "note.txt").read_text() == load_results("study").best_trial.id


def test_best_shows_the_optimum_as_the_objective_received_it(command, tuned):
    result = load_results(tuned)
    code, out, err = command("best", tuned)
    assert (code, err) == (0, "")
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    shown = {name: value.strip() for name, value in lines[1:]}
    assert out.splitlines()[0] == f"32 trials: {len(result.func_vals)} ok, {32 - len(result.func_vals)} failed"
    assert float(shown["best"]) == pytest.approx(result.fun, rel=1e-5)
    assert float(shown["rate"]) == pytest.approx(result.parameters["rate"], rel=1e-5)
    assert shown["units"] == str(result.parameters["units"])
    assert shown["kind[b]"] == result.parameters["kind[b]"]
    assert shown["seconds[s]"] == "0.333333"


def test_best_without_a_usable_trial_says_so(command, tmp_path):
    stop = hyperdrive_stopped_at_once(tmp_path / "study")
    code, out, err = command("best", stop)
    assert code == 0
    assert err == ""
    assert "no trial" in out


def hyperdrive_stopped_at_once(path):
    """A study whose only trial so far is under way, as a reader finds it."""

    def objective(parameters):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hyperdrive(objective, [(0.0, 1.0)], path, n_calls=4)
    return path
