"""Initial synchronization of a run: each rank waits until all have called hyperdrive, and missing ranks are reported.

A rank that never calls hyperdrive keeps the others waiting forever, as in any MPI program. The job's log then names it.

Only collective operations are used: the caller's own program could receive a point-to-point message on a rank that has not called
yet. Every rank sends a record to a few ranks, the witnesses: rank 0, and ranks 1, 2, 4, 8, ... in case rank 0 itself is missing.
A witness sees whose records have come. When all have, rank 0 informs the others.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hyperspace.exchange.waiting import Patience, naps_between_tests

if TYPE_CHECKING:
    from mpi4py import MPI

_PATIENCE = 10.0  # seconds until the missing ranks are named; they are named again at twice that time, and so on
_UNHEARD = 3.0  # multiple of this time until a rank that is not a witness reports that it waits
_HOST_BYTES = 64
_NAMED = 8  # largest number of missing ranks that are named one by one
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


def await_all_ranks(comm: MPI.Intracomm, deadline: float | None = None) -> None:
    """Wait until every rank of `comm` has called, and name late ranks on standard error. Collective.

    Args:
        comm: the communicator.
        deadline: time.monotonic() after which the wait is limited to the grace period. Then all ranks end.
    """
    try:
        _Arrival(comm, deadline).await_all()
    except BaseException as error:
        # Mostly Ctrl-C: the others would wait for a rank that has left.
        why = str(error) if isinstance(error, _DeadlineOver) else "it was interrupted while it waited for them"
        _tell(f"rank {comm.Get_rank()} on {socket.gethostname()} ends all ranks: {why}")
        comm.Abort(1)
        raise


class _DeadlineOver(Exception):
    """Some ranks have not called hyperdrive before the deadline."""


class _Arrival:
    """State of the arrival of the ranks, as known here."""

    def __init__(self, comm: MPI.Intracomm, deadline: float | None) -> None:
        self._comm = comm
        self._patience = Patience(deadline=deadline)
        self._rank, self._size = comm.Get_rank(), comm.Get_size()
        self._witnesses = list(witnesses(self._size))
        self._record = np.zeros(1 + _HOST_BYTES, dtype=np.uint8)
        self._record[0] = 1
        host = socket.gethostname().encode()[:_HOST_BYTES]
        self._record[1 : 1 + len(host)] = np.frombuffer(host, dtype=np.uint8)
        self._seen = np.zeros((self._size, len(self._record)), dtype=np.uint8)
        # A linear gather in every MPI library: with equal counts it may use a tree, in which one absent rank hides others.
        counts = [len(self._record)] * self._size
        self._gathers = {
            root: comm.Igatherv(self._record, [self._seen, counts] if root == self._rank else None, root=root)
            for root in self._witnesses
        }

    def await_all(self) -> None:
        """Wait until every rank has called."""
        if self._rank == 0:
            self._wait(self._gathers[0])
        self._wait(self._comm.Ibcast(np.zeros(1, dtype=np.uint8), root=0))
        for gather in self._gathers.values():
            self._wait(gather)

    def _wait(self, request: MPI.Request) -> None:
        begun, due = time.monotonic(), _PATIENCE
        naps = naps_between_tests()
        while not request.Test():
            time.sleep(next(naps))
            waited = time.monotonic() - begun
            if waited >= due:
                self._complain(waited)
                due = 2 * waited
            self._check(begun)

    def _check(self, begun: float) -> None:
        """End a wait beyond the deadline. A rank that may not know who is missing lets the others end it first."""
        missing = self._missing()
        if not self._patience.is_over(begun, 1.0 if missing else _UNHEARD):
            return
        who = f"{self._name(missing)} {'has' if len(missing) == 1 else 'have'}" if missing else "others have"
        raise _DeadlineOver(f"the deadline has passed, and {who} not called hyperdrive")

    def _missing(self) -> list[int]:
        """Return the missing ranks, if this rank is the first witness that knows."""
        if self._rank not in self._witnesses:
            return []
        # Reads a buffer that is still being filled: a byte is 0 until its rank's record has come.
        missing: list[int] = np.flatnonzero(self._seen[:, 0] == 0).tolist()
        before = self._witnesses[: self._witnesses.index(self._rank)]
        return missing if set(before) <= set(missing) else []

    def _complain(self, waited: float) -> None:
        """Report the missing ranks, if no witness before this rank can."""
        told = f"rank {self._rank} on {socket.gethostname()} has called hyperdrive, and has waited {waited:.0f} s for "
        advice = "Every rank must call hyperdrive, with the same exchange= and comm="
        if missing := self._missing():
            _tell(f"{told}{self._name(missing)}, which {'has' if len(missing) == 1 else 'have'} not. {advice}")
        elif self._rank not in self._witnesses and waited >= _UNHEARD * _PATIENCE:
            _tell(f"{told}others; ranks {', '.join(map(str, self._witnesses))} name those that are missing. {advice}")

    def _name(self, missing: Sequence[int]) -> str:
        host = socket.gethostname()
        processes = find_processes(self._of_the_run(missing[:_NAMED]))
        named = [
            f"rank {rank} ({f'no process of it is seen on {host}' if process is None else f'process {process} on {host}'})"
            for rank, process in zip(missing, processes, strict=False)
        ]
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return f"{len(missing)} of {self._size} ranks: {', '.join(named)}{more}"

    def _of_the_run(self, ranks: Sequence[int]) -> list[int]:
        """Return the numbers of the communicator's ranks among all that the launcher started."""
        from mpi4py import MPI

        return list(MPI.Group.Translate_ranks(self._comm.Get_group(), list(ranks), MPI.COMM_WORLD.Get_group()))


def witnesses(size: int) -> Iterator[int]:
    """Yield the ranks that see which ranks have called: 0, 1, 2, 4, 8, ..."""
    yield 0
    rank = 1
    while rank < size:
        yield rank
        rank *= 2


def find_processes(ranks: Sequence[int]) -> list[int | None]:
    """Return for each rank of this run its process on this machine; None if it has no visible one."""
    launcher = _launcher_of(os.getpid())
    found: dict[int, int] = {}
    for process in sorted(int(entry) for entry in _listed(Path("/proc")) if entry.isdigit()):
        rank = _rank_of(process)
        if rank is not None and rank not in found and _launcher_of(process) == launcher:
            found[rank] = process
    return [found.get(rank) for rank in ranks]


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _rank_of(process: int) -> int | None:
    """Return the number that the launcher gave to a process or its parent; None if it gave none."""
    try:
        text = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return None
    variables = dict(entry.partition("=")[::2] for entry in text.split("\0"))
    numbers = (variables.get(name, "") for name in _RANK_VARIABLES)
    return next((int(number) for number in numbers if number.isdigit()), None)


def _launcher_of(process: int) -> int:
    """Return the nearest ancestor of this process that is not a rank: the launcher, or its helper on this machine."""
    while _rank_of(process) is not None:
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return 0
    return process


def _tell(text: str) -> None:
    with suppress(OSError, ValueError):  # a full disk under the log, or a closed stream
        sys.stderr.write(f"hyperspace: {text}\n")
        sys.stderr.flush()
