"""Categorical, the dimension of unordered values; see `hyperspace.dimensions.base` for its coordinate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.dimensions.base import DESIGN, Dimension, as_random_state, centres, edges_inside, levels_at, levels_between
from hyperspace.errors import InputError
from hyperspace.trial import Array
from hyperspace.values import describe_value, is_scalar, key_of, plain


class Categorical(Dimension):
    """A dimension of unordered values.

    Args:
        categories: the values, of any kind; a type and a value make a category, so that True and 1 are two.
        prior: probabilities of the categories for `rvs`; None for equal ones. The search does not depend on them.
        transform: see `Dimension`.
        name: the key under which an objective that takes a dict receives it.
        role: "design" or "environment".

    Raises:
        InputError: no category, a category that comes twice, an unknown role, or a prior that is no distribution.
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
        if isinstance(categories, (str, bytes)) or not isinstance(categories, Iterable):
            raise InputError(f"{self._label}: categories must be a list, got {categories!r}")
        self.categories = tuple(plain(category) for category in categories)
        self.levels = len(self.categories)
        if self.levels == 0:
            raise InputError(f"{self._label}: at least one category is needed, got none")
        self._index: dict[Any, int] = {}  # without those that cannot be hashed: `_find` looks for the object itself
        for j, category in enumerate(self.categories):
            with contextlib.suppress(TypeError):
                self._index.setdefault(key_of(category), j)
        for j, category in enumerate(self.categories):
            if self._find(category) != j:
                raise InputError(f"{self._label}: the category {category!r} is listed twice; name each once")
        self._scalar = all(is_scalar(category) for category in self.categories)
        self.prior = prior
        self.prior_ = np.full(self.levels, 1.0 / self.levels) if prior is None else prior
        weights = np.asarray(self.prior_, dtype=float)
        if weights.shape != (self.levels,) or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-6:
            raise InputError(f"{self._label}: prior must be {self.levels} probabilities that add up to 1, got {prior!r}")

    def _find(self, value: Any) -> int | None:
        value = plain(value)
        try:
            return self._index.get(key_of(value))
        except TypeError:
            return next((j for j, category in enumerate(self.categories) if category is value), None)

    def index(self, value: Any) -> int:
        """Return the place of `value` in the list of categories.

        Raises:
            InputError: it is none of them.
        """
        j = self._find(value)
        if j is None:
            raise InputError(f"expected one of the categories {_shortened(self.categories)}, got {value!r}")
        return j

    def to_unit(self, values: Sequence[Any]) -> Array:
        """Return the coordinates (n,) of n values of this dimension."""
        return centres(np.array([self.index(value) for value in values], dtype=float), self.levels)

    def from_unit(self, u: Array) -> list[Any]:
        """Return the categories at the coordinates u (n,)."""
        return [self.categories[j] for j in levels_at(u, self.levels).tolist()]

    def restrict(self, lower: float, upper: float) -> tuple[Dimension, float, float]:
        """Return the part whose levels lie in [lower, upper], and the outer edges of its outermost levels."""
        first, last = levels_between(lower, upper, self.levels)
        part = Categorical(self.categories[first : last + 1], None, self.transform_, self.name, role=self.role)
        edges = first / self.levels, (last + 1) / self.levels
        return part, *edges_inside(lambda u: int(levels_at(u, self.levels)[0]), first, last, self.levels, *edges)

    def check(self, value: Any) -> Any:
        """Return `value` as it is listed.

        Raises:
            InputError: it is no category.
        """
        return self.categories[self.index(value)]

    def dump(self, value: Any) -> Any:
        """Return `value` where all categories are JSON scalars, else {"category": its index}."""
        return value if self._scalar else {"category": self.index(value)}

    def load(self, value: Any) -> Any:
        """Return the category that `dump` wrote.

        Raises:
            InputError: there is no such category.
        """
        if self._scalar:
            return self.check(value)
        j = value.get("category") if isinstance(value, dict) else None
        if type(j) is not int or not 0 <= j < self.levels:
            raise InputError(f'expected {{"category": index}} with an index below {self.levels}, got {value!r}')
        return self.categories[j]

    def describe(self) -> dict[str, Any]:
        """Return kind, categories and role."""
        return {"kind": "categorical", "categories": [describe_value(value) for value in self.categories], "role": self.role}

    def to_skopt(self, transform: str | None = None) -> Any:
        """Return scikit-optimize's dimension, with `transform` in the place of this one's own.

        Under "normalize" it takes any category: scikit-optimize's own encoder makes strings of mixed ones, takes True for 1, and
        cannot read tuples.
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
        return self.categories[int(chosen)] if n_samples is None else [self.categories[j] for j in chosen]

    def _distance(self, a: Any, b: Any) -> int:
        return int(self.index(a) != self.index(b))

    def __eq__(self, other: object) -> bool:
        """Whether categories (their types too), their order, priors and role are equal; names may differ."""
        if not isinstance(other, Categorical):
            return NotImplemented
        return (
            self.role == other.role
            and self.levels == other.levels
            and all(other._find(category) == j for j, category in enumerate(self.categories))
            and np.allclose(self.prior_, other.prior_)
        )

    def __hash__(self) -> int:
        """Agree with ==."""
        return hash((Categorical, self.levels))

    def __repr__(self) -> str:
        """Show the categories, of many the first and last three, and the prior."""
        prior = None if self.prior is None else _shortened(list(self.prior))
        return f"Categorical(categories={_shortened(self.categories)}, prior={prior})"


class _Positions:
    """Transformer of a scikit-optimize dimension: category j of k is j / (k - 1), as its own "normalize" has it."""

    def __init__(self, dimension: Categorical) -> None:
        self._dimension = dimension
        self._last = max(dimension.levels - 1, 1)

    def transform(self, values: Sequence[Any]) -> Array:
        return np.array([self._dimension.index(value) for value in values], dtype=float) / self._last

    def inverse_transform(self, transformed: Any) -> NDArray[np.object_]:
        positions = np.rint(np.atleast_1d(np.asarray(transformed, dtype=float)) * self._last).astype(int)
        # An array already: of a list scikit-optimize would make one, and strings of mixed categories.
        values = np.empty(len(positions), dtype=object)
        for row, j in enumerate(positions):
            values[row] = self._dimension.categories[j]
        return values


class _Ellipsis:
    def __repr__(self) -> str:
        return "..."


def _shortened(values: Any) -> str:
    """Show a tuple or list; of more than seven values, the first and the last three."""
    return repr(values if len(values) <= 7 else values[:3] + type(values)([_Ellipsis()]) + values[-3:])
