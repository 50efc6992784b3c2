"""Base of the dimensions of a search space, with scikit-optimize's vocabulary but without its import.

Each dimension has one coordinate u in [0, 1], the same for every optimizer:

    Real         (v - low) / (high - low); a log-uniform one in the logarithm
    Integer      (v - low + 0.5) / n for n values; a log-uniform one in the logarithm of [low - 0.5, high + 0.5]
    Categorical  (j + 0.5) / k for category j of k, in listed order

Integers and categories are levels: intervals of u that represent one value. The coordinate above is that of the value.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.space.values import is_one_of
from hyperspace.typing import Array

DESIGN, ENVIRONMENT = "design", "environment"
# Tolerance for rounding: a level belongs to a part if its coordinate is this close to the part's bounds.
ROUNDING = 1e-9
EPSILON = 2.0**-53


class Dimension(ABC):
    """Base of the dimensions.

    Attributes:
        name: name of the dimension; None if the user gave none.
        role: "design" (searched), or "environment" (set by the caller, never partitioned).
        levels: number of values; 0 for a continuous dimension.
        even: whether the levels have equal width in the unit interval.
        transform_: scikit-optimize's transformation; it only affects the result of `to_skopt`.
    """

    levels: int = 0
    even: bool = True
    prior: Any = None
    size = 1
    _transforms: tuple[str, ...] = ("identity", "normalize")

    def __init__(self, transform: str, name: str | None, role: str) -> None:
        self.name = name
        self.role = role
        self.set_transformer(transform)
        if not is_one_of(role, (DESIGN, ENVIRONMENT)):
            raise InputError(f'{self._label}: role must be "design" or "environment", got {shown(role)}')

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise InputError(f"the name of a dimension must be a string or None, got {shown(name)}")
        self._name = name

    @property
    def _label(self) -> str:
        return type(self).__name__ + (f" {shown(self._name)}" if self._name is not None else "")

    def renamed(self, name: str) -> Dimension:
        """Return a copy of this dimension with the name `name`."""
        other = copy.copy(self)
        other.name = name
        return other

    @abstractmethod
    def to_unit(self, values: Sequence[Any]) -> Array:
        """Return the coordinates (n,) of n values of this dimension."""

    @abstractmethod
    def from_unit(self, u: Array) -> list[Any]:
        """Return the Python values at the coordinates u (n,)."""

    @abstractmethod
    def restrict(self, lower: float, upper: float) -> tuple[Dimension, float, float]:
        """Return the part whose coordinates are in [lower, upper], and its bounds.

        The bounds of a part of an integer or categorical dimension are just inside the edges of its outermost levels. A part
        has at least one value. A part with a single value is a Categorical of that value.
        """

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return `value` as a plain Python value of this dimension.

        Raises:
            InputError: it is outside the dimension.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the definition of the dimension without its name, as plain JSON values."""

    @abstractmethod
    def to_skopt(self, transform: str | None = None) -> Any:
        """Return scikit-optimize's dimension, with `transform` instead of this one's own."""

    def dump(self, value: Any) -> Any:
        """Return `value` as a JSON value."""
        return value

    def load(self, value: Any) -> Any:
        """Return the value that `dump` saved.

        Raises:
            InputError: it is outside the dimension.
        """
        return self.check(value)

    @property
    def mutable(self) -> bool:
        """Whether there are mutable values."""
        return False

    def copied(self, value: Any) -> Any:
        """Return `value`, a value of this dimension, or a copy if it is mutable."""
        return value

    def __contains__(self, value: Any) -> bool:
        """Return whether `value` is in this dimension."""
        try:
            self.check(value)
        except InputError:
            return False
        return True

    # The rest completes scikit-optimize's interface. Methods that a study does not need call scikit-optimize itself.

    @property
    @abstractmethod
    def bounds(self) -> tuple[Any, ...]:
        """(low, high), or the categories."""

    @abstractmethod
    def rvs(self, n_samples: int | None = 1, random_state: Any = None) -> Any:
        """Return the random values of scikit-optimize for the same RandomState or seed.

        Args:
            n_samples: number of values; None for one value outside a list.
            random_state: None, a seed, a numpy RandomState or a Generator.
        """

    @property
    def is_constant(self) -> bool:
        """Whether there is only one value."""
        return self.levels == 1

    def set_transformer(self, transform: str) -> None:
        """Set scikit-optimize's transformation."""
        if transform not in self._transforms:
            raise InputError(f"{self._label}: transform must be one of {', '.join(self._transforms)}, got {shown(transform)}")
        self.transform_ = transform

    def transform(self, values: Any) -> Any:
        """Transform values as scikit-optimize does."""
        return self.to_skopt().transform(values)

    def inverse_transform(self, transformed: Any) -> Any:
        """Invert `transform`."""
        return self.to_skopt().inverse_transform(transformed)

    @property
    def transformed_bounds(self) -> Any:
        """Bounds of the transformed values."""
        return self.to_skopt().transformed_bounds

    @property
    def transformed_size(self) -> int:
        """Number of columns of the transformed values."""
        return int(self.to_skopt().transformed_size)

    def distance(self, a: Any, b: Any) -> Any:
        """Return |a - b|; for categories 0 or 1.

        Raises:
            RuntimeError: a or b is outside the dimension.
        """
        if a not in self or b not in self:
            raise RuntimeError(f"a distance needs two values within {self!r}, got {shown(a)} and {shown(b)}")
        return self._distance(a, b)

    def _distance(self, a: Any, b: Any) -> Any:
        return abs(a - b)


def as_random_state(random_state: Any) -> Any:
    """Return the source of random numbers by scikit-learn's convention; a Generator is returned unchanged."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    from numpy.random import RandomState, mtrand

    if random_state is None:
        return mtrand._rand
    return random_state if isinstance(random_state, RandomState) else RandomState(random_state)


def levels_at(u: Any, n: Any) -> Any:
    """Return the level of each coordinate among n equal ones, int64, in u's shape; n is an int, or an array of them."""
    return np.minimum(np.floor(np.clip(np.atleast_1d(u), 0.0, 1.0) * n).astype(np.int64), n - 1)


def centers(levels: Array, n: Any) -> Array:
    """Return the coordinates of the levels 0 to n - 1."""
    coordinates: Array = (levels + 0.5) / n
    return coordinates


def levels_between(lower: float, upper: float, n: int) -> tuple[int, int]:
    """Return the first and last of n equal levels with centers in [lower, upper]; the level at its middle if there is none."""
    first, last = math.ceil(lower * n - 0.5 - ROUNDING), math.floor(upper * n - 0.5 + ROUNDING)
    if first <= last:
        return first, last
    middle = int(levels_at((lower + upper) / 2, n)[0])
    return middle, middle


def edges_inside(
    level_at: Callable[[float], int], first: int, last: int, n: int, lower: float, upper: float
) -> tuple[float, float]:
    """Return the edges of the levels first to last, moved inside by about the rounding error, within a factor of two."""
    lower, upper = 0.0 if first == 0 else lower, 1.0 if last == n - 1 else upper
    step = EPSILON
    while level_at(lower) < first:
        lower, step = lower + step, 2 * step
    step = EPSILON
    while level_at(upper) > last:
        upper, step = upper - step, 2 * step
    return lower, upper
