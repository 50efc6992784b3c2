"""`hyperspace run`: Python functions and programs, alone and under mpirun."""

import os
import re
import sys
from pathlib import Path

import pytest
from command_lines import COMMAND, QUICK

from hyperspace import Metric, load_results
from hyperspace.cli.run_command import _limit, _metrics, _objective, _rules, _space
from hyperspace.errors import InputError
from hyperspace.stopping import NoProgress, TargetValue


def test_a_function_of_a_file_with_the_space_beside_it(run, folder):
    code, out, err = run("train.py:objective", *QUICK)
    assert (code, err) == (0, "")
    result = load_results(folder / "results")
    assert len(result.trials) == 6
    assert "6 evaluations planned" in out
    assert float(out.split("best")[-1].split()[0]) == pytest.approx(result.fun, rel=1e-5)


def test_what_is_searched_and_optimized_can_be_named(run, folder):
    code, out, _ = run(
        "train.py:several", *QUICK, "--space", "other", "--goal", "accuracy", "--maximize", "--results", "named", "--quiet"
    )
    assert (code, out) == (0, "")
    result = load_results(folder / "named")
    assert result.trials["x"].min() >= 0.5
    assert result.fun == result.trials["accuracy"].max()
    assert {"error", "accuracy"} <= set(result.trials.columns)


def test_a_program_is_an_objective(run, folder):
    code, _, err = run("--command", COMMAND, "--space", "space.toml", *QUICK, "--timeout", "60", "--seed", "3")
    assert (code, err) == (0, "")
    trials = load_results(folder / "results").trials
    assert (trials["loss"] == (trials["x"] - 0.3) ** 2 + (trials["kind"] == "bad")).all()
    assert len(list(folder.glob("results/scratch/*/stdout.txt"))) == 6


def test_a_pattern_finds_the_value(run, folder):
    pattern = r'"x": ([\d.]+)'
    code, _, err = run("--command", COMMAND, "--space", "space.toml", *QUICK, "--metric-regex", pattern)
    assert (code, err) == (0, "")
    trials = load_results(folder / "results").trials
    assert (trials["objective"] == trials["x"]).all()


def test_ranks_of_an_mpirun_work_one_study(start, folder):
    launcher = [Path(sys.executable).with_name("mpirun"), "-n", "2"]
    code, out, err = start("train.py:objective", *QUICK, "--isolate", launcher=launcher)
    assert (code, err) == (0, "")
    assert out.count("best") == 2  # the progress's last line, and the summary
    assert set(load_results(folder / "results").trials["rank"]) == {0, 1}


def test_isolation_reaches_the_study(run, folder):
    code, _, err = run("train.py:fails", "--model", "RAND", "--n-calls", "2", "--isolate")
    assert code == 1
    assert "ended with exit code 3" in err


def test_workers_are_refused_under_mpirun(run, monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    code, _, err = run("train.py:objective", *QUICK, "--workers", "2")
    assert code == 1
    assert "leave it out under mpirun" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected either FILE.py:FUNCTION or --command"),
        (["train.py:objective", "--command", "true"], "expected either"),
        (["train.py"], "expected FILE.py:FUNCTION or MODULE:FUNCTION, such as train.py:objective; got 'train.py'"),
        (["nothing.py:objective"], "there is no file 'nothing.py'"),
        (["nothing:objective"], "there is no module 'nothing'"),
        (["train.py:nothing"], "train.py defines no function 'nothing'; it has objective, several, sometimes, fails"),
        (["train.py:space"], "defines no function 'space'"),
        (["other/json.py:objective"], "json.py has the name of the module 'json', which is in use; rename the file"),
        (["train.py:objective", "--space", "nothing.toml"], "the space 'nothing.toml' cannot be read"),
        (["train.py:objective", "--metric-regex", "x"], "--metric-regex reads what a --command prints"),
        (["bare.py:objective"], 'expected --space FILE.toml, or a variable "space" beside the function'),
        (["unguarded.py:objective"], 'put the study under `if __name__ == "__main__":`'),
        (["--command", "prog {x}", "--space", "space.toml"], "does not use the parameter 'kind'"),
    ],
)
def test_a_mistake_is_one_sentence(run, folder, arguments, message):
    (folder / "other").mkdir()
    (folder / "other" / "json.py").write_text("")
    (folder / "bare.py").write_text("def objective(x):\n    return 0.0\n")
    (folder / "unguarded.py").write_text(
        "from hyperspace import hyperdrive\ndef objective(x):\n    return 0.0\nhyperdrive(objective, [(0.0, 1.0)], 'other')\n"
    )
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("hyperspace: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not os.path.exists(folder / "results")


DECK = """
import json, pathlib
deck = json.loads(pathlib.Path("deck.in").read_text())
print("0.0")
pathlib.Path("out.json").write_text(json.dumps({"loss": deck["model"]["x"], "size": 2 * deck["model"]["x"]}, indent=2))
"""


def test_a_program_with_an_input_file_and_a_results_file_in_a_folder_of_its_own(run, folder):
    (folder / "sim.py").write_text(DECK)
    (folder / "deck.in").write_text('{"model": {"x": {x}, "kind": "{kind}", "id": "{trial.id}"}, "{other}": 1}')
    arguments = ["--command", f"{sys.executable} {folder / 'sim.py'}", "--space", "space.toml", *QUICK, "--template", "deck.in"]
    arguments += ["--in-folder", "--metrics-file", "out.json", "--goal", "loss", "--limit", "size>=0.4", "--n-drives", "4"]
    code, _, err = run(*arguments)
    assert (code, err) == (0, "")
    result = load_results(folder / "results")
    assert list(result.trials["loss"]) == list(result.trials["x"])
    assert result.fun == result.trials["loss"][result.trials["size"] >= 0.4].min()
    assert sorted(result.trials["drive"].unique()) == [0, 1, 2, 3]
    assert len(list(folder.glob("results/scratch/*/deck.in"))) == 6
    assert "{other}" in next(folder.glob("results/scratch/*/deck.in")).read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train.py:objective", "--in-folder"], "--in-folder goes with --command"),
        (["train.py:objective", "--limit", "size<=1"], "needs --goal"),
        (["train.py:several", "--goal", "error", "--limit", "size<1"], "NAME<=NUMBER"),
        (["--command", "true {x}", "--space", "space.toml", "--template", "no.in"], "cannot be read"),
        (
            ["--command", "true {x}", "--space", "space.toml", "--template", "train.py", "--in-folder"],
            "do not use the parameter 'kind'",
        ),
        (["--command", "true {x} {kind}", "--space", "space.toml", "--template", "train.py"], "run it there by --in-folder"),
        (["--command", "true {x} {kind}", "--space", "space.toml", "--metrics-file", "out"], "write {trial.folder}/out in"),
        (["--command", "true", "--space", "space.toml", "--metrics-file", "../x"], "a name in the trial's folder"),
        (["--command", COMMAND, "--space", "space.toml", *QUICK, "--metric-regex", "nothing (.*)"], "--metric-regex"),
    ],
)
def test_what_a_command_lacks_is_said_with_the_option_that_gives_it(run, arguments, told):
    code, _, err = run(*arguments)
    assert code == 1
    assert told in err


def test_hyperband_gives_a_command_its_budget(run, folder):
    words = f'{sys.executable} -c \'print({{x}} + {{trial.budget}} * ("{{kind}}" == ""))\''
    code, _, err = run(
        "--command", words, "--space", "space.toml", "--model", "HYPERBAND", "--strategy", "halving", "--n-calls", "8"
    )
    assert (code, err) == (0, "")
    assert load_results(folder / "results").trials["budget"].notna().all()


def test_a_rule_ends_the_study_from_the_command_line(run, folder):
    code, _, err = run("train.py:objective", "--model", "RAND", "--n-calls", "200", "--target", "0.5", "--results", "target")
    assert (code, err) == (0, "")
    result = load_results(folder / "target")
    assert result.ended_by == "the target value 0.5"
    code, _, err = run("train.py:objective", "--model", "RAND", "--n-calls", "200", "--no-progress", "7", "--results", "row")
    assert (code, err) == (0, "")
    assert load_results(folder / "row").ended_by == "no progress in 7 evaluations"
    code, _, err = run("train.py:objective", *QUICK, "--no-progress", "0", "--results", "none")
    assert (code, len(err.splitlines())) == (1, 1)


def test_the_help_names_the_values_that_options_take(run):
    from hyperspace.exchange.spec import EXCHANGES
    from hyperspace.strategies import STRATEGIES
    from hyperspace.study.checks import MODELS

    code, out, _ = run("-h")
    assert code == 0
    words = re.findall(r"\w+", out)
    assert not {*MODELS, *EXCHANGES, *STRATEGIES} - set(words)
    assert "hyperdrive" not in words


def test_quiet_shows_nothing_and_records_failures(start, folder):
    assert start("train.py:sometimes", *QUICK, "--quiet") == (0, "", "")
    assert load_results(folder / "results").trials["status"].value_counts().to_dict() == {"ok": 3, "failed": 3}


def test_quiet_workers_show_nothing(start, folder):
    assert start("train.py:objective", *QUICK, "--quiet", "--workers", "2") == (0, "", "")
    assert load_results(folder / "results").nfev == 6


def test_quiet_still_shows_an_error(start):
    code, out, err = start("train.py:objective", "--model", "RAND", "--n-calls", "0", "--quiet")
    assert (code, out) == (1, "")
    assert "n_calls must be a whole number of at least 1" in err


def test_files_of_the_working_folder_are_found_from_the_trials_folders(run, folder):
    (folder / "inputs").mkdir()
    (folder / "inputs" / "x.dat").write_text("2.0")
    (folder / "inputs" / "good.dat").write_text("0.5")
    (folder / "inputs" / "bad.dat").write_text("0.5")
    (folder / "deck.in").write_text("{x}")
    (folder / "out.json").write_text("17.0")  # of a trial run by hand
    (folder / "sim.py").write_text(
        "import sys\n"
        "scale, deck, more, out = (word.removeprefix('--deck=') for word in sys.argv[1:])\n"
        "value = float(open(deck).read()) * float(open(scale).read()) + float(open(more).read())\n"
        "open(out, 'w').write(str(value))\n"
    )
    words = f"{sys.executable} sim.py inputs/x.dat --deck=deck.in inputs/{{kind}}.dat out.json"
    arguments = ["--template", "deck.in", "--in-folder", "--metrics-file", "{trial.folder}/out.json", "--space", "space.toml"]
    code, _, err = run("--command", words, *arguments, *QUICK)
    assert (code, err) == (0, "")
    trials = load_results(folder / "results").trials
    assert list(trials["objective"]) == list(2.0 * trials["x"] + 0.5)
    assert (folder / "out.json").read_text() == "17.0"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["train.py:objective", "--space", "nothing.toml"], 1, "the space 'nothing.toml' cannot be read"),
        (["--command", "true {x}", "--space", "space.toml"], 1, "does not use the parameter 'kind'"),
        (["train.py:objective", "--limit", "x<=1"], 1, "--limit needs --goal NAME"),
        (["train.py:objective", "--workers", "2"], 1, "leave it out under mpirun"),
        (["train.py:objective", "--n-calls", "many"], 2, "Invalid value"),
        (["train.py:objective", "--n-cals", "6"], 2, "--n-cals"),
    ],
)
def test_a_mistake_is_told_once_under_mpirun(start, arguments, code, told):
    launcher = [Path(sys.executable).with_name("mpirun"), "-n", "3"]
    found, out, err = start(*arguments, launcher=launcher)
    assert found in (code, 255)  # a launcher may end the ranks that have not ended
    assert (out + err).count(told) == 1
    assert "Traceback" not in err


def test_a_module_that_cannot_be_imported_shows_its_traceback_under_mpirun(start, folder):
    (folder / "broken.py").write_text("import os\nraise OSError('no license')\n")
    launcher = [Path(sys.executable).with_name("mpirun"), "-n", "2"]
    code, _, err = start("broken.py:objective", launcher=launcher)
    assert code != 0
    assert "broken.py" in err
    assert "OSError: no license" in err


def test_what_is_known_before_the_start_costs_no_evaluation(run, folder):
    (folder / "deck.in").write_text("x = {x}\nkind = {kind}\n")
    command = ["--command", f"{sys.executable} simulation.py {{x}} {{kind}}", "--space", "space.toml", *QUICK]
    pattern = ["--metric-regex", r"(?P<drag>\S+) (?P<heat>\S+)"]
    for more, told in [
        (
            [*pattern, "--goal", "darg"],
            "the metric 'darg' is declared, and the patterns (--metric-regex) name only 'drag'",
        ),
        (["--goal", "loss", "--limit", "loss<=1"], "--goal and --limit name 'loss' twice; the goal takes no limit"),
        (["--workers", "2", "--exchange", "async"], "--workers share a study through its files; leave out --exchange async"),
    ]:
        code, out, err = run(*command, *more)
        assert (code, out) == (1, "")
        assert told in err
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("place", "starts", "told"),
    [
        ("{kinf}", True, "'deck.in' has {kinf}, which is no parameter and stays as it is; did you mean {kind}?"),
        ("{trial.sed}", False, "'deck.in' has a place for {trial.sed}, which is none of trial.attempt"),
        ("{set}", True, None),
    ],
)
def test_a_misspelled_place_of_a_template_is_told(run, folder, place, starts, told):
    (folder / "deck.in").write_text(f"x = {{x}}\nkind = {{kind}}\nother = {place}\n")
    command = f"{sys.executable} simulation.py {{x}} {{kind}}"
    code, _, err = run("--command", command, "--template", "deck.in", "--in-folder", "--space", "space.toml", *QUICK)
    assert (code == 0) == starts
    assert told in err if told else "no parameter" not in err


def test_files_that_all_trials_share_are_named(run, folder):
    (folder / "field.dat").write_text("by hand")
    command = f"{sys.executable} simulation.py {{x}} {{kind}} field.dat"
    _, _, err = run("--command", command, "--in-folder", "--space", "space.toml", *QUICK)
    assert "files of this folder that all trials share, to be read and not written: field.dat" in err


@pytest.mark.parametrize(
    ("text", "name", "lower", "upper"),
    [
        ("size<=0.5", "size", None, 0.5),
        ("size>=1e-3", "size", 1e-3, None),
        ("0.1<=size<=.5", "size", 0.1, 0.5),
        (" 1. <= size ", "size", 1.0, None),
        ("-1<=net weight[kg]<=+2E+1", "net weight[kg]", -1.0, 20.0),
    ],
)
def test_a_limit_in_words(text, name, lower, upper):
    assert _limit(text) == Metric(name, "constrain", lower, upper)


@pytest.mark.parametrize(
    "text", ["size", "size<1", "<=1", "1<=", "", "size==1", "size<=x", "0.5>=size", "1<=size>=2", "1<=size<=2<=3", "size<=inf"]
)
def test_words_that_are_no_limit(text):
    with pytest.raises(InputError, match="--limit takes NAME<=NUMBER"):
        _limit(text)


def test_a_limit_out_of_order_is_refused():
    with pytest.raises(InputError, match=r"lower=2\.0 is above upper=1\.0"):
        _limit("2<=size<=1")


def test_the_goal_stands_first_and_limits_need_one():
    assert _metrics(None, True, []) is None
    assert _metrics("loss", False, []) == [Metric("loss")]
    assert _metrics("score", True, ["size<=1"]) == [Metric("score", "maximize"), Metric("size", "constrain", upper=1.0)]
    with pytest.raises(InputError, match="--limit needs --goal NAME"):
        _metrics(None, False, ["size<=1"])
    with pytest.raises(InputError, match="name 'loss', 'size' twice"):
        _metrics("loss", False, ["loss<=1", "size<=1", "size>=0"])


def test_the_rules_are_those_that_are_given():
    assert _rules(None, None) == []
    target, patience = _rules(0.0, 7)  # a target of zero is one
    assert (type(target), vars(target)) == (TargetValue, vars(TargetValue(0.0)))
    assert (type(patience), vars(patience)) == (NoProgress, vars(NoProgress(7)))


def test_the_space_is_a_variable_or_a_file(tmp_path):
    (tmp_path / "space.toml").write_text("x = [0.0, 2.0]\n")
    variables = {"space": {"x": (0.0, 1.0)}, "other": {"y": (0.0, 1.0)}}
    assert _space(None, variables).names == ("x",)
    assert _space("other", variables).names == ("y",)
    assert _space(str(tmp_path / "space.toml"), variables).dimensions[0].high == 2.0
    with pytest.raises(InputError, match=r"the space '.*unknown' cannot be read"):
        _space(str(tmp_path / "unknown"), variables)
    with pytest.raises(InputError, match='or a variable "space" beside the function'):
        _space(None, {})


def test_the_objective_is_a_function_or_a_command():
    of_command = {"template": [], "in_folder": False, "metrics_file": None}
    objective, variables = _objective("math:sqrt", None, None, of_command)
    assert (objective(4.0), variables["pi"] > 3) == (2.0, True)
    command, variables = _objective(None, "true {x}", None, of_command)
    assert (type(command).__name__, variables) == ("Command", {})
    for target, words in ((None, None), ("math:sqrt", "true")):
        with pytest.raises(InputError, match="expected either"):
            _objective(target, words, None, of_command)
    for name, value in (("template", ["deck.in"]), ("in_folder", True), ("metrics_file", "out")):
        with pytest.raises(InputError, match=f"--{name.replace('_', '-')} goes with --command"):
            _objective("math:sqrt", None, None, of_command | {name: value})
