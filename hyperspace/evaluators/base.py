"""Interface of the evaluators: submit a trial to the objective, poll for its outcome, cancel it.

An evaluator runs one trial at a time. It converts any result of the objective to an `Outcome`; exceptions of the objective do not
leave it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hyperspace.errors import HyperSpaceError
from hyperspace.trials.metrics import Value
from hyperspace.trials.trial import OK, Trial

Parameters = list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an evaluation: the fields of the trial that are set when it finishes.

    `fatal` is set if all further evaluations would fail too, so that the study ends after the outcome is recorded. If the
    infrastructure is at fault, it is not recorded: the trial is restarted when the study is resumed. `again` is set after a
    temporary shortage such as a full disk: the trial is evaluated again, regardless of retries=. `note` is a message for the
    user that is shown once, such as the parts of the answer that are not kept.
    """

    status: str = OK
    metrics: Mapping[str, Value] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    fault: str | None = None
    fatal: HyperSpaceError | None = None
    again: bool = False
    note: str | None = None


class Evaluator(ABC):
    """Evaluator of trials, one at a time."""

    @abstractmethod
    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Start the evaluation of `trial` at `parameters`, in the objective's form."""

    @abstractmethod
    def poll(self) -> Outcome | None:
        """Return the outcome of the submitted trial once, after it has ended; None while it runs."""

    @property
    def held_up_by(self) -> str | None:
        """Reason why the submitted trial's evaluation has not started, such as a full disk; None if it has."""
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until `poll` may have an outcome, at most for `seconds`."""
        time.sleep(seconds)

    def cancel(self) -> None:
        """End the running evaluation, if there is one and it can be ended from outside."""

    def close(self) -> None:
        """Release resources; no trial is running."""
