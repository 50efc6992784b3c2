"""When a study was worked, and how much of that time evaluations ran."""

import math

import pytest

from hyperspace.results.activity import PAUSE, Span, last_event, mean_utilization, timed, union, utilization, worked
from hyperspace.trials.trial import Trial


def trial(started, seconds, drive=0, iteration=0, suggest_seconds=0.0):
    status = "running" if seconds is None else "ok"
    return Trial(
        drive=drive,
        iteration=iteration,
        x=(0.5,),
        status=status,
        started=started,
        seconds=seconds,
        suggest_seconds=suggest_seconds,
    )


def test_spans_join_where_they_touch():
    assert union([Span(5, 6), Span(0, 2), Span(1, 3)]) == [Span(0, 3), Span(5, 6)]
    assert union([Span(5, 6), Span(0, 2)], gap=3) == [Span(0, 6)]
    assert union([Span(0, 9), Span(1, 2)]) == [Span(0, 9)]


def test_a_pause_parts_two_runs_and_counts_nowhere():
    later = 10 + PAUSE + 1000
    trials = [trial(10, 5, suggest_seconds=1), trial(16, 4, iteration=1), trial(later, 10, iteration=2)]
    assert worked(trials, now=later + 10) == [Span(9, 20), Span(later, later + 10)]
    assert utilization(trials, worked(trials, 0), now=0) == pytest.approx((5 + 4 + 10) / (11 + 10))


def test_a_rank_that_a_run_did_not_have_was_not_idle_in_it():
    later = 10 + PAUSE + 1000
    first, second, other = trial(10, 8), trial(later, 5, iteration=1), trial(later, 10, drive=1)
    periods = worked([first, second, other], now=0)
    assert utilization([other], periods, now=0) == pytest.approx(1.0)
    assert mean_utilization([[first, second], [other]], periods, now=0) == pytest.approx((8 + 5 + 10) / (8 + 10 + 10))


def test_time_between_evaluations_of_a_rank_is_idle_while_others_work():
    slow, quick = trial(0.5, 10, drive=0), trial(0.5, 2, drive=1)
    periods = worked([slow, quick], now=0)
    assert utilization([quick], periods, now=0) == pytest.approx(0.2)
    assert utilization([slow], periods, now=0) == pytest.approx(1.0)


def test_overlapping_evaluations_count_once():
    trials = [trial(1, 10), trial(1, 10, drive=1)]
    assert utilization(trials, [Span(1, 21)], now=0) == pytest.approx(0.5)


def test_a_running_trial_has_lasted_until_now():
    assert worked([trial(10, None)], now=25) == [Span(10, 25)]
    assert last_event([trial(10, None)]) == 10


def test_what_was_given_was_never_evaluated():
    assert timed([trial(0.0, 0.0, drive=-1)]) == []
    assert last_event([]) == 0.0
    assert math.isnan(utilization([], [], now=0))
