"""Differences between two fingerprints of studies, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

_NAMED = {"space": "", "metrics": "metric "}  # settings that are lists of named parts, and the word for a part
_WORDS = {"low": "lower bound", "high": "upper bound", "kind": "kind"}
_LONGEST = 300  # characters of a value
_FOLLOW = ("n_subspaces", "n_drives", "n_samples")  # settings that follow from the space if they are left open


def describe_difference(first: Mapping[str, Any], second: Mapping[str, Any], place: str, other: str) -> str:
    """Return a line for each setting that differs; an empty text if there is none.

    Args:
        first: a fingerprint, or the arguments of a call.
        second: another one.
        place: word for the place of the first one, such as "there".
        other: word for the place of the second one, such as "now".
    """
    lines: list[str] = []
    another_space = first.get("space") != second.get("space")
    for name in {**first, **second}:
        one, another = first.get(name), second.get(name)
        if one == another or (another_space and name in _FOLLOW):
            continue
        if name in _NAMED and _have_names(one) and _have_names(another):
            lines += _part_by_part(_NAMED[name], one, another, place, other)
        else:
            one, another = _what_differs(one, another)
            lines.append(f"{name}: {_short(one)} {place}, {_short(another)} {other}")
    return "".join(f"\n  {line}" for line in lines)


def _have_names(value: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    return isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("name"), str) for part in value)


def _part_by_part(
    what: str, first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], place: str, other: str
) -> list[str]:
    """Return the differences between two search spaces or lists of metrics, name by name."""
    before, after = ({part["name"]: part for part in space} for space in (first, second))
    lines = []
    for name in {**before, **after}:
        if name not in after or name not in before:
            lines.append(f"{what}{name}: missing {other if name in before else place}")
            continue
        one, another = before[name], after[name]
        keys = (
            ["kind"]
            if one.get("kind") != another.get("kind")
            else [key for key in {**one, **another} if one.get(key) != another.get(key)]
        )
        told = [f"{_WORDS.get(key, key)} {_short(one.get(key))} {place}, {_short(another.get(key))} {other}" for key in keys]
        if told:
            lines.append(f"{what}{name}: {'; '.join(told)}")
    if not lines:
        lines.append(f"the order of the {what.strip() or 'parameter'}s: {', '.join(before)} {place}, {', '.join(after)} {other}")
    return lines


def _what_differs(one: Any, another: Any) -> tuple[Any, Any]:
    """Return the differing entries of two lists of the same length; other values whole."""
    if not (isinstance(one, list) and isinstance(another, list) and len(one) == len(another)):
        return one, another
    pairs = [(a, b) for a, b in zip(one, another, strict=True) if a != b]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
