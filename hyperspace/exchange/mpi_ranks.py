"""Ranks of an MPI run, and their communication."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import HyperSpaceError, traceback_of
from hyperspace.exchange.ranks import Ranks, describe_error
from hyperspace.exchange.silent_ranks import RollCall, has_given_up, refuse_after_silence
from hyperspace.exchange.startup import await_all_ranks
from hyperspace.exchange.tally import Tally, add
from hyperspace.exchange.waiting import Patience, RanksSilentError, naps_between_tests, naps_of_a_transfer
from hyperspace.system.terminal import printable

if TYPE_CHECKING:
    from mpi4py import MPI

Sizes = NDArray[np.int64]

_TALLY_TAG = 1
_RANK_0_FIRST = 1.0  # seconds that rank 0 has to report an end that all ranks reach
_UNEVEN = 1.5  # ratio of the largest part to the mean above which parts are redistributed before the gather
_SMALL = 100_000  # bytes up to which that is not worthwhile


class MPIRanks(Ranks):
    """Ranks of an MPI communicator.

    Args:
        comm: the communicator; a duplicate is used, so that our messages and the caller's do not mix. Collective.
        deadline: time.monotonic() after which the wait for missing ranks is limited to the grace period.

    Attributes:
        mpi: the module mpi4py.MPI.
        comm: the duplicate.

    Raises:
        StudyError: ranks of this job were given up as silent.
    """

    def __init__(self, comm: MPI.Intracomm, deadline: float | None = None) -> None:
        from mpi4py import MPI

        refuse_after_silence()
        self.mpi = MPI
        await_all_ranks(comm, deadline)
        self.rank = comm.Get_rank()
        self.size = comm.Get_size()
        self.comm = comm.Dup()
        self._roll_call = RollCall(MPI, self.comm)
        self._tallies: dict[int, Tally] = {}
        self._untold = False  # whether the latest tally was not sent to rank 0 yet
        self._posted: MPI.Request | None = None
        self._sent = 0
        self._received = 0

    def agree(self, value: Any) -> Any:
        """Return rank 0's `value` on every rank."""
        return self.gather([value] if self.rank == 0 else [])[0]

    def gather(self, records: Sequence[Any]) -> list[Any]:
        """Return the records of all ranks, in the order of ranks."""
        mine = np.frombuffer(json.dumps(list(records), separators=(",", ":")).encode(), dtype=np.uint8)
        sizes = np.empty(self.size, dtype=np.int64)
        self.wait(self.comm.Iallgather(np.array([len(mine)], dtype=np.int64), sizes))
        ends = np.cumsum(sizes)
        everything = self._gather_bytes(mine, sizes)
        parts = (everything[end - size : end].tobytes() for end, size in zip(ends, sizes, strict=True))
        return [record for part in parts for record in json.loads(part)]

    def _gather_bytes(self, mine: NDArray[np.uint8], sizes: Sizes) -> NDArray[np.uint8]:
        """Return the bytes of all ranks, one after the other.

        MPI passes the parts around a ring together, in as many steps as there are ranks. If one part dominates, this is slow. So
        the bytes are first distributed evenly.
        """
        ends, total = np.cumsum(sizes), int(sizes.sum())
        starts = ends - sizes
        if total > _SMALL and self.size * int(sizes.max()) > _UNEVEN * total:
            cuts = np.array([total * rank // self.size for rank in range(self.size + 1)])
            moved = np.minimum(ends[:, None], cuts[None, 1:]) - np.maximum(starts[:, None], cuts[None, :-1])
            moved = np.maximum(moved, 0)  # bytes from each rank to each
            out, back = moved[self.rank], moved[:, self.rank]
            part = np.empty(int(cuts[self.rank + 1] - cuts[self.rank]), dtype=np.uint8)
            sending = [mine, out, np.cumsum(out) - out, self.mpi.UINT8_T]
            receiving = [part, back, np.cumsum(back) - back, self.mpi.UINT8_T]
            self.wait(self.comm.Ialltoallv(sending, receiving), naps_of_a_transfer())
            mine, sizes, starts = part, np.diff(cuts), cuts[:-1]
        everything = np.empty(total, dtype=np.uint8)
        self.wait(self.comm.Iallgatherv(mine, [everything, sizes, starts, self.mpi.UINT8_T]), naps_of_a_transfer())
        return everything

    def report(self, tally: Tally) -> None:
        """Send the progress of this rank to rank 0; at most one message is in transit, and the next one has the latest tally."""
        self._tallies[self.rank] = tally
        self._untold = self.rank != 0
        self._tell()

    def _tell(self) -> None:
        if self._untold and (self._posted is None or self._posted.Test()):
            self._posted = self.comm.issend(tuple(self._tallies[self.rank]), dest=0, tag=_TALLY_TAG)
            self._untold = False
            self._sent += 1

    def progress(self) -> Tally:
        """Return the progress of all ranks, as known to rank 0."""
        status = self.mpi.Status()
        while self.comm.iprobe(tag=_TALLY_TAG, status=status):
            self._tallies[status.Get_source()] = Tally(*self.comm.recv(source=status.Get_source(), tag=_TALLY_TAG))
            self._received += 1
        return add(self._tallies.values())

    def bound(self, patience: Patience) -> None:
        """Limit waits for other ranks by `patience`. Collective."""
        self._roll_call.patience = patience
        if not self._roll_call.hosts:
            self._roll_call.hosts = self.gather([self.host])

    def share_patience(self, other: MPIRanks) -> None:
        """Use the wait limit of `other`."""
        self._roll_call.patience = other._roll_call.patience

    def merge_answers(self, records: Any, conclude: Callable[[dict[int, Any]], Any]) -> tuple[Any, list[str]]:
        """Merge the records of the ranks that answer (see RollCall.merge)."""
        return self._roll_call.merge(records, conclude)

    @property
    def has_given_up(self) -> bool:
        """Whether some ranks of this job are silent."""
        return has_given_up()

    def abort(self, error: BaseException) -> NoReturn:
        """Print the error with rank and host, and end all ranks."""
        if isinstance(error, RanksSilentError):
            self._roll_call.end_naming()
        told = isinstance(error, (HyperSpaceError, KeyboardInterrupt, SystemExit))  # in one sentence
        if isinstance(error, HyperSpaceError) and self.rank:
            time.sleep(_RANK_0_FIRST)
        lines = "" if told else traceback_of(error, error.__traceback__)
        sentence = f"hyperspace: rank {self.rank} on {self.host} ends all ranks: {describe_error(error)}"
        sys.stderr.write(printable(f"{lines}{sentence}", lines=True) + "\n")
        sys.stderr.flush()
        self.comm.Abort(1)
        raise error  # Abort does not return; this is for the type checker

    def close(self) -> None:
        """Receive messages in transit, and free the communicator."""
        if has_given_up():
            return
        self._untold = False
        try:
            sent = sum(self.gather([self._sent]))
            begun, naps = time.monotonic(), naps_between_tests()
            while self.rank == 0 and self._received < sent:
                self.progress()
                self.check(begun)
                time.sleep(next(naps))
            if self._posted is not None:
                self.wait(self._posted)
        except RanksSilentError:
            self._roll_call.merge(None, lambda known: None)  # the earlier result stays valid
            return
        self.comm.Free()

    def wait(self, request: MPI.Request, naps: Iterator[float] | None = None) -> None:
        """Wait for the end of an operation.

        Args:
            request: the operation.
            naps: seconds to sleep between tests; None for an operation that other ranks may join much later.

        Raises:
            RanksSilentError: the wait has exceeded its limit.
        """
        begun, naps = time.monotonic(), naps or naps_between_tests()
        while not request.Test():
            self.check(begun)
            if self._untold:
                self._tell()
            time.sleep(next(naps))

    def check(self, begun: float) -> None:
        """Do periodic work in a wait that began at time.monotonic() `begun`.

        Raises:
            RanksSilentError: the wait has exceeded its limit.
        """
        self._roll_call.check(begun)
