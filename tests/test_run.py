"""`hyperspace run`: Python functions and programs, alone, as workers, and under mpirun."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from launch import await_end, clean_environment, run_group

from hyperspace import load_results
from hyperspace.cli import main
from hyperspace.results.state import study_state

TRAIN = """
import os
space = {"x": (0.0, 1.0), "kind": ["good", "bad"]}
other = {"x": (0.5, 1.0), "kind": ["good", "bad"]}
def objective(parameters):
    return (parameters["x"] - 0.3) ** 2 + (parameters["kind"] == "bad")
def several(parameters):
    return {"error": objective(parameters), "accuracy": 1 - parameters["x"]}
def sometimes(parameters):
    calls.append(parameters)
    if len(calls) % 2:
        raise ValueError("not this one")
    return objective(parameters)
calls = []
def fails(parameters):
    os._exit(3)
"""
SIMULATION = """
import json, sys
x, kind = float(sys.argv[1]), sys.argv[2]
print("warming up")
print(json.dumps({"loss": (x - 0.3) ** 2 + (kind == "bad"), "x": x}))
"""
SPACE = 'x = [0.0, 1.0]\nkind = ["good", "bad"]\n'
QUICK = ["--model", "RAND", "--n-calls", "6"]
COMMAND = f"{sys.executable} simulation.py {{x}} {{kind}}"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "simulation.py").write_text(SIMULATION)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


HYPERSPACE = [sys.executable, "-P", "-m", "hyperspace"]


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run `hyperspace run ARGUMENTS` in the folder; return exit code, standard output and standard error."""

    def go(*arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "argv", ["hyperspace", "run", *arguments])
        before = set(sys.modules)
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        for name in ("train", "bare", "unguarded"):
            if name not in before:
                sys.modules.pop(name, None)
        out, err = capsys.readouterr()
        return code, out, err

    return go


@pytest.fixture
def start(folder):
    """Run `hyperspace run ARGUMENTS` in the folder, in a process of its own; return the same."""

    def go(*arguments, launcher=()):
        done = run_group([*launcher, *HYPERSPACE, "run", *arguments], timeout=120, cwd=folder)
        return done.returncode, done.stdout, done.stderr

    return go


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


def test_workers_share_a_study_which_may_begin_anew(start, folder):
    code, out, err = start("--command", COMMAND, "--space", "space.toml", *QUICK, "--workers", "2")
    assert (code, err) == (0, "")
    assert out.count("6 evaluations planned") == 1
    code, out, err = start("train.py:objective", "--model", "RAND", "--n-calls", "4", "--workers", "2", "--restart")
    assert (code, err) == (0, "")
    assert len(load_results(folder / "results").trials) == 4
    assert len(load_results(folder / "results.old-1").trials) == 6


def test_workers_end_cleanly_when_they_are_told_to(folder):
    (folder / "train.py").write_text(TRAIN.replace("    return (p", "    import time; time.sleep(0.05)\n    return (p", 1))
    words = [*HYPERSPACE, "run", "train.py:objective", "--model", "RAND", "--n-calls", "100000", "--workers", "2"]
    process = subprocess.Popen(words, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    while len(list(folder.glob("results/journals/*.jsonl"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped by" in out


@pytest.mark.parametrize("after", [0.0, 0.03])
def test_a_signal_reaches_workers_that_are_just_being_started(folder, after):
    words = [*HYPERSPACE, "run", "--command", "sh -c 'sleep 1; echo {x}'", "--space", "x.toml", "--n-calls", "300"]
    (folder / "x.toml").write_text("x = [0.0, 1.0]\n")
    process = subprocess.Popen([*words, "--workers", "3"], cwd=folder, env=clean_environment())
    while not (folder / "results" / "study.json").exists():
        assert process.poll() is None
        time.sleep(0.001)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) in (0, 128 + signal.SIGTERM)
    assert study_state(folder / "results").finished < 30


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT"])
def test_workers_and_commands_end_with_the_process_that_has_started_them(folder, name, alone):
    _end_workers(folder, "command", getattr(signal, name), alone)


@pytest.mark.parametrize("way", ["inline", "isolate"])
def test_workers_end_with_the_process_that_has_started_them(folder, way):
    _end_workers(folder, way, signal.SIGKILL, alone=True)


def _end_workers(folder, way, number, alone):
    (folder / "train.py").write_text(
        "import os, time\n"
        "space = {'x': (0.0, 1.0)}\n"
        "def objective(parameters):\n"
        "    open(f'working-{os.getpid()}', 'w').close()\n"
        "    time.sleep(1000)\n"
    )
    (folder / "x.toml").write_text("x = [0.0, 1.0]\n")
    target = {
        "inline": ["train.py:objective"],
        "isolate": ["train.py:objective", "--isolate"],
        "command": ["--command", "sh -c 'touch working-$$; sleep 1000; echo {x}'", "--space", "x.toml"],
    }[way]
    words = [*HYPERSPACE, "run", *target, "--model", "RAND", "--n-calls", "100", "--workers", "2"]
    process = subprocess.Popen(words, cwd=folder, env=clean_environment(), start_new_session=True)
    try:
        while len(found := list(folder.glob("working-*"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        end = process.send_signal if alone else partial(os.killpg, process.pid)
        end(number)
        if number in (signal.SIGTERM, signal.SIGINT):  # the first one waits for the evaluations under way
            time.sleep(4.0)  # on a busy machine it arrives late, and what comes within a second of it is the same one
            assert process.poll() is None
            end(number)
        process.wait(timeout=60)
        await_end([file.name.partition("-")[2] for file in found])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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


def test_what_is_wrong_is_said_by_one_worker(start):
    code, out, err = start("train.py:objective", "--model", "GPU", "--workers", "2")
    assert (code, out) == (1, "")
    assert err.startswith("hyperspace: model must be one of")
    assert len(err.splitlines()) == 1


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


def test_points_to_evaluate_first_in_words_and_in_files(run, folder):
    (folder / "points.csv").write_text("loss,kind,x\n0.5,bad,0.25\n,good,0.75\n")
    (folder / "points.json").write_text('[{"x": 0.375, "kind": "good", "seconds": 3}, {"kind": "bad", "x": 1}]')
    words = ["--x0", "x=0.125,kind=bad", "--x0", "points.csv", "--x0", "points.json"]
    code, _, err = run("train.py:objective", *QUICK, *words)
    assert (code, err) == (0, "")
    first = [trial for trial in load_results(folder / "results").all_trials if trial.arm == "x0"]
    names = load_results(folder / "results").names
    points = [dict(zip(names, trial.x, strict=True)) for trial in first]
    assert [(point["x"], point["kind"]) for point in points] == [
        (0.125, "bad"),
        (0.25, "bad"),
        (0.75, "good"),
        (0.375, "good"),
        (1.0, "bad"),
    ]


def test_known_results_of_a_file_are_not_evaluated_again(run, folder):
    (folder / "points.csv").write_text("error,kind,x\n0.5,bad,0.25\n,good,0.75\nnan,good,0.8\n1D-3,good,0.3\n")
    (folder / "points.json").write_text('[{"x": 0.375, "kind": "good", "error": 3}]')
    words = ["--x0", "points.csv", "--x0", "points.json", "--x0", "x=0.125,kind=bad,error=0.25", "--y0", "error"]
    code, out, err = run("train.py:objective", *QUICK, *words)
    assert (code, err) == (0, "hyperspace: --x0 points.csv: 3 of 4 points have no number in 'error' and are left out\n")
    assert "6 evaluations planned" in out
    trials = load_results(folder / "results").trials
    given = trials[trials["origin"] == "given"]
    assert given[["x", "kind", "metric.error"]].values.tolist() == [
        [0.25, "bad", 0.5],
        [0.375, "good", 3.0],
        [0.125, "bad", 0.25],
    ]
    assert (trials["origin"] == "asked").sum() == 6
    assert trials["metric.error"].notna().all()  # a plain number is the goal's


def test_known_results_may_have_several_metrics(run, folder):
    run("train.py:several", *QUICK, "--goal", "accuracy", "--maximize", "--limit", "error<=1", "--results", "old")
    old = load_results(folder / "old").trials
    (folder / "old.csv").write_text(old.drop(columns="error").rename(columns={"metric.error": "error"}).to_csv(index=False))
    words = ["--x0", "old.csv", "--y0", "accuracy", "--y0", "error", "--goal", "accuracy", "--maximize", "--limit", "error<=1"]
    assert run("train.py:several", *QUICK, *words, "--results", "new")[0] == 0
    new = load_results(folder / "new").trials
    assert (
        new[new["origin"] == "given"][["accuracy", "metric.error"]].values.tolist()
        == old[["accuracy", "metric.error"]].values.tolist()
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--y0", "error"], "give --x0, too"),
        (["--x0", "points.csv", "--y0", "loss"], "has no column 'loss'; its columns are 'x', 'kind', 'error'"),
        (["--x0", "points.csv", "--y0", "x"], "--y0 x is a parameter"),
        (["--x0", "points.csv", "--y0", "x", "--goal", "accuracy"], "--y0 has no 'accuracy', which --goal or --limit names"),
        (["--x0", "points.csv", "--y0", "error"], "none of the points of --x0 has a number in 'error' (--y0)"),
        (["--x0", "list.json", "--y0", "error"], "list.json, point 1: it has no names, of which --y0 could be one"),
        (["--x0", "x=0.5,kind=good", "--y0", "error"], "it has no 'error', which --y0 names"),
    ],
)
def test_known_results_that_are_none_are_one_sentence(run, folder, words, told):
    (folder / "points.csv").write_text("x,kind,error\n0.5,good,\n")
    (folder / "list.json").write_text('[[0.5, "good"]]')
    code, out, err = run("train.py:objective", *QUICK, *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert told in err
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("x0", "told"),
    [
        ("x", '--x0 takes a .csv or .json file, or a point such as "x=...'),
        ("x=0.5", "must have the parameters"),
        ("x=7,kind=good", "--x0 x=7,kind=good: dimension"),
        ("x=0.5,kind=c", "'c'"),
        ("nothing.csv", "nothing.csv cannot be read: No such file"),
        ("space.json", "space.json is no JSON"),
        ("empty.csv", "has no points"),
        ("short.csv", "short.csv has no column 'kind'"),
        ("far.csv", "far.csv, point 2: dimension"),
    ],
)
def test_points_that_are_none_are_one_sentence(run, folder, x0, told):
    files = {"space.json": "x", "empty.csv": "x,kind\n", "short.csv": "x\n1\n", "far.csv": "x,kind\n0.5,good\n70,good\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    code, out, err = run("train.py:objective", *QUICK, "--x0", x0)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert told in err
    assert not (folder / "results").exists()


def test_workers_take_over_from_another_study_and_say_so_once(start, folder):
    start("train.py:objective", *QUICK, "--results", "old")
    code, _, err = start(
        "train.py:objective", *QUICK, "--warm-start", "old", "--results", "new", "--workers", "2", "--x0", "x=0.5,kind=good"
    )
    assert code == 0, err
    assert err.count("are taken over") == 1
    trials = load_results(folder / "new").all_trials
    assert sum(trial.origin == "given" for trial in trials) == 6
    assert sum(trial.arm == "x0" for trial in trials) == 1


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
