"""Start of an evaluation, repeated while the disk is full or the system has no room for another process.

A shortage is not the objective's fault: the evaluator waits for its end and repeats the evaluation that met it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hyperspace.evaluators.base import Outcome
from hyperspace.system.disk import Shortage, describe, has_room, is_passing
from hyperspace.trials.trial import FAILED, Trial, TrialKey

_REPEATS = 5  # repetitions of an evaluation that finds the disk full although there is room: after 2, 4, 8, 16 and 32 seconds


class Start:
    """Start of one evaluation, repeated during a shortage.

    Args:
        begin: starts the evaluation; it must leave no partial state when it raises OSError.
        what: description for messages, such as "the evaluation of trial 3-12".
        folder: folder that must have room first; None to skip this check.
        after: time.monotonic() of the earliest start.

    Attributes:
        begun: whether the evaluation has started.
    """

    def __init__(self, begin: Callable[[], None], what: str, folder: Path | None = None, after: float = 0.0) -> None:
        self._begin = begin
        self._what = what
        self._folder = folder
        self._after = after
        self._shortage: Shortage | None = None
        self.begun = False

    @property
    def held_up_by(self) -> str | None:
        """Reason for the delay of the evaluation; None once it has started."""
        if self.begun:
            return None
        return f"{self._what} has not begun: " + ("it is repeated" if self._shortage is None else describe(self._shortage.error))

    def advance(self) -> Outcome | None:
        """Start if it is time to; return an outcome if the start was given up.

        Raises:
            OSError: the evaluation cannot start, for another reason than a shortage.
        """
        if self.begun or time.monotonic() < self._after or (self._shortage is not None and not self._shortage.is_due):
            return None
        try:
            if self._folder is not None and not has_room(self._folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
            self._begin()
        except OSError as error:
            if not is_passing(error):
                raise
            if self._shortage is None:
                self._shortage = Shortage(f"{self._what} cannot begin", error)
            self._shortage.goes_on(error)
            if self._shortage.is_hopeless:
                return Outcome(FAILED, {}, 0.0, f"{self._what} could not begin: {describe(error)}", "infrastructure")
            return None
        self.begun = True
        return None


class Repeats:
    """Count of consecutive repetitions of an evaluation that found the disk full."""

    def __init__(self) -> None:
        self._key: TrialKey | None = None
        self._count = 0

    def start(self, begin: Callable[[], None], trial: Trial, folder: Path | None) -> Start:
        """Return the start of a trial's evaluation; a repetition waits for room."""
        what = f"the evaluation of trial {trial.id}"
        if trial.key != self._key:
            self._key, self._count = trial.key, 0
        if self._count == 0:
            return Start(begin, what)
        return Start(begin, what, folder or Path.cwd(), time.monotonic() + 2.0**self._count)

    def judge(self, outcome: Outcome, folder: Path | None) -> Outcome:
        """Return the outcome of the trial that was started last; if there is no room now, a full disk was the cause.

        Args:
            outcome: the apparent outcome.
            folder: output folder of the trial.
        """
        if outcome.status != FAILED or outcome.fatal is not None:
            return outcome
        full = not has_room(folder or Path.cwd())
        if not (outcome.again or full):
            return outcome
        self._count += 0 if full and self._count else 1
        error = f"the disk is full\n{outcome.error}" if full else outcome.error
        return replace(outcome, error=error, fault="infrastructure", again=self._count <= _REPEATS)
