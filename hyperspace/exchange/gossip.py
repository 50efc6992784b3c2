"""Gossip: a rank shares what it has learned with its neighbours, and they with theirs; nobody coordinates.

The neighbours of rank r are r +- 2^j mod P, so that everything reaches everyone within log2 P hops; where drives and ranks are
the corners of the hypercube of subspaces, these are its edges and some more. A message carries what the receiver lacks by all
that the sender has heard from it. A drive's trials are numbered, so that what a
rank has is told by one count a drive, and doubles are dropped.

Sends are synchronous and nonblocking: they complete when they were received, which is how the end is found. When every rank is
done (a first barrier) nothing new comes up, and when every send has completed (a second one) nothing is under way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.exchange.rounds import MPIExchange
from hyperspace.exchange.waiting import naps_between_tests

if TYPE_CHECKING:
    from mpi4py import MPI

    from hyperspace.exchange.base import Exchange

Record = Mapping[str, Any]
_TAG = 2
_PATIENCE = 0.1  # pause between two messages to a silent neighbour, as a share of the time that it has been silent


class _Edge:
    """What this rank knows of a neighbour."""

    def __init__(self, rank: int, n_drives: int) -> None:
        self.rank = rank
        self.finished = np.zeros(n_drives, dtype=np.int64)  # trials that it has, or that are on their way to it
        self.running = np.full(n_drives, -1, dtype=np.int64)  # iteration of each drive's running trial, likewise
        self.told = np.zeros(n_drives, dtype=np.int64)  # what it was told that this rank has
        self.told_to_stop = False
        self.quota = 0  # evaluations that it may still start
        self.pace = 0.0  # seconds that it takes for one
        self.under_way: list[tuple[float, MPI.Request, bytes]] = []  # when it was sent; the bytes must live as long
        self.next_send = 0.0

    def all_received(self) -> bool:
        """Return whether the neighbour has received all that was sent to it."""
        self.under_way = [sending for sending in self.under_way if not sending[1].Test()]
        return not self.under_way

    def sent(self, now: float, request: MPI.Request, payload: bytes) -> None:
        """Note a message, and when the next may follow.

        A neighbour that evaluates receives nothing meanwhile. What it finds afterwards is to be fresh, and not much: the pauses
        grow with the time that it has been silent.
        """
        self.under_way.append((now, request, payload))
        self.next_send = now + _PATIENCE * (now - self.under_way[0][0])


class Gossip:
    """The trials that this rank knows, and their way to and from its neighbours.

    Args:
        ranks: the ranks of this run.
        n_drives: number of drives of the study.

    Attributes:
        finished: for each drive the records of its finished trials, by iteration.
        running: for each drive the record of the trial that it is known to evaluate, or None.
        quota: evaluations of a shared budget that this rank may still start.
        pace: seconds that it takes for one.
        stopping: whether a rank has asked for the end of the study.
        messages: number of messages sent.
        bytes: bytes sent.
    """

    def __init__(self, ranks: Exchange, n_drives: int) -> None:
        self._comm: Any = None
        if isinstance(ranks, MPIExchange):
            self._mpi, self._comm = ranks.mpi, ranks.comm
        offsets = [1 << j for j in range((ranks.size - 1).bit_length())]
        neighbours = {(ranks.rank + sign * offset) % ranks.size for offset in offsets for sign in (1, -1)} - {ranks.rank}
        self._edges = {rank: _Edge(rank, n_drives) for rank in sorted(neighbours)}
        self.finished: list[list[Record]] = [[] for _ in range(n_drives)]
        self.running: list[Record | None] = [None] * n_drives
        self.quota = 0
        self.pace = 0.0
        self.stopping = False
        self.messages = 0
        self.bytes = 0

    @property
    def started(self) -> int:
        """Number of trials that are known to have been started."""
        return sum(map(len, self.finished)) + sum(record is not None for record in self.running)

    def add(self, record: Record, finished: bool) -> None:
        """Take up a trial's record; one that is known, or comes before its predecessor, is dropped."""
        drive, iteration = record["drive"], record["iteration"]
        if iteration != len(self.finished[drive]):
            return
        if finished:
            self.finished[drive].append(record)
            self.running[drive] = None
        else:
            self.running[drive] = record

    def turn(self, insist: bool = False) -> None:
        """Receive what has come, and send what neighbours lack; to silent neighbours seldom, unless `insist`."""
        self._receive()
        now = time.monotonic()
        for edge in self._edges.values():
            if edge.all_received() or now >= edge.next_send or insist:
                self._send(edge, now)

    def _gift(self, edge: _Edge) -> int:
        """Return how many evaluations to leave to a neighbour, so that both would be done at the same time.

        Each evaluation of the budget belongs to one rank at any time, so that all together start exactly as many.
        """
        mine, theirs = self.quota * self.pace, edge.quota * edge.pace
        if self.quota == 0 or edge.pace == 0.0 or mine <= theirs + edge.pace:  # no pace: it has evaluated nothing, or never will
            return 0
        return max(int((mine - theirs) / (self.pace + edge.pace)), 1)

    def end(self) -> None:
        """Go on passing news until no rank evaluates any more and nothing is under way. Collective."""
        if self._comm is None:
            return
        self._until(self._comm.Ibarrier(), self.turn)
        naps = naps_between_tests()
        while not all(edge.all_received() for edge in self._edges.values()):
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
        if self._comm is None:
            return
        status = self._mpi.Status()
        while (message := self._comm.Improbe(tag=_TAG, status=status)) is not None:
            source, buffer = status.Get_source(), bytearray(status.Get_count(self._mpi.BYTE))
            message.Recv([buffer, self._mpi.BYTE])
            news = json.loads(buffer)
            edge = self._edges[source]
            self.stopping = self.stopping or news["stop"]
            self.quota += news["gift"]
            edge.quota, edge.pace = news["quota"], news["pace"]
            for drive, count in news["has"]:
                edge.finished[drive] = max(edge.finished[drive], count)
            for record in news["finished"]:
                self.add(record, finished=True)
            for record in news["running"]:
                edge.running[record["drive"]] = record["iteration"]
                self.add(record, finished=False)

    def _send(self, edge: _Edge, now: float) -> None:
        """Send what the neighbour lacks, if there is anything."""
        has = np.array([len(trials) for trials in self.finished])
        lacking = np.flatnonzero(has > edge.finished)
        running = [
            record
            for drive, record in enumerate(self.running)
            if record is not None and record["iteration"] > edge.running[drive]
        ]
        stop = self.stopping and not edge.told_to_stop
        gift = self._gift(edge)
        if not (len(lacking) or running or stop or gift):
            return
        self.quota -= gift
        edge.quota += gift
        changed = np.flatnonzero(has > edge.told)
        news = {
            "stop": self.stopping,
            "gift": gift,
            "quota": self.quota,
            "pace": self.pace,
            "has": [[int(drive), int(has[drive])] for drive in changed],
            "finished": [record for drive in lacking for record in self.finished[drive][edge.finished[drive] :]],
            "running": running,
        }
        payload = json.dumps(news, separators=(",", ":")).encode()
        edge.sent(now, self._comm.Issend([payload, self._mpi.BYTE], dest=edge.rank, tag=_TAG), payload)
        edge.finished = np.maximum(edge.finished, has)
        edge.told = has
        edge.told_to_stop = self.stopping
        for record in running:
            edge.running[record["drive"]] = record["iteration"]
        self.messages += 1
        self.bytes += len(payload)
