import asyncio
import errno
import signal
from dataclasses import replace

import pytest
from skopt.space import Real
from skopt.utils import use_named_args

from hyperspace import hyperdrive, load_results
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import InlineEvaluator
from hyperspace.evaluators.objective import Objective
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import Trial

TRIAL = Trial(drive=3, iteration=2, x=(0.5,))


def evaluate(objective, parameters=(0.5,), attempt=0):
    reports = []
    handle = TrialHandle("3-2", 7, 0, None, lambda step, metrics: reports.append((step, metrics)))
    evaluator = InlineEvaluator(Objective(objective), Metrics(), lambda trial: handle)
    evaluator.submit(replace(TRIAL, attempt=attempt), list(parameters))
    outcome = evaluator.poll()
    assert evaluator.poll() is None  # an outcome comes once
    return outcome, reports


def test_a_value_is_an_outcome():
    outcome, _ = evaluate(lambda x: 2 * x[0])
    assert (outcome.status, outcome.metrics, outcome.error) == ("ok", {"objective": 1.0}, None)
    assert outcome.seconds >= 0


def test_what_is_raised_is_recorded_with_its_traceback():
    def broken(x):
        raise ZeroDivisionError("no mesh")

    outcome, _ = evaluate(broken)
    assert (outcome.status, outcome.fault, outcome.metrics) == ("failed", "objective", {})
    assert "in broken" in outcome.error
    assert "ZeroDivisionError: no mesh" in outcome.error


@pytest.mark.parametrize("returned", [None, "1.0", float("nan"), float("inf"), [None]])
def test_a_wrong_answer_is_a_failed_trial(returned):
    outcome, _ = evaluate(lambda x: returned)
    assert outcome.status == "failed"
    assert "the objective returned" in outcome.error or "one number" in outcome.error


def test_leaving_the_program_is_a_failed_trial():
    outcome, _ = evaluate(lambda x: exit(3))
    assert (outcome.status, outcome.error) == ("failed", "the objective called sys.exit(3)")


class Unwilling:
    """Cannot be printed, and insists on it."""

    def __init__(self, error):
        self._error = error

    def __repr__(self):
        raise self._error


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)], ids=repr)
def test_leaving_with_what_cannot_be_printed_is_a_failed_trial(error):
    outcome, _ = evaluate(lambda x: exit(Unwilling(error)))
    assert (outcome.status, outcome.error) == ("failed", "the objective called sys.exit(<Unwilling>)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no text", (5, 1, 2, 3)), "SyntaxError: no text"),
        (("no text", ("file.py", "a", "b", object())), "SyntaxError: no text (file.py)"),
        ((Unwilling(ValueError("no")), (5, 1, 2, 3)), "SyntaxError: <its message cannot be shown>"),
    ],
)
def test_an_error_that_python_cannot_print_is_a_failed_trial(arguments, message):
    def broken(x):
        raise SyntaxError(*arguments)

    outcome, _ = evaluate(broken)
    assert outcome.status == "failed"
    assert "in broken" in outcome.error
    assert message in outcome.error


def test_an_empty_answer_is_a_failed_trial_and_does_not_end_the_study():
    outcome, _ = evaluate(lambda x: {})
    assert (outcome.status, outcome.fatal) == ("failed", None)
    assert "a dict with nothing in it" in outcome.error


def test_an_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(interrupted)


class Panic(BaseException):
    """As a panic of a Rust library reaches Python."""


@pytest.mark.parametrize("error", [Panic, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_exception_is_a_failed_trial(error):
    def raises(x):
        raise error("within")

    outcome, _ = evaluate(raises)
    assert (outcome.status, outcome.fault) == ("failed", "objective")
    assert error.__name__ in outcome.error


def test_an_interrupt_of_the_objectives_own_ends_no_second_run():
    def interrupted(x):
        raise KeyboardInterrupt

    outcome, _ = evaluate(interrupted, attempt=1)
    assert (outcome.status, outcome.fault) == ("failed", "objective")


def test_ctrl_c_ends_every_run():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        evaluate(lambda x: signal.raise_signal(signal.SIGINT), attempt=1)
    assert signal.getsignal(signal.SIGINT) is handler


def test_metrics_without_a_goal_are_fatal():
    outcome, _ = evaluate(lambda x: {"a": 1.0, "b": 2.0})
    assert outcome.status == "failed"
    assert isinstance(outcome.fatal, AmbiguousMetrics)


def test_a_second_argument_is_the_handle():
    def reports(x, trial):
        trial.report(1, 0.5)
        trial.report(2, {"loss": 0.25, "accuracy": 1})
        return trial.seed

    outcome, reported = evaluate(reports)
    assert outcome.metrics == {"objective": 7.0}
    assert reported == [(1, {"objective": 0.5}), (2, {"loss": 0.25, "accuracy": 1.0})]


def test_a_scratch_folder_needs_a_study_with_files():
    outcome, _ = evaluate(lambda x, trial: trial.folder)
    assert "a scratch folder needs checkpoints=True" in outcome.error


def test_an_objective_of_named_arguments_is_evaluated():
    objective = use_named_args([Real(0.0, 1.0, name="a"), Real(0.0, 1.0, name="b")])(lambda a, b: a + b)
    outcome, _ = evaluate(objective, [0.25, 0.5])
    assert outcome.metrics == {"objective": 0.75}


CHILDREN = """
import os, sys
from hyperspace import hyperdrive
def comes_back(way, value):
    if os.fork():
        return os.wait() and value
    if way == "raises":
        raise ValueError("the child")
    if way == "exits":
        sys.exit(3)
    if way == "interrupts":
        raise KeyboardInterrupt
    return 99.0
def objective(parameters, trial):
    if parameters["way"] == "reports":
        if os.fork() == 0:
            trial.report(1, 99.0)
        os.wait()
        return 1.0
    return comes_back(parameters["way"], 1.0)
def callback(trial):
    comes_back(trial.x[1], None)
space = {"x": (0.0, 1.0), "way": ["raises", "exits", "interrupts", "returns", "reports"]}
result = hyperdrive(objective, space, "study", n_calls=20, n_subspaces=1, n_drives=2, model="RAND", callback=callback)
print(os.getpid() == first, result.nfev, {trial.status for trial in result.all_trials}, set(result.trials["objective"]))
"""


def test_a_forked_child_that_comes_back_does_not_go_on_with_the_study(python, tmp_path):
    program = CHILDREN.replace("import os, sys", "import os, sys\nfirst = os.getpid()")
    assert python(program).stdout == "True 20 {'ok'} {1.0}\n"
    assert {trial.reports for trial in load_results(tmp_path / "study").all_trials} == {None}


GROUPS = """
import os, sys
from hyperspace import hyperdrive
def objective(parameters, trial):
    if os.fork() == 0:
        if parameters["x"] < 0.5:
            raise ValueError("the child")
        return 99.0
    os.wait()
    return float(trial.comm.allreduce(1))
result = hyperdrive(objective, {"x": (0.0, 1.0)}, "study", n_calls=6, n_drives=2, model="RAND", ranks_per_trial=2)
print(result.nfev, set(result.trials["objective"]))
"""


def test_nor_does_one_of_a_group_of_ranks(mpirun):
    assert mpirun(2, GROUPS).stdout == "6 {2.0}\n" * 2


def full_for(times):
    """Return an objective that finds the disk full so many times."""
    left = [times]

    def objective(x):
        left[0] -= 1
        if left[0] >= 0:
            try:
                raise OSError(errno.EDQUOT, "Disk quota exceeded", "model.bin")
            except OSError as error:
                raise RuntimeError("the checkpoint cannot be written") from error
        return x[0]

    return objective


def test_a_full_disk_is_waited_for(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("hyperspace.evaluators.starting.time.monotonic", lambda: now.append(now[-1] + 1.0) or now[-1])
    result = hyperdrive(full_for(3), [(0.0, 1.0)], tmp_path, n_calls=3, n_drives=1, n_subspaces=1, model="RAND")
    assert [(trial.status, trial.attempt) for trial in result.all_trials] == [("ok", 3), ("ok", 0), ("ok", 0)]


def test_an_objective_that_never_finds_room_is_no_objectives_fault(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("hyperspace.evaluators.starting.time.monotonic", lambda: now.append(now[-1] + 1.0) or now[-1])
    options = {"n_calls": 2, "n_drives": 1, "n_subspaces": 1, "model": "RAND"}
    result = hyperdrive(full_for(6), [(0.0, 1.0)], None, checkpoints=False, **options)
    first, second = result.all_trials
    assert (first.status, first.fault, first.attempt, second.status) == ("failed", "infrastructure", 5, "ok")


def test_a_long_error_is_shortened(tmp_path):
    def objective(x, trial):
        if trial.id == "0-0":
            raise ValueError("y" * 1_000_000)
        return x[0]

    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path, n_calls=2, n_drives=1, n_subspaces=1, model="RAND")
    assert len(result.all_trials[0].error) < 10_000
    assert "y" * 1_000_000 in (tmp_path / "scratch" / "00000-00000" / "error.txt").read_text()
    assert (tmp_path / "journals" / "00000.jsonl").stat().st_size < 50_000
