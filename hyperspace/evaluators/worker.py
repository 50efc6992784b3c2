"""Evaluation of the objective in a separate process, which is reused for further trials.

The rank survives any failure there: a crash, an exit, a hang, or a lack of memory.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hyperspace.evaluators.base import Evaluator, Outcome, Parameters
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.processes import describe_end
from hyperspace.evaluators.protocol import FATAL, NoAnswer
from hyperspace.evaluators.starting import Repeats, Start
from hyperspace.evaluators.trial_output import TrialOutput
from hyperspace.evaluators.worker_client import Worker
from hyperspace.pruning import Pruned
from hyperspace.trials.trial import FAILED, TIMEOUT, Trial

_LEAK = 1 << 30  # bytes of growth after which a worker is replaced, if its size has also more than doubled


class WorkerEvaluator(Evaluator):
    """Evaluator that uses a worker, which is restarted whenever it has ended.

    Args:
        worker: the process, ready.
        timeout: time limit of an evaluation in seconds; None without a limit.
        handle: makes the handle of a trial in this process, which receives the objective's reports.
    """

    def __init__(self, worker: Worker, timeout: float | None, handle: Callable[[Trial], TrialHandle]) -> None:
        self._worker = worker
        self._make_handle = handle
        self._timeout = timeout
        self._handle: TrialHandle | None = None  # of the running trial
        self._output: TrialOutput | None = None
        self._parameters: Parameters = []
        self._start: Start | None = None  # of the running trial
        self._repeats = Repeats()
        self._begun: float | None = None  # time at which the ready worker received the trial
        self._first_memory: int | None = None  # memory of the worker after its first evaluation, in bytes

    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Start the evaluation; a worker that has ended since the last one is restarted."""
        self._handle, self._parameters, self._begun = self._make_handle(trial), parameters, None
        folder = self._handle.facts["folder"]
        self._output = None if folder is None else TrialOutput(folder, trial.attempt)
        self._start = self._repeats.start(self._prepare, trial, folder)
        self._advance(self._start)

    def _prepare(self) -> None:
        """Start a worker if there is none, and create its output files.

        Raises:
            OSError: there is no room for them.
        """
        if self._worker.is_gone:
            self._renew()
        if self._output is not None:
            self._output.create()

    def _advance(self, start: Start) -> Outcome | None:
        try:
            outcome = start.advance()
        except OSError as error:
            return Outcome(FAILED, {}, 0.0, f"the evaluation could not begin: {error}", "infrastructure")
        if start.begun:
            self._send_if_ready()
        return outcome

    def poll(self) -> Outcome | None:
        """Return the outcome once the objective has returned, its process has ended, or its time is exceeded."""
        if self._handle is None or self._start is None:
            return None
        if not self._start.begun:
            given_up = self._advance(self._start)
            return None if given_up is None else self._finish(given_up)
        code = self._worker.exit_code()  # read first, so that no data can follow if the process has ended
        try:
            for answer in self._worker.receive():
                if answer["event"] == "reported":
                    self._answer_report(self._handle, answer)
                elif answer["event"] == "finished":
                    return self._finish(_outcome(answer), answer["memory"])
        except NoAnswer as error:
            self._worker.close(at_once=True)
            told = f"the process that evaluated it wrote {error} where its answers go; it was ended"
            return self._finish(Outcome(FAILED, {}, self._seconds(), told, "objective"))
        if code is not None:
            return self._finish(self._died(code))
        self._send_if_ready()
        if self._timeout is not None and self._seconds() > self._timeout:
            self._worker.close(at_once=True)
            told = f"the evaluation took longer than timeout={self._timeout:g} seconds and was ended"
            return self._finish(Outcome(TIMEOUT, {}, self._seconds(), told, "objective"))
        return None

    @property
    def held_up_by(self) -> str | None:
        """Reason why the evaluation has not started yet."""
        return None if self._start is None else self._start.held_up_by

    def wait(self, seconds: float) -> None:
        """Sleep until the worker has data, at most for `seconds`."""
        if self._timeout is not None and self._begun is not None:
            seconds = min(seconds, max(self._timeout - self._seconds(), 0.0))
        self._worker.wait(seconds)

    def cancel(self) -> None:
        """End the running evaluation with its process."""
        if self._handle is not None:
            begun = self._start is not None and self._start.begun
            self._handle = self._start = None
            if begun:
                self._worker.close(at_once=True)

    def close(self) -> None:
        """End the worker."""
        self.cancel()
        self._worker.close()

    def _send_if_ready(self) -> None:
        if self._worker.ready and self._begun is None and self._handle is not None:
            task = {"handle": self._handle.facts, "parameters": self._parameters, "goal": self._worker.metrics.goal}
            self._worker.evaluate(task)
            self._begun = time.monotonic()

    def _answer_report(self, handle: TrialHandle, answer: dict[str, Any]) -> None:
        pruned = None
        try:
            handle.report(answer["step"], answer["metrics"])
        except Pruned as reason:
            pruned = str(reason)
        self._worker.send(pruned)

    def _died(self, exit_code: int) -> Outcome:
        ended, fault = describe_end(exit_code)
        if self._begun is None:  # it has loaded the objective before: the cause is different now
            error = f"the process that evaluates could not be started again; it {ended} {self._worker.refused or ''}".rstrip()
            return Outcome(FAILED, {}, 0.0, error, "infrastructure")
        trace = self._worker.trace().partition("\n\nExtension modules")[0]
        error = f"the process that evaluated it {ended}\n{trace}".rstrip()
        if self._output is not None:
            error += self._output.quote_errors()
        return Outcome(FAILED, {}, self._seconds(), error, fault)

    def _finish(self, outcome: Outcome, memory: int | None = None) -> Outcome:
        outcome = self._repeats.judge(outcome, None if self._handle is None else self._handle.facts["folder"])
        if self._output is not None:
            self._output.drop_empty()
        self._handle = self._start = None
        self._first_memory = self._first_memory or memory
        grown = memory is not None and self._first_memory is not None and memory > _limit(self._first_memory)
        if grown or self._worker.is_gone or self._leaks_files():
            with suppress(OSError):  # if there is no room, the next trial retries
                self._renew()  # it loads the objective while the rank computes the next suggestion
        else:
            self._worker.tidy()
        return outcome

    def _renew(self) -> None:
        self._worker.renew()
        self._first_memory = None

    def _leaks_files(self) -> bool:
        """Return whether the worker has more than half of the allowed files open: later trials would fail to open more."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return limit != resource.RLIM_INFINITY and self._worker.count_open_files() > limit // 2

    def _seconds(self) -> float:
        return 0.0 if self._begun is None else time.monotonic() - self._begun


def _limit(first: int) -> int:
    """Return the memory above which a worker that started with `first` bytes counts as leaking."""
    return max(2 * first, first + _LEAK)


def _outcome(answer: dict[str, Any]) -> Outcome:
    metrics = {name: tuple(value) if isinstance(value, list) else value for name, value in answer["metrics"].items()}
    fatal = None if answer["fatal"] is None else FATAL[answer["fatal"]](answer["error"])
    return Outcome(
        answer["status"],
        metrics,
        answer["seconds"],
        answer["error"],
        answer["fault"],
        fatal,
        again=answer["again"],
        note=answer["note"],
    )
