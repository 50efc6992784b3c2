"""Active times of a study, and the utilization of its ranks, from its trials.

An evaluation starts at `started`, and its suggestion ends at this time. A study that was stopped and resumed has gaps without
evaluations; they are pauses, and are excluded from all values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hyperspace.trials.trial import GIVEN_DRIVE, Trial

PAUSE = 10.0  # seconds without any evaluation or suggestion after which a study counts as paused


class Span(NamedTuple):
    """Time interval, in seconds since the epoch."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def evaluation(trial: Trial, now: float) -> Span:
    """Return the time of the evaluation of `trial`; for a running trial, until `now`."""
    end = now if trial.seconds is None else trial.started + trial.seconds
    return Span(trial.started, max(end, trial.started))


def timed(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that were evaluated in this study, by their start; given ones are excluded."""
    return sorted((trial for trial in trials if trial.drive != GIVEN_DRIVE and trial.started > 0), key=lambda t: t.started)


def last_event(trials: Iterable[Trial]) -> float:
    """Return the time of the last start or end of an evaluation; 0 without any."""
    return max((evaluation(trial, trial.started).end for trial in timed(trials)), default=0.0)


def worked(trials: Iterable[Trial], now: float) -> list[Span]:
    """Return the active times of the study, in order; between two of them is a pause.

    Args:
        trials: any trials.
        now: end time of running trials.
    """
    spans = [Span(trial.started - trial.suggest_seconds, evaluation(trial, now).end) for trial in timed(trials)]
    return union(spans, gap=PAUSE)


def union(spans: Iterable[Span], gap: float = 0.0) -> list[Span]:
    """Return the union of the spans, in order; spans with a distance of at most `gap` seconds are joined."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end + gap:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def attended(trials: Iterable[Trial], periods: Sequence[Span], now: float) -> list[Span]:
    """Return the periods with an evaluation of at least one of `trials`; for a rank, the runs that it took part in."""
    spans = [evaluation(trial, now) for trial in timed(trials)]
    return [period for period in periods if any(span.start <= period.end and span.end >= period.start for span in spans)]


def utilization(trials: Iterable[Trial], periods: Sequence[Span], now: float) -> float:
    """Return the utilization: the share of the attended periods in which one of `trials` was evaluated, from 0 to 1.

    For the trials of one rank this is the share of its time in the objective. Without any period it is nan.
    """
    return mean_utilization([list(trials)], periods, now)


def mean_utilization(groups: Iterable[Sequence[Trial]], periods: Sequence[Span], now: float) -> float:
    """Return the mean utilization of groups of trials, such as those of each rank, weighted by their attended time."""
    busy = total = 0.0
    for trials in groups:
        own = attended(trials, periods, now)
        total += sum(period.seconds for period in own)
        busy += _overlap(union(evaluation(trial, now) for trial in timed(trials)), own)
    return busy / total if total > 0 else float("nan")


def _overlap(spans: Sequence[Span], periods: Sequence[Span]) -> float:
    """Return the seconds in which two lists of spans overlap; each is in order and disjoint."""
    seconds, position = 0.0, 0
    for span in spans:
        while position < len(periods) and periods[position].end < span.start:
            position += 1
        for period in periods[position:]:
            if period.start > span.end:
                break
            seconds += max(min(span.end, period.end) - max(span.start, period.start), 0.0)
    return seconds
