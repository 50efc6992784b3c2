"""Single values: plain values of numpy scalars, number tests, and keys, descriptions and restoration of categories."""

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

_MOST_BITS = 13_000  # bits of an integer, about 3,900 digits: Python reads at most 4,300
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """Return the Python value of a numpy scalar, and any other value unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def is_number(value: Any) -> bool:
    """Return whether `value` is a real number; a bool is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether `value` is an integer of Python or numpy; a bool and a float are not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Return whether `value` is a real number that a double can represent, up to rounding."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:
        return False


def is_true(answer: Any) -> bool:
    """Return whether an answer is True, of Python or of an array library such as numpy; any other value is not."""
    if hasattr(answer, "item") and getattr(answer, "size", 1) == 1:
        try:
            answer = answer.item()
        except Exception:  # an exception of a user's object; it is not True
            return False
    return answer is True


def is_one_of(value: Any, choices: Container[str]) -> bool:
    """Return whether `value` is a string among `choices`; arrays and unhashable values are not."""
    return isinstance(value, str) and value in choices


def is_scalar(value: Any) -> bool:
    """Return whether `value` is a JSON scalar: a string, a bool, None, or a finite number."""
    return value is None or type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


def key_of(value: Any) -> Any:
    """Return a key that distinguishes `value` from other categories. It includes the type: True, 1 and 1.0 are three categories.

    The keys of lists, dicts, sets and arrays depend on their content. The key of any other unhashable value is unhashable too.
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
    if isinstance(value, float) and math.isnan(value):  # nan is not equal to itself, but a category must be found
        return kind, "nan"
    if isinstance(value, Recorded):
        return kind, str(value), value.number
    return kind, value


class Recorded(str):
    """Description of a category that JSON cannot represent, in a space that was read from a file.

    It matches every category with this description. `number` is its number among several in one dimension, such as two lambdas.
    """

    number: int

    def __new__(cls, description: str, number: int = 0) -> Recorded:
        """Return the description as a string with its number."""
        recorded = super().__new__(cls, description)
        recorded.number = number
        return recorded

    def __reduce__(self) -> tuple[type[Recorded], tuple[str, int]]:
        """Pickle and copy the description with its number."""
        return type(self), (str.__str__(self), self.number)

    def __repr__(self) -> str:
        """Show the description."""
        return str.__str__(self)


def describe_value(value: Any) -> Any:
    """Return a JSON value that describes a category identically in every process, without addresses and set order.

    Raises:
        InputError: an integer of thousands of digits, which Python cannot read.
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
    except Exception:  # a user's repr that fails
        return f"<{kind.__module__}.{kind.__qualname__}>"


def _check_length(value: Any) -> None:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise InputError(f"{shown(value)} cannot be recorded; write it as a string, and make a number of it in the objective")


def read_description(description: Any, number: int = 0) -> Any:
    """Return the category with a description of `describe_value`, or its `Recorded` description.

    Lists, tuples and dicts of JSON values, nan and the infinities are restored. No code is run.

    Args:
        description: the description in study.json.
        number: number of earlier categories with the same description.
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
    """Return whether JSON can represent `value`; a tuple counts as a list."""
    if type(value) in (list, tuple):
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(map(is_scalar, value)) and all(map(_is_json, value.values()))
    return is_scalar(value)
