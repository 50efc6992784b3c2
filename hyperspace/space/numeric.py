"""Real and Integer, the dimensions with bounds; `hyperspace.space.dimension` defines their coordinates."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown
from hyperspace.space.categorical import Categorical
from hyperspace.space.dimension import (
    DESIGN,
    ROUNDING,
    Dimension,
    as_random_state,
    centers,
    edges_inside,
    levels_at,
    levels_between,
)
from hyperspace.space.values import is_finite, is_number, is_one_of, plain
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

PRIORS = ("uniform", "log-uniform")
_EXACT, _LARGEST_INT64 = 2**53, 2**63 - 1
# Neighboring integers must have different coordinates as doubles, with a margin for rounding.
MOST_LEVELS = {"uniform": 2**50, "log-uniform": 2**40}


class _Numeric(Dimension):
    """Base of Real and Integer: low and high, and the scale between them."""

    low: Any
    high: Any
    _reach = 0.0  # extension of the scale beyond low and high
    _dtypes: type[np.number[Any]]

    def __init__(
        self, low: Any, high: Any, prior: str, base: float, transform: str | None, name: str | None, dtype: Any, role: str
    ) -> None:
        super().__init__("identity" if transform is None else transform, name, role)
        low, high, base = self._bound("low", plain(low)), self._bound("high", plain(high)), plain(base)
        if not is_one_of(prior, PRIORS):
            raise InputError(f'{self._label}: prior must be "uniform" or "log-uniform", got {shown(prior)}')
        if not low < high:
            raise InputError(
                f"{self._label}: low must be less than high, got low={shown(low)} and high={shown(high)}; "
                f"for one value write [{shown(low)}]"
            )
        if prior == "log-uniform" and low <= 0:
            raise InputError(f'{self._label}: "log-uniform" needs low > 0, got low={shown(low)}; raise it, or take "uniform"')
        if not is_finite(base) or float(base) <= 0 or float(base) == 1:
            raise InputError(f"{self._label}: base must be a positive number other than 1, got {shown(base)}")
        if not _is_dtype(dtype, self._dtypes):
            raise InputError(f"{self._label}: dtype must be one of numpy's {self._dtypes.__name__} types, got {shown(dtype)}")
        self.low, self.high, self.prior, self.base, self.dtype = low, high, prior, base, dtype
        self.log_base = math.log10(float(base))
        self._log = prior == "log-uniform"
        self.even = not self._log
        ends = np.array([low - self._reach, high + self._reach])
        self._start, stop = (float(end) for end in (np.log(ends) if self._log else ends))
        self._width = (stop - self._start) or 1.0  # two adjacent doubles can have equal logarithms

    @abstractmethod
    def _bound(self, end: str, value: Any) -> Any:
        """Return low or high in this dimension's type."""

    def _like(self, low: Any, high: Any) -> Dimension:
        """Return this dimension with other bounds."""
        if low == high:
            return Categorical([low], name=self.name, role=self.role)
        cls: Any = type(self)
        part: Dimension = cls(low, high, self.prior, self.base, self.transform_, self.name, self.dtype, role=self.role)
        return part

    def _normalized(self, scaled: Array) -> Array:
        if self._log:
            scaled = np.log(scaled)
        return np.clip((scaled - self._start) / self._width, 0.0, 1.0)

    def _denormalized(self, u: Array) -> Array:
        scaled = self._start + np.clip(u, 0.0, 1.0) * self._width
        return np.exp(scaled) if self._log else scaled

    @property
    def bounds(self) -> tuple[Any, Any]:
        """(low, high)."""
        return self.low, self.high

    def describe(self) -> dict[str, Any]:
        """Return kind, low, high, prior, base and role."""
        kind = type(self).__name__.lower()
        return {"kind": kind, "low": self.low, "high": self.high, "prior": self.prior, "base": self.base, "role": self.role}

    def to_skopt(self, transform: str | None = None) -> Any:
        """Return scikit-optimize's dimension, with `transform` instead of this one's own."""
        from skopt import space

        cls = getattr(space, type(self).__name__)
        return cls(self.low, self.high, self.prior, self.base, transform or self.transform_, self.name, self.dtype)

    def _log_rvs(self, rng: Any, n_samples: int | None) -> Any:
        start, stop = (np.log10(end) / np.log10(self.base) for end in self.bounds)
        return self.base ** _uniform(rng, start, stop - start, n_samples)

    def __eq__(self, other: object) -> bool:
        """Whether bounds, prior, transformation and role are exactly equal; names may differ."""
        if type(self) is not type(other) or not isinstance(other, _Numeric):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        """Return a hash consistent with ==."""
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return type(self), self.low, self.high, self.prior, self.transform_, self.role

    def __repr__(self) -> str:
        """Show bounds, prior and transformation."""
        return f"{type(self).__name__}(low={self.low}, high={self.high}, prior='{self.prior}', transform='{self.transform_}')"


@check_names()
class Real(_Numeric):
    """Dimension of real numbers from `low` to `high`, both included.

    Args:
        low: least value.
        high: greatest value.
        prior: scale of the search, "uniform" or "log-uniform".
        base: base of scikit-optimize's logarithm; the search does not depend on it.
        transform: see `Dimension`.
        name: key under which an objective that takes a dict receives the value.
        dtype: type of scikit-optimize's `inverse_transform` and `rvs`; the objective receives a float.
        role: "design" or "environment".

    Raises:
        InputError: low >= high, bounds that are not finite, "log-uniform" with low <= 0, or an unknown prior or role.
    """

    _dtypes = np.floating

    def __init__(
        self,
        low: float,
        high: float,
        prior: str = "uniform",
        base: float = 10,
        transform: str | None = None,
        name: str | None = None,
        dtype: Any = float,
        *,
        role: str = DESIGN,
    ) -> None:
        super().__init__(low, high, prior, base, transform, name, dtype, role)
        if not math.isfinite(self._width):
            raise InputError(f"{self._label}: high - low must be a finite double, got low={shown(low)} and high={shown(high)}")

    def _bound(self, end: str, value: Any) -> float:
        if not is_finite(value):
            raise InputError(f"{self._label}: {end} must be a finite number, got {shown(value)}")
        return float(value)

    def to_unit(self, values: Sequence[float]) -> Array:
        """Return the coordinates (n,) of n values of this dimension."""
        return self._normalized(np.array(values, dtype=float))

    def from_unit(self, u: Array) -> list[float]:
        """Return the floats at the coordinates u (n,); 0 gives low and 1 gives high exactly."""
        values = np.clip(self._denormalized(u), self.low, self.high)
        values[u <= 0.0], values[u >= 1.0] = self.low, self.high
        result: list[float] = values.tolist()
        return result

    def restrict(self, lower: float, upper: float) -> tuple[Dimension, float, float]:
        """Return the part whose coordinates are in [lower, upper], and these bounds."""
        low, high = self.from_unit(np.array([lower, upper]))
        return self._like(low, high), lower, upper

    def check(self, value: Any) -> float:
        """Return `value` as a float.

        Raises:
            InputError: it is not a number, or it is out of bounds.
        """
        if type(value) is float and self.low <= value <= self.high:  # fast path for trials of other ranks
            return value
        if not is_number(value) or not self.low <= value <= self.high:
            raise InputError(f"expected a number from {shown(self.low)} to {shown(self.high)}, got {shown(value)}")
        return float(value)

    def rvs(self, n_samples: int | None = 1, random_state: Any = None) -> Any:
        """Return random values from the prior; see `Dimension.rvs`."""
        rng = as_random_state(random_state)
        draws = self._log_rvs(rng, n_samples) if self._log else _uniform(rng, self.low, self.high - self.low, n_samples)
        draws = np.clip(draws, self.low, self.high).astype(self.dtype)
        return draws.tolist() if self.dtype in (float, "float") else draws


@check_names()
class Integer(_Numeric):
    """Dimension of integers from `low` to `high`, both included.

    Args:
        low: least value.
        high: greatest value.
        prior: scale of the search, "uniform" or "log-uniform".
        base: base of scikit-optimize's logarithm; the search does not depend on it.
        transform: see `Dimension`.
        name: key under which an objective that takes a dict receives the value.
        dtype: type of scikit-optimize's `inverse_transform` and `rvs`; the objective receives an int.
        role: "design" or "environment".

    Raises:
        InputError: low >= high, bounds that are not integers, "log-uniform" with low <= 0, an unknown prior or role, or more
            values than a coordinate can represent (2^50; 2^40 for "log-uniform").
    """

    _reach = 0.5
    _dtypes = np.integer

    def __init__(
        self,
        low: int,
        high: int,
        prior: str = "uniform",
        base: float = 10,
        transform: str | None = None,
        name: str | None = None,
        dtype: Any = np.int64,
        *,
        role: str = DESIGN,
    ) -> None:
        super().__init__(low, high, prior, base, transform, name, dtype, role)
        self.levels = self.high - self.low + 1
        if (self.high if self._log else self.levels) > MOST_LEVELS[prior]:
            raise InputError(
                f"{self._label}: at most {MOST_LEVELS[prior]} integers can be searched, got low={shown(low)} and "
                f"high={shown(high)}; take a Real and round it in the objective"
            )

    def _bound(self, end: str, value: Any) -> int:
        if not is_finite(value) or int(value) != value:
            raise InputError(f"{self._label}: {end} must be an integer, got {shown(value)}")
        return int(value)

    def to_unit(self, values: Sequence[int]) -> Array:
        """Return the coordinates (n,) of n values of this dimension."""
        if self._log:
            return self._normalized(np.array(values, dtype=float))
        return centers(np.array([value - self.low for value in values], dtype=float), self.levels)

    def from_unit(self, u: Array) -> list[int]:
        """Return the ints at the coordinates u (n,)."""
        if self._log:
            levels = np.clip(np.rint(self._denormalized(u)), self.low, self.high).astype(np.int64) - self.low
        else:
            levels = levels_at(u, self.levels)
        return [self.low + level for level in levels.tolist()]

    def restrict(self, lower: float, upper: float) -> tuple[Dimension, float, float]:
        """Return the part whose levels are in [lower, upper], and the outer edges of its outermost levels."""
        if self._log:
            ends = self._denormalized(np.array([lower, upper])) - self.low
            first, last = max(math.ceil(ends[0] - ROUNDING), 0), min(math.floor(ends[1] + ROUNDING), self.levels - 1)
            if first > last:
                first = last = self._level((lower + upper) / 2)
            edges = self._normalized(self.low + np.array([first - 0.5, last + 0.5])).tolist()
        else:
            first, last = levels_between(lower, upper, self.levels)
            edges = [first / self.levels, (last + 1) / self.levels]
        part = self._like(self.low + first, self.low + last)
        return part, *edges_inside(self._level, first, last, self.levels, *edges)

    def _level(self, u: float) -> int:
        level: int = self.from_unit(np.array([u]))[0] - self.low
        return level

    def check(self, value: Any) -> int:
        """Return `value` as an int.

        Raises:
            InputError: it is not an integer, or it is out of bounds.
        """
        if not is_number(value) or not self.low <= value <= self.high or int(value) != value:
            raise InputError(f"expected an integer from {shown(self.low)} to {shown(self.high)}, got {shown(value)}")
        return int(value)

    def to_skopt(self, transform: str | None = None) -> Any:
        """Return scikit-optimize's dimension, with `transform` instead of this one's own.

        With "normalize" it supports integers that a double cannot represent; its own transformer would round them.

        Raises:
            InputError: integers beyond 2^63, which scikit-optimize does not support.
        """
        if max(-self.low, self.high) > _LARGEST_INT64:
            raise InputError(
                f"{self._label}: scikit-optimize holds integers below 2^63, got low={shown(self.low)} and "
                f"high={shown(self.high)}; search an Integer from 0, and add the rest in the objective"
            )
        if max(-self.low, self.high) <= _EXACT or (transform or self.transform_) != "normalize":
            return super().to_skopt(transform)
        from skopt import space

        dimension = space.Integer(0, self.high - self.low, "uniform", self.base, "normalize", self.name, self.dtype)
        dimension.low, dimension.high, dimension.transformer = self.low, self.high, _Offsets(self.low, self.high)
        return dimension

    def rvs(self, n_samples: int | None = 1, random_state: Any = None) -> Any:
        """Return random values from the prior; see `Dimension.rvs`."""
        rng = as_random_state(random_state)
        if max(-self.low, self.high) >= _LARGEST_INT64:  # relative to `low`, as a list of Python integers
            offsets = _integers(rng, 0, self.levels - 1, n_samples)
            return self.low + int(offsets) if n_samples is None else [self.low + offset for offset in offsets.tolist()]
        if self._log:
            draws = self._log_rvs(rng, n_samples)
        else:
            draws = _integers(rng, self.low, self.high, n_samples)
        draws = np.round(np.clip(draws, self.low, self.high)).astype(self.dtype)
        return draws.tolist() if self.dtype in (int, "int") else draws


class _Offsets:
    """Transformer of a scikit-optimize dimension of large integers: exactly (value - low) / (high - low)."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._width = low, high - low

    def transform(self, values: Sequence[int]) -> Array:
        return np.array([int(value) - self._low for value in values], dtype=float) / self._width

    def inverse_transform(self, transformed: Any) -> NDArray[np.int64]:
        offsets = np.rint(np.atleast_1d(np.asarray(transformed, dtype=float)) * self._width)
        return np.array([self._low + int(offset) for offset in offsets], dtype=np.int64)


def _is_dtype(dtype: Any, kind: type[np.number[Any]]) -> bool:
    try:
        return np.issubdtype(np.dtype(dtype), kind)
    except TypeError:
        return False


def _uniform(rng: Any, start: float, width: float, n: int | None) -> Any:
    # As in scikit-optimize: `width` is one unit in the last place wider, so that the upper end is possible.
    return rng.uniform(size=n) * np.nextafter(width, width + 1.0) + start


def _integers(rng: Any, low: int, high: int, n: int | None) -> Any:
    if isinstance(rng, np.random.Generator):
        return rng.integers(low, high, size=n, endpoint=True)
    return rng.randint(low, high + 1, size=n)
