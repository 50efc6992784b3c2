"""The worker: every way in which an objective fails, and what crosses to its process and back."""

import errno
import functools
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import faults
import pytest
from launch import await_end, clean_environment

from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.processes import ProcessGroup
from hyperspace.evaluators.worker import WorkerEvaluator
from hyperspace.evaluators.worker_client import Worker
from hyperspace.pruning import Pruned
from hyperspace.space import check_space
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import Trial

SPACE = check_space([(0.0, 1.0)])
TRIAL = Trial(drive=3, iteration=2, x=(0.5,))


class Rank:
    """What the rank has of an evaluation: it hands out handles, and keeps what is reported."""

    def __init__(self, folder):
        self.folder = folder
        self.reported = []
        self.attempt = 0

    def handle(self, trial):
        return TrialHandle("3-2", 7, self.attempt, self.folder, self._report, budget=9)

    def _report(self, step, metrics):
        self.reported.append((step, metrics))
        if len(self.reported) == 2:
            raise Pruned(f"pruned at step {step}")


@pytest.fixture(scope="module")
def worker():
    worker = Worker(Objective(faults.behave), Metrics(), SPACE)
    worker.await_ready()
    yield worker
    worker.close()


@pytest.fixture
def evaluate(worker, tmp_path):
    """Evaluate one trial: evaluate("raises", timeout=..., **parameters); returns the outcome and the rank."""

    def run(do, timeout=None, attempt=0, **parameters):
        rank = Rank(tmp_path / "scratch")
        rank.attempt = attempt
        evaluator = WorkerEvaluator(worker, timeout, rank.handle)
        evaluator.submit(TRIAL, {"do": do} | parameters)
        outcome = wait(evaluator)
        assert evaluator.poll() is None  # an outcome comes once
        return outcome, rank

    return run


def wait(evaluator):
    while (outcome := evaluator.poll()) is None:
        evaluator.wait(0.2)
    return outcome


def test_what_the_objective_returns_comes_back(evaluate):
    outcome, _ = evaluate("value")
    assert (outcome.status, outcome.metrics, outcome.error, outcome.fault) == ("ok", {"objective": 2.5}, None, None)
    assert outcome.seconds > 0
    outcome, _ = evaluate("metrics")
    assert (outcome.metrics["loss"], outcome.metrics["curve"]) == (0.5, (1.0, 2.0))
    assert outcome.metrics["odd"] != outcome.metrics["odd"]


@pytest.mark.parametrize(
    ("do", "messages"),
    [
        ("raises", ["in raises", "ZeroDivisionError: no mesh"]),
        ("interrupts", ["in interrupts", "KeyboardInterrupt"]),
        ("raises what cannot be printed", ["in raises_what_cannot_be_printed", "SyntaxError: no text"]),
        ("none", ["objective = None (NoneType); a number was expected"]),
        ("text", ["objective = '1.0' (str); a number was expected"]),
        ("nan", ["objective = nan; a finite number was expected"]),
        ("inf", ["objective = inf; a finite number was expected"]),
        ("no number", ["a number was expected"]),
        ("exits", ["the objective called sys.exit('enough')"]),
        ("leaves", ["the process that evaluated it ended with exit code 7"]),
        ("crashes", ["was ended by SIGSEGV", "in segfault", "standard error ends with:\nbefore the crash"]),
    ],
)
def test_a_failure_of_the_objective_is_told_as_one_and_the_next_trial_fares_better(evaluate, do, messages):
    outcome, _ = evaluate(do)
    assert (outcome.status, outcome.fault, outcome.metrics) == ("failed", "objective", {})
    for message in messages:
        assert message in outcome.error
    assert evaluate("value")[0].metrics == {"objective": 2.5}


def test_metrics_without_a_goal_are_fatal(evaluate):
    outcome, _ = evaluate("wrong metric")
    assert outcome.status == "failed"
    assert isinstance(outcome.fatal, AmbiguousMetrics)
    assert "'accuracy', 'speed'" in str(outcome.fatal)


def test_a_worker_that_is_killed_is_no_fault_of_the_objective(evaluate):
    outcome, _ = evaluate("is killed")
    assert (outcome.status, outcome.fault) == ("failed", "infrastructure")
    assert outcome.error == "the process that evaluated it was ended by SIGKILL"
    assert evaluate("is killed", attempt=1)[0].metrics == {"objective": 1.0}


def test_a_time_out_ends_the_evaluation_with_all_that_it_has_started(evaluate, tmp_path):
    outcome, _ = evaluate("hangs", timeout=0.5)
    assert (outcome.status, outcome.fault) == ("timeout", "objective")
    assert outcome.error == "the evaluation took longer than timeout=0.5 seconds and was ended"
    await_end((tmp_path / "scratch" / "processes").read_text().split())
    assert evaluate("value", timeout=60.0)[0].status == "ok"


@pytest.mark.parametrize("garbage", [b"123\n", b"null\n", b"{}\n", b"[" * 60_000 + b"\n", b"without an end", b"\n"])
def test_what_is_no_answer_fails_the_trial_and_the_worker_is_renewed(evaluate, garbage):
    outcome, _ = evaluate("writes where its answers go", bytes=garbage)
    assert (outcome.status, outcome.fault) == ("failed", "objective")
    assert "the process that evaluated it wrote" in outcome.error
    assert "where its answers go; it was ended" in outcome.error
    assert len(outcome.error) < 300
    assert evaluate("value")[0].metrics == {"objective": 2.5}


def test_a_forged_answer_is_none(evaluate):
    forged = b'{"process": 1, "trial": 1, "event": "reported", "step": 1, "metrics": {"loss": 0.0}}\n'
    outcome, rank = evaluate("writes where its answers go", bytes=forged)
    assert (outcome.status, rank.reported) == ("failed", [])
    assert "wrote an answer of process 1 to evaluation 1" in outcome.error


@pytest.mark.parametrize("child", ["returns", "raises", "exits", "interrupts", "reports"])
def test_a_forked_child_that_comes_back_is_not_the_worker(evaluate, child):
    for _ in range(2):
        outcome, rank = evaluate("forks", child=child)
        assert (outcome.metrics, rank.reported) == ({"objective": 1.0}, [])
    assert evaluate("value")[0].metrics == {"objective": 2.5}


def test_a_full_disk_is_not_the_objectives_fault(evaluate):
    outcome, _ = evaluate("has a full disk", attempts=1)
    assert (outcome.status, outcome.fault, outcome.again) == ("failed", "infrastructure", True)
    assert "No space left on device" in outcome.error


def test_a_long_error_is_shortened_and_kept_whole_in_the_trials_folder(evaluate, tmp_path):
    outcome, _ = evaluate("tells much", size=3_000_000)
    assert outcome.fault == "objective"
    assert len(outcome.error) < 20_000
    assert outcome.error.startswith("Traceback")
    assert "characters are left out here; all of it is in error.txt of the trial's folder" in outcome.error
    assert outcome.error.rstrip().endswith("the end")
    assert "x" * 3_000_000 in (tmp_path / "scratch" / "error.txt").read_text()


def test_a_daemon_ends_with_its_trial_and_a_child_with_the_worker(evaluate, worker, tmp_path):
    outcome, _ = evaluate("leaves daemons")
    await_end([int(outcome.metrics["objective"])])
    child = int((tmp_path / "scratch" / "child").read_text())
    os.kill(child, 0)  # a pool of processes is used again
    worker.close()
    await_end([child])
    assert evaluate("value")[0].status == "ok"


def test_a_worker_that_cannot_be_started_at_this_moment_is_started_later(evaluate, worker, monkeypatch):
    monkeypatch.setattr("hyperspace.system.disk.RETRY", 0.01)
    real, left = ProcessGroup, [3]

    def scarce(*arguments, **options):
        left[0] -= 1
        if left[0] >= 0:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(*arguments, **options)

    monkeypatch.setattr("hyperspace.evaluators.worker_client.ProcessGroup", scarce)
    descriptors = len(os.listdir("/proc/self/fd"))
    assert evaluate("leaves")[0].status == "failed"
    assert len(os.listdir("/proc/self/fd")) < descriptors
    with pytest.warns(RuntimeWarning, match="the evaluation of trial 3-2 cannot begin: Resource temporarily unavailable"):
        assert evaluate("value")[0].metrics == {"objective": 2.5}


def test_an_evaluation_can_be_cancelled(worker, tmp_path):
    evaluator = WorkerEvaluator(worker, None, Rank(tmp_path).handle)
    evaluator.submit(TRIAL, {"do": "hangs"})
    while not (tmp_path / "processes").exists():
        assert evaluator.poll() is None
        evaluator.wait(0.01)
    evaluator.cancel()
    await_end((tmp_path / "processes").read_text().split())
    assert evaluator.poll() is None
    evaluator.submit(TRIAL, {"do": "value"})
    assert wait(evaluator).status == "ok"


def test_one_process_serves_many_trials_until_it_has_grown_too_large(evaluate, monkeypatch):
    first = evaluate("tells process")[0].metrics
    assert evaluate("raises")[0].status == "failed"
    assert evaluate("tells process")[0].metrics == first
    assert first != {"objective": float(os.getpid())}
    monkeypatch.setattr("hyperspace.evaluators.worker._LEAK", 1 << 20)
    rank = Rank(None)
    worker = Worker(Objective(faults.behave), Metrics(), SPACE)
    worker.await_ready()
    evaluator = WorkerEvaluator(worker, None, rank.handle)
    processes = []
    for _ in range(4):
        evaluator.submit(TRIAL, {"do": "leaks", "megabytes": 200})
        processes.append(wait(evaluator).metrics["objective"])
    evaluator.close()
    assert processes[0] == processes[1] == processes[2] != processes[3]  # 200, 400 and 600 MB, beside its own


def test_a_worker_that_leaves_files_open_is_replaced_before_none_is_left():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        worker = Worker(Objective(faults.behave), Metrics(), SPACE)
        worker.await_ready()
        evaluator = WorkerEvaluator(worker, None, Rank(None).handle)
        outcomes = []
        for _ in range(4):
            evaluator.submit(TRIAL, {"do": "leaves files open", "files": 60})
            outcomes.append(wait(evaluator))
        evaluator.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 4


def test_the_handle_is_the_trials_own(evaluate, tmp_path):
    outcome, _ = evaluate("tells handle", attempt=4)
    assert outcome.metrics == {"objective": 7.0}
    assert (tmp_path / "scratch" / "handle").read_text() == "3-2 4 9"


def test_the_rank_hears_reports_and_answers_whether_to_prune(evaluate):
    outcome, rank = evaluate("reports")
    assert (outcome.status, outcome.error) == ("pruned", "pruned at step 2")
    assert rank.reported[0] == (1, {"loss": 3.0})
    assert [step for step, _ in rank.reported] == [1, 2]
    assert outcome.metrics.keys() == {"loss"}


def test_what_a_trial_prints_is_kept_in_its_folder(evaluate, tmp_path):
    evaluate("prints")
    folder = tmp_path / "scratch"
    assert sorted((folder / "stdout.txt").read_text().splitlines()) == ["from C", "from Python", "from a child"]
    assert (folder / "stderr.txt").read_text() == "to the error stream\n"


def test_a_silent_trial_leaves_no_folder(evaluate, tmp_path):
    evaluate("value")
    assert list(tmp_path.iterdir()) == []


def test_parameters_arrive_as_they_are(evaluate):
    assert evaluate("tells type", value=(1, "two"), function=faults.raises)[0].metrics == {"objective": 1.0}


def test_a_worker_does_not_take_itself_for_a_rank(monkeypatch):
    for name in ("PMI_RANK", "PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_STEP_ID"):
        monkeypatch.setenv(name, "1")
    worker = Worker(Objective(faults.behave), Metrics(), SPACE)
    worker.await_ready()
    evaluator = WorkerEvaluator(worker, None, Rank(None).handle)
    evaluator.submit(TRIAL, {"do": "tells environment"})
    assert wait(evaluator).metrics == {"objective": 0.0}
    evaluator.close()


class Scaled:
    """An object that can be called."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, parameters):
        return self.factor * parameters["x"]


def scaled(parameters, factor):
    return factor * parameters["x"]


@pytest.mark.parametrize("objective", [Scaled(3.0), functools.partial(scaled, factor=3.0), Scaled(3.0).__call__])
def test_objects_partial_functions_and_methods_can_be_objectives(objective):
    worker = Worker(Objective(objective), Metrics(), SPACE)
    worker.await_ready()
    evaluator = WorkerEvaluator(worker, None, Rank(None).handle)
    evaluator.submit(TRIAL, {"x": 2.0})
    assert wait(evaluator).metrics == {"objective": 6.0}
    evaluator.close()


def test_nothing_outlives_a_rank_that_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "from hyperspace import hyperdrive\n"
        "from faults import behave\n"
        f"hyperdrive(behave, {{'do': ['hangs'], 'x': (0.0, 1.0)}}, {str(tmp_path / 'study')!r}, isolate=True)\n"
    )
    tests = Path(__file__).parents[1]
    rank = subprocess.Popen([sys.executable, program], env=clean_environment(PYTHONPATH=f"{tests.parent}:{tests}"))
    while not (found := list((tmp_path / "study").glob("scratch/*/processes"))):
        assert rank.poll() is None
        time.sleep(0.02)
    rank.send_signal(signal.SIGKILL)
    rank.wait()
    await_end(found[0].read_text().split())
