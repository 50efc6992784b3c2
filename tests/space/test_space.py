"""The search space: the unit cube and back, what a user may write and what not, and its fingerprint."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
import skopt.space as sk
from dimensions import dimensions
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspace.errors import InputError
from hyperspace.space import Integer, Real, Space, check_space
from hyperspace.space.space import Bounds, space_from


def relu(x):
    return max(x, 0)


# --- the unit cube and back ---------------------------------------------------------------------------------------------------


def test_coordinates_are_the_documented_ones():
    space = check_space([(2.0, 4.0), (1e-4, 1.0, "log-uniform"), (2, 10), (1, 3, "log-uniform"), ["a", "b", "c", "d"]])
    U = space.to_unit([(2.5, 1e-3, 4, 2, "c")])
    assert pytest.approx(np.array([[0.25, 0.25, 2.5 / 9, math.log(2 / 0.5) / math.log(3.5 / 0.5), 2.5 / 4]]), abs=1e-15) == U


@given(st.lists(dimensions, min_size=1, max_size=4), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_snap_moves_to_the_coordinates_of_the_values_and_leaves_reals_alone(parts, seed):
    space = Space(parts)
    U = np.random.default_rng(seed).random((5, space.d))
    before = U.copy()
    snapped = space.snap(U)
    assert np.array_equal(U, before)
    values = space.to_unit(space.from_unit(U))
    for j in range(space.d):
        assert np.array_equal(snapped[:, j], values[:, j] if space.levels[j] else U[:, j])
    assert np.array_equal(space.snap(snapped), snapped)
    assert np.array_equal(space.snap(U[0]), snapped[0])
    assert np.array_equal(space.snap(U[None]), snapped[None])


def test_a_point_has_the_same_bits_alone_and_among_others():
    space = check_space([(1e-5, 1.0, "log-uniform"), (1, 1000, "log-uniform"), (-3.0, 8.0)])
    U = np.random.default_rng(0).random((37, 3))
    points = space.from_unit(U)
    assert points == [space.from_unit(u[None])[0] for u in U]
    assert points == space.from_unit(np.asfortranarray(U))
    assert np.array_equal(space.to_unit(points), np.concatenate([space.to_unit([point]) for point in points]))


def test_no_points_are_no_rows():
    space = check_space([(0.0, 1.0), (1, 5), ["a", "b"], (1, 5, "log-uniform")])
    assert space.to_unit([]).shape == (0, 4)
    assert space.from_unit(np.empty((0, 4))) == []
    assert space.snap(np.empty((0, 4))).shape == (0, 4)


def test_coordinates_outside_the_cube_give_the_ends():
    space = check_space([(0.0, 2.0), (1, 5), (1, 5, "log-uniform"), ["a", "b"]])
    assert space.from_unit(np.array([[-0.1] * 4, [1.1] * 4])) == [(0.0, 1, 1, "a"), (2.0, 5, 5, "b")]


def test_bounds_clip_and_contain():
    bounds = Bounds(np.array([0.2, 0.0]), np.array([0.6, 0.5]))
    U = np.array([[0.1, 0.9], [0.2 - 1e-12, 0.5], [0.3, 0.4]])
    assert bounds.contains(U).tolist() == [False, True, True]
    assert bounds.clip(U).tolist() == [[0.2, 0.5], [0.2, 0.5], [0.3, 0.4]]
    assert bounds.contains(bounds.clip(U)).all()
    assert Bounds.whole(2).contains(np.array([[0.0, 1.0]])).all()


def test_a_space_of_scikit_optimize_is_taken_and_given_back():
    theirs = sk.Space([sk.Real(1e-3, 1.0, "log-uniform", name="lr"), sk.Integer(1, 8), sk.Categorical(["a", "b", "c"])])
    space = check_space(theirs)
    assert space.names == ("lr", "x1", "x2")
    assert not space.named
    given_back = space.to_skopt()
    assert isinstance(given_back, sk.Space)
    assert given_back.get_transformer() == ["normalize"] * 3
    assert given_back.dimension_names == ["lr", "x1", "x2"]
    theirs.set_transformer("normalize")
    points = theirs.rvs(20, random_state=0)
    assert np.allclose(given_back.transform(points), theirs.transform(points), atol=1e-15)
    assert given_back.inverse_transform(theirs.transform(points)) == theirs.inverse_transform(theirs.transform(points))


def test_a_constrained_space_of_scikit_optimize_is_refused():
    with pytest.raises(InputError, match="constraint"):
        check_space(sk.Space([(0.0, 1.0)], constraint=lambda x: x[0] > 0.5))


# --- spaces -------------------------------------------------------------------------------------------------------------------


def test_a_list_gives_a_list_and_a_dict_gives_a_dict_with_its_constants():
    listed = check_space([Real(0, 1, name="lr"), (1, 5), ["a", "b"]])
    assert listed.names == ("lr", "x1", "x2")
    assert listed.parameters((0.5, 2, "a")) == [0.5, 2, "a"]
    assert [dimension.name for dimension in listed.dimensions] == ["lr", None, None]
    named = check_space(
        {
            "seed": np.int64(3),
            "lr": (1e-4, 1e-1, "log-uniform"),
            "batch": 32,
            "opt": ["adam", "sgd"],
            "x": None,
            "s": "t",
            "b": True,
        }
    )
    assert named.names == ("lr", "opt")
    assert named.d == len(named) == 2
    assert named.constants == {"seed": 3, "batch": 32, "x": None, "s": "t", "b": True}
    assert type(named.constants["seed"]) is int
    parameters = named.parameters((0.01, "sgd"))
    assert parameters == {"seed": 3, "lr": 0.01, "batch": 32, "opt": "sgd", "x": None, "s": "t", "b": True}
    assert list(parameters) == ["seed", "lr", "batch", "opt", "x", "s", "b"]
    assert check_space(named) is named


def test_the_key_of_a_dict_names_the_dimension_and_leaves_the_users_object_alone():
    mine = Real(0, 1, name="rate")
    assert check_space({"lr": mine}).dimensions[0].name == "lr"
    assert mine.name == "rate"


def test_given_names_are_kept_clear_of_automatic_ones():
    assert check_space([Real(0, 1, name="x1"), (0.0, 1.0)]).names == ("x1", "x1_")


def test_columns_that_describe_the_dimensions():
    space = check_space([(0.0, 1.0), (1, 10), ["a", "b"], Integer(1, 4, "log-uniform", role="environment"), [5]])
    assert space.levels.tolist() == [0, 10, 2, 4, 1]
    assert space.categorical.tolist() == [False, False, True, False, True]
    assert space.environment.tolist() == [False, False, False, True, False]


def test_points_are_recorded_and_read_back():
    space = check_space({"lr": (1e-4, 1.0, "log-uniform"), "n": (1, 9), "f": [relu, math.sin], "o": ["a", None], "c": 3})
    for point in space.from_unit(np.random.default_rng(0).random((20, 4))):
        recorded = json.loads(json.dumps(space.dump(point), allow_nan=False))
        assert space.load(recorded) == point
    with pytest.raises(InputError, match="4 values"):
        space.load([0.1, 2])
    with pytest.raises(InputError, match=r"dimension 1 \(n\)"):
        space.load([0.1, "2", {"category": 0}, "a"])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0.5, 2], "3 values"),
        ([0.5, 2, "a", 1], "3 values"),
        ("abc", "3 values"),
        (0.5, "3 values"),
        ([1.5, 2, "a"], r"dimension 0 \(lr\): expected a number from 0.0 to 1.0, got 1.5"),
        ([math.nan, 2, "a"], r"dimension 0 \(lr\)"),
        (["0.5", 2, "a"], r"dimension 0 \(lr\)"),
        ([True, 2, "a"], r"dimension 0 \(lr\)"),
        ([0.5, 2.5, "a"], r"dimension 1 \(n\): expected an integer from 1 to 5, got 2.5"),
        ([0.5, 0, "a"], r"dimension 1 \(n\)"),
        ([0.5, 2, "c"], r"dimension 2 \(o\): expected one of the categories \('a', 'b'\), got 'c'"),
        ({"lr": 0.5, "n": 2}, "lr, n, o"),
        ({"lr": 0.5, "n": 2, "o": "a", "m": 1}, "lr, n, o"),
    ],
)
def test_a_point_outside_is_refused_with_its_dimension(x, message):
    space = check_space({"lr": (0.0, 1.0), "n": (1, 5), "o": ["a", "b"], "k": 7})
    with pytest.raises(InputError, match=message):
        space.check_point(x)


def test_a_point_inside_comes_back_plain():
    space = check_space({"lr": (0.0, 1.0), "n": (1, 5), "o": ["a", "b"], "k": 7})
    for x in (
        [1, np.int64(2), np.str_("a")],
        (np.float64(1), 2.0, "a"),
        {"o": "a", "n": 2, "lr": 1.0},
        {"o": "a", "n": 2, "lr": 1, "k": 7},
    ):
        point = space.check_point(x)
        assert point == (1.0, 2, "a")
        assert [type(value) for value in point] == [float, int, str]
    assert space.check_point(np.array([0.25, 3, "a"], dtype=object)) == (0.25, 3, "a")


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ([], "empty"),
        ({}, "empty"),
        ({"batch": 32}, "nothing is left to search"),
        (5, "list of dimensions or a dict"),
        ("abc", "list of dimensions or a dict"),
        ((0, 1), "dimension 0"),
        ([(0, 1), 5], "dimension 1: expected"),
        ([(0, 1), "abc"], "dimension 1"),
        ([(0, 1), None], "dimension 1"),
        ([range(5)], "dimension 0"),
        ([{1, 2}], "dimension 0"),
        ({"a": {"b": (0, 1)}}, r"dimension 0 \(a\)"),
        ({"a": (0, 1), "b": math.nan}, r"dimension 1 \(b\)"),
        ({1: (0, 1)}, "non-empty string"),
        ({"": (0, 1)}, "non-empty string"),
        ([(1, 1)], "low must be less than high, got low=1 and high=1"),
        ([(2.0, 1.0)], "low must be less than high"),
        ([(0.0, math.inf)], "finite"),
        ([(math.nan, 1.0)], "finite"),
        ([(-1e308, 1e308)], "finite double"),
        ([(0, 10**400)], "integer"),
        ([(0.0, 1.0, "log-uniform")], "low > 0"),
        ([(-2, -1, "log-uniform")], "low > 0"),
        ([(1.0, 2.0, "loguniform")], "uniform"),
        ([(1, 2, "normal", 10)], "uniform"),
        ([(1.0, 2.0, "log-uniform", 1)], "base"),
        ([(None, 1)], "two numbers"),
        ([[]], "at least one category"),
        ([()], "at least one category"),
        ([["a", "b", "a"]], "listed twice"),
        ([[math.nan, math.nan, 1]], "listed twice"),
        ([[[1], [1], 2]], "listed twice"),
        ([Real(0, 1, name="a"), Real(0, 1, name="a")], "two dimensions are called 'a'"),
        ([(0, 2**50)], "take a Real"),
        ([(1, 2**40 + 1, "log-uniform")], "take a Real"),
    ],
)
def test_what_is_no_search_space_is_refused(hyperparameters, message):
    with pytest.raises(InputError, match=message):
        check_space(hyperparameters)


# --- the fingerprint ----------------------------------------------------------------------------------------------------------


def test_the_description_says_everything_and_is_strict_json():
    space = check_space(
        {
            "lr": (1e-4, 1e-1, "log-uniform", 2),
            "n": Integer(1, 9, role="environment"),
            "z": 1,
            "o": ["a", None, (1, 2), relu],
            "c": "x",
        }
    )
    description = space.describe()
    assert json.loads(json.dumps(description, allow_nan=False)) == description
    assert description == [
        {"name": "lr", "kind": "real", "low": 1e-4, "high": 1e-1, "prior": "log-uniform", "base": 2, "role": "design"},
        {"name": "n", "kind": "integer", "low": 1, "high": 9, "prior": "uniform", "base": 10, "role": "environment"},
        {
            "name": "o",
            "kind": "categorical",
            "categories": ["a", None, {"object": "(1, 2)"}, {"object": f"{relu.__module__}.relu"}],
            "role": "design",
        },
        {"name": "c", "kind": "constant", "value": "x"},
        {"name": "z", "kind": "constant", "value": 1},
    ]


def test_a_description_holds_no_address():
    class Thing:
        pass

    assert "0x" not in json.dumps(check_space([[Thing(), lambda: 1]]).describe())
    assert check_space([[Thing(), 1, 2]]).describe() == check_space([[Thing(), 1, 2]]).describe()


def test_a_space_is_read_back_from_its_description():
    space = check_space(
        {"lr": (1e-4, 1.0, "log-uniform"), "n": (1, 9), "o": ["a", None], "f": [lambda: 1, lambda: 2, (1, 2)], "c": 3}
    )
    again = space_from(json.loads(json.dumps(space.describe())), named=True)
    assert again.describe()[:3] == space.describe()[:3]
    assert again.dimensions[:3] == space.dimensions[:3]
    assert again.constants == space.constants
    assert repr(again.dimensions[3].categories[2]) == "(1, 2)"
    for point in space.from_unit(np.random.default_rng(0).random((20, 4))):
        recorded = space.dump(point)
        assert again.dump(again.load(recorded)) == recorded
        assert np.array_equal(again.to_unit([again.load(recorded)]), space.to_unit([point]))
    with pytest.raises(InputError, match="unknown kind"):
        space_from([{"name": "a", "kind": "graph"}], named=False)


def test_a_space_can_be_copied_and_pickled():
    space = check_space({"lr": (1e-4, 1.0, "log-uniform"), "o": ["a", relu, (1, 2)], "c": 3})
    for again in (pickle.loads(pickle.dumps(space)), copy.deepcopy(space)):
        assert again.describe() == space.describe()
        assert again.dump((0.5, (1, 2))) == [0.5, {"category": 2}]


def test_steps_reach_both_of_the_next_levels():
    space = check_space([(0.0, 1.0), (1, 8), (1, 1000, "log-uniform"), ["a", "b"]])
    for x in ([0.5, 4, 2, "a"], [0.5, 1, 1, "b"], [0.5, 8, 1000, "a"], [0.5, 8, 30, "a"]):
        u = space.to_unit([x])[0]
        steps = space.steps(u)
        assert steps[0] == 0.0
        for j in (1, 2):
            dimension, n = space.dimensions[j], space.levels[j]
            coordinates = dimension.to_unit(range(1, n + 1))
            next_ones = coordinates[[max(x[j] - 1, 1) - 1, min(x[j] + 1, n) - 1]]
            assert steps[j] == pytest.approx(np.abs(next_ones - u[j]).max(), abs=1e-8)


def test_a_space_of_constants_alone_says_so():
    with pytest.raises(InputError, match=r"all hyperparameters are constants \('a', 'b'\), so that nothing is left to search"):
        check_space({"a": 1, "b": "x"})
