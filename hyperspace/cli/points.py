"""Points on the command line, for `hyperspace run --x0 --y0`: as words, or in a file with one per row."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError, shown_all
from hyperspace.space.labeled import TableRow
from hyperspace.space.space import Categorical, Space
from hyperspace.system.paths import expanded
from hyperspace.trials.metrics import number_of

_FILES = (".csv", ".json")


@dataclass(frozen=True, slots=True)
class Points:
    """Points of the command line.

    Attributes:
        points: the points; None if there are none.
        answers: known results at the points, dicts of metrics; None if the points are to be evaluated.
        notes: sentences for the user about points that were left out.
    """

    points: list[tuple[Any, ...]] | None
    answers: list[dict[str, float]] | None = None
    notes: tuple[str, ...] = ()


def read_points(texts: Sequence[str], space: Space, known: Sequence[str] = ()) -> Points:
    """Return the points in some words: NAME=VALUE,NAME=VALUE, or the name of a CSV or JSON file.

    Args:
        texts: the words.
        space: the search space.
        known: names of the columns with known results. Points without a finite number there are left out.

    Raises:
        InputError: a word that is neither, a file that cannot be read, a missing column, or a point outside the space.
    """
    if not known:
        return Points([point for text in texts for point, _ in _points(text, space, known)] or None)
    if not texts:
        raise InputError("--y0 names the column of the results in --x0 FILE.csv; give --x0, too")
    if taken := [name for name in known if name in (*space.names, *space.constants)]:
        raise InputError(f"--y0 {taken[0]} is a parameter; --y0 names the column of the results")
    kept: list[tuple[tuple[Any, ...], dict[str, float]]] = []
    notes = []
    for text in texts:
        read = _points(text, space, known)
        whole = [(point, answer) for point, answer in read if answer is not None]
        if len(whole) < len(read):
            what = " and ".join(map(repr, known))
            notes.append(f"--x0 {text}: {len(read) - len(whole)} of {len(read)} points have no number in {what} and are left out")
        kept += whole
    if not kept:
        raise InputError(f"none of the points of --x0 has a number in {' and '.join(map(repr, known))} (--y0)")
    return Points([point for point, _ in kept], [answer for _, answer in kept], tuple(notes))


def _points(text: str, space: Space, known: Sequence[str]) -> list[tuple[tuple[Any, ...], dict[str, float] | None]]:
    """Return the points in a word, each with its known results; None if one of them is missing."""
    is_file = text.lower().endswith(_FILES)
    rows = _rows(expanded(text, "--x0"), space, known) if is_file else [_in_words(text, space)]
    points: list[tuple[tuple[Any, ...], dict[str, float] | None]] = []
    for number, row in enumerate(rows, start=1):
        try:
            answer = _answer(row, known)
            if not is_file and isinstance(row, dict):
                row = {name: value for name, value in row.items() if name not in known}
            if answer is None and known:
                points.append(((), None))  # a failed trial may be without parameters, too
                continue
            points.append((space.check_point(row), answer))
        except InputError as error:
            where = f", point {number}" if is_file else ""
            raise InputError(f"--x0 {text}{where}: {error}") from None
    return points


def _answer(row: Any, known: Sequence[str]) -> dict[str, float] | None:
    if not known:
        return None
    if not isinstance(row, dict):
        raise InputError("it has no names, of which --y0 could be one")
    if missing := [name for name in known if name not in row]:
        raise InputError(f"it has no {missing[0]!r}, which --y0 names")
    numbers = {
        name: number_of(_number(value) if isinstance(value, str) else value) for name, value in row.items() if name in known
    }
    found = {name: number for name, number in numbers.items() if number is not None and math.isfinite(number)}
    return found if len(found) == len(known) else None


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


def _rows(file: Path, space: Space, known: Sequence[str] = ()) -> list[Any]:
    """Return the rows of a file, which may have further columns."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"--x0 {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if file.suffix.lower() == ".csv":
        rows = list(csv.DictReader(content.splitlines()))
        missing = [name for name in (*space.names, *known) if rows and name not in rows[0]]
        if missing:
            raise InputError(f"--x0 {file} has no column {shown_all(missing)}; its columns are {shown_all(rows[0])}")
        named = (*space.names, *space.constants, *known)
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
