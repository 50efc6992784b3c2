"""Gossip: a rank shares what it has learned with its neighbors, and they with theirs; nobody coordinates.

Who is told what is decided by `hyperspace.exchange.ledger`; here are the records, the messages and MPI.

A record is put into words once, by the rank that made it, and goes from rank to rank as these bytes; who gets it turns it into a
record when it has the time. So a message is a few counts as integers, then the records, a line each.

Sends are synchronous and nonblocking: they complete when they were received, which is how the end is found. When every rank is
done (a first barrier) nothing new comes up, and when every send has completed (a second one) nothing is under way.
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
from hyperspace.exchange.rounds import MPIExchange
from hyperspace.exchange.waiting import naps_between_tests, naps_of_a_transfer

if TYPE_CHECKING:
    from mpi4py import MPI

    from hyperspace.exchange.base import Exchange

Record = Mapping[str, Any]
_TAG = 2
_HEADER = struct.Struct("<?iidIII")  # of News: stop, gift, load and pace; lengths of has, finished and running
_COUNT = np.dtype("<i4")
_LINE = b"\n"
_EVERYWHERE = b""  # stands for a record that all ranks have, so that it is never sent


class Gossip:
    """The trials that this rank knows, and their way to and from its neighbors.

    Args:
        ranks: the ranks of this run.
        n_drives: number of drives of the study.

    Attributes:
        ledger: who is told what, and who may evaluate how much.
        messages: number of messages sent.
        bytes: bytes sent.
    """

    def __init__(self, ranks: Exchange, n_drives: int) -> None:
        self._comm: Any = None
        self._ranks = ranks
        if isinstance(ranks, MPIExchange):
            self._mpi, self._comm = ranks.mpi, ranks.comm
        self.ledger = Ledger(ranks.rank, ranks.size, n_drives)
        self._finished: list[list[bytes]] = [[] for _ in range(n_drives)]  # for each drive its records, by iteration
        self._running: dict[int, bytes] = {}  # by drive, the record of the trial that it is known to evaluate
        self._coming: dict[int, deque[tuple[MPI.Request, bytearray]]] = {}  # messages under way, by sender, in their order
        self._heard: list[bytes] = []  # records of finished trials that nobody has asked for yet
        self._stirred: set[int] = set()  # drives of whose trials under way nobody has asked
        self.messages = 0
        self.bytes = 0

    def add(self, record: Record, finished: bool) -> None:
        """Take up the record of a trial that this rank knows of itself; one that comes before its predecessor is dropped."""
        drive, iteration = record["drive"], record["iteration"]
        line = json.dumps(record, separators=(",", ":")).encode()
        if finished and self.ledger.finish(drive, iteration):
            self._finished[drive].append(line)
            self._ends(drive)
        elif not finished and self.ledger.begin(drive, iteration):
            self._begins(drive, line)

    def start_from(self, counts: Sequence[int]) -> None:
        """Note that all ranks have the first trials of every drive, as many as `counts` says; before anything else is added."""
        for known, count in zip(self._finished, counts, strict=True):
            known += [_EVERYWHERE] * count
        self.ledger.start_from(counts)

    def news(self) -> tuple[list[Record], dict[int, Record | None]]:
        """Return what has changed since it was asked for last.

        Returns:
            The records of the finished trials that other ranks have told of; and for each drive that has begun or ended one, the
            record of the trial that it is known to evaluate, or None.
        """
        heard, stirred = self._heard, sorted(self._stirred)
        begun = [self._running[drive] for drive in stirred if drive in self._running]
        self._heard, self._stirred = [], set()
        records = json.loads(b"[" + b",".join(heard + begun) + b"]")
        running: dict[int, Record | None] = dict.fromkeys(stirred)
        running |= {record["drive"]: record for record in records[len(heard) :]}
        return records[: len(heard)], running

    def _begins(self, drive: int, line: bytes) -> None:
        self._running[drive] = line
        self._stirred.add(drive)

    def _ends(self, drive: int) -> None:
        if self._running.pop(drive, None) is not None:
            self._stirred.add(drive)

    def turn(self, insist: bool = False) -> None:
        """Receive what has come, and send what neighbors lack; to silent neighbors seldom, unless `insist`."""
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
        """Go on passing news until no rank evaluates any more and nothing is under way. Collective.

        Raises:
            RanksSilentError: it takes longer than others are waited for.
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
        """Take up what has come whole; of each sender in the order in which it was sent.

        A large message comes only as its sender moves it, and that one may evaluate, or hang: nothing here waits for it.
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
        """Return the message that tells `news`, with the records that it speaks of."""
        counts = (news.has, news.finished, news.running)
        header = _HEADER.pack(news.stop, news.gift, news.load, news.pace, *(part.shape[1] for part in counts))
        lines = [line for drive, first, end in news.finished.T.tolist() for line in self._finished[drive][first:end]]
        lines += [self._running[drive] for drive in news.running[0].tolist()]
        return b"".join([header, *(part.astype(_COUNT).tobytes() for part in counts), _LINE.join(lines)])

    def unpack(self, source: int, payload: bytes | bytearray) -> None:
        """Take up a message of the rank `source`."""
        stop, gift, load, pace, *lengths = _HEADER.unpack_from(payload)
        counts, place = [], _HEADER.size
        for rows, length in zip((2, 3, 2), lengths, strict=True):
            part = np.frombuffer(payload, _COUNT, rows * length, place)
            counts.append(part.astype(np.int32).reshape(rows, length))
            place += part.nbytes
        news = News(stop, gift, load, pace, *counts)
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
        """Take up what is new of a drive's finished trials from number `first` on; nothing if some before them are unknown."""
        known = self._finished[drive]
        if first <= len(known) < first + len(lines):
            fresh = lines[len(known) - first :]
            known += fresh
            self._heard += fresh
            self._ends(drive)
