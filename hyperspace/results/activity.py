"""When a study was worked, and how much of that time its ranks evaluated; from its trials alone.

An evaluation takes the time from `started` on, and what it took to propose it lies right before that. A study that was stopped
and gone on with has gaps in which nobody worked; they are pauses, and count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hyperspace.trials.trial import GIVEN_DRIVE, Trial

PAUSE = 10.0  # seconds without any evaluation or proposal, from which on the study counts as paused


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


def attended(trials: Iterable[Trial], periods: Sequence[Span], now: float) -> list[Span]:
    """Return the periods in which at least one of `trials` was evaluated: those of a rank are the runs that it took part in."""
    spans = [evaluation(trial, now) for trial in timed(trials)]
    return [period for period in periods if any(span.start <= period.end and span.end >= period.start for span in spans)]


def utilization(trials: Iterable[Trial], periods: Sequence[Span], now: float) -> float:
    """Return which part of the periods that they attended at least one of `trials` was being evaluated, from 0 to 1.

    Of one rank's trials this is the share of its time that it spent in the objective. Without any period it is nan.
    """
    return mean_utilization([list(trials)], periods, now)


def mean_utilization(groups: Iterable[Sequence[Trial]], periods: Sequence[Span], now: float) -> float:
    """Return the utilization of several groups of trials, such as those of each rank, weighted by the time they attended."""
    busy = total = 0.0
    for trials in groups:
        own = attended(trials, periods, now)
        total += sum(period.seconds for period in own)
        busy += _overlap(union(evaluation(trial, now) for trial in timed(trials)), own)
    return busy / total if total > 0 else float("nan")


def _overlap(spans: Sequence[Span], periods: Sequence[Span]) -> float:
    """Return for how many seconds two lists of spans, each in order and apart, overlap."""
    seconds, position = 0.0, 0
    for span in spans:
        while position < len(periods) and periods[position].end < span.start:
            position += 1
        for period in periods[position:]:
            if period.start > span.end:
                break
            seconds += max(min(span.end, period.end) - max(span.start, period.start), 0.0)
    return seconds
