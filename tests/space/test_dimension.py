"""What all dimensions share: coordinates and back, levels and their edges, and scikit-optimize's interface."""

import copy
import warnings
from fractions import Fraction

import numpy as np
import pytest
import skopt.space as sk
from dimensions import dimensions, levelled, unit
from hypothesis import assume, given
from skopt.space.space import check_dimension as skopt_check_dimension

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real
from hyperspace.space.dimension import as_random_state, centers, edges_inside, levels_at, levels_between
from hyperspace.space.space import check_dimension


@given(dimensions, unit)
def test_values_are_plain_and_never_leave_the_dimension(dimension, u):
    (value,) = dimension.from_unit(np.array([u]))
    assert type(value) is (float if isinstance(dimension, Real) else int)
    assert value in dimension


@given(levelled, unit)
def test_integers_and_categories_go_to_the_unit_cube_and_back_exactly(dimension, u):
    values = [*dimension.from_unit(np.array([0.0, u, 1.0]))]
    assert dimension.from_unit(dimension.to_unit(values)) == values


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


def test_numpy_values_become_plain():
    dimension = Categorical(np.array([1, 2, 3]))
    assert [type(category) for category in dimension.categories] == [int] * 3
    assert type(dimension.check(np.int32(2))) is int
    real, integer = Real(np.float32(0.5), np.int64(2)), Integer(np.int64(1), np.uint8(5))
    assert [type(value) for value in (*real.bounds, *integer.bounds)] == [float, float, int, int]
    assert type(Categorical([np.str_("a"), np.bool_(True)]).categories[1]) is bool


# --- levels -------------------------------------------------------------------------------------------------------------------


def test_a_level_is_the_half_open_interval_about_its_center_and_the_last_one_is_closed():
    assert levels_at([0.0, 0.2499, 0.25, 0.5, 0.75, 1.0, -0.1, 1.1], 4).tolist() == [0, 0, 1, 2, 3, 3, 0, 3]
    assert levels_at(0.7, 10).tolist() == [7]
    assert levels_at(np.array([[0.5, 0.5]]), np.array([2, 7])).tolist() == [[1, 3]]


@pytest.mark.parametrize("n", [1, 2, 3, 49, 1000, 2**50])
def test_centers_lie_in_their_levels(n):
    levels = np.unique(np.linspace(0, n - 1, 60).astype(np.int64))
    assert np.array_equal(levels_at(centers(levels, n), n), levels)
    assert centers(np.array([0]), n)[0] == 0.5 / n


def test_levels_between_are_those_whose_centers_are():
    """Against fractions, with bounds that are centers, edges, and neither."""
    for n in range(1, 9):
        ends = sorted({Fraction(k, 4 * n) for k in range(4 * n + 1)} | {Fraction(1, 3), Fraction(5, 7)})
        for i, lower in enumerate(ends):
            for upper in ends[i:]:
                inside = [level for level in range(n) if lower <= Fraction(2 * level + 1, 2 * n) <= upper]
                middle = min(int((lower + upper) / 2 * n), n - 1)
                found = levels_between(float(lower), float(upper), n)
                assert found == ((inside[0], inside[-1]) if inside else (middle, middle)), (n, lower, upper)


def test_a_bound_that_misses_a_center_by_rounding_alone_does_not_lose_the_level():
    assert levels_between(0.1 + 0.05 + 1e-12, 0.85 - 1e-12, 10) == (1, 8)
    assert levels_between(0.15 + 1e-8, 0.85 - 1e-8, 10) == (2, 7)


@pytest.mark.parametrize("n", [3, 10, 49, 1000])
def test_edges_inside_belong_to_the_outermost_levels_and_their_neighbors_do_not(n):
    def level_at(u):
        return int(levels_at(u, n)[0])

    for first, last in [(0, n - 1), (0, 0), (1, n - 2), (n // 3, n // 2), (n - 1, n - 1)]:
        lower, upper = edges_inside(level_at, first, last, n, first / n, (last + 1) / n)
        assert (level_at(lower), level_at(upper)) == (first, last)
        assert (lower, upper) == (pytest.approx(first / n, abs=1e-15), pytest.approx((last + 1) / n, abs=1e-15))
        assert first > 0 or lower == 0.0
        assert last < n - 1 or upper == 1.0


def test_edges_are_moved_by_as_much_as_a_coarse_scale_asks_for_within_a_factor_of_two():
    lower, upper = edges_inside(lambda u: 0 if u < 0.301 else 1 if u < 0.698 else 2, 1, 1, 3, 0.3, 0.7)
    assert 0.301 <= lower < 0.302
    assert 0.696 < upper < 0.698


# --- what the base decides ----------------------------------------------------------------------------------------------------


def test_a_source_of_random_numbers_is_what_scikit_learn_takes_it_for():
    generator, state = np.random.default_rng(0), np.random.RandomState(0)
    assert as_random_state(generator) is generator
    assert as_random_state(state) is state
    assert as_random_state(3).uniform() == np.random.RandomState(3).uniform()
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(5)  # noqa: NPY002
        assert as_random_state(None).uniform() == np.random.RandomState(5).uniform()
    finally:
        np.random.set_state(before)  # noqa: NPY002


def test_a_renamed_copy_leaves_the_other_as_it_is():
    first = Integer(1, 5, name="n", role="environment")
    again = first.renamed("m")
    assert (first.name, again.name, again.role, again.bounds) == ("n", "m", "environment", (1, 5))
    with pytest.raises(InputError, match="name of a dimension must be a string or None, got 3"):
        first.renamed(3)


def test_numbers_are_recorded_as_they_are_and_checked_when_they_are_read():
    for dimension, value in ((Real(0, 1), 0.1 + 0.2), (Integer(1, 5), 3)):
        assert dimension.dump(value) is value
        assert dimension.load(value) == value
        assert dimension.copied(value) is value
        assert not dimension.mutable
        assert not dimension.is_constant
        with pytest.raises(InputError, match="expected"):
            dimension.load(7)
    assert Categorical(["only"]).is_constant
