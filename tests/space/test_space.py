"""The search space: dimensions against scikit-optimize's, the unit cube and back, what a user may write and what not."""

import copy
import enum
import json
import math
import pickle
import warnings

import numpy as np
import pytest
import skopt.space as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skopt.space.space import check_dimension as skopt_check_dimension

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, Space, check_space
from hyperspace.space.parsing import Lists
from hyperspace.space.space import Bounds, check_dimension, space_from


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def relu(x):
    return max(x, 0)


UNHASHABLE = np.zeros(2)
ODD_CATEGORIES = [True, 1, 1.0, "1", None, (64, 64), (64, True), [64, 64], {"a": 1}, relu, Color.RED, math.nan, UNHASHABLE, -1]

reals = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6)).map(lambda t: Real(t[0], t[0] + t[1]))
log_reals = st.tuples(st.floats(1e-12, 1e6), st.floats(1.001, 1e9)).map(lambda t: Real(t[0], t[0] * t[1], "log-uniform"))
integers = st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**6)).map(lambda t: Integer(t[0], t[0] + t[1]))
log_integers = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(lambda t: Integer(t[0], t[0] + t[1], "log-uniform"))
small_integers = st.tuples(st.integers(-5, 5), st.integers(1, 60)).map(lambda t: Integer(t[0], t[0] + t[1]))
categoricals = st.integers(1, 60).map(lambda k: Categorical(range(k)))
levelled = st.one_of(integers, log_integers, small_integers, categoricals)
dimensions = st.one_of(reals, log_reals, levelled)
unit = st.floats(0, 1)


# --- the unit cube and back ---------------------------------------------------------------------------------------------------


def test_coordinates_are_the_documented_ones():
    space = check_space([(2.0, 4.0), (1e-4, 1.0, "log-uniform"), (2, 10), (1, 3, "log-uniform"), ["a", "b", "c", "d"]])
    U = space.to_unit([(2.5, 1e-3, 4, 2, "c")])
    assert pytest.approx(np.array([[0.25, 0.25, 2.5 / 9, math.log(2 / 0.5) / math.log(3.5 / 0.5), 2.5 / 4]]), abs=1e-15) == U


@given(dimensions, unit)
def test_values_are_plain_and_never_leave_the_dimension(dimension, u):
    (value,) = dimension.from_unit(np.array([u]))
    assert type(value) is (float if isinstance(dimension, Real) else int)
    assert value in dimension


@given(levelled, unit)
def test_integers_and_categories_go_to_the_unit_cube_and_back_exactly(dimension, u):
    values = [*dimension.from_unit(np.array([0.0, u, 1.0]))]
    assert dimension.from_unit(dimension.to_unit(values)) == values


EPSILON = np.finfo(float).eps


@given(reals, unit)
def test_reals_go_to_the_unit_cube_and_back_within_rounding(dimension, u):
    (value,) = dimension.from_unit(np.array([u]))
    (again,) = dimension.from_unit(dimension.to_unit([value]))
    assert abs(again - value) <= 2 * EPSILON * max(abs(dimension.low), abs(dimension.high))


@given(log_reals, unit)
def test_log_uniform_reals_go_to_the_unit_cube_and_back_within_rounding_of_the_logarithm(dimension, u):
    (value,) = dimension.from_unit(np.array([u]))
    (again,) = dimension.from_unit(dimension.to_unit([value]))
    assert abs(math.log(again / value)) <= 3 * EPSILON * max(1, abs(math.log(dimension.low)), abs(math.log(dimension.high)))


@given(st.one_of(reals, log_reals))
def test_the_ends_of_a_real_are_reached_exactly(dimension):
    assert tuple(dimension.from_unit(np.array([0.0, 1.0]))) == dimension.bounds
    assert dimension.to_unit(dimension.bounds).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("prior", ["uniform", "log-uniform"])
@pytest.mark.parametrize("low", [1, 7, 1000])
@pytest.mark.parametrize("n", [2, 3, 49, 1000])
def test_every_integer_is_reached_and_found_again(low, n, prior):
    dimension = Integer(low, low + n - 1, prior)
    values = list(range(low, low + n))
    assert dimension.from_unit(dimension.to_unit(values)) == values
    assert (np.diff(dimension.to_unit(values)) > 0).all()


@pytest.mark.parametrize(
    "dimension",
    [Integer(0, 2**50 - 1), Integer(-(2**49), 2**49 - 1), Integer(10**30, 10**30 + 9), Integer(1, 2**40, "log-uniform")],
)
def test_the_widest_integers_are_still_exact(dimension):
    span = dimension.high - dimension.low
    values = [dimension.low + round(fraction * span) for fraction in (0, 1e-9, 0.1, 1 / 3, 0.5, 0.7, 0.999999999, 1)]
    assert dimension.from_unit(dimension.to_unit(values)) == values
    assert all(type(value) is int for value in dimension.from_unit(dimension.to_unit(values)))


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


@given(dimensions, unit, unit)
def test_restricting_keeps_exactly_the_values_between(dimension, a, b):
    lower, upper = min(a, b), max(a, b)
    part, part_lower, part_upper = dimension.restrict(lower, upper)
    ends = dimension.from_unit(np.array([part_lower, part_upper]))
    inner = part.from_unit(np.array([0.0, 1.0]))
    assert inner == ends
    assert part.role == dimension.role
    assert part.name == dimension.name
    if not dimension.levels:
        assert (part_lower, part_upper) == (lower, upper)
        return
    coordinates = dimension.to_unit(inner)
    assume(part.levels > 1)
    assert lower - 1e-8 <= coordinates[0] < coordinates[1] <= upper + 1e-8
    # The values just outside do not belong to it. The last level is the smallest.
    last = dimension.bounds[-1]
    little = 1e-3 * float(np.diff(dimension.to_unit([last - 1, last]))[0])
    outside = dimension.from_unit(np.array([part_lower - little, part_upper + little]))
    assert outside[0] == ends[0] - (part_lower > 0)
    assert outside[1] == ends[1] + (part_upper < 1)


def test_the_edge_of_a_part_is_found_where_coordinates_are_coarse():
    """The logarithms of these neighbors differ by 200 units in the last place only."""
    dimension = Integer(2**40 - 9, 2**40, "log-uniform")
    for overlap in (0.5, 0.6, 0.7, 0.8, 0.9):
        part, lower, upper = dimension.restrict(1 - overlap, overlap)
        assert dimension.from_unit(np.array([lower, upper])) == [part.bounds[0], part.bounds[-1]]
        assert lower == pytest.approx(dimension.to_unit([part.bounds[0] - 0.5])[0], abs=0.01)
        assert upper == pytest.approx(dimension.to_unit([part.bounds[-1] + 0.5])[0], abs=0.01)


def test_a_part_without_a_level_takes_the_nearest_one():
    part, lower, upper = Integer(0, 9).restrict(0.41, 0.42)
    assert part == Categorical([4])
    assert Integer(0, 9).from_unit(np.array([lower, upper])) == [4, 4]


def test_bounds_clip_and_contain():
    bounds = Bounds(np.array([0.2, 0.0]), np.array([0.6, 0.5]))
    U = np.array([[0.1, 0.9], [0.2 - 1e-12, 0.5], [0.3, 0.4]])
    assert bounds.contains(U).tolist() == [False, True, True]
    assert bounds.clip(U).tolist() == [[0.2, 0.5], [0.2, 0.5], [0.3, 0.4]]
    assert bounds.contains(bounds.clip(U)).all()
    assert Bounds.whole(2).contains(np.array([[0.0, 1.0]])).all()


@pytest.mark.parametrize("low", [2**53 - 3, -(2**60), 2**62 + 1])
def test_scikit_optimize_gets_integers_that_doubles_cannot_hold(low):
    values = [low, low + 3, low + 10]
    theirs = check_space([(low, low + 10)]).to_skopt()
    assert theirs.inverse_transform(theirs.transform([[value] for value in values])) == [[value] for value in values]


@pytest.mark.parametrize("low", [2**53 - 3, 2**63 - 3, 10**30])
def test_random_integers_are_exact_beyond_doubles(low):
    drawn = Integer(low, low + 5).rvs(200, 0)
    assert {int(value) for value in drawn} == set(range(low, low + 6))


# --- against scikit-optimize --------------------------------------------------------------------------------------------------


def same(ours, theirs):
    """Assert that our dimension says what scikit-optimize's says."""
    assert type(ours).__name__ == type(theirs).__name__
    assert repr(ours) == repr(theirs)
    assert ours.bounds == theirs.bounds
    assert (ours.name, ours.prior, ours.transform_) == (theirs.name, theirs.prior, theirs.transform_)
    for name in ("low", "high", "base", "log_base", "dtype", "size", "is_constant", "transformed_size", "categories"):
        assert hasattr(ours, name) == hasattr(theirs, name)
        if hasattr(ours, name):
            assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.transformed_bounds == theirs.transformed_bounds
    assert ours.to_skopt() == theirs


@pytest.mark.parametrize(
    "dimension",
    [
        (2, 10),
        [2, 10],
        (10.0**-2, 10.0**0),
        (1, 10.0),
        (np.int64(1), np.float32(2.5)),
        np.array([1, 5]),
        np.array([0.5, 1.5]),
        (1, 10, "uniform"),
        (1, 10, "log-uniform"),
        (1e-4, 1e-1, "log-uniform"),
        (1, 1024, "log-uniform", 2),
        (1e-4, 1.0, "log-uniform", 2),
        ["adam", "sgd"],
        ("adam", "sgd"),
        ("a", 1),
        (True, False),
        [False, True],
        [1, 2, 3],
        [7],
        ("only",),
        list("abcdefghij"),
        [1, 10, "auto"],
    ],
)
def test_what_a_user_writes_is_read_as_scikit_optimize_reads_it(dimension):
    with warnings.catch_warnings():  # it warns that it will read some of these differently one day
        warnings.simplefilter("ignore")
        theirs = skopt_check_dimension(dimension)
    same(check_dimension(dimension), theirs)


PAIRS = [
    (Real(-1.0, 2.5), sk.Real(-1.0, 2.5)),
    (Real(1e-3, 1.0, "log-uniform", 2, "normalize", "lr"), sk.Real(1e-3, 1.0, "log-uniform", 2, "normalize", "lr")),
    (Integer(2, 10, name="n"), sk.Integer(2, 10, name="n")),
    (Integer(1, 100, prior="log-uniform", dtype=int), sk.Integer(1, 100, prior="log-uniform", dtype=int)),
    (Categorical(["a", "b", "c"], [0.2, 0.3, 0.5], name="c"), sk.Categorical(["a", "b", "c"], [0.2, 0.3, 0.5], name="c")),
    (Categorical("abcdefgh".__iter__(), transform="label"), sk.Categorical(list("abcdefgh"), transform="label")),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_signatures_attributes_and_representations_are_theirs(ours, theirs):
    same(ours, theirs)
    same(check_dimension(theirs), theirs)
    assert check_dimension(theirs) == ours


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("n", [None, 1, 200])
def test_random_values_are_theirs_for_the_same_seed(ours, theirs, n):
    if theirs.transform_ == "normalize":
        theirs = copy.deepcopy(theirs)
        theirs.set_transformer("identity")  # its draws depend on the transformation; ours do not
    drawn = ours.rvs(n, random_state=np.random.RandomState(3))
    expected = theirs.rvs(n, random_state=np.random.RandomState(3))
    assert type(drawn) is type(expected)
    assert np.array_equal(drawn, expected)
    assert np.array_equal(ours.rvs(n, 3), expected)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_random_values_come_from_any_source_and_lie_within(ours, theirs):
    for source in (None, np.random.default_rng(0)):
        assert all(value in ours for value in ours.rvs(50, source))


def test_default_counts_of_random_values_are_theirs():
    assert len(Real(0, 1).rvs()) == len(sk.Real(0, 1).rvs()) == 1
    assert len(Integer(0, 1).rvs()) == len(sk.Integer(0, 1).rvs()) == 1
    assert Categorical(["a"]).rvs() == sk.Categorical(["a"]).rvs() == "a"


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_transformations_are_theirs(ours, theirs):
    values = theirs.rvs(20, random_state=0)
    transformed = theirs.transform(values)
    assert np.array_equal(ours.transform(values), transformed)
    assert np.array_equal(ours.inverse_transform(transformed), theirs.inverse_transform(transformed))
    for transform in ("identity", "normalize"):
        ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
        ours.set_transformer(transform)
        theirs.set_transformer(transform)
        assert ours.transformed_bounds == theirs.transformed_bounds


def test_containment_and_distance_are_theirs():
    for (ours, theirs), inside, outside in zip(PAIRS, (2.5, 1e-3, 10, 1, "c", "h"), (2.6, 1e-4, 11, 0, "d", "i"), strict=True):
        assert inside in ours
        assert inside in theirs
        assert outside not in ours
        assert outside not in theirs
        other = ours.bounds[0]
        assert ours.distance(inside, other) == theirs.distance(inside, other)
        with pytest.raises(RuntimeError, match="two values within"):
            ours.distance(inside, outside)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Real(0, 1), Real(0, 2)),
        (Real(0, 1), Real(0, 1, transform="normalize")),
        (Real(1, 2), Real(1, 2, "log-uniform")),
        (Real(1, 2), Integer(1, 2)),
        (Real(1e-9, 1), Real(1e-10, 1)),
        (Integer(0, 1), Integer(0, 1, role="environment")),
        (Categorical(["a", "b"]), Categorical(["b", "a"])),
        (Categorical([True, 2]), Categorical([1, 2])),
        (Categorical(["a", "b"]), Categorical(["a", "b"], [0.1, 0.9])),
        (Categorical([1, 2]), Integer(1, 2)),
    ],
)
def test_equality_looks_at_what_defines_a_dimension_and_not_at_its_name(a, b):
    assert a != b
    for dimension in (a, b):
        again = dimension.renamed("other")
        assert again == dimension
        assert again is not dimension
        assert hash(again) == hash(dimension)
        assert (again.name, dimension.name) == ("other", None)


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


def test_a_constrained_space_of_scikit_optimize_is_refused():
    with pytest.raises(InputError, match="constraint"):
        check_space(sk.Space([(0.0, 1.0)], constraint=lambda x: x[0] > 0.5))


# --- categories ---------------------------------------------------------------------------------------------------------------


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


def test_numpy_values_become_plain():
    dimension = Categorical(np.array([1, 2, 3]))
    assert [type(category) for category in dimension.categories] == [int] * 3
    assert type(dimension.check(np.int32(2))) is int
    real, integer = Real(np.float32(0.5), np.int64(2)), Integer(np.int64(1), np.uint8(5))
    assert [type(value) for value in (*real.bounds, *integer.bounds)] == [float, float, int, int]
    assert type(Categorical([np.str_("a"), np.bool_(True)]).categories[1]) is bool


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Real(0, 1, prior="normal", name="lr"), "Real 'lr': prior"),
        (lambda: Real("0", 1), "low must be a finite number, got '0'"),
        (lambda: Real(True, 2), "low must be a finite number"),
        (lambda: Real(0, 1, dtype=int), "dtype"),
        (lambda: Real(0, 1, dtype="nonsense"), "dtype"),
        (lambda: Real(0, 1, transform="onehot"), "transform"),
        (lambda: Real(0, 1, role="fixed"), "role"),
        (lambda: Real(0, 1, name=3), "name"),
        (lambda: Integer(0.5, 3), "low must be an integer, got 0.5"),
        (lambda: Integer(0, 3, dtype=float), "dtype"),
        (lambda: Categorical("abc"), "must be a list"),
        (lambda: Categorical(5), "must be a list"),
        (lambda: Categorical(["a", "b"], [0.5]), "2 probabilities"),
        (lambda: Categorical(["a", "b"], [0.5, 0.6]), "2 probabilities"),
        (lambda: Categorical(["a", "b"], [1.5, -0.5]), "2 probabilities"),
        (lambda: Categorical(["a"], role="x"), "role"),
    ],
)
def test_what_is_no_dimension_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


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


@pytest.mark.parametrize(
    "dimension", [(10, 100, 5), (1e-3, 1.0, True), (1, 2, 3, 4), (0.0, 1.0, None), (0.1, "log-uniform"), ("uniform", 3)]
)
def test_a_tuple_that_begins_as_an_interval_and_is_none_is_refused(dimension):
    with pytest.raises(InputError, match=r"interval.*list"):
        check_dimension(dimension)


def test_a_list_of_the_same_is_categories():
    assert check_dimension([10, 100, 5], Lists.IN_A_DICT).categories == (10, 100, 5)
    assert check_dimension(("a", 1), Lists.IN_A_DICT).levels == 2


def test_a_space_of_constants_alone_says_so():
    with pytest.raises(InputError, match=r"all hyperparameters are constants \('a', 'b'\), so that nothing is left to search"):
        check_space({"a": 1, "b": "x"})
