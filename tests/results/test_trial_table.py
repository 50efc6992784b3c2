"""Tables of trials: the names of their columns and the values in them."""

import json

import pytest

from hyperspace import Integer, Metric, hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


def test_taken_names_get_a_prefix():
    space = check_space({"drive": (0.0, 1.0), "error": (1, 3)})
    trial = Trial(drive=0, iteration=0, x=(0.5, 2), status="ok", metrics={"seconds": 4.0})
    table = Result([trial], space, Metrics(), Partition(space)).trials
    assert {"parameter.drive", "parameter.error", "metric.seconds"} <= set(table.columns)
    assert table.loc[0, "drive"] == 0


def test_every_parameter_constant_and_metric_keeps_a_column_of_its_own():
    names = {"objective": (0.0, 1.0), "parameter.objective": (1, 5), "job": ["a", "b"], "generation": 3, "seconds": 7}
    result = hyperdrive(lambda p: p["objective"] + 10, names, None, checkpoints=False, n_calls=3, n_subspaces=1, model="RAND")
    assert result.trials.columns.is_unique
    assert result.trials["parameter.parameter.objective"].tolist() == [x[0] for x in result.x_iters]
    assert result.trials["parameter.objective"].tolist() == [x[1] for x in result.x_iters]
    assert result.trials["objective"].min() == result.fun
    table = result.table()
    assert table.columns.is_unique
    assert sorted(table["generation"]) == [0, 1, 2]
    assert set(table["parameter.generation"]) == {3}
    assert set(table["parameter.seconds"]) == {7}


def test_integers_that_doubles_cannot_hold_stay_exact(tmp_path):
    space = {"a": Integer(2**63 - 5, 2**63 + 100), "b": [2**64, 2**65 + 1, 3], "c": [1, 2.5, None, 2**53 + 1], "k": 2**70}
    result = hyperdrive(lambda p: (p["a"] - 2**63) * 1e-2, space, tmp_path / "s", n_calls=8, n_subspaces=1, model="RAND")
    again = load_results(tmp_path / "s")
    assert [t.x for t in again.all_trials] == [t.x for t in result.all_trials]
    for name, column in zip("abc", zip(*result.x_iters, strict=True), strict=True):
        assert [(type(v), v) for v in again.trials[name].tolist()] == [(type(v), v) for v in column]
    assert set(again.table()["k"]) == {2**70}
    with pytest.raises(InputError, match=r"scikit-optimize holds integers below 2\^63"):
        again.to_skopt()


def test_a_column_tells_which_trials_kept_the_constraints(command, tmp_path):
    def objective(x):
        if x[0] > 0.8:
            raise ValueError("no value here")
        return {"loss": x[0], "size": x[0]}

    metrics = [Metric("loss"), Metric("size", goal="constrain", lower=0.4)]
    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=12, metrics=metrics)
    expected = [None if x > 0.8 else x >= 0.4 for x in result.trials["x0"]]
    assert {True, False, None} == set(expected)
    assert list(result.trials["feasible"]) == expected
    assert result.top()["feasible"].all()
    code, written, _ = command("export", tmp_path, "--format", "json")
    assert code == 0
    assert [row["feasible"] for row in json.loads(written)] == expected
    assert "feasible" not in hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, n_calls=1, checkpoints=False).trials
