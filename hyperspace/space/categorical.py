"""Categorical, the dimension of unordered values; `hyperspace.space.dimension` defines its coordinate."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown, shown_all
from hyperspace.space.dimension import DESIGN, Dimension, as_random_state, centers, edges_inside, levels_at, levels_between
from hyperspace.space.values import Recorded, describe_value, is_scalar, key_of, plain
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array


@check_names()
class Categorical(Dimension):
    """Dimension of unordered values.

    Mutable categories such as lists are copied: once here, and again for each use outside.

    Args:
        categories: the values, of any kind, in order. A category is a type and a value, so that True and 1 are different.
        prior: probabilities of the categories for `rvs`; None for equal ones. The search does not depend on them.
        transform: see `Dimension`.
        name: key under which an objective that takes a dict receives the value.
        role: "design" or "environment".

    Raises:
        InputError: empty categories, a set of categories, a duplicate, one that cannot be recorded, an unknown role, or a prior
            that is not a distribution.
    """

    _transforms = ("onehot", "string", "identity", "label", "normalize")

    def __init__(
        self,
        categories: Iterable[Any],
        prior: Sequence[float] | None = None,
        transform: str | None = None,
        name: str | None = None,
        *,
        role: str = DESIGN,
    ) -> None:
        super().__init__("onehot" if transform is None else transform, name, role)
        if isinstance(categories, (set, frozenset)):
            raise InputError(
                f"{self._label}: categories must be a list, got a set, whose order differs from process to process: "
                f"{shown(categories)}; write them as a list in the order that you want, or sorted(...)"
            )
        if isinstance(categories, (str, bytes)) or not isinstance(categories, Iterable) or getattr(categories, "ndim", 1) == 0:
            raise InputError(f"{self._label}: categories must be a list, got {shown(categories)}")
        self.categories = tuple(plain(category) for category in categories)
        self.levels = len(self.categories)
        if self.levels == 0:
            raise InputError(f"{self._label}: at least one category is needed, got none")
        self._scalar = all(is_scalar(category) for category in self.categories)
        self._index: dict[Any, int] = {}  # index by key, of hashable categories
        self._described: dict[str, list[int]] | None = None  # indices by description; computed when needed
        try:
            self._number_categories()
        except RecursionError:
            raise InputError(f"{self._label}: a category is nested too deeply: {shown(self.categories)}") from None
        except InputError as error:
            raise InputError(f"{self._label}: {error}") from None
        self._mutable = self._take_copies()
        self.prior = prior
        self.prior_ = np.full(self.levels, 1.0 / self.levels) if prior is None else prior
        if not self._is_distribution(self.prior_):
            raise InputError(f"{self._label}: prior must be {self.levels} probabilities that add up to 1, got {shown(prior)}")

    def _is_distribution(self, weights: Any) -> bool:
        try:
            weights = np.asarray(weights, dtype=float)
        except Exception:  # values that are not numbers, or an exception of a user's object
            return False
        return weights.shape == (self.levels,) and bool((weights >= 0).all()) and bool(abs(weights.sum() - 1) <= 1e-6)

    def _number_categories(self) -> None:
        for j, category in enumerate(self.categories):
            describe_value(category)  # raises with the reason if it cannot be recorded
            with contextlib.suppress(TypeError):
                self._index.setdefault(key_of(category), j)
        for j, category in enumerate(self.categories):
            if self._find(category) != j:
                raise InputError(f"the category {shown(category)} is listed twice; name each once")

    def _take_copies(self) -> frozenset[int]:
        """Copy the mutable categories; return their indices.

        An object of a user's class is copied only if the copy can be distinguished from the copies of others.
        """
        categories, copied = list(self.categories), set()
        for j, category in enumerate(categories):
            if is_scalar(category):
                continue
            with contextlib.suppress(Exception):  # an object that cannot be copied is used itself
                duplicate = copy.deepcopy(category)
                if duplicate is not category and self._find(duplicate) == j:
                    categories[j] = duplicate
                    copied.add(j)
        self.categories = tuple(categories)
        return frozenset(copied)

    @property
    def mutable(self) -> bool:
        """Whether there are mutable categories."""
        return bool(self._mutable)

    def copied(self, value: Any) -> Any:
        """Return the category `value`, or a copy if it is mutable."""
        return copy.deepcopy(value) if self._mutable and self._find(value) in self._mutable else value

    def _find(self, value: Any) -> int | None:
        value = plain(value)
        try:
            j = self._index.get(key_of(value))
        except (TypeError, RecursionError):  # not hashable
            j = None
        return self._find_described(value) if j is None and not (self._scalar and is_scalar(value)) else j

    def _find_described(self, value: Any) -> int | None:
        """Return the index of the category with the same description: a copy of an object, or a value read from a file."""
        if is_scalar(value):
            return None
        if self._described is None:
            self._described = {}
            for j, category in enumerate(self.categories):
                if not is_scalar(category):
                    self._described.setdefault(_description(category), []).append(j)
        try:
            alike = self._described.get(_description(value), [])
        except InputError:
            return None
        if len(alike) <= 1:
            return alike[0] if alike else None
        if isinstance(value, Recorded):
            return alike[value.number] if value.number < len(alike) else None
        return next((j for j in alike if self.categories[j] is value), None)

    def index(self, value: Any) -> int:
        """Return the index of `value` in the list of categories.

        Raises:
            InputError: it is not a category.
        """
        j = self._find(value)
        if j is None:
            raise InputError(f"expected one of the categories {_choices(self.categories)}, got {shown(value)}")
        return j

    def to_unit(self, values: Sequence[Any]) -> Array:
        """Return the coordinates (n,) of n values of this dimension."""
        return centers(np.array([self.index(value) for value in values], dtype=float), self.levels)

    def from_unit(self, u: Array) -> list[Any]:
        """Return the categories at the coordinates u (n,)."""
        return [self.categories[j] for j in levels_at(u, self.levels).tolist()]

    def restrict(self, lower: float, upper: float) -> tuple[Dimension, float, float]:
        """Return the part whose levels are in [lower, upper], and the outer edges of its outermost levels."""
        first, last = levels_between(lower, upper, self.levels)
        part = Categorical(self.categories[first : last + 1], None, self.transform_, self.name, role=self.role)
        edges = first / self.levels, (last + 1) / self.levels
        return part, *edges_inside(lambda u: int(levels_at(u, self.levels)[0]), first, last, self.levels, *edges)

    def check(self, value: Any) -> Any:
        """Return `value` as it is listed.

        Raises:
            InputError: it is not a category.
        """
        return self.categories[self.index(value)]

    def dump(self, value: Any) -> Any:
        """Return `value` if all categories are JSON scalars, else {"category": its index}."""
        return value if self._scalar else {"category": self.index(value)}

    def load(self, value: Any) -> Any:
        """Return the category that `dump` saved.

        Raises:
            InputError: there is no such category.
        """
        if self._scalar:
            return self.check(value)
        j = value.get("category") if isinstance(value, dict) else None
        if type(j) is not int or not 0 <= j < self.levels:
            raise InputError(f'expected {{"category": index}} with an index below {self.levels}, got {shown(value)}')
        return self.categories[j]

    def describe(self) -> dict[str, Any]:
        """Return kind, categories and role."""
        return {"kind": "categorical", "categories": [describe_value(value) for value in self.categories], "role": self.role}

    def to_skopt(self, transform: str | None = None) -> Any:
        """Return scikit-optimize's dimension, with `transform` instead of this one's own.

        With "normalize" it supports any category. scikit-optimize's own encoder converts mixed ones to strings, treats True as 1,
        and cannot read tuples. (Its plots look categories up in a dict, and cannot show lists.)
        """
        from skopt import space

        transform = transform or self.transform_
        if transform != "normalize":
            return space.Categorical(self.categories, self.prior, transform, self.name)
        dimension = space.Categorical(range(self.levels), self.prior, transform, self.name)
        dimension.categories, dimension.transformer = self.categories, _Positions(self)
        return dimension

    @property
    def bounds(self) -> tuple[Any, ...]:
        """The categories."""
        return self.categories

    def rvs(self, n_samples: int | None = None, random_state: Any = None) -> Any:
        """Return random categories from the prior; see `Dimension.rvs`."""
        draws = as_random_state(random_state).uniform(size=n_samples)
        chosen = np.minimum(np.searchsorted(np.cumsum(self.prior_), draws), self.levels - 1)
        drawn = [self.copied(self.categories[j]) for j in np.atleast_1d(chosen)]
        return drawn[0] if n_samples is None else drawn

    def _distance(self, a: Any, b: Any) -> int:
        return int(self.index(a) != self.index(b))

    def __eq__(self, other: object) -> bool:
        """Whether categories (including their types), their order, priors and role are equal; names may differ."""
        if not isinstance(other, Categorical):
            return NotImplemented
        return (
            self.role == other.role
            and self.levels == other.levels
            and all(other._find(category) == j for j, category in enumerate(self.categories))
            and np.allclose(self.prior_, other.prior_)
        )

    def __hash__(self) -> int:
        """Return a hash consistent with ==."""
        return hash((Categorical, self.levels))

    def __repr__(self) -> str:
        """Show the categories (of many the first and last three) and the prior."""
        prior = None if self.prior is None else _shortened(list(self.prior))
        return f"Categorical(categories={_choices(self.categories)}, prior={prior})"


class _Positions:
    """Transformer of a scikit-optimize dimension: category j of k is j / (k - 1), as in its own "normalize"."""

    def __init__(self, dimension: Categorical) -> None:
        self._dimension = dimension
        self._last = max(dimension.levels - 1, 1)

    def transform(self, values: Sequence[Any]) -> Array:
        return np.array([self._dimension.index(value) for value in values], dtype=float) / self._last

    def inverse_transform(self, transformed: Any) -> NDArray[np.object_]:
        positions = np.rint(np.atleast_1d(np.asarray(transformed, dtype=float)) * self._last).astype(int)
        # Use an array: scikit-optimize would convert a list to one, and mixed categories to strings.
        positions = np.clip(positions, 0, self._dimension.levels - 1)  # the scale of a single category also extends to 1
        values = np.empty(len(positions), dtype=object)
        for row, j in enumerate(positions):
            values[row] = self._dimension.categories[j]
        return values


class _Ellipsis:
    def __repr__(self) -> str:
        return "..."


def _shortened(values: Any) -> str:
    """Show a tuple or list; if it has more than seven values, the first and the last three."""
    return repr(values if len(values) <= 7 else values[:3] + type(values)([_Ellipsis()]) + values[-3:])


def _description(value: Any) -> str:
    return str(value) if isinstance(value, Recorded) else str(describe_value(value)["object"])


def _choices(categories: tuple[Any, ...]) -> str:
    """Show the categories; if there are more than seven, the first and the last three."""
    if len(categories) <= 7:
        return f"({shown_all(categories)}{',' * (len(categories) == 1)})"
    return f"({shown_all(categories[:3])}, ..., {shown_all(categories[-3:])})"
