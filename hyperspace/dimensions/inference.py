"""What dimension a user's tuple, list or scikit-optimize object stands for."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperspace.dimensions.base import Dimension
from hyperspace.dimensions.categorical import Categorical
from hyperspace.dimensions.numeric import PRIORS, Integer, Real
from hyperspace.errors import InputError
from hyperspace.values import is_number, plain


def check_dimension(dimension: Any) -> Dimension:
    """Return the dimension that a user wrote, read as scikit-optimize reads it.

    Args:
        dimension: a Real, Integer or Categorical, ours or scikit-optimize's; (low, high), (low, high, prior) or
            (low, high, prior, base) of integers or of numbers; or a list of categories.

    Raises:
        InputError: something else, or bounds that make no dimension.
    """
    if isinstance(dimension, Dimension):
        return dimension
    if skopt_class(dimension) is not None:
        return _from_skopt(dimension)
    if not isinstance(dimension, (list, tuple, np.ndarray)):
        raise InputError(
            f"expected (low, high[, prior]), a list of categories, or a Real, Integer or Categorical; got {dimension!r}"
        )
    values = [plain(value) for value in dimension]
    numeric = len(values) >= 2 and all(is_number(value) for value in values[:2])
    if numeric and len(values) == 2:
        return _numeric(*values)
    if numeric and len(values) in (3, 4) and values[2] in PRIORS and all(is_number(base) for base in values[3:]):
        return _numeric(*values)
    if isinstance(dimension, tuple):  # a list of these is categories; a tuple is more likely bounds with a mistake
        if numeric and len(values) in (3, 4) and isinstance(values[2], str):
            raise InputError(
                f'prior must be "uniform" or "log-uniform", got {values[2]!r}; if these are categories, write a list: {values}'
            )
        if len(values) == 2 and not any(isinstance(value, (str, bool)) for value in values):
            raise InputError(
                f"expected two numbers low and high, got {dimension!r}; if these are categories, write a list: {values}"
            )
    return Categorical(values)


def _numeric(low: Any, high: Any, *scale: Any) -> Dimension:
    if isinstance(low, int) and isinstance(high, int):
        return Integer(low, high, *scale)
    return Real(low, high, *scale)


def skopt_class(value: Any) -> str | None:
    """Return the name of scikit-optimize's class that `value` is of, None if it is of none, without importing it."""
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
