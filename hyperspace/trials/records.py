"""Trials as plain JSON values: the form of journals and of messages between ranks.

Strict JSON has neither nan nor infinities; such a metric is written as the string "nan", "inf" or "-inf".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hyperspace.errors import shown
from hyperspace.space.space import Space
from hyperspace.trials.metrics import Value
from hyperspace.trials.trial import FINISHED, GIVEN_DRIVE, RUNNING, Trial

Record = dict[str, Any]

# Fields with their default value are omitted, which keeps lines short.
_STARTED = (
    *("attempt", "retry", "subspace", "region", "arm", "model", "predicted", "started", "suggest_seconds", "rank", "host"),
    "origin",
)
_FINISHED = ("seconds", "error", "fault", "reports")
_OWN = ("known", "pending", "started", "suggest_seconds", "rank", "host")
_DEFAULTS = {name: Trial.__dataclass_fields__[name].default for name in _STARTED + _FINISHED}


def started_record(trial: Trial, space: Space) -> Record:
    """Return the fields of `trial` that are known when its evaluation starts."""
    record: Record = {"drive": trial.drive, "iteration": trial.iteration, "x": space.dump(trial.x)}
    record |= _given(trial, _STARTED)
    if trial.known is not None:
        record["known"] = [{str(drive): count for drive, count in batch.items()} for batch in trial.known]
    if trial.pending is not None:
        record["pending"] = list(trial.pending)
    return record


def finished_record(trial: Trial) -> Record:
    """Return the fields that are known at the end of its evaluation."""
    metrics = {name: dump_metric(value) for name, value in trial.metrics.items()}
    return {"status": trial.status, "metrics": metrics} | _given(trial, _FINISHED)


def trial_record(trial: Trial, space: Space) -> Record:
    """Return all fields of `trial`."""
    return started_record(trial, space) | (finished_record(trial) if trial.finished else {})


def shared_record(trial: Trial, space: Space) -> Record:
    """Return the fields of `trial` for other drives: all that their points can depend on.

    It omits the drive's own `known`, which grows with the number of drives. It also omits rank, host and times, which are in that
    drive's journal.
    """
    record = trial_record(trial, space)
    for name in _OWN:
        record.pop(name, None)
    return record


def load_trial(record: Mapping[str, Any], space: Space) -> Trial:
    """Return the trial of a record.

    Raises:
        ValueError: a field is missing or of the wrong kind.
    """
    try:
        fields = {name: load(record[name]) for name, load in _LOADS.items() if name in record}
        drive = record["drive"]
        return Trial(
            drive=GIVEN_DRIVE if drive == GIVEN_DRIVE else _count(drive),
            iteration=_count(record["iteration"]),
            x=space.load(record["x"]),
            metrics=_load_metrics(record.get("metrics", {})),
            space=space,
            **fields,
        )
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"not the record of a trial ({type(error).__name__}: {error})") from error


def load_end(trial: Trial, record: Mapping[str, Any]) -> Trial:
    """Return `trial` with the end in `record`, made by `finished_record`. It equals `load_trial` of both, in half the time.

    Raises:
        ValueError: a field is missing or of the wrong kind.
    """
    try:
        fields = {name: _LOADS[name](record[name]) for name in ("attempt", *_FINISHED) if name in record}
        status = _LOADS["status"](record["status"])
        return replace(trial, status=status, metrics=_load_metrics(record.get("metrics", {})), **fields)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"not the end of a trial ({type(error).__name__}: {error})") from error


def dump_metric(value: Value) -> Any:
    """Return a metric's value as strict JSON."""
    if isinstance(value, tuple):
        return [dump_metric(element) for element in value]
    return value if math.isfinite(value) else str(value)


def _load_metrics(metrics: Mapping[str, Any]) -> dict[str, Value]:
    return {str(name): _load_metric(value) for name, value in metrics.items()}


def _load_metric(value: Any) -> Value:
    if type(value) is float:
        return value
    if isinstance(value, list):
        return tuple(float(element) for element in value)
    return float(value)


def _given(trial: Trial, names: tuple[str, ...]) -> Record:
    values = ((name, getattr(trial, name)) for name in names)
    return {name: value for name, value in values if value != _DEFAULTS[name]}


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a whole number from 0 was expected, got {value!r}")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"a whole number was expected, got {shown(value)}")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"a number was expected, got {value!r}")
    return float(value)


def _seconds(value: Any) -> float:
    if not 0.0 <= (seconds := _number(value)) < math.inf:
        raise ValueError(f"seconds from 0 were expected, got {value!r}")
    return seconds


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, got {value!r}")
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, got {value!r}")
    return value


def _one_of(*values: Any) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"one of {', '.join(map(repr, values))} was expected, got {value!r}")
        return value

    return check


def _optional(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else load(value)


def _known(value: Any) -> tuple[dict[int, int], ...]:
    batches = [value] if isinstance(value, dict) else value  # earlier versions wrote a single batch
    return tuple({int(drive): _count(count) for drive, count in batch.items()} for batch in batches)


def _reports(value: Any) -> tuple[tuple[int, float], ...]:
    return tuple((_integer(step), _number(loss)) for step, loss in value)


# Conversion of each field: the kind and range of a field in a file must be checked.
_LOADS: dict[str, Callable[[Any], Any]] = {
    "status": _one_of(RUNNING, *FINISHED),
    "attempt": _count,
    "retry": _count,
    "subspace": _count,
    "region": _optional(_count),
    "arm": _text,
    "model": _optional(_object),
    "predicted": _optional(_number),
    "known": _known,
    "pending": lambda value: tuple(_count(drive) for drive in value),
    "started": _seconds,
    "suggest_seconds": _seconds,
    "rank": _count,
    "host": _text,
    "origin": _one_of("asked", "given"),
    "seconds": _optional(_seconds),
    "error": _optional(_text),
    "fault": _one_of(None, "objective", "infrastructure"),
    "reports": _optional(_reports),
}
