"""Client of a worker, in its rank: the process, and the communication with it.

The interpreter starts the process afresh instead of forking it, so that it inherits neither MPI nor a GPU's state. It runs
`hyperspace.evaluators.worker_server`.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import hyperspace
from hyperspace.errors import InputError
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.processes import ProcessGroup, describe_end
from hyperspace.evaluators.protocol import Lines, NoAnswer, Record, parse_answer
from hyperspace.space.space import Space
from hyperspace.system.disk import wait_while_short
from hyperspace.system.paths import working_folder
from hyperspace.trials.metrics import Metrics

_ROOT = Path(hyperspace.__file__).parents[1]
_PROGRAM = (
    "import sys; sys.path = [{root!r}, *filter(None, sys.path)]; "  # the working folder may contain a json.py
    "from hyperspace.evaluators.worker_server import main; main({ends})"
)
_TRACE = 1 << 16  # bytes of a crash's traceback: the size of a pipe
_PIPE = 1 << 20  # bytes of the pipe to a worker, so that data is sent in few steps
_FAREWELL = 5.0  # seconds that an idle worker has to exit, e.g. to flush its libraries' buffers


class Worker:
    """Process with a loaded objective.

    Args:
        objective: the objective.
        metrics: metrics that read the objective's answer there.
        space: the search space, whose categories and constants are sent too.

    Attributes:
        metrics: the same; once their goal is fixed, it is sent with every trial.

    Raises:
        InputError: the objective, or an object that it uses, cannot be sent to another process.
    """

    def __init__(self, objective: Objective, metrics: Metrics, space: Space) -> None:
        self._name = objective.name
        self.metrics = metrics
        from hyperspace.evaluators.sending import Payload
        from hyperspace.evaluators.unsendable import explain

        try:
            self._payload = Payload(objective, metrics, space)
        except Exception as error:  # pickling may raise any exception
            raise self._refusal(explain(objective, space, error)) from None
        self._settings = {
            "path": [os.path.abspath(place) for place in sys.path],
            "arguments": list(sys.argv),
            "folder": working_folder(),
            "sizes": [len(part) for part in self._payload.parts],
            "writable": self._payload.writable,
        }
        self._unsent: deque[memoryview] = deque()
        self._commands = -1
        wait_while_short(self._start, "a process that evaluates cannot be started")

    def _start(self) -> None:
        """Start the process; after a failure there is none.

        Raises:
            OSError: it cannot be started.
        """
        ends: list[int] = []
        try:
            for _ in range(3):
                ends += os.pipe()
            commands, self._commands, self._replies, replies, self._traces, traces = ends
            program = _PROGRAM.format(root=str(_ROOT), ends=f"{commands}, {replies}, {traces}")
            words = [sys.executable, *_interpreter_options(), "-c", program]
            self._group = ProcessGroup(words, pass_fds=(commands, replies, traces))
        except BaseException:
            self._commands = -1
            for end in ends:
                os.close(end)
            raise
        for end in (commands, replies, traces):
            os.close(end)
        for end in (self._commands, self._replies, self._traces):
            os.set_blocking(end, False)
        self._lines = Lines()
        self._open = True
        self._process: int | None = None  # number of the process, as it reports it
        self._trial = 0  # number of its last evaluation
        self._spared: set[int] = set()
        self.refused: str | None = None
        with suppress(OSError, AttributeError):  # not Linux, or the user's pipes hold too much data already
            fcntl.fcntl(self._commands, fcntl.F_SETPIPE_SZ, _PIPE)
        self._unsent = deque([memoryview(pickle.dumps(self._settings)), *self._payload.parts])
        self._push()

    @property
    def ready(self) -> bool:
        """Whether the objective is loaded."""
        return self._process is not None

    def await_ready(self) -> None:
        """Wait until the objective is loaded.

        Raises:
            InputError: it cannot be loaded.
        """
        while True:
            code = self._group.exit_code()
            try:
                self.receive()
            except NoAnswer as error:
                self.refused = f"the import of it wrote {error} where the answers of that process go"
            if self.ready:
                return
            if self.refused is not None or code is not None:
                self.close(at_once=True)
                ended = "" if code is None else describe_end(code)[0]
                raise self._refusal(self.refused or f"the process that imported it {ended}")
            self.wait(1.0)

    def _refusal(self, reason: str) -> InputError:
        return InputError(
            f"the objective {self._name} cannot be evaluated in a process of its own, which timeout=, isolate= and retries= "
            f"need: {reason}"
        )

    def send(self, message: Any) -> None:
        """Send a message; it is lost if the process has ended."""
        self._unsent.append(memoryview(self._payload.dumps(message)))
        self._push()

    def _push(self) -> None:
        """Write as much as the pipe accepts now; a process that starts slowly must not block the rank."""
        try:
            while self._unsent:
                self._unsent[0] = self._unsent[0][os.write(self._commands, self._unsent[0]) :]
                if not self._unsent[0]:
                    self._unsent.popleft()
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._unsent.clear()

    def evaluate(self, task: Mapping[str, Any]) -> None:
        """Start the evaluation of a trial; its results arrive as answers."""
        self._trial += 1
        self._spared = self._group.orphans()
        self.send({"trial": self._trial, **task})

    def tidy(self) -> None:
        """End the orphans of the last evaluation; current children of the process stay."""
        self._group.end_orphans(self._spared)

    def receive(self) -> list[Record]:
        """Return the answers that have arrived.

        Raises:
            NoAnswer: invalid data, or an answer of another process or an earlier evaluation.
        """
        self._push()
        answers = []
        for line in self._read_lines():
            answer = parse_answer(line)
            if answer["event"] == "ready" and self._process is None:
                self._process = answer["process"]
            elif answer["event"] == "refused":
                self.refused = answer["reason"]
            elif (answer["process"], answer["trial"]) != (self._process, self._trial) or answer["event"] == "ready":
                raise NoAnswer(f"an answer of process {answer['process']} to evaluation {answer['trial']}")
            answers.append(answer)
        return answers

    def _read_lines(self) -> list[bytes]:
        lines = []
        while self._open:
            try:
                data = os.read(self._replies, 1 << 20)
            except BlockingIOError:
                break
            self._open = bool(data)
            lines += self._lines.add(data)
        return lines

    def trace(self) -> str:
        """Return the traceback of a crash, once the process has ended."""
        try:
            return os.read(self._traces, _TRACE).decode(errors="replace")
        except BlockingIOError:
            return ""

    def wait(self, seconds: float) -> None:
        """Sleep until an answer arrives, at most for `seconds`."""
        if not self._open:  # no data will arrive; the process is ending
            time.sleep(seconds)
            return
        end = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        if self._unsent:
            poll.register(self._commands, select.POLLOUT)
        while poll.poll(1000 * max(end - time.monotonic(), 0.0)) == [(self._commands, select.POLLOUT)]:
            self._push()  # here, instead of one piece each time that the caller polls
            if not self._unsent:
                poll.unregister(self._commands)
            elif time.monotonic() > end:
                break

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended, or was told to."""
        return self._commands < 0 or self.exit_code() is not None

    def exit_code(self) -> int | None:
        """Return the exit code of the process; None while it runs."""
        return self._group.exit_code()

    def count_open_files(self) -> int:
        """Return the number of open descriptors of the process; 0 if the system does not provide it."""
        try:
            return len(os.listdir(f"/proc/{self._group.id}/fd"))
        except OSError:
            return 0

    def renew(self) -> None:
        """End the process and start another one, which loads the objective while this rank continues.

        Raises:
            OSError: no other one can be started; there is none until the next attempt.
        """
        self.close(at_once=True)
        self._start()

    def close(self, at_once: bool = False) -> None:
        """End the process; unless `at_once`, after time to exit by itself."""
        if self._commands < 0:
            return
        os.close(self._commands)
        self._commands = -1
        self._open = False
        self._unsent.clear()
        self._group.wait(0.0 if at_once or not self.ready else _FAREWELL)
        os.close(self._replies)
        os.close(self._traces)


def _interpreter_options() -> list[str]:
    """Return the rank's interpreter options and -u, so that output before a crash is not lost in a buffer."""
    return ["-u", *(["-O"] * sys.flags.optimize), *(f"-W{option}" for option in sys.warnoptions)]
