"""Who is told what, and when: the policy of gossip, in counts alone.

Ranks sit on a circle of P; the neighbors of rank r are r +- 2^j mod P. A drive's trials are numbered, so that what a rank has is
told by one count a drive. Nothing here knows of records, messages or MPI: `hyperspace.exchange.gossip` carries what the ledger
decides, and a simulator can carry it for thousands of ranks.

In few ranks everybody passes on everything (flooding): nothing is faster, and doubles are dropped. A record would then arrive
once from every neighbor, so among many ranks it goes along a tree: the shortest paths over the steps +- 2^j, the same from every
origin, so that it arrives once. What a neighbor still lacks after some evaluations' time (a slow rank is in the tree's way) is
passed on all the same.
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
FLOODED = 8  # ranks up to which everybody passes on everything
LATE = 4.0  # evaluations after which what a neighbor lacks is passed on beside the tree
MOST_UNDER_WAY = 16  # messages to one neighbor: a rank that hangs must not fill the buffers through which the others are reached
ANNOUNCED = 2  # steps that news of a trial under way travels: further away it would be finished before it comes


@dataclass(frozen=True, slots=True)
class Tree:
    """Shortest paths from offset 0 over the steps +- 2^j mod P.

    Attributes:
        steps: the distinct steps, from 1 to P - 1.
        depth: number of steps to each offset, (P,).
        passes: for each step, whether what has come to an offset goes on by it, (P,).
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
    """What one message says, in counts.

    Attributes:
        stop: a rank has asked for the end of the study.
        gift: evaluations of the budget that the receiver may start from now on.
        load, pace: evaluations that the sender has under way or may still start, and seconds that it takes for one.
        has: drives whose counts at the sender have changed since it told, and the counts, (2, k).
        finished: drives, the first of their finished trials that is sent, and the one after the last, (3, k).
        running: drives, and the iterations of their trials under way, (2, k).
    """

    stop: bool
    gift: int
    load: int
    pace: float
    has: Counts
    finished: Counts
    running: Counts


class Edge:
    """What this rank knows of a neighbor."""

    def __init__(self, rank: int, row: int, finished: Counts, running: Counts) -> None:
        self.rank, self.row = rank, row
        self.finished = finished  # trials that it has, or that are on their way to it, (n_drives,)
        self.running = running  # iteration of each drive's running trial, likewise
        self.told = 0  # changes of this rank's counts that it was told of
        self.settled = (0, 0, 0)  # counts changed, trials begun and snapshots made when last nothing was left to send to it
        self.told_to_stop = False
        self.load = 0
        self.pace = 0.0
        self.under_way: list[tuple[float, Callable[[], bool], Any]] = []  # when it was sent, whether it came, what has to live
        self.next_send = 0.0

    def all_received(self) -> bool:
        """Return whether the neighbor has received all that was sent to it."""
        self.under_way = [sending for sending in self.under_way if not sending[1]()]
        return not self.under_way

    def sent(self, now: float, received: Callable[[], bool], payload: Any = None) -> None:
        """Note a message, how to test whether it was received, and what has to live as long; and when the next may follow.

        A neighbor that evaluates receives nothing meanwhile. What it finds afterwards is to be fresh, and not much: the pauses
        grow with the time that it has been silent.
        """
        self.under_way.append((now, received, payload))
        self.next_send = now + PATIENCE * (now - self.under_way[0][0])


class Changes:
    """Drives of which something has changed, in order. A reader keeps how many changes it has seen, so that it looks at new ones.

    Attributes:
        total: number of changes.
    """

    def __init__(self) -> None:
        self.total = 0
        self._drives: list[int] = []  # the last changes
        self._distinct: dict[int, Counts] = {}  # by the number of changes seen: mostly the same for all readers

    def note(self, drives: list[int]) -> None:
        """Note changes."""
        self._drives += drives
        self.total += len(drives)
        self._distinct = {}

    def since(self, seen: int) -> Counts:
        """Return the drives of all changes but the first `seen` ones, each once, in order, (k,)."""
        if seen not in self._distinct:
            last = self._drives[len(self._drives) - (self.total - seen) :]
            self._distinct[seen] = np.array(sorted(set(last)), dtype=np.int32)
        return self._distinct[seen]

    def forget(self, seen: int) -> None:
        """Drop the first `seen` changes, now and then: nobody will ask for them."""
        wanted = self.total - seen
        if len(self._drives) > 2 * wanted + 1000:
            del self._drives[: len(self._drives) - wanted]


class Ledger:
    """What this rank has, what its neighbors have by all that it has heard, and who may evaluate how much.

    Args:
        rank: number of this rank.
        size: number of ranks; rank r carries every size-th drive from drive r on.
        n_drives: number of drives of the study.

    Attributes:
        finished: finished trials of each drive that are known here, (n_drives,).
        running: iteration of each drive's trial under way, as far as known, or -1, (n_drives,).
        edges: the neighbors, by rank.
        quota: evaluations of a shared budget that this rank may still start.
        pace: seconds that it takes for one, on average.
        stopping: whether a rank has asked for the end of the study.
        retired: whether this rank starts no further evaluation, and passes on whatever quota it has or gets.
    """

    def __init__(self, rank: int, size: int, n_drives: int) -> None:
        self._tree = tree(size)
        self._own = slice(rank, n_drives, size)
        self._offsets = (rank - np.arange(n_drives)) % size  # of this rank, as each drive's owner sees it
        self._near = self._tree.depth[self._offsets] < ANNOUNCED
        self._floods = size <= FLOODED
        self.finished = np.zeros(n_drives, dtype=np.int32)
        self.running = np.full(n_drives, -1, dtype=np.int32)
        self._counted, self._begun = Changes(), Changes()
        steps = sorted(self._tree.steps, key=lambda step: (rank + step) % size)
        self._passes = [self._tree.passes[step] for step in steps]
        self._have = np.zeros((len(steps), n_drives), dtype=np.int32)  # the edges' counts, a row each
        self._run = np.full((len(steps), n_drives), -1, dtype=np.int32)
        neighbors = [(rank + step) % size for step in steps]
        self.edges = {other: Edge(other, row, self._have[row], self._run[row]) for row, other in enumerate(neighbors)}
        self.quota = 0
        self.pace = 0.0
        self._evaluations = 0
        self.stopping = False
        self.retired = False
        self._next_heir = 0
        self._snapshots = [(0.0, self.finished.copy())] * 2  # when, and what was finished then: the older one is late
        self._n_snapshots = 0

    @property
    def started(self) -> int:
        """Number of trials that are known to have been started."""
        return int(self.finished.sum()) + int(np.count_nonzero(self.running >= 0))

    @property
    def load(self) -> int:
        """Evaluations that this rank has under way or may still start."""
        return self.quota + int(np.count_nonzero(self.running[self._own] >= 0))

    def start_from(self, counts: Sequence[int]) -> None:
        """Note that all ranks have the first trials of every drive, as many as `counts` says; before anything else is noted."""
        self.finished[:] = counts
        self._have[:] = self.finished
        self._snapshots = [(0.0, self.finished.copy())] * 2

    def retire(self) -> None:
        """Start no further evaluation: what is left of this rank's quota goes to its neighbors, and none comes back."""
        self.retired = True
        self.pace = 0.0  # neighbors give to those alone that have a pace

    def evaluated(self, seconds: float) -> None:
        """Note how long an evaluation of this rank took."""
        if self.retired:
            return
        self._evaluations += 1
        self.pace += (seconds - self.pace) / self._evaluations

    def begin(self, drive: int, iteration: int) -> bool:
        """Note a trial under way; return whether it is news."""
        if iteration != self.finished[drive]:
            return False
        self.running[drive] = iteration
        self._begun.note([drive])
        return True

    def finish(self, drive: int, iteration: int) -> bool:
        """Note a finished trial; return whether it is news. One that is known, or comes before its predecessor, is not."""
        if iteration != self.finished[drive]:
            return False
        self.finished[drive] += 1
        self.running[drive] = -1
        self._counted.note([drive])
        return True

    def take(self, news: News) -> Counts:
        """Do for all trials of `news` what `finish` and `begin` do for one; return what is new: as `news.finished`, (3, k)."""
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
        """Take up what a neighbor tells, but for its trials: what each of them changes, `begin` and `finish` note."""
        edge = self.edges[source]
        self.stopping = self.stopping or news.stop
        self.quota += news.gift
        edge.load, edge.pace = news.load, news.pace
        drives, counts = news.has
        edge.finished[drives] = np.maximum(edge.finished[drives], counts)
        edge.running[news.running[0]] = news.running[1]

    def due(self, now: float, insist: bool = False) -> Iterator[tuple[Edge, News]]:
        """Yield what neighbors are to be sent now; to silent neighbors seldom, unless `insist`.

        What is yielded counts as told; the caller sends it, and notes so by `Edge.sent`.
        """
        gifts = self._gifts()
        pace = max([self.pace, *(edge.pace for edge in self.edges.values())])
        if pace > 0.0 and now - self._snapshots[1][0] >= LATE * pace:
            self._snapshots = [self._snapshots[1], (now, self.finished.copy())]
            self._n_snapshots += 1
        state = (self._counted.total, self._begun.total, self._n_snapshots)
        waiting: dict[tuple[int, int, int], list[Edge]] = {}  # by what has been settled with them: mostly the same for all
        for edge in self.edges.values():
            stop, gift = self.stopping and not edge.told_to_stop, gifts.get(edge.rank, 0)
            if edge.settled == state and not stop and not gift:
                continue
            if edge.all_received() or (len(edge.under_way) < MOST_UNDER_WAY and (insist or now >= edge.next_send)):
                waiting.setdefault(edge.settled, []).append(edge)
        for settled, edges in waiting.items():
            for edge, (lacking, targets, begun) in zip(edges, self._lacking(edges, settled), strict=True):
                stop, gift = self.stopping and not edge.told_to_stop, gifts.get(edge.rank, 0)
                edge.settled = state
                if len(lacking) or len(begun) or stop or gift:
                    yield edge, self._news(edge, lacking, targets, begun, gift)
        self._counted.forget(min((edge.told for edge in self.edges.values()), default=state[0]))
        self._begun.forget(min((edge.settled[1] for edge in self.edges.values()), default=state[1]))

    def _lacking(self, edges: list[Edge], settled: tuple[int, int, int]) -> Iterator[tuple[Counts, Counts, Counts]]:
        """Yield for each neighbor the drives of which it lacks trials, the counts to bring them to, and drives that began one.

        What they lacked when all was settled with them they were sent then, so that only what has changed since is looked at.
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

    def _news(self, edge: Edge, lacking: Counts, targets: Counts, begun: Counts, gift: int) -> News:
        """Return what a neighbor is to be told, and note that it is."""
        self.quota -= gift
        edge.load += gift
        changed = self._counted.since(edge.told)
        news = News(
            self.stopping,
            gift,
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

    def _bequest(self) -> dict[int, int]:
        """Return what a retired rank passes on: all to the neighbors that evaluate, else to one that can pass it on in turn."""
        if self.quota <= 0 or not self.edges:
            return {}
        heirs = [edge.rank for edge in self.edges.values() if edge.pace > 0.0]
        if not heirs:
            ranks = list(self.edges)
            heirs = [ranks[self._next_heir % len(ranks)]]
            self._next_heir += 1
        share, rest = divmod(self.quota, len(heirs))
        gifts = {rank: share + (number < rest) for number, rank in enumerate(heirs)}
        return {rank: gift for rank, gift in gifts.items() if gift}

    def _gifts(self) -> dict[int, int]:
        """Return how many evaluations to leave to which neighbors, so that all would be done at the same time.

        A rank gives only what it has above the mean of its neighborhood, the poorest first: all its neighbors may give to the
        same one. But what it cannot start itself before an evaluation has ended, an idle neighbor can start at once; it will
        pass on what was too much. (A rank whose own first evaluation goes on has no pace yet, and gives away such ones alone.)
        Each evaluation of the budget belongs to one rank at any time, so that all together start exactly as many.
        """
        gifts: dict[int, int] = {}
        if self.retired:
            return self._bequest()
        edges = [edge for edge in self.edges.values() if edge.pace > 0.0]  # others have evaluated nothing, or never will
        if self.quota <= 0 or not edges:
            return gifts
        mine = self.load * self.pace
        theirs = {edge.rank: edge.load * edge.pace for edge in edges}
        surplus = mine - (mine + sum(theirs.values())) / (len(edges) + 1)
        poorest = [(theirs[edge.rank] + edge.pace, edge.pace, edge.rank) for edge in edges]
        heapify(poorest)
        quota, load = self.quota, self.load
        while quota > 0:
            after, pace, rank = poorest[0]
            evens_out = surplus > 0.5 * self.pace and after < mine
            is_idle = self.edges[rank].load == 0 and rank not in gifts
            if not evens_out and not (is_idle and load > 1):
                break
            gifts[rank] = gifts.get(rank, 0) + 1
            heapreplace(poorest, (after + pace, pace, rank))
            quota, load, mine, surplus = quota - 1, load - 1, mine - self.pace, surplus - self.pace
        return gifts
