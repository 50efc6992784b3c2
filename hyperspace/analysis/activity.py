"""When a study was worked, and how much of that time its ranks evaluated; from its trials alone.

An evaluation takes the time from `started` on, and what it took to propose it lies right before that. A study that was stopped
and gone on with has gaps in which nobody worked; they are pauses, and count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hyperspace.trial import GIVEN_DRIVE, Trial

PAUSE = 60.0  # seconds in which nobody evaluated or proposed anything, beyond which the study was not worked


class Span(NamedTuple):
    """From when to when, in seconds since the epoch."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def evaluation(trial: Trial, now: float) -> Span:
    """Return when `trial` was evaluated; one that runs has lasted until `now`."""
    end = now if trial.seconds is None else trial.started + trial.seconds
    return Span(trial.started, max(end, trial.started))


def timed(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that were evaluated in this study, by the time they began; those that were given were not."""
    return sorted((trial for trial in trials if trial.drive != GIVEN_DRIVE and trial.started > 0), key=lambda t: t.started)


def last_event(trials: Iterable[Trial]) -> float:
    """Return when the last evaluation began or ended; 0 without any."""
    return max((evaluation(trial, trial.started).end for trial in timed(trials)), default=0.0)


def worked(trials: Iterable[Trial], now: float) -> list[Span]:
    """Return the spans in which the study was worked, in order; between two of them is a pause.

    Args:
        trials: any.
        now: until when running trials have lasted.
    """
    spans = [Span(trial.started - trial.suggest_seconds, evaluation(trial, now).end) for trial in timed(trials)]
    return union(spans, gap=PAUSE)


def union(spans: Iterable[Span], gap: float = 0.0) -> list[Span]:
    """Return the spans joined where they overlap or lie at most `gap` seconds apart, in order."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end + gap:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def utilisation(trials: Iterable[Trial], periods: Sequence[Span], now: float) -> float:
    """Return which part of `periods` at least one of `trials` was being evaluated, from 0 to 1; nan without any period.

    Of the trials of one rank this is the part of its time that the objective had.
    """
    total = sum(period.seconds for period in periods)
    busy = union(evaluation(trial, now) for trial in timed(trials))
    # Both lists are in order: walk them side by side.
    overlap, position = 0.0, 0
    for span in busy:
        while position < len(periods) and periods[position].end < span.start:
            position += 1
        for period in periods[position:]:
            if period.start > span.end:
                break
            overlap += max(min(span.end, period.end) - max(span.start, period.start), 0.0)
    return overlap / total if total > 0 else float("nan")
