"""Search space: its dimensions, its constants, and the conversion between the user's values and the unit cube.

Every optimizer works in the unit cube, with one coordinate per dimension. `hyperspace.space.dimension` defines the coordinate of
a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, shown, shown_all
from hyperspace.space.categorical import Categorical
from hyperspace.space.dimension import ENVIRONMENT, ROUNDING, Dimension, centers, levels_at
from hyperspace.space.labeled import TableRow, by_label
from hyperspace.space.numeric import Integer, Real
from hyperspace.space.parsing import Lists, check_dimension, skopt_class
from hyperspace.space.values import describe_value, is_scalar, plain, read_description
from hyperspace.typing import Array

__all__ = ["Bounds", "Categorical", "Dimension", "Integer", "Real", "Space", "check_dimension", "check_space", "space_from"]


class Bounds(NamedTuple):
    """Box in the unit cube: lower (d,) and upper (d,) corner."""

    lower: Array
    upper: Array

    @classmethod
    def whole(cls, d: int) -> Bounds:
        """Return the whole unit cube of d dimensions."""
        return cls(np.zeros(d), np.ones(d))

    def clip(self, U: Array) -> Array:
        """Return the points U (..., d), each coordinate moved into the box."""
        return np.clip(U, self.lower, self.upper)

    def contains(self, U: Array) -> NDArray[np.bool_]:
        """Return which points U (..., d) are in the box; a coordinate outside by rounding only (1e-9) is inside."""
        inside: NDArray[np.bool_] = np.all((self.lower - ROUNDING <= U) & (self.upper + ROUNDING >= U), axis=-1)
        return inside


class Space:
    """Search space. `check_space` converts a user's definition to one.

    Args:
        dimensions: at least one.
        named: whether the objective receives a dict; then every dimension has a name.
        constants: further parameters of the objective, by name.
        order: names of dimensions and constants as the user listed them; None: the constants come last.

    Attributes:
        names: a name for each dimension, "x0", "x1", ... by position if the user gave none.
        d: number of dimensions.
        levels: (d,) ints, number of values of each dimension; 0 if it is continuous.
        categorical: (d,) bools.
        has_categories: whether any is categorical.
        environment: (d,) bools, the dimensions that the caller sets.

    Raises:
        InputError: no dimension, or a duplicate name.
    """

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        named: bool = False,
        constants: Mapping[str, Any] | None = None,
        order: Sequence[str] | None = None,
    ) -> None:
        self.dimensions = tuple(dimensions)
        if not self.dimensions:
            raise InputError("the search space is empty; expected at least one dimension such as (0.0, 1.0)")
        self.named = named
        self.constants = dict(constants or {})
        self.names = _names(self.dimensions)
        self.d = len(self.dimensions)
        self._order = tuple(order or (*self.names, *self.constants))
        self.levels = np.array([dimension.levels for dimension in self.dimensions], dtype=np.int64)
        self.categorical = np.array([isinstance(dimension, Categorical) for dimension in self.dimensions])
        self.has_categories = bool(self.categorical.any())
        self.environment = np.array([dimension.role == ENVIRONMENT for dimension in self.dimensions])
        self._loads = [dimension.load for dimension in self.dimensions]
        self.mutable = any(dimension.mutable for dimension in self.dimensions)
        # Levels of equal width are snapped together; those of a log-uniform Integer are not equal.
        even = np.array([dimension.even for dimension in self.dimensions])
        self._even = np.flatnonzero((self.levels > 0) & even)
        self._uneven = np.flatnonzero((self.levels > 0) & ~even)

    def __len__(self) -> int:
        """Return the number of dimensions."""
        return self.d

    def to_unit(self, points: Sequence[Sequence[Any]]) -> Array:
        """Return the unit-cube coordinates (n, d) of n valid points."""
        U = np.empty((len(points), self.d))
        for j, dimension in enumerate(self.dimensions):
            U[:, j] = dimension.to_unit([point[j] for point in points])
        return U

    def from_unit(self, U: Array) -> list[tuple[Any, ...]]:
        """Return the points at U (n, d) as tuples of plain Python values."""
        columns = [dimension.from_unit(U[:, j]) for j, dimension in enumerate(self.dimensions)]
        return list(zip(*columns, strict=True))

    def snap(self, U: Array) -> Array:
        """Return U (..., d) with the coordinates of integers and categories moved to those of their levels."""
        snapped = np.array(U, dtype=float)
        if self._even.size:
            levels = self.levels[self._even]
            snapped[..., self._even] = centers(levels_at(snapped[..., self._even], levels), levels)
        for j in self._uneven:
            column = snapped[..., j]
            values = self.dimensions[j].from_unit(column.ravel())
            snapped[..., j] = self.dimensions[j].to_unit(values).reshape(column.shape)
        return snapped

    def steps(self, u: Array) -> Array:
        """Return the distance from u (d,), on valid levels, to the farther neighboring level of each dimension; 0 in a Real."""
        steps = np.zeros(self.d)
        steps[self._even] = 1.0 / self.levels[self._even]
        for j in self._uneven:
            dimension = self.dimensions[j]
            here = dimension.from_unit(u[[j]])[0]
            near = [value for value in (here - 1, here + 1) if dimension.low <= value <= dimension.high]  # type: ignore[attr-defined]
            steps[j] = np.abs(dimension.to_unit(near) - u[j]).max(initial=0.0) + ROUNDING
        return steps

    def copied(self, x: Sequence[Any]) -> tuple[Any, ...]:
        """Return the point x with copies of mutable values, for users' code."""
        if not self.mutable:
            return tuple(x)
        return tuple(dimension.copied(value) for dimension, value in zip(self.dimensions, x, strict=True))

    def parameters(self, x: Sequence[Any]) -> list[Any] | dict[str, Any]:
        """Return the objective's argument at the point x: a list, or a dict with the constants, in the user's order.

        Mutable values are copied.
        """
        x = self.copied(x)
        if not self.named:
            return list(x)
        values = dict(zip(self.names, x, strict=True)) | self.constants
        return {name: values[name] for name in self._order}

    def by_name(self, parameters: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        """Return the objective's argument as a dict, also if it is a list."""
        return dict(parameters) if isinstance(parameters, Mapping) else dict(zip(self.names, parameters, strict=True))

    def check_point(self, x: Any) -> tuple[Any, ...]:
        """Return the point x, a sequence, a dict by name or a row of a pandas table, as a tuple of plain Python values.

        A table row is read by its labels, and may have further labels.

        Raises:
            InputError: wrong number of values, an unknown or missing name, another value of a constant, or a value outside its
                dimension.
        """
        x = by_label(x, self.names)
        if isinstance(x, Mapping):
            extra = set() if isinstance(x, TableRow) else set(x) - set(self._order)
            if set(self.names) - set(x) or extra:
                raise InputError(f"a point must have the parameters {', '.join(self.names)}; got {shown_all(x) or 'none'}")
            self._check_constants(x)
            from_table = isinstance(x, TableRow)
            x = [x[name] for name in self.names]
            if from_table:
                x = [_narrowed(value, dimension) for value, dimension in zip(x, self.dimensions, strict=True)]
        unordered = isinstance(x, (str, bytes, set, frozenset))
        if unordered or not hasattr(x, "__len__") or not hasattr(x, "__iter__") or _length(x) != self.d:
            raise InputError(f"a point must be a list of {self.d} values ({', '.join(self.names)}), got {shown(x)}")
        return tuple(self._each("check", x))

    def _check_constants(self, x: Mapping[Any, Any]) -> None:
        for name, value in self.constants.items():
            given = plain(x.get(name, value))
            if not is_scalar(given) or isinstance(given, bool) != isinstance(value, bool) or given != value:
                raise InputError(
                    f"{name} is the constant {shown(value)} in this space, and the point has {shown(given)}; give it the "
                    f"constant's value, or leave it out"
                )

    def dump(self, x: Sequence[Any]) -> list[Any]:
        """Return the point x as JSON values."""
        return [dimension.dump(value) for dimension, value in zip(self.dimensions, x, strict=True)]

    def load(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the point that `dump` saved.

        Raises:
            InputError: it is not a point of this space.
        """
        if len(values) != self.d:
            raise InputError(f"a recorded point must have {self.d} values ({', '.join(self.names)}), got {shown(values)}")
        try:
            return tuple([load(value) for load, value in zip(self._loads, values, strict=True)])
        except InputError:
            return tuple(self._each("load", values))  # names the dimension in errors

    def _each(self, method: str, values: Sequence[Any]) -> list[Any]:
        results = []
        for j, (dimension, value) in enumerate(zip(self.dimensions, values, strict=True)):
            try:
                results.append(getattr(dimension, method)(value))
            except InputError as error:
                raise InputError(f"dimension {j} ({self.names[j]}): {error}") from None
        return results

    def describe(self) -> list[dict[str, Any]]:
        """Return dimensions, then constants by name, as JSON values that are the same in every process: a fingerprint."""
        dimensions = [{"name": name, **dimension.describe()} for name, dimension in zip(self.names, self.dimensions, strict=True)]
        constants = [
            {"name": name, "kind": "constant", "value": describe_value(value)} for name, value in sorted(self.constants.items())
        ]
        return dimensions + constants

    def with_dimensions(self, dimensions: Sequence[Dimension]) -> Space:
        """Return a space with other dimensions and the names, roles and constants of this one."""
        return Space(dimensions, self.named, self.constants, self._order)

    def to_skopt(self) -> Any:
        """Return scikit-optimize's Space, each dimension with transform="normalize"."""
        from skopt.space import Space as SkoptSpace

        dimensions = [dimension.to_skopt("normalize") for dimension in self.dimensions]
        for dimension, name in zip(dimensions, self.names, strict=True):
            dimension.name = name
        return SkoptSpace(dimensions)

    def __repr__(self) -> str:
        """Show the dimensions and constants by name."""
        parts = [f"{name}={shown(dimension)}" for name, dimension in zip(self.names, self.dimensions, strict=True)]
        return f"Space({', '.join(parts + [f'{name}={shown(value)}' for name, value in self.constants.items()])})"


def _names(dimensions: Sequence[Dimension]) -> tuple[str, ...]:
    given = [dimension.name for dimension in dimensions if dimension.name is not None]
    for name in given:
        if given.count(name) > 1:
            raise InputError(f"two dimensions are called {shown(name)}; give each its own name")
    names = []
    for j, dimension in enumerate(dimensions):
        name = dimension.name or f"x{j}"
        while dimension.name is None and name in given:
            name += "_"
        names.append(name)
    return tuple(names)


def check_space(hyperparameters: Any, lists_in_dicts: Lists = Lists.IN_A_DICT) -> Space:
    """Return the search space for a user's definition.

    Args:
        hyperparameters: a list of dimensions (the objective receives a list), or a dict of them by name (it receives a dict).
            A dimension is any value that `check_dimension` accepts. In a dict a number, a string, a bool or None is a constant.
            A Space, ours or scikit-optimize's, is used itself.
        lists_in_dicts: meaning of a list in a dict.

    Raises:
        InputError: no dimension, a duplicate name, or an invalid dimension; it names the dimension.
    """
    if isinstance(hyperparameters, Space):
        return hyperparameters
    if skopt_class(hyperparameters) == "Space":
        if getattr(hyperparameters, "constraint", None) is not None:
            raise InputError("a scikit-optimize Space with a constraint cannot be searched; let the objective fail instead")
        hyperparameters = hyperparameters.dimensions
    if isinstance(hyperparameters, Mapping):
        return _named_space(hyperparameters, lists_in_dicts)
    if not isinstance(hyperparameters, (list, tuple, np.ndarray)):
        raise InputError(f"hyperparameters must be a list of dimensions or a dict of them by name, got {shown(hyperparameters)}")
    lists = Lists.INTERVALS if isinstance(hyperparameters, np.ndarray) else Lists.IN_A_LIST
    return Space([_checked(f"dimension {j}", dimension, lists) for j, dimension in enumerate(hyperparameters)])


def _named_space(hyperparameters: Mapping[Any, Any], lists: Lists) -> Space:
    dimensions, constants = [], {}
    for j, (name, value) in enumerate(hyperparameters.items()):
        if not isinstance(name, str) or not name:
            raise InputError(f"the name of a hyperparameter must be a non-empty string, got {shown(name)}")
        value = plain(value)
        if is_scalar(value):
            try:
                describe_value(value)
            except InputError as error:
                raise InputError(f"constant {shown(name)}: {error}") from None
            constants[name] = value
        else:
            dimensions.append(_checked(f"dimension {j} ({name[:60]})", value, lists).renamed(name))
    if constants and not dimensions:
        raise InputError(
            f"all hyperparameters are constants ({shown_all(list(constants))}), so that nothing is left to search; give one of "
            f"them an interval such as (0.0, 1.0), or a list of categories"
        )
    return Space(dimensions, named=True, constants=constants, order=list(hyperparameters))


def _checked(where: str, dimension: Any, lists: Lists) -> Dimension:
    try:
        return check_dimension(dimension, lists)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def space_from(description: Sequence[Mapping[str, Any]], named: bool) -> Space:
    """Return the space that `Space.describe` described. A category without a JSON form is restored as its description.

    Raises:
        InputError, KeyError, TypeError: an invalid description.
    """
    dimensions: list[Dimension] = []
    constants: dict[str, Any] = {}
    for part in description:
        kind, name = part["kind"], part["name"]
        if kind == "constant":
            constants[name] = part["value"]
        elif kind == "categorical":
            categories = _read_categories(part["categories"])
            dimensions.append(Categorical(categories, name=name, role=part["role"]))
        elif kind in ("real", "integer"):
            numeric = Real if kind == "real" else Integer
            dimensions.append(numeric(part["low"], part["high"], part["prior"], part["base"], name=name, role=part["role"]))
        else:
            raise InputError(f"unknown kind of dimension {shown(kind)}")
    return Space(dimensions, named, constants)


def _read_categories(descriptions: Sequence[Any]) -> list[Any]:
    before = Counter[str]()
    categories = []
    for description in descriptions:
        text = str(description)
        categories.append(read_description(description, before[text]))
        before[text] += 1
    return categories


def _narrowed(value: Any, dimension: Dimension) -> Any:
    """Return a value of a table row; a float becomes an int where one is meant, since pandas converts ints of mixed rows."""
    whole = isinstance(value, float) and value.is_integer() and value not in dimension
    return int(value) if whole and int(value) in dimension else value


def _length(x: Any) -> int:
    try:
        return len(x)
    except TypeError:  # a zero-dimensional array
        return -1
