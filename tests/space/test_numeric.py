"""Real and Integer: their scales, exactly at the ends and at every integer, and what belongs to them."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from dimensions import log_reals, reals, unit
from hypothesis import given
from hypothesis import strategies as st

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, check_space
from hyperspace.space.numeric import MOST_LEVELS

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


@pytest.mark.parametrize("low", [2**53 - 3, -(2**60), 2**62 + 1])
def test_scikit_optimize_gets_integers_that_doubles_cannot_hold(low):
    values = [low, low + 3, low + 10]
    theirs = check_space([(low, low + 10)]).to_skopt()
    assert theirs.inverse_transform(theirs.transform([[value] for value in values])) == [[value] for value in values]


@pytest.mark.parametrize("low", [2**53 - 3, 2**63 - 3, 10**30])
def test_random_integers_are_exact_beyond_doubles(low):
    drawn = Integer(low, low + 5).rvs(200, 0)
    assert {int(value) for value in drawn} == set(range(low, low + 6))


@pytest.mark.parametrize(
    ("dimension", "u", "value"),
    [
        (Real(-2.0, 6.0), 0.25, 0.0),
        (Real(1e-4, 1.0, "log-uniform"), 0.5, 1e-2),
        (Real(1.0, 8.0, "log-uniform", 2), 1 / 3, 2.0),
        (Integer(-1, 2), 0.49, 0),
        (Integer(-1, 2), 0.51, 1),
        (Integer(1, 99, "log-uniform"), math.log(9.4 / 0.5) / math.log(99.5 / 0.5), 9),
        (Integer(1, 99, "log-uniform"), math.log(9.6 / 0.5) / math.log(99.5 / 0.5), 10),
    ],
)
def test_values_computed_by_hand(dimension, u, value):
    assert dimension.from_unit(np.array([u])) == [pytest.approx(value, abs=1e-12)]


def test_two_adjacent_doubles_are_a_dimension_even_where_their_logarithms_are_equal():
    low = 1e300
    dimension = Real(low, math.nextafter(low, math.inf), "log-uniform")
    assert dimension.from_unit(np.array([0.0, 1.0])) == [dimension.low, dimension.high]
    assert np.isfinite(dimension.to_unit(dimension.bounds)).all()


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), Fraction(1, 4), 0, np.int64(1), np.float64(1.0)])
def test_a_real_takes_every_real_number_as_a_float(value):
    checked = Real(0, 1).check(value)
    assert type(checked) is float
    assert checked == value


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float32(3.0), Fraction(3)])
def test_an_integer_takes_whole_numbers_of_any_type_as_an_int(value):
    checked = Integer(1, 5).check(value)
    assert type(checked) is int
    assert checked == 3


@pytest.mark.parametrize("value", [True, "1", None, 1j, math.nan, math.inf, -math.inf, 10**400, Decimal(1), [1], np.ones(1)])
@pytest.mark.parametrize("dimension", [Real(0, 5), Integer(0, 5)])
def test_what_is_no_number_within_is_refused(dimension, value):
    with pytest.raises(InputError, match=r"expected an? (number|integer) from 0(\.0)? to 5(\.0)?, got"):
        dimension.check(value)


def test_the_bounds_belong_to_it_and_what_is_next_to_them_does_not():
    assert Real(0.1, 0.3).check(0.1) == 0.1
    assert 0.1 + 0.2 not in Real(0.1, 0.3)  # 0.30000000000000004
    assert 0 not in Integer(1, 5)
    assert 1.5 not in Integer(1, 5)
    assert 6 not in Integer(1, 5)


def test_as_many_integers_as_a_coordinate_tells_apart_and_no_more():
    assert Integer(1, MOST_LEVELS["uniform"]).levels == 2**50
    assert Integer(5, MOST_LEVELS["log-uniform"], "log-uniform").levels == 2**40 - 4
    for low, high, prior in ((0, 2**50, "uniform"), (2**40, 2**40 + 1, "log-uniform")):
        with pytest.raises(InputError, match=r"integers can be searched.*take a Real and round it"):
            Integer(low, high, prior)


def test_a_part_keeps_what_defines_the_dimension():
    part, lower, upper = Real(1.0, 16.0, "log-uniform", 2, "normalize", "x", np.float32, role="environment").restrict(0.25, 0.5)
    assert (lower, upper) == (0.25, 0.5)
    assert part.bounds == pytest.approx((2.0, 4.0))
    kept = (part.prior, part.base, part.transform_, part.name, part.dtype, part.role)
    assert kept == ("log-uniform", 2, "normalize", "x", np.float32, "environment")


@pytest.mark.parametrize("dimension", [Real(0, 1, name="x", role="environment"), Integer(4, 9, name="x", role="environment")])
def test_a_part_of_one_value_is_a_category_of_the_same_name_and_role(dimension):
    part, *_ = dimension.restrict(0.0, 0.0)
    assert part == Categorical([dimension.low], role="environment")
    assert (part.name, part.role) == ("x", "environment")


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_parts_of_a_log_uniform_integer_hold_the_levels_that_are_between(overlap):
    dimension = Integer(1, 100, "log-uniform")
    lower, upper = 0.5 - overlap / 2, 0.5 + overlap / 2
    coordinates = dimension.to_unit(range(1, 101))
    upper_part, first_edge, _ = dimension.restrict(lower, 1.0)
    lower_part, _, last_edge = dimension.restrict(0.0, upper)
    assert upper_part.low == 1 + int(np.argmax(coordinates >= lower))
    assert lower_part.high == 1 + int(np.flatnonzero(coordinates <= upper)[-1])
    assert dimension.from_unit(np.array([first_edge, last_edge])) == [upper_part.low, lower_part.high]


def test_a_description_is_json_and_does_not_hold_the_name():
    for dimension in (Real(1e-3, 1.0, "log-uniform", 2, name="x"), Integer(-3, 9, role="environment")):
        described = json.loads(json.dumps(dimension.describe()))
        assert "name" not in described
        kind = {"real": Real, "integer": Integer}[described.pop("kind")]
        assert kind(**described) == dimension


def test_scikit_optimize_cannot_hold_integers_beyond_64_bits():
    with pytest.raises(InputError, match=r"scikit-optimize holds integers below 2\^63.*search an Integer from 0"):
        Integer(2**63, 2**63 + 5).to_skopt()


def test_random_values_have_the_type_that_was_asked_for():
    assert Real(0, 1, dtype=np.float32).rvs(3, 0).dtype == np.float32
    assert Integer(0, 9, dtype=np.int16).rvs(3, 0).dtype == np.int16
    assert [type(value) for value in Integer(0, 9, dtype=int).rvs(2, 0)] == [int, int]
    assert type(Integer(2**63, 2**63 + 5).rvs(None, 0)) is int
