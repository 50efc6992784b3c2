"""Single values: what counts as a number, what tells categories apart, and descriptions that are read back."""

import copy
import decimal
import enum
import functools
import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspace.errors import InputError
from hyperspace.space.values import (
    Recorded,
    describe_value,
    is_finite,
    is_number,
    is_one_of,
    is_scalar,
    is_true,
    is_whole,
    key_of,
    plain,
    read_description,
)


class Color(enum.Enum):
    RED = 1


class Loud:
    """An object that hides its address, as most do not."""

    def __repr__(self):
        return "Loud()"


class Broken:
    def __repr__(self):
        raise RuntimeError("no text")


class Answer:
    """A number of an array library, as torch's: `item` gives Python's value."""

    def __init__(self, value, size=1):
        self._value, self.size = value, size

    def item(self):
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


@pytest.mark.parametrize(
    ("value", "number", "whole", "finite"),
    [
        (1, True, True, True),
        (np.int8(1), True, True, True),
        (1.5, True, False, True),
        (2.0, True, False, True),
        (np.float32(2.0), True, False, True),
        (Fraction(1, 3), True, False, True),
        (math.inf, True, False, False),
        (math.nan, True, False, False),
        (np.float64("nan"), True, False, False),
        (10**400, True, True, False),  # no double holds it
        (2**1023, True, True, True),
        (True, False, False, False),
        (np.bool_(True), False, False, False),
        (decimal.Decimal(1), False, False, False),
        (1j, False, False, False),
        ("1", False, False, False),
        (None, False, False, False),
        (np.ones(1), False, False, False),
    ],
)
def test_what_counts_as_a_number(value, number, whole, finite):
    assert (is_number(value), is_whole(value), is_finite(value)) == (number, whole, finite)


@pytest.mark.parametrize("value", [True, np.bool_(True), np.array(True), np.array([True]), Answer(True)])
def test_true_is_what_python_or_an_array_library_calls_so(value):
    assert is_true(value)


@pytest.mark.parametrize(
    "value",
    [False, 1, 1.0, "yes", None, [True], np.array([True, True]), np.int64(1), Answer(ValueError()), Answer(True, 2), Answer],
)
def test_nothing_else_is_true(value):
    assert not is_true(value)


def test_one_of_several_words():
    assert is_one_of("a", ("a", "b"))
    assert is_one_of(np.str_("a"), ("a", "b"))
    assert not any(is_one_of(value, ("a", "b")) for value in ("c", "", 1, None, ["a"], np.array(["a"])))
    assert not is_one_of(["a"], {"a": 1})  # it cannot be hashed


def test_json_scalars():
    assert all(map(is_scalar, [None, "a", True, 1, 10**400, 1.5]))
    assert not any(map(is_scalar, [math.nan, math.inf, (1,), [1], {}, np.float64(1.0), np.str_("a"), Recorded("a"), b"a", 1j]))


def test_numpy_scalars_become_plain_and_nothing_else_does():
    assert [type(plain(value)) for value in (np.float32(1), np.int8(1), np.bool_(1), np.str_("a"))] == [float, int, bool, str]
    array, answer = np.ones(1), Answer(1)
    assert plain(array) is array
    assert plain(answer) is answer


# --- keys ---------------------------------------------------------------------------------------------------------------------

APART = [
    [True, 1, 1.0, "1", b"1", None, 0, False, Fraction(1), decimal.Decimal(1), Color.RED, 1 + 0j],
    [(1,), [1], {1}, frozenset({1}), {1: 1}, np.array([1]), (1.0,), (True,), [(1,)], [[1]]],
    [np.zeros(2), np.zeros(3), np.zeros((1, 2)), np.zeros(2, dtype=np.float32), np.zeros(2, dtype=int), np.ones(2)],
    [{"a": 1}, {"a": True}, {"b": 1}, {"a": [1]}, {"a": 1, "b": 2}],
    ["max", max, Recorded("max"), Recorded("max", 1), {"object": "max"}],
    [math.nan, "nan", math.inf, -math.inf],
]


@pytest.mark.parametrize("values", APART)
def test_categories_of_other_types_or_content_have_other_keys(values):
    assert len({key_of(value) for value in values}) == len(values)


@pytest.mark.parametrize("values", APART)
def test_a_copy_has_the_same_key(values):
    for value in values:
        assert key_of(value) == key_of(copy.deepcopy(value))


def test_numpy_scalars_have_the_keys_of_what_they_stand_for():
    assert key_of(np.int32(1)) == key_of(1) != key_of(np.bool_(True)) == key_of(True)
    assert key_of((np.float64(0.5), np.nan)) == key_of((0.5, math.nan))


@pytest.mark.parametrize("value", [np.array([[1], None], dtype=object), bytearray(b"a")])
def test_what_cannot_be_told_apart_by_content_has_no_key_that_can_be_hashed(value):
    with pytest.raises(TypeError, match="unhashable"):
        hash(key_of(value))


# --- descriptions -------------------------------------------------------------------------------------------------------------

floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), floats, st.text("a'\"\\\n\u00e9", max_size=3))
nested = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=5,
)


@given(nested)
@settings(max_examples=50)
def test_what_json_can_hold_is_read_back_as_it_was(value):
    described = json.loads(json.dumps(describe_value(value), allow_nan=False))
    again = read_description(described)
    assert key_of(again) == key_of(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_floats_that_json_cannot_hold_are_read_back(value):
    again = read_description(json.loads(json.dumps(describe_value(value), allow_nan=False)))
    assert key_of(again) == key_of(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (max, "builtins.max"),
        (Loud, f"{__name__}.Loud"),
        (Loud(), "Loud()"),
        (Broken(), f"<{__name__}.Broken>"),
        (Color.RED, "<Color.RED: 1>"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset("ba"), "frozenset({'a', 'b'})"),
        (set(), "set()"),
        ((1,), "(1,)"),
        ([{"b": {2, 1}}, (Loud(),)], "[{'b': {1, 2}}, (Loud(),)]"),
        (1j, "1j"),
    ],
)
def test_other_objects_are_described_by_name_or_by_their_text(value, text):
    assert describe_value(value) == {"object": text}


def test_no_address_is_in_a_description():
    def inner():
        pass

    assert describe_value(object()) == {"object": "<object object>"}
    assert describe_value(inner)["object"].endswith("no_address_is_in_a_description.<locals>.inner")
    text = describe_value([functools.partial(inner), inner])["object"]
    assert "0x" not in text
    assert text.count("inner") == 2


@pytest.mark.parametrize("value", ["10 at 0x1f", ["10 at 0x1f"], {"where": "is at 0xabc"}])
def test_a_text_that_looks_like_an_address_is_kept(value):
    assert read_description(describe_value(value)) == value


@pytest.mark.parametrize("text", ["max", "{1, 2}", "[nan]", "[1", "(1j,)", "{(1,): 2}", "[__import__('os')]", "1 + 1"])
def test_a_description_that_is_no_json_value_stands_for_its_category(text):
    read = read_description({"object": text}, 2)
    assert type(read) is Recorded
    assert (str.__str__(read), read.number, repr(read)) == (text, 2, text)
    for again in (copy.deepcopy(read), pickle.loads(pickle.dumps(read))):
        assert (type(again), again, again.number) == (Recorded, text, 2)


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: (1, value), lambda value: {"a": [value]}])
def test_integers_that_python_would_not_read_back_are_refused(wrap):
    assert key_of(read_description(describe_value(wrap(10**3900)))) == key_of(wrap(10**3900))
    with pytest.raises(InputError, match=r"an integer of about 5001 digits cannot be recorded; write it as a string"):
        describe_value(wrap(10**5000))


def test_a_list_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(InputError, match="nested too deeply"):
        describe_value(value)
