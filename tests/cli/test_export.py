"""`hyperspace export`: all trials with all digits, in each format."""

import csv
import io
import json
import sys

import numpy as np
import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.cli.export import json_value
from hyperspace.errors import how_to_install


def test_export_writes_every_trial_with_all_digits_as_csv(command, tuned):
    code, out, _ = command("export", tuned)
    rows = list(csv.DictReader(io.StringIO(out)))
    trials = load_results(tuned).trials
    assert code == 0
    assert len(rows) == 32
    assert list(rows[0]) == list(trials.columns)
    assert [float(row["rate"]) for row in rows] == list(trials["rate"])
    assert any("no, not three\nof them" in row["error"] for row in rows)


def test_export_writes_every_trial_as_json(command, tuned):
    code, out, _ = command("export", tuned, "--format", "json")
    records = json.loads(out, parse_constant=pytest.fail)  # NaN is no JSON
    trials = load_results(tuned).trials
    assert code == 0
    assert [record["rate"] for record in records] == list(trials["rate"])
    assert {record["loss"] for record in records if record["status"] == "failed"} == {None}
    assert isinstance(records[0]["units"], int)


def test_export_writes_every_trial_as_parquet(command, tuned, tmp_path):
    import pandas

    code, out, _ = command("export", tuned, "--format", "parquet", "--output", tmp_path / "trials.parquet")
    assert (code, out) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == ["trials.parquet"]
    read, trials = pandas.read_parquet(tmp_path / "trials.parquet"), load_results(tuned).trials
    assert list(read.columns) == list(trials.columns)
    for name in ("rate", "units", "kind[b]", "loss", "status"):
        pandas.testing.assert_series_equal(read[name], trials[name])


def test_export_writes_values_of_several_kinds_as_parquet(command, tmp_path):
    """A column of Parquet has one type."""
    import pandas

    def objective(parameters):
        return {"loss": parameters["size"] or 3.0, "curve": [1.0, 2.0]}

    hyperdrive(objective, {"size": [1, 2.5, None], "mixed": ["auto", 1]}, tmp_path / "study", model="RAND", n_calls=6)
    assert command("export", tmp_path / "study", "--format", "parquet", "-o", tmp_path / "table")[0] == 0
    read, trials = pandas.read_parquet(tmp_path / "table"), load_results(tmp_path / "study").trials
    assert list(read["mixed"]) == [str(value) for value in trials["mixed"]]
    assert [list(curve) for curve in read["curve"]] == [[1.0, 2.0]] * 6


def test_parquet_without_its_library_is_one_sentence(command, tuned, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pandas.io.parquet", raising=False)
    code, out, err = command("export", tuned, "--format", "parquet", "-o", tmp_path / "table")
    assert (code, out) == (1, "")
    assert how_to_install("parquet") in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "table").exists()


def test_export_into_a_file_that_cannot_be_is_one_sentence(command, tuned, tmp_path):
    code, _, err = command("export", tuned, "--output", tmp_path / "nowhere" / "table.csv")
    assert code == 1
    assert f"table.csv' cannot be written: there is no folder '{tmp_path / 'nowhere'}'; create it, or name another file" in err
    assert len(err.splitlines()) == 1


def test_a_wrong_format_is_a_usage_error(command, tuned):
    code, _, err = command("export", tuned, "--format", "xml")
    assert code == 2
    assert "xml" in err


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64(0.1), 0.1),
        (np.int64(7), 7),
        (2**70, 2**70),
        (True, True),
        (None, None),
        ((1.0, float("nan"), (2, "a")), [1.0, None, [2, "a"]]),
        (len, "<built-in function len>"),
    ],
)
def test_values_in_json(value, plain):
    found = json_value(value)
    assert (found, type(found)) == (plain, type(plain))


def limited(tmp_path, upper, n_calls=6, **options):
    metrics = [Metric("loss"), Metric("size", "constrain", upper=upper)]
    objective = lambda p: {"loss": -p["x"], "size": p["x"]}  # noqa: E731
    space = {"x": (0.0, 1.0), "drive": 5}
    return hyperdrive(objective, space, tmp_path, model="RAND", n_calls=n_calls, metrics=metrics, checkpoints=False, **options)


@pytest.mark.parametrize("drives", [1, 3])
def test_the_closest_trials_have_the_form_of_the_best(tmp_path, drives):
    result = limited(tmp_path, -1.0, n_drives=drives)
    rows = result.least_violating(4)
    assert list(rows.columns) == [*result.top(1).columns, "infeasible", "violation"]
    trials = sorted(result.all_trials, key=lambda trial: trial.metrics["size"])[:4]
    assert list(rows["x"]) == [trial.x[0] for trial in trials]
    assert list(zip(rows["drive"], rows["iteration"], strict=True)) == [(trial.drive, trial.iteration) for trial in trials]
    assert list(rows["violation"]) == [trial.metrics["size"] + 1.0 for trial in trials]
    assert set(rows["parameter.drive"]) == {5}
    assert rows["infeasible"].all()
    assert len(result.least_violating(99)) == 6


def test_there_is_no_closest_trial_beside_a_feasible_one(tmp_path):
    assert limited(tmp_path, 2.0).least_violating(3).empty


def test_a_terminal_is_spared_parquet(command, tuned, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    code, _, err = command("export", tuned, "--format", "parquet")
    assert (code, "name a file with --output" in err) == (1, True)


def test_a_place_that_is_none_is_told_before_the_study_is_read(command, tmp_path):
    code, _, err = command("export", tmp_path / "no study", "--output", tmp_path / "nowhere" / "x.csv")
    assert (code, "there is no folder" in err) == (1, True)
