"""What every evaluator offers: submit a trial to the objective, poll for its outcome, cancel it.

An evaluator carries one trial at a time. It turns whatever the objective does into an `Outcome`; nothing that an objective
raises leaves it.
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
    """How an evaluation ended: the fields that a running trial takes on when it finishes.

    `fatal` is set where no further evaluation can fare better, so that the study ends once the outcome is recorded. Where the
    infrastructure is at fault it is not recorded: the trial is begun again when the study goes on. `again` is set where a
    shortage that passes has caused it, such as a full disk: it is evaluated again, whatever retries= says. `note`
    is what the user should be told once, such as what of the answer is not kept.
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
    """Submits trials to the objective, one at a time."""

    @abstractmethod
    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Begin the evaluation of `trial` at `parameters`, as the objective receives them."""

    @abstractmethod
    def poll(self) -> Outcome | None:
        """Return the outcome of the submitted trial, once, when it has ended; None while it runs."""

    @property
    def held_up_by(self) -> str | None:
        """Why the submitted trial's evaluation has not begun yet, such as a full disk; None where it has."""
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until `poll` may have news, at most so long."""
        time.sleep(seconds)

    def cancel(self) -> None:
        """End the evaluation under way, if there is one and it can be ended from outside."""

    def close(self) -> None:
        """Give back whatever is held; no trial is under way."""
