"""Metrics in a program's output or file: by regular expressions, or as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.evaluators.command_words import as_written

# A double of Fortran: D or Q in place of E, or no letter before an exponent of three digits.
_FORTRAN = re.compile(r"\s*(?P<digits>[-+]?(?:\d+\.?\d*|\.\d+))(?:[dDqQ](?=[-+\d])|(?=[-+]\d{3}\s*$))(?P<exponent>[-+]?\d+)\s*")


def compile_patterns(patterns: str | Sequence[str] | None) -> list[re.Pattern[str]]:
    """Return compiled regular expressions; an empty list without a pattern.

    Raises:
        InputError: an invalid regular expression, or one of several that does not name a metric.
    """
    written = [patterns] if isinstance(patterns, str) else list(patterns or ())
    compiled = []
    for text in written:
        try:
            compiled.append(re.compile(text, re.MULTILINE))
        except re.error as error:
            raise InputError(f"the pattern {as_written(text)} is no regular expression: {error}") from None
        if len(written) > 1 and not compiled[-1].groupindex:
            raise InputError(
                f"with several patterns each names its metrics, as in 'loss: (?P<loss>\\S+)', and {as_written(text)} names none"
            )
    return compiled


def _last_matches(text: str, patterns: Sequence[re.Pattern[str]], did: str) -> Any:
    """Return the last value that a pattern finds, or the last value of each named group of all patterns."""
    named: dict[str, tuple[str, re.Pattern[str]]] = {}
    last: str | None = None
    for pattern in patterns:
        for match in pattern.finditer(text):
            found = match[1] if pattern.groups else match[0]
            last = last if found is None else found
            named |= {name: (value, pattern) for name, value in match.groupdict().items() if value is not None}
    if named:
        return {name: _number(value, pattern) for name, (value, pattern) in named.items()}
    if last is None or patterns[0].groupindex:
        told = " or ".join(as_written(pattern.pattern) for pattern in patterns)
        raise InputError(f"{did} nothing that the pattern {told} (--metric-regex) matches{_last_line_of(text)}")
    return _number(last, patterns[0])


def find_metrics(text: str, patterns: Sequence[re.Pattern[str]], did: str, whole: bool = False) -> Any:
    """Return the number, or the metrics by name, in a text.

    Args:
        text: the end of an output, or of a file.
        patterns: result of `compile_patterns`; if empty, the last line of JSON is used.
        did: the program's action, as the beginning of an error.
        whole: whether the whole text may be JSON, over several lines.

    Raises:
        InputError: the text has no result.
    """
    if patterns:
        return _last_matches(text, patterns, did)
    if whole:
        try:
            return _checked_json(json.loads(text))
        except (ValueError, RecursionError):
            pass  # a single line may be JSON
    return _last_json(text, did)


def _last_json(text: str, did: str) -> Any:
    for line in reversed(text.splitlines()):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        try:
            return _checked_json(value)
        except ValueError:
            continue
    raise InputError(
        f"{did} no line that is a number or an object in JSON, and no pattern says where the value is{_last_line_of(text)}; "
        f"give one with --metric-regex, such as 'loss: (\\S+)', or pattern= in Python"
    )


def _checked_json(value: Any) -> Any:
    """Return a value that can be metrics: a number or an object.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, dict) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise ValueError("neither a number nor an object")


def _last_line_of(text: str) -> str:
    """Return the last line of an output, as an addition to an error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"; its last line is {shown(lines[-1])}" if lines else "; it is empty"


def read_number(text: str) -> float:
    """Return the number that a program has printed, in C's way or Fortran's: 1.5e-3, 1.5D-03, 0.15-102.

    Raises:
        ValueError: it is not a number.
    """
    try:
        return float(text)
    except ValueError:
        match = _FORTRAN.fullmatch(text)
        if match is None:
            raise
        return float(f"{match['digits']}e{match['exponent']}")


def _number(text: str, pattern: re.Pattern[str]) -> float:
    try:
        return read_number(text)
    except ValueError:
        group = "" if pattern.groups else "; put ( ) around the value in the pattern"
        raise InputError(f"the pattern {as_written(pattern.pattern)} found {shown(text)}, which is no number{group}") from None
