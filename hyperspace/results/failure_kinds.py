"""Kinds of failures: failed evaluations with the same message, apart from its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hyperspace.trials.trial import Trial

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|\b(?:nan|inf)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Failed evaluations with one message.

    Attributes:
        status: "failed" or "timeout".
        trials: all of them, in the order of their starts.
    """

    status: str
    trials: Sequence[Trial]

    @property
    def first(self) -> Trial:
        """The first one to start."""
        return self.trials[0]

    @property
    def last(self) -> Trial:
        """The last one to start."""
        return self.trials[-1]


def failure_kinds(trials: Iterable[Trial]) -> list[FailureKind]:
    """Return the kinds of failures among the trials, the most frequent first. A pruned trial is not a failure."""
    kinds: dict[tuple[str, str], list[Trial]] = {}
    for trial in sorted((trial for trial in trials if trial.failed), key=lambda trial: (trial.started, trial.key)):
        kinds.setdefault((trial.status, _NUMBER.sub("#", message(trial))), []).append(trial)
    return [FailureKind(status, own) for (status, _), own in sorted(kinds.items(), key=lambda kind: -len(kind[1]))]


def message(trial: Trial) -> str:
    """Return the last line of a trial's error, which in a traceback is the exception's message."""
    lines = [line for line in (trial.error or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"
