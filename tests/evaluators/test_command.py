"""Commands: how their words are made, how their output is read, and every way in which they fail."""

import errno
import os
import sys
import threading
from pkgutil import resolve_name

import pytest
from launch import await_end

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.running_command import CommandEvaluator
from hyperspace.journal.stop_request import request_stop
from hyperspace.space import check_space
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import Trial

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


@pytest.mark.parametrize(
    ("end", "sign"),
    [
        ("> out.txt", ">"),
        (">out.txt", ">"),
        (">> out.txt", ">>"),
        ("< in.txt", "<"),
        ("| tee log", "|"),
        ("&& echo", "&&"),
        ("|| echo", "||"),
        ("; echo", ";"),
        ("--last; echo", ";"),
        ("&", "&"),
        ("2> err.txt", "2>"),
        ("2>&1", "2>"),
        ("&> all.txt", "&>"),
    ],
)
def test_what_only_a_shell_understands_is_refused(end, sign):
    with pytest.raises(InputError) as refused:
        Command(f"sim {{x}} 'a > b' {end}")
    assert str(refused.value).startswith(f"the command has a {sign!r} that only a shell understands")
    assert "write sh -c '...'" in str(refused.value)


def test_a_shells_signs_in_quotes_and_within_words_are_passed_on():
    words = Command(r"""find '>' "|" \; a>b x=1;y {x:>5} --text="a > b; c" '&' "~/x" """).fill(SPACE, POINT, TRIAL)
    assert words == ["find", ">", "|", ";", "a>b", "x=1;y", "  0.1", "--text=a > b; c", "&", "~/x"]


def test_the_home_folder_is_put_in_its_place(monkeypatch):
    monkeypatch.setenv("HOME", "/home/{me}")
    assert Command("~/bin/sim {x} ~/in.dat a~/b '~/c'").fill(SPACE, POINT, TRIAL) == [
        "/home/{me}/bin/sim",
        "0.1",
        "/home/{me}/in.dat",
        "a~/b",
        "~/c",
    ]


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


@pytest.fixture
def evaluate(tmp_path):
    """Run a program, given as text, once: evaluate("print(1)", timeout=...); returns the outcome."""

    def run(text, pattern=None, timeout=None, folder=tmp_path / "scratch", attempt=0):
        program = tmp_path / "program.py"
        program.write_text(f"import os, signal, sys, time\nx = float(sys.argv[1])\n{text}\n")
        command = Command(f"{PYTHON} {program} {{x0}}", pattern)
        space = check_space([(0.0, 1.0)])
        command.check(space)
        handle = TrialHandle("3-2", 7, attempt, folder, lambda step, metrics: None)
        evaluator = CommandEvaluator(command, space, Metrics(), timeout, lambda trial: handle)
        evaluator.submit(Trial(drive=3, iteration=2, x=(0.5,), attempt=attempt), [0.5])
        while (outcome := evaluator.poll()) is None:
            evaluator.wait(0.02)
        assert evaluator.poll() is None
        evaluator.close()
        return outcome

    return run


def test_a_program_that_prints_its_value(evaluate, tmp_path):
    outcome = evaluate("print('starting'); print(2 * x); print('careful', file=sys.stderr)")
    assert (outcome.status, outcome.metrics, outcome.error) == ("ok", {"objective": 1.0}, None)
    assert outcome.seconds > 0
    assert (tmp_path / "scratch" / "stdout.txt").read_text() == "starting\n1.0\n"
    assert (tmp_path / "scratch" / "stderr.txt").read_text() == "careful\n"


def test_the_output_of_a_study_without_files_is_read_all_the_same(evaluate):
    assert evaluate("print(2 * x)", folder=None).metrics == {"objective": 1.0}


def test_a_repetition_has_files_of_its_own(evaluate, tmp_path):
    evaluate("print(1)")
    assert "printed no line" in evaluate("print('now without a value')", attempt=1).error
    assert sorted(file.name for file in (tmp_path / "scratch").iterdir()) == ["stdout-1.txt", "stdout.txt"]


@pytest.mark.parametrize(
    ("text", "fault", "message"),
    [
        (
            "raise ValueError('no mesh')",
            "objective",
            "exit code 1\nIts standard error ends with:\nTraceback",
        ),
        ("os._exit(3)", "objective", "the command ended with exit code 3"),
        ("os.abort()", "objective", "the command was ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "infrastructure", "the command was ended by SIGKILL"),
        ("sys.exit(137)", "infrastructure", "the command ended with exit code 137"),
        ("sys.exit(os.EX_TEMPFAIL)", "infrastructure", "the command ended with exit code 75"),
        ("print('nan')", "objective", "printed no line that is a number"),
        ("print('NaN')", "objective", "the objective returned objective = nan; a finite number was expected"),
        ('print(\'{"loss": "low"}\')', "objective", "the objective returned loss = 'low' (str)"),
    ],
)
def test_a_failure_says_what_happened_and_whose_fault_it_is(evaluate, text, fault, message):
    outcome = evaluate(text)
    assert (outcome.status, outcome.fault, outcome.metrics) == ("failed", fault, {})
    assert outcome.error.startswith(message) or message in outcome.error


def test_metrics_without_a_goal_are_fatal(evaluate):
    assert isinstance(evaluate("""print('{"a": 1, "b": 2}')""").fatal, AmbiguousMetrics)


def test_a_time_out_ends_the_program_with_all_that_it_has_started(evaluate, tmp_path):
    text = f"""
import subprocess
child = subprocess.Popen(["sleep", "1000"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(1000)"""
    outcome = evaluate(text, timeout=1.0)
    assert (outcome.status, outcome.fault) == ("timeout", "objective")
    assert outcome.error == "the command took longer than timeout=1 seconds and was ended"
    await_end([(tmp_path / "child").read_text()])


def test_what_a_program_leaves_behind_ends_with_it(evaluate, tmp_path):
    evaluate(f"""
import subprocess
child = subprocess.Popen(["sleep", "1000"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
print(1)""")
    await_end([(tmp_path / "child").read_text()])


def test_a_program_that_is_no_program_fails_the_trial(evaluate, tmp_path, monkeypatch):
    command = Command("{kind}")
    handle = TrialHandle("3-2", 7, 0, tmp_path, lambda step, metrics: None)
    space = check_space({"kind": ["/no/such/program", "true"]})
    evaluator = CommandEvaluator(command, space, Metrics(), None, lambda trial: handle)
    evaluator.submit(Trial(drive=0, iteration=0, x=("/no/such/program",)), {"kind": "/no/such/program"})
    outcome = evaluator.poll()
    assert (outcome.status, outcome.fault) == ("failed", "objective")
    assert "the command could not be started: [Errno 2] No such file" in outcome.error
    evaluator.close()


def test_a_program_without_room_on_the_disk_is_no_fault_of_its_own(evaluate, monkeypatch):
    monkeypatch.setattr("hyperspace.evaluators.starting.has_room", lambda folder: False)
    outcome = evaluate("sys.exit(1)")
    assert (outcome.status, outcome.fault, outcome.again) == ("failed", "infrastructure", True)
    assert outcome.error == "the disk is full\nthe command ended with exit code 1"
    assert evaluate("print(1)").status == "ok"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ETXTBSY])
@pytest.mark.parametrize("where", ["ProcessGroup", "TrialOutput.open", "tempfile.TemporaryDirectory"])
def test_a_program_that_cannot_be_started_at_this_moment_is_started_later(evaluate, monkeypatch, where, number):
    monkeypatch.setattr("hyperspace.system.disk.RETRY", 0.01)
    place, _, name = f"hyperspace.evaluators.running_command.{where}".rpartition(".")
    real, left = getattr(resolve_name(place), name), [2]

    def scarce(*arguments, **options):
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(f"{place}.{name}", scarce)
    with pytest.warns(RuntimeWarning, match="the evaluation of trial 3-2 cannot begin"):
        assert evaluate("print(1)", folder=None).status == "ok"


@pytest.mark.parametrize("by", ["deadline", "stop"])
def test_the_wait_for_a_process_ends_with_the_study(tmp_path, monkeypatch, by):
    def scarce(*arguments, **options):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("hyperspace.evaluators.running_command.ProcessGroup", scarce)
    settings = {"n_calls": 4, "n_subspaces": 1, "n_drives": 1, "model": "RAND"}
    stop = threading.Timer(2.0, lambda: request_stop(tmp_path))
    if by == "stop":
        stop.start()
    command = Command("echo {x}")
    with pytest.warns(RuntimeWarning, match="the evaluation of trial 0-0 cannot begin"):
        result = hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, deadline=2.0 if by == "deadline" else None, **settings)
    assert result.nfev == 0
    monkeypatch.undo()
    result = hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, **settings)
    assert (result.nfev, {trial.status for trial in result.all_trials}) == (4, {"ok"})


def test_hyperdrive_takes_a_command(tmp_path):
    command = Command(f"{PYTHON} -c 'import sys; print(float(sys.argv[1]) ** 2)' {{x}}")
    settings = {"n_calls": 4, "model": "RAND", "n_subspaces": 1}
    result = hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, **settings)
    assert result.fun == pytest.approx(result.x[0] ** 2)
    assert hyperdrive(command, {"x": (0.0, 1.0)}, tmp_path, **settings).nfev == 4
    with pytest.raises(RuntimeError, match="objective"):
        hyperdrive(Command("echo {x}"), {"x": (0.0, 1.0)}, tmp_path, **settings)


def test_a_result_that_an_earlier_attempt_left_does_not_count(tmp_path):
    command = Command("true {x0}", metrics_file="out.json", in_folder=True)
    (tmp_path / "out.json").write_text("1.0")
    command.prepare(check_space([(0.0, 1.0)]), [0.5], {}, tmp_path)
    with pytest.raises(InputError, match="wrote no file"):
        command.read("0.5", tmp_path)
