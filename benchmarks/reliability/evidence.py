"""What the program of a schedule wrote down while it ran, outside of the study's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """A line of evidence.

    Attributes:
        name: "start" of a process, "begin" or "return" of an evaluation, "ack" by a callback, "result" of hyperdrive.
        time: by the machine's monotonic clock, which all processes share.
        run: letter of the run.
        pid: the process that wrote it.
        key: (drive, iteration) of the evaluation; None without one.
        more: what else the line holds.
    """

    name: str
    time: float
    run: str
    pid: int
    key: tuple[int, int] | None
    more: dict[str, Any]


class Evidence:
    """The evidence file, read as it grows.

    Args:
        path: the file; it need not be there yet.

    Attributes:
        events: all that was read so far, in the order in which it was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self._size = 0

    def read(self) -> list[Event]:
        """Read what is new; return all events."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._size)
                data = file.read()
        except FileNotFoundError:
            return self.events
        whole = data[: data.rfind(b"\n") + 1]
        self._size += len(whole)
        self.events += map(_event, whole.splitlines())
        return self.events

    def count(self, name: str) -> int:
        """Return the number of events of this name so far."""
        return sum(event.name == name for event in self.read())


def _event(line: bytes) -> Event:
    record = json.loads(line)
    drive, _, iteration = record.pop("id", "").partition("-")
    key = (int(drive), int(iteration)) if drive else None
    return Event(record.pop("event"), record.pop("time"), record.pop("run"), record.pop("pid"), key, record)
