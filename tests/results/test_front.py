import json
import math
import pickle

import numpy as np
import pytest

from hyperspace import Metric, load_results, random_search
from hyperspace.errors import InputError
from hyperspace.results.front import SeveralGoalsError
from hyperspace.targets.dominance import non_dominated
from hyperspace.targets.hypervolume import hypervolume

METRICS = [Metric("accuracy", goal="maximize"), Metric("seconds"), Metric("memory", goal="constrain", upper=0.9)]
SPACE = {"a": (0.0, 1.0), "b": (0.0, 1.0)}


def objective(parameters):
    a, b = parameters["a"], parameters["b"]
    return {"accuracy": a - 0.3 * b, "seconds": 10.0 * a * a + b, "memory": a, "note": b}


def study(tmp_path, metrics=METRICS, objective=objective, **more):
    return random_search(objective, SPACE, tmp_path / "study", n_calls=40, metrics=metrics, **more)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return study(tmp_path_factory.mktemp("several"))


def test_the_front_is_that_of_the_feasible_trials(result):
    Y = np.array([[-t.metrics["accuracy"], t.metrics["seconds"]] for t in result.all_trials if t.metrics["memory"] <= 0.9])
    expected = Y[non_dominated(Y)]
    found = result.front[["accuracy", "seconds"]].to_numpy() * [-1.0, 1.0]
    np.testing.assert_array_equal(found, expected[np.lexsort((expected[:, 1], expected[:, 0]))])
    assert [trial.metrics["accuracy"] for trial in result.front_trials] == result.front["accuracy"].tolist()
    assert 1 < len(found) < len(Y) < 40


def test_hypervolume_reference_and_ranges_are_in_units_of_the_metrics(result):
    design = [trial.metrics for trial in result.all_trials if trial.arm == "design"]
    low, high = result.front["accuracy"].min(), result.front["accuracy"].max()
    assert result.reference["accuracy"] == min(*(m["accuracy"] for m in design), low - 0.1 * (high - low))
    assert result.ranges["accuracy"] == (result.front["accuracy"].max(), result.front["accuracy"].min())
    assert result.ranges["seconds"] == (result.front["seconds"].min(), result.front["seconds"].max())
    P = result.front[["accuracy", "seconds"]].to_numpy() * [-1.0, 1.0]
    r = np.array([-result.reference["accuracy"], result.reference["seconds"]])
    assert result.hypervolume == hypervolume(P, r) > 0.0


def test_the_optimum_of_one_goal_is_refused_with_advice(result):
    for name in ("x", "fun", "parameters", "metrics"):
        with pytest.raises(SeveralGoalsError, match=r"result.front has the trials.*result.choose"):
            getattr(result, name)
        assert not hasattr(result, name)
    with pytest.raises(SeveralGoalsError):
        result["fun"]
    with pytest.raises(SeveralGoalsError):
        result.to_skopt()
    with pytest.raises(AttributeError):
        result.nonsense  # noqa: B018
    assert result.success
    assert result.best_trial is None
    assert repr(result) == f"Result(front of {len(result.front)} trials, nfev=40)"
    assert f"{len(result.front)} trials on the front" in result._repr_html_()
    assert result.func_vals.shape == (40, 2)


def test_the_table_begins_with_the_front_and_ends_with_the_infeasible(result):
    n = len(result.front)
    assert set(result.table().head(n)["accuracy"]) == set(result.front["accuracy"])
    assert (~result.table().tail(1)["feasible"]).all()
    assert len(result.top(5)) == 5


def test_a_study_is_read_back_with_its_front(result, tmp_path):
    study(tmp_path)
    loaded = load_results(tmp_path / "study")
    assert loaded.front.equals(result.front)
    assert loaded.hypervolume == result.hypervolume


def test_a_threshold_is_the_reference_and_bounds_the_front(tmp_path):
    metrics = [Metric("accuracy", goal="maximize", threshold=0.3), Metric("seconds", threshold=5)]
    result = study(tmp_path, metrics)
    assert result.reference == {"accuracy": 0.3, "seconds": 5.0}
    assert (result.front["accuracy"] >= 0.3).all()
    assert (result.front["seconds"] <= 5.0).all()
    assert json.loads((tmp_path / "study" / "study.json").read_text())["fingerprint"]["metrics"][0]["threshold"] == 0.3
    assert load_results(tmp_path / "study").goals.declared == tuple(metrics)


def test_without_a_trial_of_interest_the_reason_is_told(tmp_path):
    result = study(tmp_path, [Metric("accuracy", goal="maximize", threshold=9.0), Metric("seconds")])
    assert result.front.empty
    assert result.ranges == {}
    assert result.hypervolume == 0.0
    with pytest.raises(InputError, match="no trial is within the thresholds so far"):
        result.choose("knee")


def test_the_nearest_trial_is_that_with_the_least_violation(tmp_path, result):
    assert result.nearest is None
    metrics = [Metric("accuracy", goal="maximize"), Metric("seconds"), Metric("memory", goal="constrain", upper=-1.0)]
    hopeless = study(tmp_path, metrics)
    assert hopeless.nearest.metrics["memory"] == min(trial.metrics["memory"] for trial in hopeless.all_trials)
    assert not hopeless.success
    with pytest.raises(InputError, match="no trial has kept the constraints so far"):
        hopeless.choose("knee")


def test_one_goal_has_a_front_of_the_best_trial(tmp_path):
    result = study(tmp_path, [Metric("seconds")])
    assert result.front["seconds"].tolist() == [result.fun]
    assert result.front.shape[0] == 1
    assert result.choose("knee") == result.best_trial
    assert result.hypervolume == result.reference["seconds"] - result.fun
    assert result.ranges == {"seconds": (result.fun, result.fun)}


def test_a_trial_that_lacks_a_goal_is_kept_beside_the_front(tmp_path):
    def partial(parameters):
        answer = objective(parameters)
        if parameters["a"] < 0.3:
            del answer["accuracy"]
        elif parameters["a"] < 0.5:
            answer["seconds"] = math.nan
        return answer

    result = study(tmp_path, METRICS, partial)
    assert (result.trials["status"] == "ok").all()
    assert 0 < len(result.front) < 40
    assert (result.front["a"] >= 0.5).all()
    assert load_results(tmp_path / "study").front.equals(result.front)


def test_a_goal_that_no_trial_returns_ends_the_study_with_a_sentence(tmp_path):
    with pytest.raises(Exception, match="has a finite value of 'seconds', which is a goal"):
        study(tmp_path, METRICS, lambda parameters: {"accuracy": parameters["a"], "memory": 0.0}, exchange="round")


def test_results_of_several_goals_can_be_pickled(result):
    assert pickle.loads(pickle.dumps(result)).hypervolume == result.hypervolume


def test_a_study_with_a_goal_in_the_other_direction_is_no_warm_start(tmp_path):
    study(tmp_path)
    metrics = [Metric("accuracy"), *METRICS[1:]]
    with pytest.raises(InputError, match="has goal='maximize', and here goal='minimize'"):
        random_search(objective, SPACE, tmp_path / "new", n_calls=4, metrics=metrics, warm_start=tmp_path / "study")
    warm = random_search(objective, SPACE, tmp_path / "new", n_calls=1, metrics=METRICS, warm_start=tmp_path / "study")
    assert warm.trials["origin"].tolist().count("given") == 40
    assert (warm.front["drive"] == -1).any()


def test_the_front_is_the_same_on_any_number_of_ranks(mpirun, python, tmp_path):
    program = """
import sys
from hyperspace import Metric, hyperdrive
metrics = [
    Metric("a"), Metric("b", goal="maximize", threshold=0.2), Metric("c", goal="constrain", upper=0.9),
    Metric("d", goal="constrain", lower=0.05),
]

def objective(x, trial):
    if x[0] > 0.97:
        trial.fail("too large")
    return {"a": x[0] ** 2 + x[1], "b": x[0], "c": x[0], "d": x[1]}

options = {"model": "RAND", "n_iterations": 4, "n_subspaces": 4, "n_drives": 12, "exchange": "round", "checkpoints": False}
result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], None, metrics=metrics, **options)
print(result.front.to_csv(), repr(result.hypervolume))
"""
    alone = python(program).stdout
    assert "iteration" in alone
    assert mpirun(3, program).stdout == alone * 3
