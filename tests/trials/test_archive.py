"""The archive: trials in columns, each once, pending until they end; what pruned ones teach; the best."""

import numpy as np

from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import Trial, TrialKey


def archive(metrics=None):
    return Archive(lambda points: np.array(points, dtype=float) / 10, metrics or Metrics(), 2)


def trial(drive, iteration, value=None, status="ok", **more):
    metrics = {} if value is None else {"objective": value}
    return Trial(drive=drive, iteration=iteration, x=(drive, iteration), status=status, metrics=metrics, **more)


def test_columns_follow_the_order_in_which_trials_became_known():
    known = archive()
    known.extend([trial(3, 0, 5.0), trial(1, 0, 4.0)])
    known.extend([trial(2, 1, status="failed")])
    assert known.U.tolist() == [[0.3, 0.0], [0.1, 0.0], [0.2, 0.1]]
    np.testing.assert_array_equal(known.y, [5.0, 4.0, np.nan])
    assert known.best == known.trials[1]


def test_a_trial_counts_once():
    known = archive()
    first = trial(1, 0, 4.0)
    assert known.extend([first]) == [first]
    assert known.extend([trial(1, 0, 1.0, attempt=1)]) == []
    assert known.y.tolist() == [4.0]
    assert TrialKey(iteration=0, drive=1) in known


def test_running_trials_are_pending_until_they_finish():
    known = archive()
    running = trial(1, 0, status="running")
    known.extend([running, trial(2, 0, status="running")])
    assert known.pending.tolist() == [[0.1, 0.0], [0.2, 0.0]]
    assert len(known) == 0
    known.extend([running.finish("ok", metrics={"objective": 1.0})])
    assert known.pending.tolist() == [[0.2, 0.0]]
    known.extend([running])
    assert len(known.running) == 1


def test_a_thousand_appends_keep_every_row():
    known = archive()
    for iteration in range(1000):
        known.extend([trial(0, iteration, float(-iteration))])
    assert known.y.tolist() == [-float(i) for i in range(1000)]
    assert known.best.iteration == 999


def test_the_best_trial_keeps_the_constraints():
    metrics = Metrics([Metric("objective", goal="maximize"), Metric("seconds", goal="constrain", upper=1.0)])
    known = archive(metrics)
    for number, (value, seconds) in enumerate([(1.0, 0.5), (9.0, 2.0), (3.0, 1.0)]):
        known.extend([Trial(drive=0, iteration=number, x=(0, 0), status="ok", metrics={"objective": value, "seconds": seconds})])
    assert known.best.iteration == 2


def test_a_pruned_trial_teaches_what_it_reported_last_and_is_never_the_best():
    known = archive(Metrics(maximize=True))
    known.extend([trial(0, 0, status="pruned"), trial(0, 1, 0.5, status="pruned"), trial(0, 2, np.nan, status="pruned")])
    known.extend([trial(0, 3, 0.8), trial(0, 4, 0.2, status="pruned"), trial(0, 5, 0.9, status="pruned")])
    known.extend([trial(0, 6, np.nan, status="pruned"), trial(0, 7, status="pruned"), trial(0, 8, status="failed")])
    # Nothing is known; its report; the worst so far; its value; its report; no better than the best; twice the worst so far.
    np.testing.assert_array_equal(known.y, [np.nan, -0.5, -0.5, -0.8, -0.2, -0.8, -0.2, -0.2, np.nan])
    assert known.best.iteration == 3


def test_a_plain_number_that_a_pruned_trial_reported_is_that_of_the_goal():
    metrics = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=1.0)])
    known = archive(metrics)
    reports = [{"objective": 3.0}, {"loss": 4.0}, {"accuracy": 0.9}]
    for number, reported in enumerate(reports):
        known.extend([Trial(drive=0, iteration=number, x=(0, 0), status="pruned", metrics=reported)])
    assert known.y.tolist() == [3.0, 4.0, 4.0]  # the last one reported nothing of the goal
    assert known.best is None


def test_equal_trials_leave_the_first_the_best():
    known = archive()
    known.extend([trial(0, 0, 1.0), trial(0, 1, 1.0), trial(0, 2, 2.0)])
    assert known.best is known.trials[0]
    known.extend([trial(0, 3, 0.5)])
    assert known.best.iteration == 3


def test_an_answer_without_the_goal_is_taken_up_as_a_failure():
    metrics = Metrics()
    metrics.fix("accuracy")
    known = archive(metrics)
    (fresh,) = known.extend([trial(0, 0, 1.0).finish("ok", metrics={"loss": 1.0})])
    assert fresh.status == known.trials[0].status == "failed"
    assert np.isnan(known.y).all()
    assert known.best is None


def test_trials_under_way_may_be_replaced_as_a_whole():
    known = archive()
    known.extend([trial(1, 0, status="running"), trial(2, 0, 1.0)])
    known.replace_running([trial(4, 0, status="running"), trial(3, 0, status="running")])
    assert known.pending.tolist() == [[0.4, 0.0], [0.3, 0.0]]
    assert [one.drive for one in known.running] == [4, 3]
    assert len(known) == 1
    known.replace_running([])
    assert known.pending.shape == (0, 2)


def test_an_empty_archive_has_columns_of_no_rows():
    known = archive()
    assert (known.U.shape, known.y.shape, known.pending.shape) == ((0, 2), (0,), (0, 2))
    assert (list(known.trials), list(known.running), known.best, len(known)) == ([], [], None, 0)
    assert TrialKey(0, 0) not in known
    assert known.extend([]) == []


def test_rows_that_were_read_stay_as_they_were_while_more_come():
    """Columns are views: growing must not change what a strategy still holds."""
    known = archive()
    known.extend([trial(0, iteration, float(iteration)) for iteration in range(60)])
    U, y = known.U, known.y
    before = U.copy(), y.copy()
    known.extend([trial(1, iteration, 1.0) for iteration in range(500)])
    assert np.array_equal(U, before[0])
    assert np.array_equal(y, before[1])
    assert np.array_equal(known.U[:60], U)
