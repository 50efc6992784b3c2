"""Single values: numpy scalars made plain, numbers told from bools, and categories told apart, described and read back."""

from __future__ import annotations

import ast
import hashlib
import math
import numbers
import re
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown

_MOST_BITS = 13_000  # of an integer, about 3,900 digits: Python reads at most 4,300
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value it stands for, anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def is_number(value: Any) -> bool:
    """Return whether `value` is a real number; a bool is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether `value` is an integer, Python's or numpy's; a bool and a float are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Return whether `value` is a real number that a double can hold, within rounding."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:
        return False


def is_true(answer: Any) -> bool:
    """Return whether an answer is True: Python's, or that of an array library such as numpy; no other value is."""
    if hasattr(answer, "item") and getattr(answer, "size", 1) == 1:
        try:
            answer = answer.item()
        except Exception:  # what others' objects raise is theirs; they are not True
            return False
    return answer is True


def is_one_of(value: Any, choices: Container[str]) -> bool:
    """Return whether `value` is a string among `choices`; arrays and what cannot be hashed are not."""
    return isinstance(value, str) and value in choices


def is_scalar(value: Any) -> bool:
    """Return whether `value` is a JSON scalar: a string, a bool, None, or a finite number."""
    return value is None or type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


def key_of(value: Any) -> Any:
    """Return what tells `value` from other categories: its type too, so that True, 1 and 1.0 are three categories.

    Lists, dicts, sets and arrays are told apart by what they hold. The key of anything else that cannot be hashed cannot be
    hashed either.
    """
    value = plain(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"  # not the type itself: some types cannot be pickled
    if isinstance(value, (list, tuple)):
        return kind, tuple(key_of(element) for element in value)
    if isinstance(value, dict):
        return kind, tuple((key_of(key), key_of(element)) for key, element in value.items())
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(key_of(element) for element in value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return kind, value.dtype.str, value.shape, hashlib.blake2b(value.tobytes()).digest()
    if isinstance(value, float) and math.isnan(value):  # nan is not equal to itself, and a category must be found again
        return kind, "nan"
    if isinstance(value, Recorded):
        return kind, str(value), value.number
    return kind, value


class Recorded(str):
    """The description of a category, where a space was read back and JSON has no form for the category itself.

    It stands for every category that is described so. Of several in one dimension, such as two lambdas, it is number `number`.
    """

    number: int

    def __new__(cls, description: str, number: int = 0) -> Recorded:
        """Return the description as a string that knows what it is."""
        recorded = super().__new__(cls, description)
        recorded.number = number
        return recorded

    def __reduce__(self) -> tuple[type[Recorded], tuple[str, int]]:
        """Pickle and copy it with its number."""
        return type(self), (str.__str__(self), self.number)

    def __repr__(self) -> str:
        """Show the description."""
        return str.__str__(self)


def describe_value(value: Any) -> Any:
    """Return a JSON value that describes a category the same way in every process: no address in it, no order of a set.

    Raises:
        InputError: an integer of thousands of digits, which Python would not read back.
    """
    if is_scalar(value):
        _check_length(value)
        return value
    name = getattr(value, "__qualname__", None)
    if name is not None:
        return {"object": f"{getattr(value, '__module__', None)}.{name}"}
    return {"object": _text_of(value)}


def _text_of(value: Any) -> str:
    """Return repr(value), with the elements of sets in order and without addresses."""
    kind = type(value)
    try:
        if kind in (list, tuple):
            inner = ", ".join(map(_text_of, value))
            return f"[{inner}]" if kind is list else f"({inner}{',' * (len(value) == 1)})"
        if kind is dict:
            return "{" + ", ".join(f"{_text_of(key)}: {_text_of(element)}" for key, element in value.items()) + "}"
        if kind in (set, frozenset) and value:
            inner = "{" + ", ".join(sorted(map(_text_of, value))) + "}"
            return inner if kind is set else f"frozenset({inner})"
        _check_length(value)
        return repr(value) if kind in (str, bytes) else re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"a category is nested too deeply to be recorded: {shown(value)}") from None
    except Exception:  # a repr of the user's that fails
        return f"<{kind.__module__}.{kind.__qualname__}>"


def _check_length(value: Any) -> None:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise InputError(f"{shown(value)} cannot be recorded; write it as a string, and make a number of it in the objective")


def read_description(description: Any, number: int = 0) -> Any:
    """Return the category that `describe_value` described, or its `Recorded` description.

    Lists, tuples and dicts of JSON's values come back as they were, and so do nan and the infinities. No code is run.

    Args:
        description: what stands in study.json.
        number: how many categories before it have the same description.
    """
    if not isinstance(description, Mapping):
        return description
    text = str(description["object"])
    if text in _FLOATS:
        return _FLOATS[text]
    if text[:1] in ("[", "(", "{"):
        try:
            value = ast.literal_eval(text)
            if _is_json(value):
                return value
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    return Recorded(text, number)


def _is_json(value: Any) -> bool:
    """Return whether JSON can hold `value`; a tuple counts as a list."""
    if type(value) in (list, tuple):
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(map(is_scalar, value)) and all(map(_is_json, value.values()))
    return is_scalar(value)
