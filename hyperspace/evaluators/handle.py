"""Handle of a trial, the second argument of an objective."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from hyperspace.errors import InputError, shown
from hyperspace.space.values import is_whole
from hyperspace.system.disk import wait_while_full
from hyperspace.trials.metrics import FLOAT_NAME, Value, number_of


class TrialFailed(Exception):
    """Exception of `TrialHandle.fail`; its text is the reason."""


class TrialHandle:
    """Handle of the trial that is being evaluated, for its objective.

    Attributes:
        id: its name within the study, e.g. "3-12" for drive 3, iteration 12.
        seed: an integer of its own, the same at each evaluation of this trial.
        attempt: number of restarts of this trial.
        last: the metrics that were reported last.
        budget: budget of the evaluation, in the objective's own unit; None if evaluations have no budgets.
        comm: mpi4py communicator of the ranks that evaluate this trial together (ranks_per_trial=); None for a single rank.
    """

    def __init__(
        self,
        id: str,
        seed: int,
        attempt: int,
        folder: Path | None,
        report: Callable[[int, Mapping[str, Value]], None],
        budget: float | None = None,
        comm: Any = None,
    ) -> None:
        self.id = id
        self.seed = seed
        self.attempt = attempt
        self.budget = budget
        self.comm = comm
        self._folder = folder
        self._report = report
        self._process = os.getpid()
        self.last: dict[str, Value] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """Values from which another rank can make the same handle, except for its reports."""
        return {
            "id": self.id,
            "seed": self.seed,
            "attempt": self.attempt,
            "folder": self._folder,
            "budget": self.budget,
        }

    @property
    def folder(self) -> Path:
        """Scratch folder of the trial, kept with the study.

        Raises:
            RuntimeError: the study keeps no files (checkpoints=False).
        """
        if self._folder is None:
            raise RuntimeError("a scratch folder needs checkpoints=True")
        folder = self._folder
        wait_while_full(
            lambda: folder.mkdir(parents=True, exist_ok=True), f"the scratch folder of trial {self.id} cannot be made"
        )
        return folder

    def fail(self, reason: str) -> NoReturn:
        """End this evaluation as failed, with a reason instead of a traceback.

        For a point that cannot be evaluated, such as a simulation that does not converge. The models learn to avoid such points,
        and the evaluation is not repeated (`retries`).

        Raises:
            TrialFailed: always; do not catch this exception.
            InputError: the reason is not a text.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(f"trial.fail(reason) takes a text, got {shown(reason)}")
        raise TrialFailed(reason)

    def report(self, step: int, value: float | Mapping[str, float]) -> None:
        """Record an intermediate value (a float, or metrics by name) at `step`, e.g. an epoch; strings are ignored.

        Raises:
            RuntimeError: this process is a child of the evaluating one.
            InputError: no number in it, or a step that is not an integer of at least 0.
            Pruned: the study has a pruning rule, and this evaluation is poor; do not catch this exception.
        """
        if os.getpid() != self._process:
            raise RuntimeError(
                f"trial.report was called in process {os.getpid()}, a child of process {self._process} that evaluates the trial; "
                f"pass the value to that one, and report it there"
            )
        if not is_whole(step) or step < 0:
            raise InputError(
                f"trial.report(step, value) takes the step first, a whole number of at least 0, and then the value; got "
                f"step={shown(step)}, value={shown(value)}"
            )
        metrics = value if isinstance(value, Mapping) else {FLOAT_NAME: value}
        numbers = {str(name): number_of(number) for name, number in metrics.items()}
        found: dict[str, Value] = {name: number for name, number in numbers.items() if number is not None}
        if not found:
            raise InputError(f"report(step, value) takes a number, or a dict with numbers in it, got {shown(value)}")
        self.last = found
        self._report(int(step), found)
