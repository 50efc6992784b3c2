"""The rank's side of a worker: its process, and what is sent and received."""

import errno
import os
import signal
import sys
from types import SimpleNamespace

import faults
import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.protocol import NoAnswer
from hyperspace.evaluators.supervisor import descendants
from hyperspace.evaluators.worker_client import Worker, _interpreter_options
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metrics

SPACE = check_space({"x": (0.0, 1.0)})


def process_of(parameters):
    return float(os.getpid())


@pytest.fixture
def make(monkeypatch):
    made = []

    def start(objective=process_of):
        made.append(Worker(Objective(objective), Metrics(), SPACE))
        return made[-1]

    yield start
    for worker in made:
        worker.close(at_once=True)


def task(**parameters):
    handle = {"id": "3-2", "seed": 7, "attempt": 0, "folder": None, "budget": None}
    return {"handle": handle, "parameters": parameters, "goal": None}


def answers(worker):
    """Return the answers up to the one that ends an evaluation."""
    found = []
    while not found or found[-1]["event"] != "finished":
        assert not worker.is_gone
        worker.wait(1.0)
        found += worker.receive()
    return found


def test_a_worker_serves_until_it_is_closed(make):
    before = set(os.listdir("/proc/self/fd"))
    worker = make()
    assert not worker.ready
    worker.await_ready()
    worker.await_ready()  # it still is
    assert worker.ready
    assert worker.receive() == []
    for trial in (1, 2):
        worker.evaluate(task())
        (answer,) = answers(worker)
        assert answer["trial"] == trial
        assert answer["metrics"] == {"objective": float(answer["process"])}
        assert answer["process"] in descendants(os.getpid())
    assert worker.count_open_files() >= 5  # three of the system, and two of its pipes at least
    assert (worker.exit_code(), worker.is_gone) == (None, False)
    worker.wait(0.01)  # without data
    worker.close()
    worker.wait(0.01)
    assert (worker.exit_code(), worker.is_gone) == (0, True)
    assert worker.count_open_files() == 0
    worker.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_what_is_sent_to_a_process_that_has_ended_is_lost_and_another_one_takes_its_place(make):
    worker = make()
    worker.await_ready()
    worker.evaluate(task())
    number = answers(worker)[0]["process"]
    os.kill(number, signal.SIGKILL)
    while not worker.is_gone:
        worker.wait(0.05)
    worker.evaluate(task())
    worker.send("nothing")
    assert worker.receive() == []
    assert worker.exit_code() == -signal.SIGKILL
    assert worker.trace() == ""
    worker.wait(0.0)
    worker.renew()
    assert not worker.ready
    worker.await_ready()
    worker.evaluate(task())
    (answer,) = answers(worker)
    assert answer["process"] != number
    assert answer["trial"] == 1


def test_what_others_write_where_the_answers_go_is_none(make):
    worker = make(faults.behave)
    worker.await_ready()
    forged = b'{"process": 1, "trial": 0, "event": "ready"}\n'
    worker.evaluate(task(do="writes where its answers go", bytes=forged))
    with pytest.raises(NoAnswer, match="an answer of process 1 to evaluation 0"):
        answers(worker)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise OSError('no license')", r": OSError: no license$"),
        ("os._exit(5)", r": the process that imported it ended with exit code 5$"),
        (
            "import faults; faults.writes_where_its_answers_go({'bytes': b'chatter\\n'}, None)",
            r": the import of it wrote 'chatter' where the answers of that process go$",
        ),
    ],
)
def test_an_import_that_fails_there_is_one_sentence_and_leaves_no_process(make, tmp_path, monkeypatch, text, told):
    name = f"fails_elsewhere_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(
        f"import os\nif os.getpid() != {os.getpid()}:\n    {text}\ndef objective(parameters):\n    return 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = set(os.listdir("/proc/self/fd"))
    worker = make(__import__(name).objective)
    with pytest.raises(InputError, match="the objective objective cannot be evaluated in a process of its own") as refused:
        worker.await_ready()
    assert refused.match(told)
    assert worker.is_gone
    assert set(os.listdir("/proc/self/fd")) == before


def test_more_than_a_pipe_holds_is_sent_while_the_rank_goes_on(make):
    """The process loads slowly, and a rank must not stand still meanwhile."""
    data = bytes(20_000_000)
    worker = make(lambda parameters: float(len(data)))
    os.kill(worker._group.id, signal.SIGSTOP)
    worker.wait(0.05)
    assert worker.receive() == []
    assert worker._unsent
    os.kill(worker._group.id, signal.SIGCONT)
    worker.await_ready()
    worker.evaluate(task())
    assert answers(worker)[0]["metrics"] == {"objective": 20_000_000.0}


def test_a_process_that_cannot_be_started_leaks_nothing_and_is_none(make, monkeypatch):
    before = os.listdir("/proc/self/fd")
    worker = make()
    pipe = os.pipe

    def scarce(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return pipe()

    for failing, pipes in (("os.pipe", 2), ("os.pipe", 0), ("ProcessGroup", 0)):
        left = [pipes]
        with monkeypatch.context() as patch:
            patch.setattr(f"hyperspace.evaluators.worker_client.{failing}", scarce)
            with pytest.raises(OSError, match="Too many open files"):
                worker.renew()
        assert worker.is_gone
        assert os.listdir("/proc/self/fd") == before
    worker.renew()
    worker.await_ready()


def test_the_interpreter_has_the_options_of_the_ranks(monkeypatch):
    monkeypatch.setattr(sys, "flags", SimpleNamespace(optimize=2))
    monkeypatch.setattr(sys, "warnoptions", ["error::UserWarning"])
    assert _interpreter_options() == ["-u", "-O", "-O", "-Werror::UserWarning"]
