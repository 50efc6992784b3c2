"""Conversion of a user's tuple, list or scikit-optimize object to a dimension.

A tuple (low, high[, prior[, base]]) is an interval. The meaning of a list depends on its context:
    in a dict           always categories; a list that can only be an interval, such as [1, 9, "log-uniform"], is an error
    in a list           categories; a list of two numbers is an error, since scikit-optimize reads it as an interval; two numbers
                        and a prior are an interval, as in scikit-optimize
    in a TOML file      an interval if it holds two numbers, with or without a prior: TOML has no tuples
A numpy array is treated as a list. If the whole space is an array, each of its rows is an interval.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.space.categorical import Categorical
from hyperspace.space.dimension import Dimension
from hyperspace.space.numeric import PRIORS, Integer, Real
from hyperspace.space.values import is_number, plain

# Common words for "log-uniform" or "uniform", without hyphens, underscores and blanks.
_LIKE_LOG = ("loguniform", "log", "logarithmic", "lognormal", "loguniformint", "log10", "reciprocal", "uniformlog")
_LIKE_A_NUMBER = re.compile(r"\s*[-+]?\d[-+\d.,_^*/e%\s]*")  # 1,5 or 1/100 or 10^-5 or 5%
_LIKE_UNIFORM = (
    "uniform",
    "lin",
    "linuniform",
    "normal",
    "gaussian",
    "uniformfloat",
    "uniformint",
    "int",
    "integer",
    "float",
    "real",
    "double",
)


class Lists(Enum):
    """Context of a list, which decides whether two numbers in it can be an interval."""

    IN_A_DICT = "categories"
    IN_A_LIST = "unclear"
    INTERVALS = "intervals"


def check_dimension(dimension: Any, lists: Lists = Lists.INTERVALS) -> Dimension:
    """Return the dimension for a user's definition.

    Bounds with a mistake, such as a misspelled prior or numbers in quotes, are errors. As categories they would go unnoticed.

    Args:
        dimension: a Real, Integer or Categorical, ours or scikit-optimize's; (low, high), (low, high, prior) or
            (low, high, prior, base) of integers or of numbers; or a list of categories.
        lists: meaning of a list of two numbers; INTERVALS reads it as scikit-optimize does.

    Raises:
        InputError: another type, invalid bounds, or a list that may be bounds or categories.
    """
    if isinstance(dimension, Dimension):
        return dimension
    if skopt_class(dimension) is not None:
        return _from_skopt(dimension)
    if isinstance(dimension, (set, frozenset)):
        return Categorical(dimension)  # raises with the reason
    if not isinstance(dimension, (list, tuple, np.ndarray)) or getattr(dimension, "ndim", 1) == 0:
        raise InputError(
            f"expected (low, high[, prior]), a list of categories, or a Real, Integer or Categorical; got {shown(dimension)}"
        )
    values = [plain(value) for value in dimension]
    numeric = len(values) >= 2 and all(is_number(value) for value in values[:2])
    is_list = not isinstance(dimension, tuple)
    if is_list and lists is Lists.IN_A_DICT and numeric and len(values) == 2:
        return Categorical(values)
    if is_list and lists is Lists.IN_A_LIST and numeric and len(values) == 2:
        raise InputError(
            f"the list {shown(values)} may be an interval or two categories; write {_as_interval(values, '()')} for the "
            f"interval, or Categorical({shown(values)}) for the categories"
        )
    if numeric and len(values) == 2:
        return bounded(*values)
    prior = isinstance(values[2], str) and values[2] in PRIORS if len(values) in (3, 4) else False
    brackets = "[]" if lists is Lists.INTERVALS else "()"
    if numeric and prior and all(is_number(base) for base in values[3:]):
        if is_list and lists is Lists.IN_A_DICT:
            raise InputError(
                f"a list in a dict is categories, got {shown(values)}; write {_as_interval(values, brackets)} for the interval; "
                f"{_as_categories(values)}"
            )
        return bounded(*values)
    _refuse_mistaken_bounds(values, brackets)
    if isinstance(dimension, tuple):  # a list of these is categories; a tuple is more likely bounds with a mistake
        if numeric and len(values) in (3, 4) and isinstance(values[2], str):
            raise InputError(
                f'prior must be "uniform" or "log-uniform", got {shown(values[2])}; if these are categories, write a list: '
                f"{shown(values)}"
            )
        if len(values) == 2 and not any(isinstance(value, (str, bool)) for value in values):
            raise InputError(
                f"expected two numbers low and high, got {shown(dimension)}; if these are categories, write a list: "
                f"{shown(values)}"
            )
        _refuse_other_tuples(values, numeric)
    return Categorical(values)


def _refuse_other_tuples(values: Sequence[Any], numeric: bool) -> None:
    """Check a tuple that starts as an interval but is not one, such as (10, 100, 5) with an intended step.

    Raises:
        InputError: its first two values are numbers, or a number and a prior.
    """
    if len(values) < 2:
        return
    if numeric:
        raise InputError(
            f'a tuple of numbers is an interval, (low, high) or (low, high, "log-uniform"), got {shown(tuple(values))}; there is '
            f"no step: for some of the values, write them as a list, such as {shown(list(values))}"
        )
    number, other = (values[0], values[1]) if is_number(values[0]) else (values[1], values[0])
    if is_number(number) and _meant_prior(other) is not None:
        raise InputError(
            f'an interval has two ends, (low, high) or (low, high, "log-uniform"), got {shown(tuple(values))}; if these are '
            f"categories, write a list: {shown(list(values))}"
        )


def bounded(low: Any, high: Any, *scale: Any) -> Dimension:
    """Return the Integer between two integers, or the Real between two numbers.

    Raises:
        InputError: values that are not numbers, or invalid bounds.
    """
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, str):
            raise InputError(f"{name} must be a number, got the text {shown(value)}; {_without_quotes([low, high])}")
    if isinstance(low, int) and isinstance(high, int):
        return Integer(low, high, *scale)
    return Real(low, high, *scale)


def _refuse_mistaken_bounds(values: Sequence[Any], brackets: str) -> None:
    """Check values that resemble (low, high[, prior[, base]]) and would become a list of categories.

    Raises:
        InputError: numbers in quotes beside a number or a prior, a misspelled or misplaced prior, or too many values.
    """
    if len(values) < 2 or len(values) > 5:
        return
    numbers, texts = [is_number(value) for value in values], [_is_number_in_quotes(value) for value in values]
    bounds = [number or text for number, text in zip(numbers, texts, strict=True)]
    if len(values) == 2:
        if all(bounds) and any(numbers) and any(texts):
            raise InputError(
                f"low and high must be numbers, got {shown(values)}; {_without_quotes(values, brackets)}; "
                f"{_as_categories(values)}"
            )
        return
    place = next((place for place in (2, 0, 1) if _meant_prior(values[place]) is not None), None)
    others = [value for j, value in enumerate(bounds[:3]) if j != place]
    if place is None or not all(others):
        return
    prior = _meant_prior(values[place])
    meant = [*(value for j, value in enumerate(values[:3]) if j != place), prior, *values[3:4]]
    if values[place] not in PRIORS:
        reason = f'prior must be "uniform" or "log-uniform", got {shown(values[place])}'
    elif any(texts):
        reason = f"low, high and base must be numbers, got {shown(values)}"
    elif place != 2:
        reason = f"expected low, high, prior in this order, got {shown(values)}"
    else:
        reason = f"expected low, high, prior and at most a base, a number, got {shown(values)}"
    raise InputError(f"{reason}; {_without_quotes(meant, brackets)}; {_as_categories(values)}")


def _meant_prior(value: Any) -> str | None:
    """Return the prior for a word, misspelled or not; None for any other word."""
    if not isinstance(value, str):
        return None
    word = "".join(character for character in value.lower() if character.isalnum())
    if value in PRIORS:
        return value
    if word in _LIKE_LOG or (word != "uniform" and difflib.get_close_matches(word, _LIKE_LOG[:1], cutoff=0.8)):
        return "log-uniform"
    return "uniform" if word in _LIKE_UNIFORM or difflib.get_close_matches(word, _LIKE_UNIFORM[:1], cutoff=0.8) else None


def _is_number_in_quotes(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return len(value) <= 40 and not math.isnan(float(value))
    except ValueError:
        return len(value) <= 40 and _LIKE_A_NUMBER.fullmatch(value) is not None


def describe_doubtful_lists(hyperparameters: Any) -> list[str]:
    """Return a sentence for each list of two numbers in a user's dict, since some people mean an interval by it."""
    items = hyperparameters.items() if isinstance(hyperparameters, Mapping) else ()
    pairs = [(name, [plain(value) for value in values]) for name, values in items if isinstance(values, list)]
    return [
        f"{name}: {shown(values)} is a choice of two values; for all values between them write {_as_interval(values, '()')}, and "
        f"for the choice without this line Categorical({shown(values)})"
        for name, values in pairs
        if len(values) == 2 and all(map(is_number, values))
    ]


def _as_interval(values: Sequence[Any], brackets: str) -> str:
    """Return the text of bounds: numbers without quotes, in these brackets."""
    return brackets[0] + ", ".join(f'"{value}"' if value in PRIORS else _as_number(value) for value in values) + brackets[1]


def _without_quotes(values: Sequence[Any], brackets: str = "[]") -> str:
    """Return a hint on how bounds are written."""
    exponents = any(isinstance(value, str) and "e" in value.lower() and value not in PRIORS for value in values)
    return f"write {_as_interval(values, brackets)}" + (" (YAML reads 1e-5 as text, and 1.0e-5 as a number)" if exponents else "")


def _as_number(value: Any) -> str:
    if not isinstance(value, str):
        return shown(value)
    text = value.strip()
    mantissa, mark, exponent = text.lower().partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def _as_categories(values: Sequence[Any]) -> str:
    return f"if these are categories, write Categorical({shown(list(values))}), in TOML {{categories = [...]}}"


def skopt_class(value: Any) -> str | None:
    """Return the name of the scikit-optimize class of `value`, None for other classes, without importing scikit-optimize."""
    names = ("Real", "Integer", "Categorical", "Space")
    return next(
        (cls.__name__ for cls in type(value).__mro__ if cls.__module__.startswith("skopt.") and cls.__name__ in names), None
    )


def _from_skopt(dimension: Any) -> Dimension:
    if skopt_class(dimension) == "Categorical":
        return Categorical(dimension.categories, dimension.prior, dimension.transform_, dimension.name)
    cls = Real if skopt_class(dimension) == "Real" else Integer
    return cls(
        dimension.low,
        dimension.high,
        dimension.prior,
        dimension.base,
        dimension.transform_,
        dimension.name,
        dimension.dtype,
    )
