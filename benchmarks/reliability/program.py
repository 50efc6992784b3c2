"""The program that the schedules run: a study whose every evaluation is written down outside of the study's folder.

It appends JSON lines to the evidence file: that a process started, that an evaluation began and returned, that a callback saw a
trial, that hyperdrive returned. A line is one write in append mode, so that lines of several processes do not mix.
Its environment names the study (`HYPERSPACE_SCHEDULE`, a file) and this run of it (`HYPERSPACE_RUN`, as JSON).
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from hyperspace import hyperdrive
from hyperspace.errors import HyperSpaceError
from hyperspace.exchange import files
from hyperspace.journal import lease

STUDY: dict[str, Any] = json.loads(Path(os.environ["HYPERSPACE_SCHEDULE"]).read_text())
RUN: dict[str, Any] = json.loads(os.environ["HYPERSPACE_RUN"])
PAUSE = "HYPERSPACE_PAUSE"  # seconds of an evaluation on a slow rank
PREFIX = "program: "  # of the sentence with which it ends where hyperdrive refuses or gives up


def write(event: str, **more: Any) -> None:
    """Append a line to the evidence."""
    line = {"event": event, "time": time.monotonic(), "run": RUN["name"], "pid": os.getpid()} | more
    file = os.open(STUDY["evidence"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (json.dumps(line) + "\n").encode())
    os.close(file)


def rank() -> int:
    """Return this process's rank, as its launcher tells it."""
    for name in ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


def objective(x: list[float], trial: Any) -> dict[str, float]:
    """Return a loss, and a ticket that no other evaluation has."""
    ticket = float(int.from_bytes(os.urandom(6)))
    write("begin", id=trial.id, attempt=trial.attempt, ticket=ticket)
    time.sleep(float(os.environ.get(PAUSE, RUN["pause"])))
    write("return", id=trial.id, attempt=trial.attempt, ticket=ticket)
    if x[1] > 0.95:
        raise ValueError("a region that fails")
    return {"loss": (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2, "ticket": ticket}


def callback(trial: Any) -> None:
    """Write down that a trial is on record."""
    ticket = trial.metrics.get("ticket")
    write("ack", id=f"{trial.drive}-{trial.iteration}", attempt=trial.attempt, status=trial.status, ticket=ticket)


def shorten(module: Any, **seconds: float) -> None:
    """Replace durations that are constants of a module."""
    for name, value in seconds.items():
        getattr(module, name)  # it has to be there
        setattr(module, name, value)


def halt_before_write(number: int) -> None:
    """Let this process stop itself before its `number`-th write to a journal, when it has made sure that it may write."""
    real_open, writes = os.open, itertools.count(1)

    def opens(path: Any, flags: int, *more: Any, **named: Any) -> int:
        writing = flags & (os.O_WRONLY | os.O_RDWR) and "/journals/" in os.fspath(path)
        if writing and next(writes) == number:
            write("halt")
            os.kill(os.getpid(), signal.SIGSTOP)
        return real_open(path, flags, *more, **named)

    os.open = opens


def main() -> int:
    """Run the study; return the exit code."""
    faulthandler.register(signal.SIGUSR2)  # tells where it hangs
    write("start", rank=rank())
    shorten(lease, EXPIRY=STUDY["expiry"], HEARTBEAT=STUDY["heartbeat"], _MOMENT=1.0)
    shorten(files, _EXPIRY_INTERVAL=0.5)
    if rank() == 0 and RUN["halts"] is not None:
        halt_before_write(RUN["halts"])
    if rank() == RUN["slow"]:
        os.environ[PAUSE] = str(5.0 * RUN["pause"])  # for an evaluation in a process of its own, too
    try:
        result = hyperdrive(
            objective,
            [(0.0, 1.0), (0.0, 1.0)],
            STUDY["path"],
            model=STUDY["model"],
            n_calls=STUDY["calls"],
            n_subspaces=2,
            n_drives=STUDY["drives"],
            n_samples=2,
            exchange=RUN["exchange"],
            isolate=STUDY["isolate"],
            deadline=RUN["deadline"],
            callback=callback,
            verbose=True,
        )
    except HyperSpaceError as error:
        sys.stderr.write(f"{PREFIX}{type(error).__name__}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"{PREFIX}KeyboardInterrupt\n")
        return 130
    write("result", rank=rank(), evaluations=result.nfev)
    return 0


if __name__ == "__main__":
    sys.exit(main())
