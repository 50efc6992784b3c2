import json
import math
from dataclasses import replace

import pytest

from hyperspace.space import check_space
from hyperspace.trials.records import finished_record, load_end, load_trial, shared_record, started_record, trial_record
from hyperspace.trials.trial import Trial

SPACE = check_space([(0.0, 1.0), (1, 9), ["relu", "tanh"], (True, False), [print, len]])
TRIAL = Trial(
    drive=3,
    iteration=14,
    x=(0.1 + 0.2, 7, "tanh", False, len),
    status="ok",
    metrics={"loss": 1 / 3, "curve": (1.0, math.inf), "seen": -math.inf},
    attempt=2,
    subspace=5,
    region=1,
    arm="EI",
    model={"lengthscales": [0.1, 1e-300]},
    predicted=-0.1,
    known=({0: 3}, {0: 1, 7: 1}),
    pending=(0, 7),
    started=1.5,
    seconds=0.25,
    suggest_seconds=0.01,
    rank=3,
    host="node7",
)


def roundtrip(trial):
    return load_trial(json.loads(json.dumps(trial_record(trial, SPACE), allow_nan=False)), SPACE)


def test_a_trial_comes_back_bit_for_bit():
    assert roundtrip(TRIAL) == TRIAL


def test_counts_of_a_journal_that_knew_no_batches_are_one():
    record = trial_record(TRIAL, SPACE)
    record["known"] = record["known"][0]
    assert load_trial(record, SPACE).known == ({0: 3},)


def test_a_running_trial_comes_back_running():
    running = Trial(drive=0, iteration=0, x=TRIAL.x)
    assert roundtrip(running) == running
    assert "status" not in started_record(running, SPACE)


def test_a_failed_trial_keeps_its_error():
    failed = TRIAL.finish("failed", metrics={}, error="Traceback ...", fault="objective")
    assert roundtrip(failed) == failed


def test_nan_comes_back_as_nan():
    assert math.isnan(roundtrip(TRIAL.finish("ok", metrics={"seen": math.nan})).metrics["seen"])


def test_what_is_shared_is_all_that_an_answer_may_depend_on():
    shared = load_trial(shared_record(TRIAL, SPACE), SPACE)
    assert shared == replace(TRIAL, known=None, pending=None, started=0.0, suggest_seconds=0.0, rank=0, host="")


def test_a_point_that_is_none_names_its_dimension():
    with pytest.raises(ValueError, match=r"dimension 2 \(x2\): .*sigmoid"):
        load_trial(trial_record(TRIAL, SPACE) | {"x": [0.1, 7, "sigmoid", False, {"category": 1}]}, SPACE)


@pytest.mark.parametrize(
    "damage",
    [
        {"status": "fine"},
        {"drive": "3"},
        {"iteration": None},
        {"x": [0.1]},
        {"x": None},
        {"x": [0.1, 7, "sigmoid", False, {"category": 1}]},
        {"metrics": [1]},
        {"metrics": {"loss": "low"}},
        {"known": {"a": 1}},
        {"pending": ["a"]},
    ],
)
def test_what_is_no_trial_is_a_value_error(damage):
    with pytest.raises(ValueError):  # noqa: PT011  # the sentence depends on the damage
        load_trial(trial_record(TRIAL, SPACE) | damage, SPACE)


def test_the_end_of_a_trial_is_taken_up_as_if_both_records_were_one():
    begun = load_trial(started_record(TRIAL, SPACE), SPACE)
    assert load_end(begun, finished_record(TRIAL)) == TRIAL
    assert load_end(begun, finished_record(TRIAL) | {"attempt": 7}) == replace(TRIAL, attempt=7)


@pytest.mark.parametrize(
    "damage", [{"status": "fine"}, {"metrics": [1]}, {"metrics": {"loss": "low"}}, {"seconds": -1}, {"error": 3}]
)
def test_what_is_no_end_of_a_trial_is_a_value_error(damage):
    with pytest.raises(ValueError):  # noqa: PT011  # the sentence depends on the damage
        load_end(load_trial(started_record(TRIAL, SPACE), SPACE), finished_record(TRIAL) | damage)
