"""The arguments of a call in a form in which ranks can compare them, before any of them is checked.

What a study's fingerprint holds is compared again there, in detail. Here are the arguments that it does not hold, such as
n_calls, exchange or deadline. Ranks that differ in those would wait for each other for ever, or take one message for another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hyperspace.space.values import is_finite, is_number, plain
from hyperspace.study.checks import name_of

# A program may show the progress on one rank only. `comm` is how the ranks compare.
_MAY_DIFFER = ("verbose", "comm")
_ONE_CLOCK = 5.0  # seconds by which deadlines may differ that ranks have worked out by their own clocks
_EXACT = 1 << 63  # from here on a whole number has more digits than Python may write


def describe_call(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for the arguments of a call of hyperdrive, as plain JSON.

    Objects are described by the names of their classes: their values can be long, and may print an address.
    """
    described = {name: _plain(value) for name, value in arguments.items() if name not in _MAY_DIFFER}
    path = arguments.get("results_path")
    if isinstance(path, (str, os.PathLike)):
        described["results_path"] = os.path.abspath(os.path.expanduser(_text(path)))
    return described


def with_deadline_of(first: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call with rank 0's deadline, if the two differ by no more than clocks do."""
    one, another = first["deadline"], own["deadline"]
    close = is_number(one) and is_number(another) and abs(one - another) < _ONE_CLOCK
    return {**own, "deadline": one} if close else dict(own)


def _plain(value: Any) -> Any:
    value = plain(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (str, os.PathLike)):
        return _text(value)
    if is_number(value):
        if isinstance(value, int):
            return value if abs(value) < _EXACT else hex(value)
        return float(value) if is_finite(value) else str(value)
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    return name_of(value)


def _text(value: Any) -> str:
    try:
        return os.fsdecode(value)
    except Exception:  # a path object of the caller's own that fails; checking the arguments says so
        return name_of(value)
