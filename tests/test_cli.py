"""The command line: what each command prints, and that an error is one sentence and no traceback."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import how_to_install


def objective(parameters):
    if parameters["units"] == 3:
        raise RuntimeError("no, not three\nof them")
    rate = parameters["rate"]
    return {"loss": (rate - 0.125) ** 2 + parameters["units"] / 100, "seconds[s]": 1 / 3}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "study"
    space = {"rate": (1e-3, 1.0, "log-uniform"), "units": (1, 5), "kind[b]": ["a [c]", "b"]}
    hyperdrive(objective, space, path, model="RAND", n_calls=32, n_subspaces=2, random_state=1)
    return path


def test_help_names_the_commands_there_are(command):
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    for name in ("demo", "status", "best", "export", "plot", "report", "stop", "slurm"):
        assert f" {name} " in out
    assert command()[1].strip() == out.strip()


@pytest.mark.parametrize("name", ["demo", "status", "best", "export", "plot", "report", "stop", "slurm"])
def test_every_command_has_help(command, name):
    code, out, _ = command(name, "-h")
    assert code == 0
    assert f"hyperspace {name}" in out


def test_best_shows_the_optimum_as_the_objective_received_it(command, study):
    result = load_results(study)
    code, out, err = command("best", study)
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


def test_export_writes_every_trial_with_all_digits_as_csv(command, study):
    code, out, _ = command("export", study)
    rows = list(csv.DictReader(io.StringIO(out)))
    trials = load_results(study).trials
    assert code == 0
    assert len(rows) == 32
    assert list(rows[0]) == list(trials.columns)
    assert [float(row["rate"]) for row in rows] == list(trials["rate"])
    assert any("no, not three\nof them" in row["error"] for row in rows)


def test_export_writes_every_trial_as_json(command, study):
    code, out, _ = command("export", study, "--format", "json")
    records = json.loads(out, parse_constant=pytest.fail)  # NaN is no JSON
    trials = load_results(study).trials
    assert code == 0
    assert [record["rate"] for record in records] == list(trials["rate"])
    assert {record["loss"] for record in records if record["status"] == "failed"} == {None}
    assert isinstance(records[0]["units"], int)


def test_export_writes_every_trial_as_parquet(command, study, tmp_path):
    import pandas

    code, out, _ = command("export", study, "--format", "parquet", "--output", tmp_path / "trials.parquet")
    assert (code, out) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == ["trials.parquet"]
    read, trials = pandas.read_parquet(tmp_path / "trials.parquet"), load_results(study).trials
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


def test_parquet_without_its_library_is_one_sentence(command, study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pandas.io.parquet", raising=False)
    code, out, err = command("export", study, "--format", "parquet", "-o", tmp_path / "table")
    assert (code, out) == (1, "")
    assert how_to_install("parquet") in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "table").exists()


def test_export_into_a_file_that_cannot_be_is_one_sentence(command, study, tmp_path):
    code, _, err = command("export", study, "--output", tmp_path / "nowhere" / "table.csv")
    assert code == 1
    assert "table.csv cannot be written: No such file" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["status", "best", "export", "plot", "report", "stop"])
def test_a_path_without_a_study_is_one_sentence(command, tmp_path, name):
    code, out, err = command(name, tmp_path / "nothing")
    assert (code, out) == (1, "")
    assert err.startswith("hyperspace: ")
    assert "nothing" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["status", "best", "failures", "export", "plot", "report", "stop"])
def test_a_file_is_no_study(command, tmp_path, name):
    (tmp_path / "file.txt").write_text("")
    code, out, err = command(name, tmp_path / "file.txt")
    assert (code, out, err) == (1, "", f"hyperspace: {tmp_path / 'file.txt'} is a file, not the folder of a study\n")


def test_a_wrong_format_is_a_usage_error(command, study):
    code, _, err = command("export", study, "--format", "xml")
    assert code == 2
    assert "xml" in err


def test_an_unknown_command_is_a_usage_error(command):
    code, _, err = command("dance")
    assert code == 2
    assert "dance" in err


def test_demo_finds_the_minimum_and_keeps_the_study_if_told_to(command, tmp_path):
    code, out, err = command("demo", tmp_path / "demo")
    assert code == 0
    assert err == "hyperspace: 128 evaluations planned, by 1 drive, in one process\n"  # of the random search
    words = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    above = float(words["HyperSpace"][-1])
    assert above < float(words["random search"][-1])
    assert load_results(tmp_path / "demo").fun == pytest.approx(-3.322368 + above, abs=0.06)
    assert "hyperspace best" in out


def test_a_reader_that_closes_the_pipe_gets_no_traceback(python, study):
    program = """
        import os, sys
        from hyperspace.cli import main
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
        sys.argv = ["hyperspace", "export", sys.argv[1]]
        main()
    """
    done = python(program, study, check=False)
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


@pytest.fixture
def to_a_full_disk(study):
    """Run a command with its standard output on a full disk."""

    def run(*arguments):
        words = [sys.executable, "-m", "hyperspace", *arguments, str(study)]
        with open("/dev/full", "w") as full:
            return subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    return run


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["best"], ["export"], ["status"], ["status", "--watch"], ["best", "--format", "csv"]])
def test_an_output_that_cannot_be_written_is_one_sentence(to_a_full_disk, arguments):
    done = to_a_full_disk(*arguments)
    assert (done.returncode, done.stderr) == (1, "hyperspace: standard output cannot be written: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [[], ["--watch"]])
def test_the_exit_code_of_status_is_the_states_whatever_becomes_of_its_output(to_a_full_disk, arguments):
    done = to_a_full_disk("status", "--exit-code", *arguments)
    assert (done.returncode, "cannot be read" in done.stderr) == (0, False)


def test_ctrl_c_while_the_command_line_is_imported_is_an_exit_code_and_no_traceback(python):
    program = """
        import builtins, sys
        from hyperspace.__main__ import main
        real = builtins.__import__
        def interrupted(name, *rest):
            if name == "typer":
                raise KeyboardInterrupt
            return real(name, *rest)
        builtins.__import__ = interrupted
        main()
    """
    done = python(program, check=False)
    assert (done.returncode, done.stderr) == (130, "")
