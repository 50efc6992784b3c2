import pytest

from hyperspace import Metric, evolutionary_search, grid_search, random_search
from hyperspace.api.search import Stall
from hyperspace.errors import InputError
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

SPACE = {"rate": (0.01, 0.2, "log-uniform"), "epochs": (10, 50), "batch": 64, "kind": ["a", "b"]}


def accuracy(parameters):
    assert parameters["batch"] == 64
    if parameters["epochs"] > 45:
        raise RuntimeError("out of memory")
    return 1.0 - abs(parameters["rate"] - 0.05) - abs(parameters["epochs"] - 30) / 100 - 0.1 * (parameters["kind"] == "b")


def test_evolution_maximizes_in_generations(tmp_path):
    result = evolutionary_search(accuracy, SPACE, tmp_path, model="GA", generations=6, population=8, maximize=True)
    assert result.fun == max(result.func_vals) > 0.9
    assert result.parameters["batch"] == 64
    table = result.table()
    assert list(table.columns) == ["generation", "job", "rate", "epochs", "kind", "batch", "objective", "seconds", "status"]
    assert len(table) == 48
    assert {(g, j) for g, j in zip(table["generation"], table["job"], strict=True)} == {
        (g, j) for g in range(6) for j in range(8)
    }
    ended = table[table["status"] == OK]["objective"]
    assert list(ended) == sorted(ended, reverse=True)
    assert ended.iloc[0] == result.fun
    failed = table[table["status"] == FAILED]
    assert len(failed) > 0
    assert list(failed.index) == list(range(48 - len(failed), 48))
    assert (failed["epochs"] > 45).all()
    assert set(table["batch"]) == {64}


def test_broken_constraints_come_after_kept_ones():
    def objective(x):
        return {"loss": x[0], "size": 1.0 - x[0]}

    metrics = [Metric("loss"), Metric("size", goal="constrain", upper=0.5)]
    table = random_search(objective, [(0.0, 1.0)], None, n_calls=20, metrics=metrics, checkpoints=False).table()
    kept = table["size"] <= 0.5
    assert kept.sum() > 2
    assert kept.iloc[: kept.sum()].all()
    assert table["loss"].iloc[: kept.sum()].is_monotonic_increasing


def test_names_that_the_table_uses_itself_are_told_apart():
    space = {"job": (0.0, 1.0), "seconds": 3, "generation": (1, 3)}
    table = random_search(lambda p: p["job"], space, None, n_calls=4, checkpoints=False).table()
    assert list(table.columns)[:4] == ["generation", "parameter.job", "parameter.generation", "parameter.seconds"]


def test_the_end_by_tolerance_comes_at_the_same_generation_again(tmp_path):
    options = {"generations": 40, "population": 6, "tolerance": 0.02, "patience": 2, "maximize": True}
    calls = []

    def counted(parameters):
        calls.append(1)
        return accuracy(parameters)

    first = evolutionary_search(counted, SPACE, tmp_path, **options)
    assert 6 * 3 <= first.nfev < 6 * 40
    again = evolutionary_search(counted, SPACE, tmp_path, **options)
    assert again.nfev == first.nfev == len(calls)
    further = evolutionary_search(counted, SPACE, tmp_path, **options | {"tolerance": None, "generations": 12})
    assert further.nfev == 72


def rounds(*values):
    return [[Trial(drive=0, iteration=i, x=(), status=OK, metrics={"y": value})] for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "maximize", "ends"),
    [
        ((5.0, 4.0, 3.95, 3.92), False, [False, False, False, True]),
        ((5.0, 4.95, 4.0, 4.5, 4.5), False, [False, False, False, False, True]),
        ((1.0, 2.0, 1.5, 2.05), True, [False, False, False, True]),
    ],
)
def test_a_stall_is_a_number_of_rounds_without_gain(values, maximize, ends):
    metrics = Metrics(None, maximize)
    metrics.fix("y")
    stalls = Stall(0.1, 2).watch_rounds(metrics)
    assert [stalls(trials) for trials in rounds(*values)] == ends


def test_rounds_before_the_first_value_are_no_stall():
    stalls = Stall(0.1, 2).watch_rounds(Metrics())
    nothing = [Trial(drive=0, iteration=0, x=(), status=FAILED)]
    assert not any(stalls(nothing) for _ in range(5))


def test_the_callback_is_still_called():
    seen = []
    result = evolutionary_search(
        accuracy,
        SPACE,
        None,
        population=4,
        generations=30,
        tolerance=0.0,
        callback=lambda trial: seen.append(trial) or len(seen) == 6,
        checkpoints=False,
    )
    assert len(seen) == result.nfev == 6


def test_random_search_spends_its_calls_on_independent_points():
    result = random_search(accuracy, SPACE, None, n_calls=30, maximize=True, checkpoints=False)
    assert result.nfev == 30
    assert set(result.trials["arm"]) == {"design", "random"}


def test_grid_search_evaluates_each_combination_once():
    result = grid_search(accuracy, SPACE, None, points=3, maximize=True, checkpoints=False)
    points = set(zip(*(result.trials[name] for name in ("rate", "epochs", "kind")), strict=True))
    assert result.nfev == len(points) == 18
    assert {epochs for _, epochs, _ in points} == {10, 30, 50}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": 0.1, "patience": 0}, "patience"),
        ({"population": 0}, "population"),
        ({"generations": 0}, "generations"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        evolutionary_search(accuracy, SPACE, None, checkpoints=False, **options)
