"""Commands: how their words are made, how their output is read, and every way in which they fail."""

import shlex
import sys

import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.command_words import missing_script
from hyperspace.space import check_space

SPACE = check_space({"x": (0.0, 1.0), "n": (1, 9), "kind": ["a b", "c"], "fixed": 3})
POINT = {"x": 0.1, "n": 4, "kind": "a b", "fixed": 3}
TRIAL = {"id": "3-2", "seed": 7, "attempt": 0, "folder": "/tmp/f"}
PYTHON = sys.executable


def test_values_take_their_places_and_no_shell_sees_them():
    command = Command("prog --x={x} '{n} {n:03d}' {kind} {{x}} {x:.2e} {fixed} {trial.id}/{trial.seed} \"$HOME;`ls`\"")
    assert command.fill(SPACE, POINT, TRIAL) == [
        "prog",
        "--x=0.1",
        "4 004",
        "a b",
        "{x}",
        "1.00e-01",
        "3",
        "3-2/7",
        "$HOME;`ls`",
    ]


def test_parameters_without_names_are_called_by_position():
    assert Command("prog {x0} {x1}").fill(check_space([(0.0, 1.0), (1, 3)]), [0.5, 2], TRIAL) == ["prog", "0.5", "2"]


def test_a_float_is_passed_with_all_its_digits():
    assert Command("{x}").fill(SPACE, POINT | {"x": 0.1 + 0.2}, TRIAL) == ["0.30000000000000004"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the command is empty"),
        ("prog 'open", "cannot be split into words: No closing quotation"),
        ("prog {x", "cannot be split into words"),
        ("prog {x!r}", "asks for a conversion"),
        ("true {x} {n} {kind} {y}", "has a place for {y}, which is none of x, n, kind, fixed, trial.id"),
        ("true {x} {n} {kind} {x.real}", "has a place for {x.real}"),
        ("true {x} {n}", "does not use the parameter 'kind'; write {kind} where its value belongs"),
        ("true {x:d} {n} {kind}", "{x:d} does not fit the value 0.5"),
        ("no-such-program {x} {n} {kind}", "program 'no-such-program' was not found"),
        ("ulimit -n {x} {n} {kind}", "begins with 'ulimit', a word of a shell's, and it runs without a shell; write sh -c"),
        ("THREADS=1 sim {x} {n} {kind}", "begins with 'THREADS=1', a word of a shell's"),
    ],
)
def test_a_wrong_command_is_refused_in_one_sentence(line, message):
    with pytest.raises(InputError) as refused:
        Command(line).check(SPACE)
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_braces_of_the_home_folder_are_no_places(monkeypatch):
    monkeypatch.setenv("HOME", "/home/{me}")
    assert Command("~/bin/sim {x}").fill(SPACE, POINT, TRIAL) == ["/home/{me}/bin/sim", "0.1"]


@pytest.fixture
def decks(tmp_path, monkeypatch):
    """A working folder with templates and data."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("deck.in", "sub/other.in", "data", "prog", "4"):
        (tmp_path / name).write_text("{x} {n} {kind}")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "in_folder", "told"),
    [
        ("sim deck.in", False, "the command names the template 'deck.in', which stays as it is; write {trial.folder}/deck.in,"),
        ("sim ./deck.in --out {trial.folder}", False, "write {trial.folder}/deck.in,"),
        ("sim --deck=deck.in {trial.folder}", False, "names the template 'deck.in'"),
        ("sim sub/../deck.in", True, None),
        ("sim sub/other.in", True, "names the template 'sub/other.in', which stays as it is; write other.in,"),
        ("sim {x}", False, "'deck.in' is filled in and written to the trial's folder, which the command does not use"),
        ("sim {trial.folder}/deck.in", False, None),
        ("sim deck.in", True, None),
    ],
)
def test_templates_are_read_where_they_are_filled_in(decks, line, in_folder, told):
    if told is None:
        assert Command(line, templates=["deck.in", "sub/other.in"], in_folder=in_folder)
        return
    with pytest.raises(InputError) as refused:
        Command(line, templates=["deck.in", "sub/other.in"], in_folder=in_folder)
    assert told in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_results_file_is_one_of_the_trials_folder():
    with pytest.raises(InputError, match=r"'out.json' is read from the trial's folder.*--in-folder"):
        Command("sim {x}", metrics_file="out.json")
    assert Command("sim {x} -o {trial.folder}/out.json", metrics_file="out.json").metrics_file == "out.json"
    assert Command("sim {x} -o {trial.folder}/out.json", metrics_file="{trial.folder}/out.json").metrics_file == "out.json"


def test_words_that_name_files_mean_those_of_the_working_folder(decks, monkeypatch):
    line = "prog ./prog data --from=data deck.in {n} no-file sub --n={n} sub/{kind}.in"
    (decks / "sub" / "a b.in").write_text("")
    command = Command(line, templates=["deck.in"], in_folder=True)
    monkeypatch.chdir("/")
    here = str(decks)
    expected = ["prog", f"{here}/prog", f"{here}/data", f"--from={here}/data", "deck.in", "4", "no-file", "sub", "--n=4"]
    assert command.fill(SPACE, POINT, TRIAL) == [*expected, f"{here}/sub/a b.in"]
    monkeypatch.chdir(decks)
    assert Command("./prog data").fill(SPACE, POINT, TRIAL) == ["./prog", "data"]
    assert Command("./prog", in_folder=True).fill(SPACE, POINT, TRIAL) == [f"{here}/prog"]


def test_a_wrong_pattern_is_refused():
    with pytest.raises(InputError, match=r"the pattern '\(' is no regular expression"):
        Command("true", "(")
    with pytest.raises(InputError, match="with several patterns each names its metrics"):
        Command("true", [r"loss (?P<loss>\S+)", r"size (\S+)"])


def test_a_pattern_is_shown_as_it_was_written():
    with pytest.raises(InputError) as refused:
        Command("true", r"loss: (\S+)\d").read("nothing")
    assert r"the pattern 'loss: (\S+)\d' (--metric-regex)" in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "text", "value"),
    [
        (None, "epoch 1\n0.5\nbye\n", 0.5),
        (None, '{"loss": 1}\n{"loss": 0.25, "n": 2}\ntrue\n"text"\n[1]\n', {"loss": 0.25, "n": 2}),
        (r"loss=(\S+)", "loss=3\nloss=2.5e-1\ndone", 0.25),
        (r"^\d+$", "12\nx 13\n", 12.0),
        (r"drag = (?P<drag>\S+)|heat = (?P<heat>\S+)", "drag = 1\nheat = 5\ndrag = 2\n", {"drag": 2.0, "heat": 5.0}),
        ([r"drag = (?P<drag>\S+)", "heat = (?P<heat>.)"], "heat = 5\ndrag = 1\ndrag = 2", {"drag": 2.0, "heat": 5.0}),
        (r"a = (\d)|b", "a = 1 b", 1.0),
        (r"loss (?P<loss>\S+) acc (?P<accuracy>\S+)", "loss 1 acc 0.5\nloss 2 acc 0.75\n", {"loss": 2.0, "accuracy": 0.75}),
    ],
)
def test_the_last_value_that_was_printed_counts(pattern, text, value):
    assert Command("true", pattern).read(text) == value


@pytest.mark.parametrize(
    ("pattern", "text", "message"),
    [
        (None, "nothing here\n", "printed no line that is a number or an object in JSON"),
        (r"loss=(\S+)", "nothing here\n", r"printed nothing that the pattern"),
        (r"loss=(\S+)", "loss=low\n", "found 'low', which is no number"),
    ],
)
def test_output_without_a_value_says_what_was_looked_for(pattern, text, message):
    with pytest.raises(InputError, match=message):
        Command("true", pattern).read(text)


def test_a_result_that_an_earlier_attempt_left_does_not_count(tmp_path):
    command = Command("true {x0}", metrics_file="out.json", in_folder=True)
    (tmp_path / "out.json").write_text("1.0")
    command.prepare(check_space([(0.0, 1.0)]), [0.5], {}, tmp_path)
    with pytest.raises(InputError, match="wrote no file"):
        command.read("0.5", tmp_path)


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("python sim.py {x}", "sim.py"),
        ("python -u -W error ./bin/sim.py --x {x}", "./bin/sim.py"),
        ("mpirun -n 2 python3.11 sim.py {x}", "sim.py"),
        ("bash run.sh {x}", "run.sh"),
        ("java -jar /opt/sim.jar {x}", "/opt/sim.jar"),
        ("python here.py {x} out.py", None),  # only the script itself must exist
        ("python deck.py {x}", None),  # a file in the trial's folder
        ("python -c code.py {x}", None),
        ("python -m tool file.py {x}", None),
        ("bash -lc 'python sim.py {x}'", None),
        ("bash -lc 'cd there; ./sim.sh' {x}", None),
        ("python {x}.py", None),
        ("echo sim.py {x}", None),
        ("mpirun -n 2 docker run image python sim.py {x}", None),  # a file of the container
    ],
)
def test_a_script_that_is_missing(tmp_path, monkeypatch, line, missing):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.py").touch()
    words = [None if "{" in word else word for word in shlex.split(line)]
    assert missing_script(words, str(tmp_path), {"deck.py"}) == missing


@pytest.mark.parametrize("in_folder", [False, True])
def test_a_script_of_another_folder_is_refused_before_the_first_evaluation(tmp_path, monkeypatch, in_folder):
    monkeypatch.chdir(tmp_path)
    command = Command(f"{PYTHON} sim.py {{x}}", in_folder=in_folder)
    with pytest.raises(InputError, match=r"runs the script 'sim.py', which is not in the working folder .*; start in its folder"):
        hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path / "study")
    assert not (tmp_path / "study").exists()
    (tmp_path / "sim.py").write_text("print(0.5)")
    command = Command(f"{PYTHON} sim.py {{x}}", in_folder=in_folder)
    assert hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path / "study", n_calls=1).fun == 0.5


def test_hyperdrive_takes_a_command(tmp_path):
    command = Command(f"{PYTHON} -c 'import sys; print(float(sys.argv[1]) ** 2)' {{x}}")
    settings = {"n_calls": 4, "model": "RAND", "n_subspaces": 1}
    result = hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, **settings)
    assert result.fun == pytest.approx(result.x[0] ** 2)
    assert hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, **settings).nfev == 4
    with pytest.raises(RuntimeError, match="objective"):
        hyperdrive(Command("echo {x}"), {"x": (0.0, 1.0)}, tmp_path, **settings)
