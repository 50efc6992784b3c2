"""Kinds of failures: failed evaluations with the same message, apart from its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hyperspace.evaluators.trial_output import STDERR_FOLLOWS
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
    """Return the line of a trial's error that names the cause.

    For a traceback that is the exception. For a command it is the first line, since its standard error follows. If a command
    ended with an exit code, the last line of its standard error is added.
    """
    lines = [line.strip() for line in (trial.error or "").splitlines() if line.strip()]
    if not lines:
        return "no message"
    if STDERR_FOLLOWS not in lines:
        return lines[-1]
    return f"{lines[0]}: {lines[-1]}" if lines[0].startswith("the command ended with") else lines[0]
