"""Trials as plain JSON values: the form in which they are written to journals and sent between ranks.

Strict JSON has no nan and no infinities; a metric that is one of them travels as the string "nan", "inf" or "-inf".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hyperspace.metrics import Value
from hyperspace.space import Space
from hyperspace.trial import FINISHED, RUNNING, Trial

Record = dict[str, Any]

# Fields with a default are left out where they hold it, which keeps a line short enough to read.
_STARTED = ("attempt", "subspace", "region", "arm", "model", "predicted", "started", "suggest_seconds", "rank", "host", "origin")
_FINISHED = ("seconds", "error", "fault", "reports")
_OWN = ("known", "pending", "started", "suggest_seconds", "rank", "host")
_LOADED = frozenset(_STARTED + _FINISHED)
_DEFAULTS = {name: Trial.__dataclass_fields__[name].default for name in _STARTED + _FINISHED}


def started_record(trial: Trial, space: Space) -> Record:
    """Return what is known of `trial` when its evaluation begins."""
    record: Record = {"drive": trial.drive, "iteration": trial.iteration, "x": space.dump(trial.x)}
    record |= _given(trial, _STARTED)
    if trial.known is not None:
        record["known"] = [{str(drive): count for drive, count in batch.items()} for batch in trial.known]
    if trial.pending is not None:
        record["pending"] = list(trial.pending)
    return record


def finished_record(trial: Trial) -> Record:
    """Return what the end of its evaluation adds."""
    metrics = {name: dump_metric(value) for name, value in trial.metrics.items()}
    return {"status": trial.status, "metrics": metrics} | _given(trial, _FINISHED)


def trial_record(trial: Trial, space: Space) -> Record:
    """Return all that is known of `trial`."""
    return started_record(trial, space) | (finished_record(trial) if trial.finished else {})


def shared_record(trial: Trial, space: Space) -> Record:
    """Return what other drives are told of `trial`: all that an answer may depend on.

    Not what its own drive knew, which grows with the number of drives; nor who made it and when, as that drive's journal says.
    """
    record = trial_record(trial, space)
    for name in _OWN:
        record.pop(name, None)
    return record


def load_trial(record: Mapping[str, Any], space: Space) -> Trial:
    """Return the trial that `record` describes.

    Raises:
        ValueError: a field is missing or of the wrong kind.
    """
    try:
        fields = {name: record[name] for name in _LOADED & record.keys()}
        status = record.get("status", RUNNING)
        if status not in (RUNNING, *FINISHED):
            raise ValueError(f"unknown status {status!r}")
        if "predicted" in record:
            fields["predicted"] = float(record["predicted"])
        if "known" in record:
            batches = record["known"]
            fields["known"] = tuple(_load_counts(batch) for batch in ([batches] if isinstance(batches, Mapping) else batches))
        if "reports" in record:
            fields["reports"] = tuple((_integer(step), float(value)) for step, value in record["reports"])
        if "pending" in record:
            fields["pending"] = tuple(_integer(drive) for drive in record["pending"])
        return Trial(
            drive=_integer(record["drive"]),
            iteration=_integer(record["iteration"]),
            x=space.load(record["x"]),
            status=status,
            metrics={str(name): _load_metric(value) for name, value in record.get("metrics", {}).items()},
            **fields,
        )
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"not the record of a trial ({type(error).__name__}: {error})") from error


def dump_metric(value: Value) -> Any:
    """Return a metric's value as strict JSON."""
    if isinstance(value, tuple):
        return [dump_metric(element) for element in value]
    return value if math.isfinite(value) else str(value)


def _load_counts(counts: Mapping[str, Any]) -> dict[int, int]:
    return {int(drive): _integer(count) for drive, count in counts.items()}


def _load_metric(value: Any) -> Value:
    if type(value) is float:
        return value
    if isinstance(value, list):
        return tuple(float(element) for element in value)
    return float(value)


def _given(trial: Trial, names: tuple[str, ...]) -> Record:
    values = ((name, getattr(trial, name)) for name in names)
    return {name: value for name, value in values if value != _DEFAULTS[name]}


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"a whole number was expected, got {value!r}")
    return value
