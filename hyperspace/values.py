"""Single values: numpy scalars made plain, numbers told from bools, and categories told apart and described."""

from __future__ import annotations

import math
import numbers
import re
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value it stands for, anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def is_number(value: Any) -> bool:
    """Return whether `value` is a real number; a bool is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Return whether `value` is a real number that a double can hold, within rounding."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:
        return False


def is_scalar(value: Any) -> bool:
    """Return whether `value` is a JSON scalar: a string, a bool, None, or a finite number."""
    return value is None or type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


def key_of(value: Any) -> Any:
    """Return what tells `value` from other categories: its type too, so that True, 1 and 1.0 are three categories.

    The key of a value that cannot be hashed, lists and dicts of hashable values aside, cannot be hashed either.
    """
    kind = f"{type(value).__module__}.{type(value).__qualname__}"  # not the type itself: some types cannot be pickled
    if isinstance(value, (list, tuple)):
        return kind, tuple(key_of(element) for element in value)
    if isinstance(value, dict):
        return kind, tuple((key_of(key), key_of(element)) for key, element in value.items())
    if isinstance(value, float) and math.isnan(value):  # nan is not equal to itself, and a category must be found again
        return kind, "nan"
    return kind, value


def describe_value(value: Any) -> Any:
    """Return a JSON value that describes a category the same way in every process: no address in it."""
    if is_scalar(value):
        return value
    name = getattr(value, "__qualname__", None)
    if name is not None:
        return {"object": f"{getattr(value, '__module__', None)}.{name}"}
    return {"object": re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))}
