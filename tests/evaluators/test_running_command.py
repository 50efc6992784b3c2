"""Programs as they run: what comes of them, and every way in which they fail."""

import errno
import os
import sys
import tempfile
import threading
from pathlib import Path
from pkgutil import resolve_name

import pytest
from launch import await_end

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.running_command import CommandEvaluator
from hyperspace.journal.stop_request import request_stop
from hyperspace.space import check_space
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import Trial

PYTHON = sys.executable


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


def test_a_program_that_is_no_program_fails_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.evaluators.running_command._REPLACED", 0.0)
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


class Running:
    """A command for a value of x; start(value) starts it."""

    def __init__(self, line, folder, values, **options):
        self.folder = folder
        handle = TrialHandle("3-2", 7, 0, folder, lambda step, metrics: None)
        space = check_space({"x": values})
        self.evaluator = CommandEvaluator(Command(line, **options), space, Metrics(), None, lambda trial: handle)

    def start(self, value):
        self.evaluator.submit(Trial(drive=3, iteration=2, x=(value,)), {"x": value})

    def end(self):
        while (outcome := self.evaluator.poll()) is None:
            self.evaluator.wait(0.02)
        return outcome


@pytest.fixture
def running(tmp_path):
    """Return a command, which is closed at the end: running(line, values, folder=...)."""
    made = []

    def make(line, values=(0.0, 1.0), folder=tmp_path / "scratch", **options):
        made.append(Running(line, folder, values, **options))
        return made[-1]

    yield make
    for each in made:
        each.evaluator.close()


def test_a_program_that_is_gone_ends_the_study_and_fails_no_point(running, tmp_path, monkeypatch):
    """The next trial would fail, too."""
    monkeypatch.setattr("hyperspace.evaluators.running_command._REPLACED", 0.0)
    program = running(f"{tmp_path}/sim {{x}}")
    program.start(0.5)
    outcome = program.end()
    assert (outcome.status, outcome.fault, type(outcome.fatal)) == ("failed", "infrastructure", StudyError)
    assert "the command could not be started: [Errno 2] No such file or directory" in outcome.error
    assert "The trial is made again when the study goes on" in str(outcome.fatal)
    assert not (tmp_path / "scratch").exists()


def test_a_program_that_is_being_replaced_is_waited_for(running, tmp_path, monkeypatch):
    program = running(f"{tmp_path}/sim {{x}}")

    def install(seconds):
        (tmp_path / "new").write_text("#!/bin/sh\necho 2.5\n")
        (tmp_path / "new").chmod(0o755)
        (tmp_path / "new").rename(tmp_path / "sim")

    monkeypatch.setattr("hyperspace.evaluators.running_command.time.sleep", install)
    program.start(0.5)
    assert program.evaluator.poll() is None  # it has begun
    monkeypatch.undo()
    assert program.end().metrics == {"objective": 2.5}


@pytest.mark.parametrize(("value", "told"), [("a\0b", "null character"), ("x" * 200_000, "Argument list too long")])
def test_words_that_no_program_can_be_given_are_the_points_fault(running, monkeypatch, value, told):
    monkeypatch.setattr("hyperspace.evaluators.running_command._REPLACED", 0.0)
    program = running("true {x}", [value, "other"])
    program.start(value)
    outcome = program.end()
    assert (outcome.status, outcome.fault, outcome.fatal) == ("failed", "objective", None)
    assert told in outcome.error


def test_a_cancelled_program_ends_and_leaves_room_for_the_next_one(running, tmp_path):
    program = running(f"sh -c 'echo $$ > {tmp_path}/process; exec sleep {{x}}'", [1000, 0])
    program.start(1000)
    while not (tmp_path / "process").exists() or not (tmp_path / "process").read_text():
        assert program.evaluator.poll() is None
        program.evaluator.wait(0.01)
    program.evaluator.cancel()
    await_end([int((tmp_path / "process").read_text())])
    assert program.evaluator.poll() is None
    assert not (tmp_path / "scratch").exists()  # it was silent
    program.start(0)
    assert "printed no line" in program.end().error
    program.evaluator.cancel()  # nothing runs


def test_without_files_of_the_study_a_temporary_folder_is_used_and_removed(running, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = running("sh -c 'echo {x}; echo {trial.folder} >&2; exit {x}'", [3, 4], folder=None)
    program.start(3)
    folder = Path(program.end().error.splitlines()[-1])
    assert folder.parent == tmp_path
    program.start(4)
    assert program.end().error.splitlines()[-1] == str(folder)
    program.evaluator.close()
    assert list(tmp_path.iterdir()) == []
    program.evaluator.close()


def test_a_program_runs_in_its_folder_and_its_results_file_is_read(running, tmp_path):
    (tmp_path / "deck.in").write_text("{x:.3f} {trial.id}")
    program = running(
        "sh -c 'cat deck.in > seen; echo 9; echo {x} > out.json'",
        [0.5, 0.75],
        templates=[tmp_path / "deck.in"],
        in_folder=True,
        metrics_file="out.json",
    )
    program.start(0.5)
    assert program.end().metrics == {"objective": 0.5}
    assert (tmp_path / "scratch" / "seen").read_text() == "0.500 3-2"
    program.start(0.75)
    assert program.end().metrics == {"objective": 0.75}


def test_what_of_an_answer_is_not_kept_is_noted(running):
    program = running("""echo '{{"loss": {x}, "who": "me"}}'""", [0.5, 0.75])
    program.start(0.5)
    outcome = program.end()
    assert outcome.metrics == {"loss": 0.5}
    assert "'who'" in outcome.note
