import os
from contextlib import ExitStack

import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import InlineEvaluator
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.running_command import CommandEvaluator
from hyperspace.evaluators.selection import open_evaluators
from hyperspace.evaluators.supervisor import descendants
from hyperspace.evaluators.worker import WorkerEvaluator
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import Trial

SPACE = check_space({"x": (0.0, 1.0)})


def handle(trial):
    return TrialHandle(trial.id, 7, 0, None, lambda step, metrics: None)


@pytest.fixture
def held():
    with ExitStack() as stack:
        yield stack


def process_of(parameters):
    return float(os.getpid())


def evaluate(make):
    evaluator = make(handle)
    evaluator.submit(Trial(drive=0, iteration=0, x=(0.5,)), {"x": 0.5})
    while (outcome := evaluator.poll()) is None:
        evaluator.wait(0.05)
    if not isinstance(evaluator, WorkerEvaluator):  # its process is closed by what holds it
        evaluator.close()
    return outcome.metrics["objective"]


def test_a_function_is_called_here_unless_it_is_to_be_isolated(held):
    make = open_evaluators(Objective(process_of), Metrics(), SPACE, None, False, held)
    assert isinstance(make(handle), InlineEvaluator)
    assert evaluate(make) == os.getpid()


def test_an_isolated_function_has_a_process_that_is_ready_and_is_ended_with_what_is_held():
    before = set(descendants(os.getpid()))
    with ExitStack() as held:
        make = open_evaluators(Objective(process_of), Metrics(), SPACE, 60.0, True, held)
        assert isinstance(make(handle), WorkerEvaluator)
        workers = set(descendants(os.getpid())) - before
        assert evaluate(make) in workers
    assert set(descendants(os.getpid())) & workers == set()


@pytest.mark.parametrize("isolate", [False, True])
def test_a_command_has_processes_of_its_own_in_any_case(held, isolate):
    make = open_evaluators(Command("echo {x}"), Metrics(), SPACE, None, isolate, held)
    assert isinstance(make(handle), CommandEvaluator)
    assert evaluate(make) == 0.5


def test_a_command_that_does_not_fit_is_refused_before_it_runs(held):
    with pytest.raises(InputError, match=r"place for {y}"):
        open_evaluators(Command("echo {x} {y}"), Metrics(), SPACE, None, False, held)
    command = Command("echo {x}", r"loss (?P<loss>\S+)")
    with pytest.raises(InputError, match="'size' is declared, and the patterns"):
        open_evaluators(command, Metrics([Metric("size")]), SPACE, None, False, held)


def test_a_function_that_cannot_be_loaded_elsewhere_is_refused_and_leaves_no_process(held, tmp_path, monkeypatch):
    before = set(descendants(os.getpid()))
    (tmp_path / "fragile.py").write_text(
        f"import os\nif os.getpid() != {os.getpid()}:\n    raise OSError('no license')\ndef objective(p):\n    return 0.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import fragile

    with pytest.raises(InputError, match=r"the objective objective cannot be evaluated in a process.*: OSError: no license"):
        open_evaluators(Objective(fragile.objective), Metrics(), SPACE, None, True, held)
    assert set(descendants(os.getpid())) == before
    with open(tmp_path / "log", "w") as log, pytest.raises(InputError, match=r"log, which .* uses, is an open file"):
        open_evaluators(Objective(lambda p: log.write("x")), Metrics(), SPACE, None, True, held)
    assert set(descendants(os.getpid())) == before
