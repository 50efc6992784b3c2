import numpy as np
import pytest

from hyperspace import hyperdrive, load_results
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


def test_only_the_objectives_faults_teach_the_surrogate():
    assert trial(0, 0, status="failed", fault="objective").teaches_failure
    assert trial(0, 0, status="timeout").teaches_failure
    assert not trial(0, 0, status="failed", fault="infrastructure").teaches_failure
    assert not trial(0, 0, 1.0).teaches_failure
    assert not trial(0, 0, status="pruned").teaches_failure


def test_rounds_are_ordered_by_iteration_and_then_drive():
    keys = [TrialKey(1, 0), TrialKey(0, 7), TrialKey(0, 2)]
    assert sorted(keys) == [TrialKey(0, 2), TrialKey(0, 7), TrialKey(1, 0)]


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


def test_a_trial_tells_its_number_and_its_parameters_by_name(tmp_path):
    seen = {}

    def objective(parameters, trial):
        seen[trial.id] = parameters
        return parameters["x"]

    called = []
    space = {"x": (0.0, 1.0), "kind": ["a", "b"], "fixed": 3}
    result = hyperdrive(objective, space, tmp_path, n_calls=4, model="RAND", x0=[[0.5, "a"]], y0=[0.5], callback=called.append)
    for trials in (called, result.all_trials, load_results(tmp_path).all_trials):
        assert {trial.id: trial.parameters for trial in trials if trial.drive >= 0} == seen
    assert result.all_trials[0].parameters == {"x": 0.5, "kind": "a", "fixed": 3}
    with pytest.raises(LookupError, match="none of a study's"):
        _ = Trial(drive=0, iteration=0, x=(1,)).parameters
