"""Evaluation by a command: one process for each trial, whose output gives the metrics."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError, StudyError
from hyperspace.evaluators.base import Evaluator, Outcome, Parameters
from hyperspace.evaluators.command import READ, Command
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.processes import ProcessGroup, describe_end
from hyperspace.evaluators.starting import Repeats, Start
from hyperspace.evaluators.trial_output import TrialOutput, read_end
from hyperspace.space.space import Space
from hyperspace.system.disk import is_passing
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import FAILED, TIMEOUT, Trial

_REPLACED = 3.0  # seconds that an editor or an installation may need to replace a program
_RETRY = 0.2  # seconds between two attempts to start it


class CommandEvaluator(Evaluator):
    """Evaluator that runs the command of a trial and reads its output.

    Args:
        command: the command.
        space: the search space.
        metrics: metrics that read the output.
        timeout: time limit of an evaluation in seconds; None without a limit.
        handle: makes the handle of a trial, which has its folder.
    """

    def __init__(
        self, command: Command, space: Space, metrics: Metrics, timeout: float | None, handle: Callable[[Trial], TrialHandle]
    ) -> None:
        self._command, self._space, self._metrics = command, space, metrics
        self._timeout = timeout
        self._make_handle = handle
        self._group: ProcessGroup | None = None  # of the running trial
        self._start: Start | None = None  # of the running trial
        self._repeats = Repeats()
        self._output: TrialOutput | None = None
        self._folder: Path | None = None  # the trial's folder
        self._used_folder: Path | None = None  # the same, or a temporary one if the study keeps no files
        self._begun = 0.0
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Start the program."""
        described = self._make_handle(trial).facts
        folder = described["folder"]

        def begin() -> None:
            self._begin(parameters, described, self._temporary_folder() if folder is None else folder)

        self._folder = folder
        self._start = self._repeats.start(begin, trial, folder)

    def _begin(self, parameters: Parameters, described: Mapping[str, Any], folder: Path) -> None:
        told = {**described, "folder": folder}
        words = self._command.fill(self._space, parameters, told)
        self._command.prepare(self._space, parameters, told, folder)
        self._used_folder = folder
        self._output = TrialOutput(folder, described["attempt"])
        files = self._output.open()
        try:
            self._begun = time.monotonic()
            self._group = _start(words, files, folder if self._command.in_folder else None)
        finally:
            for file in files:
                os.close(file)

    def poll(self) -> Outcome | None:
        """Return the outcome once the program has ended or exceeded its time."""
        if self._start is None:
            return None
        outcome = self._advance(self._start) if self._group is None else self._look(self._group)
        if outcome is not None:
            outcome = self._repeats.judge(outcome, self._folder)
            self._forget()
        return outcome

    def _advance(self, start: Start) -> Outcome | None:
        try:
            return start.advance()
        except (OSError, ValueError) as error:  # ValueError: a null character in a word
            return self._refuse(error)

    def _look(self, group: ProcessGroup) -> Outcome | None:
        code = group.exit_code()
        if code is not None:
            return self._judge(code)
        if self._timeout is None or self._seconds() <= self._timeout:
            return None
        group.kill()
        error = f"the command took longer than timeout={self._timeout:g} seconds and was ended"
        return Outcome(TIMEOUT, {}, self._seconds(), error, "objective")

    @property
    def held_up_by(self) -> str | None:
        """Reason why the program was not started yet."""
        return None if self._start is None else self._start.held_up_by

    def cancel(self) -> None:
        """End the program."""
        if self._group is not None:
            self._group.kill()
        self._forget()

    def _forget(self) -> None:
        if self._output is not None:
            self._output.drop_empty()
        self._group = self._start = self._output = None

    def _temporary_folder(self) -> Path:
        """Return a folder for the program's output, if the study keeps no files."""
        if self._temporary is None:
            try:
                self._temporary = tempfile.TemporaryDirectory(prefix="hyperspace-")
            except FileNotFoundError as error:  # no writable place for temporary files
                raise OSError(errno.ENOSPC, str(error)) from None
        return Path(self._temporary.name)

    def close(self) -> None:
        """End the program, and remove its output if the study keeps no files."""
        self.cancel()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _refuse(self, error: OSError | ValueError) -> Outcome:
        """Return the outcome of a command that could not be started.

        If all trials run the same program, the machine is at fault, and the next trial would fail too. If a parameter names the
        program, or a process cannot accept the words, the point is at fault.
        """
        told = f"the command could not be started: {error}"
        if not self._command.has_fixed_program or isinstance(error, ValueError) or error.errno == errno.E2BIG:
            return Outcome(FAILED, {}, 0.0, told, "objective")
        ended = StudyError(f"{told}. The trial is made again when the study goes on: start the same program again")
        return Outcome(FAILED, {}, 0.0, told, "infrastructure", ended)

    def _judge(self, code: int) -> Outcome:
        seconds, output = self._seconds(), self._output
        assert output is not None  # the program was started
        if code != 0:
            ended, fault = describe_end(code)
            return Outcome(FAILED, {}, seconds, f"the command {ended}{output.quote_errors()}", fault)
        try:
            metrics, note = self._metrics.read_with_note(self._command.read(read_end(output.stdout, READ), self._used_folder))
        except InputError as error:
            fatal = error if isinstance(error, AmbiguousMetrics) else None
            return Outcome(FAILED, {}, seconds, f"{error}{output.quote_errors()}", "objective", fatal)
        return Outcome(metrics=metrics, seconds=seconds, note=note)

    def _seconds(self) -> float:
        return time.monotonic() - self._begun


def _start(words: list[str], files: tuple[int, int], folder: Path | None) -> ProcessGroup:
    """Start a program, after waiting for one that is being replaced or written.

    Raises:
        OSError: it cannot be started.
    """
    begun = time.monotonic()
    while True:
        try:
            return ProcessGroup(words, stdout=files[0], stderr=files[1], cwd=folder)
        except OSError as error:
            if is_passing(error) or time.monotonic() - begun > _REPLACED:
                raise
        time.sleep(_RETRY)
