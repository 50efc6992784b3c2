"""Points on the command line, for `hyperspace run --x0`: as words, or in a file with one per row."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError, shown_all
from hyperspace.space.labeled import TableRow
from hyperspace.space.space import Categorical, Space
from hyperspace.system.paths import expanded

_FILES = (".csv", ".json")


def read_points(texts: Sequence[str], space: Space) -> list[tuple[Any, ...]] | None:
    """Return the points in some words: NAME=VALUE,NAME=VALUE, or the name of a CSV or JSON file; None for no words.

    Raises:
        InputError: a word that is neither, a file that cannot be read, or a point outside the space.
    """
    return [point for text in texts for point in _points(text, space)] or None


def _points(text: str, space: Space) -> list[tuple[Any, ...]]:
    is_file = text.lower().endswith(_FILES)
    rows = _rows(expanded(text, "--x0"), space) if is_file else [_in_words(text, space)]
    points = []
    for number, row in enumerate(rows, start=1):
        try:
            points.append(space.check_point(row))
        except InputError as error:
            where = f", point {number}" if is_file else ""
            raise InputError(f"--x0 {text}{where}: {error}") from None
    return points


def _in_words(text: str, space: Space) -> dict[str, Any]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        example = ",".join(f"{name}=..." for name in space.names)
        raise InputError(f'--x0 takes a .csv or .json file, or a point such as "{example}"; got {text!r}')
    return {name.strip(): _value(name.strip(), value.strip(), space) for name, _, value in pairs}


def _value(name: str, text: str, space: Space) -> Any:
    """Return the value of a parameter in a text; an invalid text itself, for the message."""
    if name in space.constants:
        constant = space.constants[name]
        return constant if str(constant) == text else _number(text)
    if name not in space.names:
        return text
    dimension = space.dimensions[space.names.index(name)]
    if isinstance(dimension, Categorical):
        return next((category for category in dimension.categories if str(category) == text), text)
    return _number(text)


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _rows(file: Path, space: Space) -> list[Any]:
    """Return the rows of a file, which may have further columns."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"--x0 {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if file.suffix.lower() == ".csv":
        rows = list(csv.DictReader(content.splitlines()))
        missing = [name for name in space.names if rows and name not in rows[0]]
        if missing:
            raise InputError(f"--x0 {file} has no column {shown_all(missing)}; its columns are {shown_all(rows[0])}")
        named = (*space.names, *space.constants)
        found: list[Any] = [TableRow({k: _value(k, v or "", space) for k, v in row.items() if k in named}) for row in rows]
    else:
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InputError(f"--x0 {file} is no JSON: {error}") from None
        one = not isinstance(value, list) or (len(value) > 0 and not any(isinstance(row, (list, dict)) for row in value))
        found = [TableRow(row) if isinstance(row, Mapping) else row for row in ([value] if one else value)]
    if not found:
        raise InputError(f"--x0 {file} has no points")
    return found
