import copy
import decimal
import enum
import json
import math
import pickle
import threading

import numpy as np
import pytest

from hyperspace import Optimizer, hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.space import Categorical, check_space
from hyperspace.space.space import space_from


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def relu(x):
    return max(x, 0)


UNHASHABLE = np.zeros(2)
ODD_CATEGORIES = [True, 1, 1.0, "1", None, (64, 64), (64, True), [64, 64], {"a": 1}, relu, Color.RED, math.nan, UNHASHABLE, -1]


class Thing:
    def __init__(self, a):
        self.a = a

    def __repr__(self):
        return f"Thing({self.a})"


class Bare:
    pass


def mutable_space():
    return {
        "layers": [[10], [20, 30], (5, [6])],
        "array": [np.zeros(3), np.ones(3)],
        "table": [{"a": [1]}, {"b": 2}],
        "thing": [Thing([1]), Thing([2])],
        "one": [[1, 2]],
        "x": (0.0, 1.0),
    }


def spoil(values):
    """Change all that can be changed in a point."""
    for value in values:
        if isinstance(value, list):
            value.append(99)
        elif isinstance(value, tuple):
            value[1].append(99)
        elif isinstance(value, np.ndarray):
            value += 7
        elif isinstance(value, dict):
            value["z"] = 1
        elif isinstance(value, Thing):
            value.a.append(99)


def test_an_objective_a_callback_and_a_result_that_change_values_change_only_copies(tmp_path):
    space, seen = mutable_space(), []

    def objective(p):
        seen.append(repr(p))
        spoil(p.values())
        return p["x"]

    run = {"hyperparameters": space, "results_path": tmp_path / "s", "n_subspaces": 2, "model": "RAND"}
    result = hyperdrive(objective, **run, n_calls=8, callback=lambda trial: spoil(trial.x))
    for x in (result.x, *result.x_iters, result.parameters.values(), result.best_trial.x, *(t.x for t in result.all_trials)):
        spoil(x)
    assert len(result.subspaces) == 2
    assert repr(space) == repr(mutable_space())
    assert repr(list(result.best_trial.x)) in [repr(list(t.x)) for t in load_results(tmp_path / "s").all_trials]
    longer = hyperdrive(objective, **run, n_calls=12)
    assert [t.x[5] for t in longer.all_trials][:8] == [t.x[5] for t in result.all_trials]
    assert not any("99" in text for text in seen)


def test_what_is_asked_for_is_a_copy_and_is_recognized_when_it_is_told():
    opt = Optimizer(mutable_space(), model="RAND")
    for _ in range(8):
        x = opt.ask()
        opt.tell(x, x["x"])
        spoil(x.values())
        spoil(opt.x.values())
    assert "99" not in repr(opt.x)


def test_a_space_does_not_drift_with_the_users_lists():
    layers = [[10], [20]]
    dimension = Categorical(layers)
    layers[0].append(1)
    assert dimension.categories == ([10], [20])
    assert copy.deepcopy(dimension) == pickle.loads(pickle.dumps(dimension)) == dimension


@pytest.mark.parametrize("category", [threading.Lock(), max, Color.RED, Bare, "a", (1, 2), decimal.Decimal(1)])
def test_what_cannot_be_changed_or_copied_is_handed_over_as_it_is(category):
    dimension = Categorical([category, 1])
    assert dimension.copied(dimension.categories[0]) is dimension.categories[0] is category


def test_objects_that_cannot_be_told_apart_are_not_copied():
    first, second = Bare(), Bare()
    dimension = Categorical([first, second])
    assert dimension.categories == (first, second)
    assert [dimension.index(dimension.copied(value)) for value in (first, second)] == [0, 1]


VALUES = [
    [Color.RED, Color.BLUE],
    [[1, 2], [3]],
    [(64,), (64, 64)],
    [{"a": 1}, {"b": [2.5, None]}],
    [math.nan, math.inf, -math.inf, 1.0],
    [decimal.Decimal("1.5"), decimal.Decimal(2)],
    [lambda: 1, lambda: 2, max],
    [(np.int64(1), 2), (3,)],
    [{1, 2}, frozenset("abc")],
    [np.zeros(2), np.ones(2)],
    [10**30, 2**64],
]


@pytest.mark.parametrize("values", VALUES)
def test_categories_read_back_are_the_values_or_stand_for_them(values):
    space = check_space([Categorical(values)])
    again = space_from(json.loads(json.dumps(space.describe(), allow_nan=False)), named=False)
    assert again.describe() == space.describe()
    for j in range(len(values)):
        (read,) = again.load(json.loads(json.dumps(space.dump((space.dimensions[0].categories[j],)))))
        assert space.dimensions[0].index(read) == j
        json.dumps(read)
        hash(str(read))
        same = copy.deepcopy(read), pickle.loads(pickle.dumps(read))
        assert [again.dimensions[0].index(copied) for copied in same] == [j, j]


@pytest.mark.parametrize("values", VALUES[1:4])
def test_what_json_can_hold_is_read_back_as_it_was(values):
    description = json.loads(json.dumps(check_space([Categorical(values)]).describe()))
    assert space_from(description, named=False).dimensions[0].categories == tuple(values)


@pytest.mark.parametrize(
    "text", ["[" * 5000 + "]" * 5000, "(1", "{1, 2}", "[__import__('os')]", "(" + "9" * 5000 + ",)", "[nan]", "{(1,): 2}"]
)
def test_a_description_that_is_no_json_value_stays_a_description(text):
    (dimension,) = space_from(
        [{"kind": "categorical", "name": "a", "categories": [{"object": text}, 1], "role": "design"}], False
    ).dimensions
    assert repr(dimension.categories[0]) == text


def test_recorded_results_start_a_study_and_are_exported(tmp_path):
    space = {"color": list(Color), "layers": [[1], [2, 3]], "sizes": [(64,), (64, 64)], "f": [max, min], "x": (0.0, 1.0)}
    hyperdrive(lambda p: p["x"], space, tmp_path / "s", n_calls=4, n_subspaces=1, model="RAND")
    loaded = load_results(tmp_path / "s")
    json.dumps(loaded.trials.to_dict("records"))
    warm = {"x0": loaded.x_iters, "y0": list(loaded.func_vals)}
    result = hyperdrive(lambda p: 1 + p["x"], space, tmp_path / "t", n_calls=4, n_subspaces=1, model="RAND", **warm)
    assert result.fun == loaded.fun
    assert type(result.x[0]) is Color
    assert loaded.search_space.check_point(result.x) == tuple(loaded.x)


@pytest.mark.parametrize("category", [10**5000, (10**5000,), {"a": [10**5000]}], ids=["int", "tuple", "dict"])
def test_integers_too_long_to_be_recorded_are_refused(category):
    with pytest.raises(InputError, match="an integer of about 5001 digits cannot be recorded"):
        Categorical([category, 1])
    if isinstance(category, int):
        with pytest.raises(InputError, match="constant 'k': an integer"):
            check_space({"k": category, "x": (0.0, 1.0)})


def test_nested_bombs_are_refused():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InputError, match="nested too deeply"):
        Categorical([value, 1])
    with pytest.raises(InputError, match="expected one of the categories"):
        Categorical(["a", (1, 2)]).check(value)


def test_descriptions_do_not_follow_the_order_of_a_set(python):
    program = "from hyperspace.space import check_space; print(check_space([[set('abcdef'), [frozenset('xyz')], 1]]).describe())"
    assert len({python(program, PYTHONHASHSEED=str(seed)).stdout for seed in range(3)}) == 1


@pytest.mark.parametrize("prior", ["ab", ["a", "b"], [10**400, 1], [[1], [1, 2]], {1: 0.5, 2: 0.5}, [1j, 0]])
def test_a_prior_that_is_no_row_of_numbers_is_refused(prior):
    with pytest.raises(InputError, match="probabilities"):
        Categorical([1, 2], prior=prior)


def test_an_array_without_a_dimension_is_no_list_of_categories():
    with pytest.raises(InputError, match="must be a list"):
        Categorical(np.array(3))


def test_scikit_optimize_gets_categories_that_its_own_encoder_cannot_take():
    space = check_space([ODD_CATEGORIES, ["only"], (1, 4), (1, 4, "log-uniform")])
    theirs = space.to_skopt()
    points = space.from_unit(np.random.default_rng(0).random((60, 4)))
    transformed = theirs.transform(points)
    assert transformed.shape == (60, 4)
    assert transformed.min() >= 0
    assert transformed.max() <= 1
    again = theirs.inverse_transform(transformed)
    assert np.array_equal(space.to_unit(again), space.to_unit(points))
    assert all(a[0] is b[0] for a, b in zip(again, points, strict=True))
    assert pickle.loads(pickle.dumps(check_space([["a", 1], (0.0, 1.0)]).to_skopt())).transform([["a", 0.5]]).tolist() == [
        [0, 0.5]
    ]


def test_categories_of_equal_value_and_other_type_stay_apart():
    dimension = Categorical(ODD_CATEGORIES)
    for j, category in enumerate(ODD_CATEGORIES):
        assert dimension.index(category) == j
        listed = dimension.categories[j]
        assert dimension.check(category) is listed
        assert dimension.from_unit(dimension.to_unit([category]))[0] is listed
        assert dimension.load(json.loads(json.dumps(dimension.dump(category)))) is listed
        assert type(listed) is type(category)
    assert False not in dimension
    assert np.zeros(2) in dimension  # arrays are told apart by what they hold, as lists are
    assert np.zeros(3) not in dimension
    assert np.zeros(2, dtype=np.float32) not in dimension
    assert np.int64(1) in Categorical([1])
    assert np.bool_(True) not in Categorical([1, 2])
    assert [64, True] not in dimension


def test_json_scalars_are_recorded_as_themselves():
    dimension = Categorical([True, 1, 1.5, "1", None])
    for category in dimension.categories:
        assert dimension.dump(category) is category
        again = dimension.load(json.loads(json.dumps(dimension.dump(category))))
        assert type(again) is type(category)
        assert again == category
    assert Categorical(["a", relu]).dump("a") == {"category": 0}
    assert Categorical(["a", math.inf]).dump(math.inf) == {"category": 1}


@pytest.mark.parametrize("record", ["a", {"category": 2}, {"category": -1}, {"category": True}, {"category": 0.0}, {}, None])
def test_a_record_of_no_category_is_refused(record):
    with pytest.raises(InputError, match="expected"):
        Categorical(["a", relu]).load(record)
