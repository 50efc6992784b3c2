"""Search space in a file, for the command line: TOML with one parameter a line, in order.

x = [0.0, 1.0]                          # two numbers with a point: real
layers = [1, 8]                         # two whole numbers: integer
rate = [1e-4, 1e-1, "log-uniform"]
activation = ["relu", "tanh"]           # anything else: one of these
batch = {categories = [32, 64]}         # two numbers that are categories
momentum = {low = 0.0, high = 1.0}      # the same as a list, in words; prior and base as well
epochs = 20                             # one value: a constant
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.space.parsing import Lists, bounded
from hyperspace.space.space import Categorical, Space, check_space

_BOUNDS = ("low", "high", "prior", "base")


def read_space(file: Path) -> Space:
    """Return the search space in a file.

    Raises:
        InputError: a missing file, invalid TOML, or an entry that is not a dimension; it names the entry.
    """
    try:
        with open(file, "rb") as stream:
            entries = tomllib.load(stream)
    except OSError as error:
        raise InputError(f"the space {str(file)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:  # invalid TOML, or not a text
        raise InputError(f"the space {str(file)!r} is not valid TOML: {error}") from None
    except RecursionError:
        raise InputError(f"the space {str(file)!r} cannot be read: it is nested too deeply") from None
    try:
        return check_space({name: _dimension(name, entry) for name, entry in entries.items()}, Lists.INTERVALS)
    except InputError as error:
        raise InputError(f"the space {str(file)!r}: {error}") from None


def _dimension(name: str, entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry  # a list of two numbers is an interval here, since TOML has no tuples
    if entry.keys() == {"categories"} and isinstance(entry["categories"], list):
        return Categorical(entry["categories"])
    if {"low", "high"} <= entry.keys() <= set(_BOUNDS):
        given = [key for key in _BOUNDS if key in entry]
        if given == list(_BOUNDS[: len(given)]):
            try:
                return bounded(*(entry[key] for key in given))
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
    raise InputError(
        f"{name} must be a list, one value, {{low, high}} with prior and base if need be, or {{categories}}; "
        f"got {shown(dict(entry))}"
    )
