"""Answers of a worker: JSON, one per line. They are checked, since any code in that process may write to the pipe.

    {"process": 4711, "trial": 0, "event": "ready"}
    {"process": 4711, "trial": 0, "event": "refused", "reason": "..."}
    {"process": 4711, "trial": 8, "event": "reported", "step": 3, "metrics": {"loss": 0.5}}
    {"process": 4711, "trial": 8, "event": "finished", "status": "ok", "metrics": {...}, "seconds": 0.2, ...}

`trial` is the rank's number of the evaluation, 0 before the first one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from hyperspace.errors import HyperSpaceError
from hyperspace.evaluators.importing import Unguarded
from hyperspace.trials.metrics import AmbiguousMetrics
from hyperspace.trials.trial import FAILED, OK, PRUNED

Record = dict[str, Any]
# Errors that end the study, by their names in an answer.
FATAL: Mapping[str, type[HyperSpaceError]] = {kind.__name__: kind for kind in (AmbiguousMetrics, Unguarded)}
_LONGEST = 1 << 28  # largest size of an answer in bytes


class NoAnswer(ValueError):
    """Invalid data in a worker's pipe."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_integer(value)


def _are_metrics(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_number(entry) or (isinstance(entry, list) and all(map(_is_number, entry))) for entry in value.values()
    )


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


_FIELDS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "ready": {},
    "refused": {"reason": _is_text},
    "reported": {"step": _is_integer, "metrics": _are_metrics},
    "finished": {
        "status": lambda value: value in (OK, FAILED, PRUNED),
        "metrics": _are_metrics,
        "seconds": lambda value: _is_number(value) and 0 <= value < math.inf,
        "error": _or_none(_is_text),
        "fault": lambda value: value in (None, "objective", "infrastructure"),
        "fatal": lambda value: value is None or value in FATAL,
        "again": lambda value: isinstance(value, bool),
        "note": _or_none(_is_text),
        "memory": _is_count,
    },
}


def parse_answer(line: bytes) -> Record:
    """Return a worker's answer.

    Raises:
        NoAnswer: the line is not an answer.
    """
    try:
        answer: Record = json.loads(line)
    except (ValueError, RecursionError):  # an integer of thousands of digits is also a ValueError
        raise NoAnswer(_describe(line)) from None
    fields = _FIELDS.get(answer["event"]) if isinstance(answer, dict) and _is_text(answer.get("event")) else None
    if fields is None or answer.keys() != {"process", "trial", "event", *fields}:
        raise NoAnswer(_describe(line))
    checks = {"process": _is_count, "trial": _is_count, "event": _is_text} | dict(fields)
    if not all(check(answer[name]) for name, check in checks.items()):
        raise NoAnswer(_describe(line))
    return answer


class Lines:
    """Splits incoming data into lines; the cost of a line is proportional to its length."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def add(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete with this data.

        Raises:
            NoAnswer: a line that does not end.
        """
        head, *tail = data.split(b"\n")
        if not tail:
            self._rest += data
            if len(self._rest) > _LONGEST:
                raise NoAnswer(f"more than {_LONGEST} bytes without the end of a line")
            return []
        first = bytes(self._rest + head)
        self._rest = bytearray(tail.pop())
        return [first, *tail]


def _describe(line: bytes) -> str:
    shown = line[:60].decode(errors="replace")
    return f"{shown!r}" + (f" and {len(line) - 60} more bytes" if len(line) > 60 else "")
