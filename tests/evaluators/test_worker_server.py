"""The process of a worker by itself: what it answers to the rank's messages."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from launch import clean_environment

import hyperspace
from hyperspace.evaluators import worker_server
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.protocol import Lines, parse_answer
from hyperspace.evaluators.sending import Payload
from hyperspace.evaluators.worker_server import _memory, _reason
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metrics

SPACE = check_space({"x": (0.0, 1.0)})
ROOT = Path(hyperspace.__file__).parents[1]
PROGRAM = "import sys; from hyperspace.evaluators.worker_server import main; main(*map(int, sys.argv[1:]))"


class Server:
    """A server, and the rank's ends of its pipes."""

    def __init__(self, objective, path=(), folder="/", arguments=("program.py", "--fast")):
        self._payload = Payload(Objective(objective), Metrics(), SPACE)
        commands, self._commands = os.pipe()
        self._replies, replies = os.pipe()
        self._traces, traces = os.pipe()
        words = [sys.executable, "-c", PROGRAM, *map(str, (commands, replies, traces))]
        ends = (commands, replies, traces)
        self.process = subprocess.Popen(words, pass_fds=ends, env=clean_environment(), stdin=subprocess.DEVNULL)
        for end in ends:
            os.close(end)
        self._lines, self._answers = Lines(), []
        parts = self._payload.parts
        settings = {
            "path": [*map(str, path), *sys.path],
            "arguments": list(arguments),
            "folder": str(folder),
            "sizes": [len(part) for part in parts],
            "writable": self._payload.writable,
        }
        for part in (pickle.dumps(settings), *parts):
            os.write(self._commands, part)

    def send(self, message):
        os.write(self._commands, self._payload.dumps(message))

    def answer(self):
        """Return the next answer; None at the end."""
        while not self._answers:
            data = os.read(self._replies, 1 << 16)
            if not data:
                return None
            self._answers += map(parse_answer, self._lines.add(data))
        return self._answers.pop(0)

    def evaluate(self, trial, folder=None, attempt=0, **parameters):
        handle = {"id": "3-2", "seed": 7, "attempt": attempt, "folder": folder, "budget": None}
        self.send({"trial": trial, "handle": handle, "parameters": parameters, "goal": None})

    def hang_up(self):
        """Close the command pipe, as the end of the rank's process would; return the worker's exit code."""
        os.close(self._commands)
        self._commands = None
        return self.process.wait(30)

    def close(self):
        if self._commands is not None:
            os.close(self._commands)
        os.close(self._replies)
        os.close(self._traces)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve():
    made = []

    def start(*arguments, **options):
        made.append(Server(*arguments, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_it_answers_until_the_rank_closes_its_end(serve, tmp_path):
    def objective(parameters, trial):
        if parameters["do"] == "report":
            trial.report(1, 0.25)
            trial.report(2, {"loss": 0.5})
        if parameters["do"] == "tell":
            print(os.getcwd(), sys.argv, sys.path[0])
        return {"loss": float("inf") if parameters["do"] == "inf" else trial.seed, "who": "me"}

    server = serve(objective, folder=tmp_path, path=[tmp_path / "beside"])
    number = server.process.pid
    assert server.answer() == {"process": number, "trial": 0, "event": "ready"}
    assert Path(f"/proc/{number}/oom_score_adj").read_text() == "1000\n"

    server.evaluate(1, do="nothing")
    answer = server.answer()
    assert (answer["process"], answer["trial"], answer["event"], answer["status"]) == (number, 1, "finished", "ok")
    assert (answer["metrics"], answer["error"], answer["fault"], answer["again"]) == ({"loss": 7.0}, None, None, False)
    assert "'who'" in answer["note"]
    assert answer["memory"] > 1 << 20

    server.evaluate(2, do="inf")
    answer = server.answer()
    assert (answer["trial"], answer["status"], answer["fault"]) == (2, "failed", "objective")

    server.evaluate(3, do="report")
    assert server.answer() == {
        "process": number,
        "trial": 3,
        "event": "reported",
        "step": 1,
        "metrics": {"objective": 0.25},
    }
    server.send(None)  # the trial goes on
    assert server.answer()["step"] == 2
    server.send("pruned at step 2")
    answer = server.answer()
    assert (answer["status"], answer["error"], answer["metrics"]) == ("pruned", "pruned at step 2", {"loss": 0.5})

    server.evaluate(4, tmp_path / "scratch", 1, do="tell")
    assert server.answer()["status"] == "ok"
    assert (tmp_path / "scratch" / "stdout-1.txt").read_text() == f"{tmp_path} ['program.py', '--fast'] {tmp_path / 'beside'}\n"
    assert server.hang_up() == 0
    assert server.answer() is None


def test_a_folder_that_cannot_be_made_is_not_the_objectives_fault_and_leaks_no_descriptor(serve, tmp_path):
    server = serve(lambda parameters, trial: 1.0)
    server.answer()
    (tmp_path / "file").touch()
    before = os.listdir(f"/proc/{server.process.pid}/fd")
    for trial in (1, 2):
        server.evaluate(trial, tmp_path / "file" / "scratch")
        answer = server.answer()
        assert (answer["status"], answer["fault"], answer["again"]) == ("failed", "infrastructure", False)
        assert answer["error"].startswith("what the trial prints cannot be kept: [Errno 20] Not a directory")
    assert os.listdir(f"/proc/{server.process.pid}/fd") == before
    server.evaluate(3, tmp_path / "scratch")
    assert server.answer()["status"] == "ok"


def test_an_objective_that_cannot_be_loaded_is_refused(serve, tmp_path, monkeypatch):
    (tmp_path / "licensed.py").write_text(
        f"import os\nif os.getpid() != {os.getpid()}:\n    raise OSError('no license\\nfor this machine')\n"
        "def objective(parameters, trial):\n    return 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import licensed

    server = serve(licensed.objective)
    answer = {"process": server.process.pid, "trial": 0, "event": "refused", "reason": "OSError: no license"}
    assert server.answer() == answer
    assert server.answer() is None
    assert server.process.wait(30) == 0


class Mute(Exception):
    def __str__(self):
        raise ValueError("this error has no message")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(), "OSError"),
        (ImportError("first\nsecond"), "ImportError: first"),
        (SystemExit(3), "SystemExit: 3"),
        (Mute(), "Mute: <its message cannot be shown>"),
    ],
)
def test_a_reason_is_one_line(error, reason):
    assert _reason(error) == reason


def test_memory_that_the_system_does_not_tell_is_0(monkeypatch):
    assert _memory() > 1 << 20

    def refuse(path):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(worker_server.Path, "read_text", refuse)
    assert _memory() == 0
