"""Gossip: a rank shares its trials with its neighbors, and they with theirs, without coordination.

`hyperspace.exchange.ledger` decides which rank is sent which trials; this module holds the records, the messages and MPI.

A record is encoded once, by the rank that made it, and passed on as these bytes. A receiver decodes it later. A message
is a few counts as integers, then the records, one per line.

Sends are synchronous and nonblocking: a send completes when its message is received, which detects the end. When every rank is
done (a first barrier), no new records appear. When every send has completed (a second one), no message is in transit.
"""

from __future__ import annotations

import json
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.exchange.ledger import Ledger, News
from hyperspace.exchange.mpi_ranks import MPIRanks
from hyperspace.exchange.waiting import naps_between_tests, naps_of_a_transfer

if TYPE_CHECKING:
    from mpi4py import MPI

    from hyperspace.exchange.ranks import Ranks

Record = Mapping[str, Any]
_TAG = 2
_HEADER = struct.Struct("<?iidIII")  # of News: stop, transfer, load and pace; lengths of has, finished and running
_COUNT = np.dtype("<i4")
_LINE = b"\n"
_HELD_BY_ALL = b""  # placeholder of a record that all ranks have, so that it is never sent


class Gossip:
    """Trials that this rank knows, and their exchange with its neighbors.

    Args:
        ranks: the ranks of this run.
        n_drives: number of drives of the study.

    Attributes:
        ledger: decides what is sent to which rank, and how the budget is divided.
        messages: number of messages sent.
        bytes: bytes sent.
    """

    def __init__(self, ranks: Ranks, n_drives: int) -> None:
        self._comm: Any = None
        self._ranks = ranks
        if isinstance(ranks, MPIRanks):
            self._mpi, self._comm = ranks.mpi, ranks.comm
        self.ledger = Ledger(ranks.rank, ranks.size, n_drives)
        self._finished: list[list[bytes]] = [[] for _ in range(n_drives)]  # for each drive its records, by iteration
        self._running: dict[int, bytes] = {}  # by drive, the record of its running trial, if known
        self._coming: dict[int, deque[tuple[MPI.Request, bytearray]]] = {}  # incoming messages by sender, in order
        self._fresh_records: list[bytes] = []  # records of finished trials that `news` has not returned yet
        self._running_changed: set[int] = set()  # drives whose running trial has changed since the last `news`
        self.messages = 0
        self.bytes = 0

    def add(self, record: Record, finished: bool) -> None:
        """Add the record of a trial of this rank; a record without its predecessor is dropped."""
        drive, iteration = record["drive"], record["iteration"]
        line = json.dumps(record, separators=(",", ":")).encode()
        if finished and self.ledger.finish(drive, iteration):
            self._finished[drive].append(line)
            self._ends(drive)
        elif not finished and self.ledger.begin(drive, iteration):
            self._begins(drive, line)

    def start_from(self, counts: Sequence[int]) -> None:
        """Record that all ranks have the first `counts` trials of each drive; call this before adding others."""
        for known, count in zip(self._finished, counts, strict=True):
            known += [_HELD_BY_ALL] * count
        self.ledger.start_from(counts)

    def news(self) -> tuple[list[Record], dict[int, Record | None]]:
        """Return the changes since the last call.

        Returns:
            The records of finished trials from other ranks. And the record of the running trial, or None, for each drive that has
            started or ended one.
        """
        fresh, changed = self._fresh_records, sorted(self._running_changed)
        begun = [self._running[drive] for drive in changed if drive in self._running]
        self._fresh_records, self._running_changed = [], set()
        records = json.loads(b"[" + b",".join(fresh + begun) + b"]")
        running: dict[int, Record | None] = dict.fromkeys(changed)
        running |= {record["drive"]: record for record in records[len(fresh) :]}
        return records[: len(fresh)], running

    def _begins(self, drive: int, line: bytes) -> None:
        self._running[drive] = line
        self._running_changed.add(drive)

    def _ends(self, drive: int) -> None:
        if self._running.pop(drive, None) is not None:
            self._running_changed.add(drive)

    def turn(self, insist: bool = False) -> None:
        """Receive messages, and send what neighbors lack; rarely to silent neighbors, unless `insist`."""
        if self._comm is None:
            return
        self._receive()
        now = time.monotonic()
        for edge, news in self.ledger.due(now, insist):
            payload = self.pack(news)
            edge.sent(now, self._comm.Issend([payload, self._mpi.BYTE], dest=edge.rank, tag=_TAG).Test, payload)
            self.messages += 1
            self.bytes += len(payload)

    def end(self) -> None:
        """Continue passing news until no rank evaluates and no message is in transit. Collective.

        Raises:
            RanksSilentError: the wait has exceeded its limit.
        """
        if self._comm is None:
            return
        self._until(self._comm.Ibarrier(), self.turn)
        begun, naps = time.monotonic(), naps_between_tests()
        while not all(edge.all_received() for edge in self.ledger.edges.values()):
            self._receive()
            self._ranks.check(begun)
            time.sleep(next(naps))
        self._until(self._comm.Ibarrier(), self._receive)
        begun, naps = time.monotonic(), naps_of_a_transfer()
        while any(self._coming.values()):
            self._receive()
            self._ranks.check(begun)
            time.sleep(next(naps))

    def _until(self, request: MPI.Request, action: Callable[[], None]) -> None:
        begun, naps = time.monotonic(), naps_between_tests()
        while not request.Test():
            action()
            self._ranks.check(begun)
            time.sleep(next(naps))
        action()

    def _receive(self) -> None:
        """Process complete messages, those of each sender in their order.

        A large message only arrives while its sender makes MPI calls. The sender may be evaluating or hanging, so this method
        does not wait for it.
        """
        status = self._mpi.Status()
        while (message := self._comm.Improbe(tag=_TAG, status=status)) is not None:
            buffer = bytearray(status.Get_count(self._mpi.BYTE))
            coming = message.Irecv([buffer, self._mpi.BYTE]), buffer
            self._coming.setdefault(status.Get_source(), deque()).append(coming)
        for source, queue in self._coming.items():
            while queue and queue[0][0].Test():
                self.unpack(source, queue.popleft()[1])

    def pack(self, news: News) -> bytes:
        """Return the message for `news`, with the records that it refers to."""
        counts = (news.has, news.finished, news.running)
        header = _HEADER.pack(news.stop, news.transfer, news.load, news.pace, *(part.shape[1] for part in counts))
        lines = [line for drive, first, end in news.finished.T.tolist() for line in self._finished[drive][first:end]]
        lines += [self._running[drive] for drive in news.running[0].tolist()]
        return b"".join([header, *(part.astype(_COUNT).tobytes() for part in counts), _LINE.join(lines)])

    def unpack(self, source: int, payload: bytes | bytearray) -> None:
        """Process a message of the rank `source`."""
        stop, transfer, load, pace, *lengths = _HEADER.unpack_from(payload)
        counts, place = [], _HEADER.size
        for rows, length in zip((2, 3, 2), lengths, strict=True):
            part = np.frombuffer(payload, _COUNT, rows * length, place)
            counts.append(part.astype(np.int32).reshape(rows, length))
            place += part.nbytes
        news = News(stop, transfer, load, pace, *counts)
        lines = iter(bytes(payload[place:]).split(_LINE))
        for drive, first, end in news.finished.T.tolist():
            self._take(drive, first, [next(lines) for _ in range(first, end)])
        for drive, iteration in news.running.T.tolist():
            line = next(lines)
            if iteration == len(self._finished[drive]):
                self._begins(drive, line)
        self.ledger.hear(source, news)
        self.ledger.take(news)

    def _take(self, drive: int, first: int, lines: list[bytes]) -> None:
        """Process a drive's new finished trials from number `first` on; ignore them if some before them are unknown."""
        known = self._finished[drive]
        if first <= len(known) < first + len(lines):
            fresh = lines[len(known) - first :]
            known += fresh
            self._fresh_records += fresh
            self._ends(drive)
