"""Gossip: a rank shares what it has learned with its neighbours, and they with theirs; nobody coordinates.

Who is told what is decided by `hyperspace.exchange.ledger`; here are the records, the messages and MPI.

Sends are synchronous and nonblocking: they complete when they were received, which is how the end is found. When every rank is
done (a first barrier) nothing new comes up, and when every send has completed (a second one) nothing is under way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.exchange.ledger import Ledger, News
from hyperspace.exchange.rounds import MPIExchange
from hyperspace.exchange.waiting import naps_between_tests

if TYPE_CHECKING:
    from mpi4py import MPI

    from hyperspace.exchange.base import Exchange

Record = Mapping[str, Any]
_TAG = 2


class Gossip:
    """The trials that this rank knows, and their way to and from its neighbours.

    Args:
        ranks: the ranks of this run.
        n_drives: number of drives of the study.

    Attributes:
        ledger: who is told what, and who may evaluate how much.
        finished: for each drive the records of its finished trials, by iteration.
        running: for each drive the record of the trial that it is known to evaluate, or None.
        messages: number of messages sent.
        bytes: bytes sent.
    """

    def __init__(self, ranks: Exchange, n_drives: int) -> None:
        self._comm: Any = None
        if isinstance(ranks, MPIExchange):
            self._mpi, self._comm = ranks.mpi, ranks.comm
        self.ledger = Ledger(ranks.rank, ranks.size, n_drives)
        self.finished: list[list[Record]] = [[] for _ in range(n_drives)]
        self.running: list[Record | None] = [None] * n_drives
        self.messages = 0
        self.bytes = 0

    def add(self, record: Record, finished: bool) -> None:
        """Take up a trial's record; one that is known, or comes before its predecessor, is dropped."""
        drive, iteration = record["drive"], record["iteration"]
        if finished and self.ledger.finish(drive, iteration):
            self.finished[drive].append(record)
            self.running[drive] = None
        elif not finished and self.ledger.begin(drive, iteration):
            self.running[drive] = record

    def turn(self, insist: bool = False) -> None:
        """Receive what has come, and send what neighbours lack; to silent neighbours seldom, unless `insist`."""
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
        """Go on passing news until no rank evaluates any more and nothing is under way. Collective."""
        if self._comm is None:
            return
        self._until(self._comm.Ibarrier(), self.turn)
        naps = naps_between_tests()
        while not all(edge.all_received() for edge in self.ledger.edges.values()):
            self._receive()
            time.sleep(next(naps))
        self._until(self._comm.Ibarrier(), self._receive)

    def _until(self, request: MPI.Request, action: Callable[[], None]) -> None:
        naps = naps_between_tests()
        while not request.Test():
            action()
            time.sleep(next(naps))
        action()

    def _receive(self) -> None:
        status = self._mpi.Status()
        while (message := self._comm.Improbe(tag=_TAG, status=status)) is not None:
            source, buffer = status.Get_source(), bytearray(status.Get_count(self._mpi.BYTE))
            message.Recv([buffer, self._mpi.BYTE])
            self.unpack(source, buffer)

    def pack(self, news: News) -> bytes:
        """Return the message that tells `news`, with the records that it speaks of."""
        message = {
            "stop": news.stop,
            "gift": news.gift,
            "load": news.load,
            "pace": news.pace,
            "has": news.has.tolist(),
            "finished": [record for d, first, end in news.finished.T.tolist() for record in self.finished[d][first:end]],
            "running": [self.running[drive] for drive in news.running[0].tolist()],
        }
        return json.dumps(message, separators=(",", ":")).encode()

    def unpack(self, source: int, payload: bytes | bytearray) -> None:
        """Take up a message of the rank `source`."""
        message = json.loads(payload)
        running = message["running"]
        begun = np.array([[record[name] for record in running] for name in ("drive", "iteration")], dtype=np.int32)
        has = np.array(message["has"], dtype=np.int32)
        nothing = np.empty((3, 0), dtype=np.int32)  # the records speak for themselves
        told = (message["stop"], message["gift"], message["load"], message["pace"])
        self.ledger.hear(source, News(*told, has.astype(np.int32), nothing, begun))
        for record in message["finished"]:
            self.add(record, finished=True)
        for record in running:
            self.add(record, finished=False)
