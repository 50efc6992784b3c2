"""Processes that hold leases, and tests whether they are alive."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Owner:
    """Process that holds leases.

    Attributes:
        host: name of its machine, with its process namespace if there is one; pid refers to this.
        pid: process number.
        born: start time of that process in the machine's unit, since process numbers are reused; 0 if unknown.
        job: its SLURM job, or "".
        restart: number of times that SLURM has requeued that job.
        since: time at which it took the lease, seconds since the epoch.
    """

    host: str
    pid: int
    born: int
    job: str
    restart: int
    since: float

    @classmethod
    def here(cls) -> Owner:
        """Return this process."""
        environment = os.environ
        restart = environment.get("SLURM_RESTART_COUNT", "")
        return cls(
            host=_place(),
            pid=os.getpid(),
            born=_born(os.getpid()) or 0,
            job=environment.get("SLURM_JOB_ID", ""),
            restart=int(restart) if restart.isdigit() else 0,
            since=time.time(),
        )

    def __str__(self) -> str:
        """Return a description of the process for messages."""
        job = f" (SLURM job {self.job})" if self.job else ""
        return f"process {self.pid} on {self.host.partition('/')[0]}{job}"

    def is_dead(self, me: Owner) -> bool | None:
        """Return whether the process has ended; None if this is unknown here."""
        if self.job and self.job == me.job and self.restart < me.restart:
            return True  # the run before the requeue
        if self.host != me.host:
            return None
        born = _born(self.pid)
        return born is None or (self.born != 0 and born != 0 and born != self.born)


def load_owner(record: Mapping[str, object]) -> Owner | None:
    """Return the owner in a lease's file; None if the file has none."""
    kinds: dict[str, Any] = {"host": str, "pid": int, "born": int, "job": str, "restart": int, "since": (int, float)}
    names = [field.name for field in fields(Owner)]
    if not isinstance(record, dict) or not all(isinstance(record.get(name), kinds[name]) for name in names):
        return None
    return Owner(**{name: record[name] for name in names})


def _place() -> str:
    """Return the machine and, on Linux, the process namespace: containers with one name have different process numbers."""
    try:
        return f"{socket.gethostname()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _born(pid: int) -> int | None:
    """Return the start time of a process on this machine; 0 if it is alive and the time is unknown, None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:
            return 0  # a process of another user
        return 0
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])  # field 22 of proc(5); a zombie no longer writes
