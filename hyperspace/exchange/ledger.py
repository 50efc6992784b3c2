"""Policy of gossip: which rank is sent which trials, and when, in terms of counts.

The P ranks form a circle; the neighbors of rank r are r +- 2^j mod P. A drive's trials are numbered, so that one count per drive
describes the trials of a rank. This module does not handle records, messages or MPI: `hyperspace.exchange.gossip` carries out the
decisions of the ledger, and a simulator can do so for thousands of ranks.

Few ranks pass on all trials to all neighbors (flooding). This is the fastest way, and duplicates are dropped. With many ranks a
record would arrive once from every neighbor. So it is sent along a tree: the shortest paths over the steps +- 2^j, the same from
every origin, so that it arrives once. If a neighbor still lacks a trial after the time of some evaluations (a slow rank may
interrupt the tree), it is sent directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heapreplace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int32]

PATIENCE = 0.1  # pause between two messages to a silent neighbor, as a share of the time that it has been silent
FLOODED = 8  # largest number of ranks for flooding
LATE = 4.0  # evaluations after which missing trials are sent directly, outside the tree
MOST_UNDER_WAY = 16  # messages in transit to one neighbor: a hanging rank must not fill the buffers
ANNOUNCED = 2  # steps that the start of a trial is passed on: beyond these it would finish before the news arrives


@dataclass(frozen=True, slots=True)
class Tree:
    """Shortest paths from offset 0 over the steps +- 2^j mod P.

    Attributes:
        steps: the distinct steps, from 1 to P - 1.
        depth: number of steps to each offset, (P,).
        passes: for each step, whether a record at an offset is passed on by this step, (P,).
    """

    steps: tuple[int, ...]
    depth: NDArray[np.int16]
    passes: dict[int, NDArray[np.bool_]]


@lru_cache(maxsize=4)
def tree(size: int) -> Tree:
    """Return the tree of a circle of `size` ranks."""
    offsets = [1 << j for j in range((size - 1).bit_length())]
    steps = sorted({sign * offset % size for offset in offsets for sign in (1, -1)} - {0})
    depth = np.full(size, -1, dtype=np.int16)
    depth[0] = 0
    passes = {step: np.zeros(size, dtype=bool) for step in steps}
    frontier, level = np.zeros(1, dtype=np.intp), 0
    while len(frontier):
        level += 1
        reached = []
        for step in steps:
            fresh = frontier[depth[(frontier + step) % size] < 0]
            depth[(fresh + step) % size] = level
            passes[step][fresh] = True
            reached.append((fresh + step) % size)
        frontier = np.concatenate(reached) if reached else frontier[:0]
    return Tree(tuple(steps), depth, passes)


@dataclass(frozen=True, slots=True)
class News:
    """Content of a message, in counts.

    Attributes:
        stop: whether a rank has requested the end of the study.
        transfer: number of evaluations of the budget that are transferred to the receiver.
        load, pace: number of evaluations that the sender runs or may still start, and its mean seconds for one.
        has: drives whose counts at the sender have changed since its last message, and the counts, (2, k).
        finished: drives, the first of their finished trials that is sent, and the one after the last, (3, k).
        running: drives, and the iterations of their running trials, (2, k).
    """

    stop: bool
    transfer: int
    load: int
    pace: float
    has: Counts
    finished: Counts
    running: Counts


class Edge:
    """State of a neighbor, as known here."""

    def __init__(self, rank: int, row: int, finished: Counts, running: Counts) -> None:
        self.rank, self.row = rank, row
        self.finished = finished  # trials that it has, or that are in transit to it, (n_drives,)
        self.running = running  # iteration of each drive's running trial, likewise
        self.told = 0  # number of this rank's count changes that were sent to it
        self.settled = (0, 0, 0)  # counts changed, trials started and snapshots made when it was last up to date
        self.told_to_stop = False
        self.load = 0
        self.pace = 0.0
        self.under_way: list[tuple[float, Callable[[], bool], Any]] = []  # time, test of receipt, and buffer of each message
        self.next_send = 0.0

    def all_received(self) -> bool:
        """Return whether the neighbor has received all messages."""
        self.under_way = [sending for sending in self.under_way if not sending[1]()]
        return not self.under_way

    def sent(self, now: float, received: Callable[[], bool], payload: Any = None) -> None:
        """Record a message with its test of receipt and its buffer, and set the time of the next message.

        A neighbor that evaluates receives nothing meanwhile. Afterwards it should find few and recent messages. So the pauses
        grow with the time that it has been silent.
        """
        self.under_way.append((now, received, payload))
        self.next_send = now + PATIENCE * (now - self.under_way[0][0])


class Changes:
    """Drives with changes, in order. A reader stores the number of changes that it has seen, and reads later ones.

    Attributes:
        total: number of changes.
    """

    def __init__(self) -> None:
        self.total = 0
        self._drives: list[int] = []  # the last changes
        self._distinct: dict[int, Counts] = {}  # by the number of changes seen, which most readers share

    def note(self, drives: list[int]) -> None:
        """Add changes."""
        self._drives += drives
        self.total += len(drives)
        self._distinct = {}

    def since(self, seen: int) -> Counts:
        """Return the drives of all changes after the first `seen` ones, each once, in order, (k,)."""
        if seen not in self._distinct:
            last = self._drives[len(self._drives) - (self.total - seen) :]
            self._distinct[seen] = np.array(sorted(set(last)), dtype=np.int32)
        return self._distinct[seen]

    def forget(self, seen: int) -> None:
        """Drop the first `seen` changes at intervals, when no reader needs them."""
        wanted = self.total - seen
        if len(self._drives) > 2 * wanted + 1000:
            del self._drives[: len(self._drives) - wanted]


class Ledger:
    """Trials of this rank, those of its neighbors as far as known, and the division of the budget.

    Args:
        rank: number of this rank.
        size: number of ranks; rank r carries every size-th drive from drive r on.
        n_drives: number of drives of the study.

    Attributes:
        finished: number of known finished trials of each drive, (n_drives,).
        running: iteration of each drive's running trial, as far as known, or -1, (n_drives,).
        edges: the neighbors, by rank.
        quota: evaluations of a shared budget that this rank may still start.
        pace: its mean seconds for one.
        stopping: whether a rank has requested the end of the study.
        retired: whether this rank starts no further evaluation, and passes on its quota.
    """

    def __init__(self, rank: int, size: int, n_drives: int) -> None:
        self._tree = tree(size)
        self._own = slice(rank, n_drives, size)
        self._offsets = (rank - np.arange(n_drives)) % size  # offsets of this rank from each drive's owner
        self._near = self._tree.depth[self._offsets] < ANNOUNCED
        self._floods = size <= FLOODED
        self.finished = np.zeros(n_drives, dtype=np.int32)
        self.running = np.full(n_drives, -1, dtype=np.int32)
        self._counted, self._begun = Changes(), Changes()
        steps = sorted(self._tree.steps, key=lambda step: (rank + step) % size)
        self._passes = [self._tree.passes[step] for step in steps]
        self._have = np.zeros((len(steps), n_drives), dtype=np.int32)  # counts of the neighbors, a row each
        self._run = np.full((len(steps), n_drives), -1, dtype=np.int32)
        neighbors = [(rank + step) % size for step in steps]
        self.edges = {other: Edge(other, row, self._have[row], self._run[row]) for row, other in enumerate(neighbors)}
        self.quota = 0
        self.pace = 0.0
        self._evaluations = 0
        self.stopping = False
        self.retired = False
        self._next_heir = 0
        self._snapshots = [(0.0, self.finished.copy())] * 2  # time and finished counts; the older one defines late trials
        self._n_snapshots = 0

    @property
    def started(self) -> int:
        """Number of trials that are known to have started."""
        return int(self.finished.sum()) + int(np.count_nonzero(self.running >= 0))

    @property
    def load(self) -> int:
        """Number of evaluations that this rank runs or may still start."""
        return self.quota + int(np.count_nonzero(self.running[self._own] >= 0))

    def start_from(self, counts: Sequence[int]) -> None:
        """Record that all ranks have the first `counts` trials of each drive; call this before recording others."""
        self.finished[:] = counts
        self._have[:] = self.finished
        self._snapshots = [(0.0, self.finished.copy())] * 2

    def retire(self) -> None:
        """Start no further evaluation: the rest of this rank's quota is transferred to neighbors, and none comes back."""
        self.retired = True
        self.pace = 0.0  # neighbors only transfer quota to ranks with a pace

    def evaluated(self, seconds: float) -> None:
        """Record the duration of an evaluation of this rank."""
        if self.retired:
            return
        self._evaluations += 1
        self.pace += (seconds - self.pace) / self._evaluations

    def begin(self, drive: int, iteration: int) -> bool:
        """Record a running trial; return whether it is new."""
        if iteration != self.finished[drive]:
            return False
        self.running[drive] = iteration
        self._begun.note([drive])
        return True

    def finish(self, drive: int, iteration: int) -> bool:
        """Record a finished trial; return whether it is new. A known trial, or one without its predecessor, is not."""
        if iteration != self.finished[drive]:
            return False
        self.finished[drive] += 1
        self.running[drive] = -1
        self._counted.note([drive])
        return True

    def take(self, news: News) -> Counts:
        """Apply `finish` and `begin` to all trials of `news`; return the new ones in the form of `news.finished`, (3, k)."""
        drives, first, end = news.finished
        have = self.finished[drives]
        fresh = (first <= have) & (have < end)
        taken: Counts = np.stack([drives[fresh], have[fresh], end[fresh]])
        self.finished[taken[0]] = taken[2]
        self.running[taken[0]] = -1
        self._counted.note(taken[0].tolist())
        begun, iterations = news.running
        current = iterations == self.finished[begun]
        self.running[begun[current]] = iterations[current]
        self._begun.note(begun[current].tolist())
        return taken

    def hear(self, source: int, news: News) -> None:
        """Process a neighbor's message without its trials, which `begin` and `finish` record."""
        edge = self.edges[source]
        self.stopping = self.stopping or news.stop
        self.quota += news.transfer
        edge.load, edge.pace = news.load, news.pace
        drives, counts = news.has
        edge.finished[drives] = np.maximum(edge.finished[drives], counts)
        edge.running[news.running[0]] = news.running[1]

    def due(self, now: float, insist: bool = False) -> Iterator[tuple[Edge, News]]:
        """Yield messages that are due to neighbors; rarely to silent neighbors, unless `insist`.

        A yielded message counts as sent. The caller sends it and records that with `Edge.sent`.
        """
        transfers = self._transfers()
        pace = max([self.pace, *(edge.pace for edge in self.edges.values())])
        if pace > 0.0 and now - self._snapshots[1][0] >= LATE * pace:
            self._snapshots = [self._snapshots[1], (now, self.finished.copy())]
            self._n_snapshots += 1
        state = (self._counted.total, self._begun.total, self._n_snapshots)
        waiting: dict[tuple[int, int, int], list[Edge]] = {}  # by their `settled`, which most neighbors share
        for edge in self.edges.values():
            stop, transfer = self.stopping and not edge.told_to_stop, transfers.get(edge.rank, 0)
            if edge.settled == state and not stop and not transfer:
                continue
            if edge.all_received() or (len(edge.under_way) < MOST_UNDER_WAY and (insist or now >= edge.next_send)):
                waiting.setdefault(edge.settled, []).append(edge)
        for settled, edges in waiting.items():
            for edge, (lacking, targets, begun) in zip(edges, self._lacking(edges, settled), strict=True):
                stop, transfer = self.stopping and not edge.told_to_stop, transfers.get(edge.rank, 0)
                edge.settled = state
                if len(lacking) or len(begun) or stop or transfer:
                    yield edge, self._news(edge, lacking, targets, begun, transfer)
        self._counted.forget(min((edge.told for edge in self.edges.values()), default=state[0]))
        self._begun.forget(min((edge.settled[1] for edge in self.edges.values()), default=state[1]))

    def _lacking(self, edges: list[Edge], settled: tuple[int, int, int]) -> Iterator[tuple[Counts, Counts, Counts]]:
        """Yield for each neighbor the drives of which it lacks trials, its target counts, and drives with a started trial.

        Trials that were missing at `settled` were sent then, so only later changes are examined.
        """
        counted, begun, snapshots = settled
        rows = np.array([edge.row for edge in edges], dtype=np.int32)
        drives, started = self._counted.since(counted), self._begun.since(begun)
        if snapshots != self._n_snapshots and not self._floods:
            overdue = np.any(self._snapshots[0][1] > self._have[rows], axis=0)
            drives = np.union1d(drives, np.flatnonzero(overdue).astype(np.int32))
        targets = np.broadcast_to(self.finished[drives], (len(rows), len(drives)))
        unknown = self.running[started] > self._run[np.ix_(rows, started)]
        if not self._floods:
            offsets, away = self._offsets[drives], self._offsets[started]
            targets = np.where([self._passes[row][offsets] for row in rows], targets, self._snapshots[0][1][drives])
            unknown &= self._near[started] & np.array([self._passes[row][away] for row in rows])
        behind = targets > self._have[np.ix_(rows, drives)]
        for each, late, fresh in zip(targets, behind, unknown, strict=True):
            yield drives[late], each[late], started[fresh]

    def _news(self, edge: Edge, lacking: Counts, targets: Counts, begun: Counts, transfer: int) -> News:
        """Return the message for a neighbor, and record it as sent."""
        self.quota -= transfer
        edge.load += transfer
        changed = self._counted.since(edge.told)
        news = News(
            self.stopping,
            transfer,
            self.load,
            self.pace,
            np.array([changed, self.finished[changed]]),
            np.array([lacking, edge.finished[lacking], targets]),
            np.array([begun, self.running[begun]]),
        )
        edge.finished[lacking] = targets
        edge.running[begun] = self.running[begun]
        edge.told, edge.told_to_stop = self._counted.total, self.stopping
        return news

    def _retired_transfers(self) -> dict[int, int]:
        """Return the transfers of a retired rank: to the neighbors that evaluate, else to one that can pass them on."""
        if self.quota <= 0 or not self.edges:
            return {}
        heirs = [edge.rank for edge in self.edges.values() if edge.pace > 0.0]
        if not heirs:
            ranks = list(self.edges)
            heirs = [ranks[self._next_heir % len(ranks)]]
            self._next_heir += 1
        share, rest = divmod(self.quota, len(heirs))
        transfers = {rank: share + (number < rest) for number, rank in enumerate(heirs)}
        return {rank: transfer for rank, transfer in transfers.items() if transfer}

    def _transfers(self) -> dict[int, int]:
        """Return the evaluations to transfer to neighbors, so that all ranks would finish at the same time.

        A rank transfers its excess over the mean of its neighborhood, to the neighbors with the least load first: all neighbors
        of such a rank may do so. An idle neighbor also gets evaluations that this rank cannot start before another one ends, and
        passes on its excess. A rank without a pace, during its first evaluation, only transfers such evaluations. Each evaluation
        of the budget belongs to one rank at any time, so that the total is exact.
        """
        transfers: dict[int, int] = {}
        if self.retired:
            return self._retired_transfers()
        edges = [edge for edge in self.edges.values() if edge.pace > 0.0]  # others have not evaluated yet, or never will
        if self.quota <= 0 or not edges:
            return transfers
        mine = self.load * self.pace
        theirs = {edge.rank: edge.load * edge.pace for edge in edges}
        surplus = mine - (mine + sum(theirs.values())) / (len(edges) + 1)
        poorest = [(theirs[edge.rank] + edge.pace, edge.pace, edge.rank) for edge in edges]
        heapify(poorest)
        quota, load = self.quota, self.load
        while quota > 0:
            after, pace, rank = poorest[0]
            evens_out = surplus > 0.5 * self.pace and after < mine
            is_idle = self.edges[rank].load == 0 and rank not in transfers
            if not evens_out and not (is_idle and load > 1):
                break
            transfers[rank] = transfers.get(rank, 0) + 1
            heapreplace(poorest, (after + pace, pace, rank))
            quota, load, mine, surplus = quota - 1, load - 1, mine - self.pace, surplus - self.pace
        return transfers
