"""Comparison of the ranks' calls: all ranks must call hyperdrive with the same arguments.

Arguments are described as plain JSON, before any is checked. `open_study` compares the fingerprints again, in detail. This
comparison also covers arguments outside the fingerprint, such as n_calls, exchange or deadline: ranks with different ones would
wait for each other forever, or misread messages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hyperspace.errors import InputError
from hyperspace.space.values import is_finite, is_number, plain
from hyperspace.study.checks import name_of
from hyperspace.study.differences import describe_difference

# A program may show the progress on one rank only. `comm` is used for the comparison itself.
_MAY_DIFFER = ("verbose", "comm")
_ONE_CLOCK = 5.0  # seconds of difference between deadlines that ranks have computed by their own clocks
_EXACT = 1 << 63  # a larger integer has more digits than Python may write


def describe_call(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of the arguments of a hyperdrive call, as plain JSON.

    Objects are described by the names of their classes: their values can be long, and may include an address.
    """
    described = {name: _plain(value) for name, value in arguments.items() if name not in _MAY_DIFFER}
    path = arguments.get("results_path")
    if isinstance(path, (str, os.PathLike)):
        described["results_path"] = os.path.abspath(os.path.expanduser(_text(path)))
    return described


def with_deadline_of(first: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call with rank 0's deadline if the difference can be due to clocks."""
    one, another = first["deadline"], own["deadline"]
    close = is_number(one) and is_number(another) and abs(one - another) < _ONE_CLOCK
    return {**own, "deadline": one} if close else dict(own)


def check_alike(first: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Check that the ranks were called with the same arguments.

    Raises:
        InputError: the fingerprints of rank 0 and of this rank differ; the message shows the differences.
    """
    difference = describe_difference(first, own, "on rank 0", "here")
    if difference:
        raise InputError(f"every rank must call hyperdrive with the same arguments, and they differ in{difference}")


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
    except Exception:  # a failing path object of the caller; the check of the arguments reports it
        return name_of(value)
