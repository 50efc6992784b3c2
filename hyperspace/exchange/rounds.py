"""Ranks of an MPI run that meet between rounds."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from hyperspace.errors import HyperSpaceError
from hyperspace.exchange.arrival import await_all_ranks
from hyperspace.exchange.base import Exchange, Tally, add, describe_error
from hyperspace.exchange.waiting import naps_between_tests

if TYPE_CHECKING:
    from mpi4py import MPI

_TALLY_TAG = 1
_RANK_0_FIRST = 1.0  # seconds: where all ranks come to the same end, rank 0 is to tell it


class MPIExchange(Exchange):
    """The ranks of an MPI communicator.

    Args:
        comm: the communicator; a duplicate is used, so that no message of ours meets one of the caller's. Collective.

    Attributes:
        mpi: the module mpi4py.MPI.
        comm: the duplicate.
    """

    def __init__(self, comm: MPI.Intracomm) -> None:
        from mpi4py import MPI

        self.mpi = MPI
        await_all_ranks(comm)
        self.comm = comm.Dup()
        self.rank = comm.Get_rank()
        self.size = comm.Get_size()
        self._tallies: dict[int, Tally] = {}
        self._posted: list[MPI.Request] = []
        self._sent = 0
        self._received = 0

    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` on every rank."""
        return self.gather([value] if self.rank == 0 else [])[0]

    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records of all ranks, in the order of ranks."""
        mine = np.frombuffer(json.dumps(list(records), separators=(",", ":")).encode(), dtype=np.uint8)
        sizes = np.empty(self.size, dtype=np.int64)
        self._wait(self.comm.Iallgather(np.array([len(mine)], dtype=np.int64), sizes))
        everything = np.empty(int(sizes.sum()), dtype=np.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._wait(self.comm.Iallgatherv(mine, [everything, sizes, starts, self.mpi.UINT8_T]))
        parts = (everything[start : start + size].tobytes() for start, size in zip(starts, sizes, strict=True))
        return [record for part in parts for record in json.loads(part)]

    def report(self, tally: Tally) -> None:
        """Tell rank 0 how far this rank is."""
        self._tallies[self.rank] = tally
        if self.rank:
            self._posted = [request for request in self._posted if not request.Test()]
            self._posted.append(self.comm.isend(tuple(tally), dest=0, tag=_TALLY_TAG))
            self._sent += 1

    def progress(self) -> Tally:
        """Return how far all ranks are, as far as rank 0 has heard."""
        status = self.mpi.Status()
        while self.comm.iprobe(tag=_TALLY_TAG, status=status):
            self._tallies[status.Get_source()] = Tally(*self.comm.recv(source=status.Get_source(), tag=_TALLY_TAG))
            self._received += 1
        return add(self._tallies.values())

    def abort(self, error: BaseException) -> NoReturn:
        """Say what happened, and where, and end all ranks."""
        told = isinstance(error, (HyperSpaceError, KeyboardInterrupt, SystemExit))  # by one sentence
        if isinstance(error, HyperSpaceError) and self.rank:
            time.sleep(_RANK_0_FIRST)
        lines = "" if told else "".join(traceback.format_exception(error))
        sys.stderr.write(f"{lines}hyperspace: rank {self.rank} on {self.host} ends all ranks: {describe_error(error)}\n")
        sys.stderr.flush()
        self.comm.Abort(1)
        raise error  # Abort does not return; this says so to the type checker

    def close(self) -> None:
        """Receive what is still on its way, and give the communicator back."""
        sent = sum(self.gather([self._sent]))
        naps = naps_between_tests()
        while self.rank == 0 and self._received < sent:
            self.progress()
            time.sleep(next(naps))
        for request in self._posted:
            self._wait(request)
        self.comm.Free()

    def _wait(self, request: MPI.Request) -> None:
        naps = naps_between_tests()
        while not request.Test():
            time.sleep(next(naps))
