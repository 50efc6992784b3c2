"""A study on thousands of virtual ranks in one process: a simulation by discrete events.

In the asynchronous exchange every virtual rank has the ledger that a real one has (`hyperspace.exchange.ledger`), and does what
the loop of `hyperspace.execution.async_loop` does: gossip, ask, gossip, evaluate, think ahead. Messages carry counts instead of
records, and take as long as a record of the measured size would. In rounds nothing is simulated but the wait for the slowest.

Units are seconds and bytes.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hyperspace.exchange.ledger import Ledger, News
from hyperspace.exchange.waiting import nap
from hyperspace.execution.async_loop import AHEAD, INTERVAL

Drawn = Callable[[np.random.Generator], float]

STRAGGLERS, SLOWER = 0.01, 10.0  # share of evaluations that straggle, and how much longer they take
SIGMA = 0.5  # of the logarithm of lognormal evaluation times
BINS = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 281)])  # of information lags

LOSSES = ("suggesting", "taking up", "gossip before", "gossip after", "waiting")  # before or after asking

EVALUATIONS: dict[str, Callable[[np.random.Generator], float]] = {  # in units of the usual evaluation
    "constant": lambda rng: 1.0,
    "lognormal": lambda rng: math.exp(SIGMA * rng.standard_normal() - SIGMA**2 / 2.0),
    "stragglers": lambda rng: SLOWER if rng.random() < STRAGGLERS else 1.0,
}


@dataclass(frozen=True, slots=True)
class Costs:
    """What messages cost: a fixed part, and parts for each count and each record in them.

    Attributes:
        send, receive: processor seconds for (a message, a count, a record).
        size: bytes of (a message, a count, a record).
        take: processor seconds for making a trial of a new record.
        know: processor seconds for taking up a new trial into the archive and the regions, in batches as a rank that thinks ahead
            takes them, by (number of drives, seconds); what lies between is interpolated.
        delay: seconds that a message is on its way, and that the sender needs to hear that it was received.
        bandwidth: bytes that an edge carries a second.
    """

    send: tuple[float, float, float]
    receive: tuple[float, float, float]
    size: tuple[float, float, float]
    take: float
    know: tuple[tuple[float, float], ...] = ((1.0, 0.0),)
    delay: float = 1e-3
    bandwidth: float = 1e9

    def of(self, price: tuple[float, float, float], counts: int, records: int) -> float:
        """Return what a message with so many counts and records costs."""
        return price[0] + price[1] * counts + price[2] * records

    def of_knowing(self, n_drives: int) -> float:
        """Return what taking up a new trial costs among so many drives."""
        return float(np.interp(n_drives, *np.array(self.know).T))


@dataclass
class Outcome:
    """What came out, summed over the ranks.

    Attributes:
        ranks: number of ranks.
        evaluations: evaluations made.
        busy: seconds of evaluation before the last one starts.
        last_start: when the last evaluation starts.
        last_end: when the last evaluation ends.
        messages, bytes: sent.
        doubles: records that came to a rank that had them.
        behind: for every question, the finished trials that its rank did not know yet, summed.
        lags: histogram over BINS of the seconds from the end of a trial to a rank's knowing of it.
        lag: the sum of these seconds.
        lost: seconds in which ranks did not evaluate before the last evaluation started, by what they did.
    """

    ranks: int
    evaluations: int = 0
    busy: float = 0.0
    last_start: float = 0.0
    last_end: float = 0.0
    messages: int = 0
    bytes: float = 0.0
    doubles: int = 0
    behind: int = 0
    lags: np.ndarray = field(default_factory=lambda: np.zeros(len(BINS) - 1, dtype=np.int64))
    lag: float = 0.0
    lost: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LOSSES, 0.0))

    @property
    def utilization(self) -> float:
        """Share of the ranks' time that is spent in evaluations, until the last one starts."""
        return self.busy / (self.ranks * self.last_start)

    def lag_quantile(self, q: float) -> float:
        """Return a quantile of the lags, to a bin's precision (6 %)."""
        total = np.cumsum(self.lags)
        return float(BINS[1:][int(np.searchsorted(total, q * total[-1]))]) if total[-1] else 0.0

    def count(self, intervals: list[tuple[float, float]]) -> None:
        """Take up evaluations as (start, end)."""
        starts, ends = np.array(intervals).T
        self.evaluations, self.last_start, self.last_end = len(starts), float(starts.max()), float(ends.max())
        self.busy = float((np.minimum(ends, self.last_start) - starts).sum())

    def heard(self, seconds: np.ndarray) -> None:
        """Take up lags."""
        self.lags += np.bincount(np.searchsorted(BINS[1:-1], seconds, side="right"), minlength=len(self.lags))
        self.lag += float(seconds.sum())


class _Message:
    """A message under way; its sender can test whether it was received."""

    __slots__ = ("arrives", "clock", "delay", "news", "received", "source")

    def __init__(self, clock: list[float], source: int, news: News, arrives: float, delay: float) -> None:
        self.clock, self.source, self.news, self.arrives, self.delay = clock, source, news, arrives, delay
        self.received = math.inf

    def has_come(self) -> bool:
        return self.received + self.delay <= self.clock[0]


_UNDER_WAY = {"due": "waiting", "asked": "suggesting"}  # what a rank does until then


class _Gossiping:
    """Ranks that gossip."""

    def __init__(
        self, ranks: int, n_calls: int, suggest: Drawn, evaluate: Drawn, costs: Costs, seed: int, fit_ahead: Drawn | None
    ) -> None:
        self.fit_ahead = fit_ahead
        self.know = costs.of_knowing(ranks)
        self.n_calls, self.suggest, self.evaluate, self.costs = n_calls, suggest, evaluate, costs
        self.rng = np.random.default_rng(seed)
        self.clock = [0.0]
        self.ledgers = [Ledger(rank, ranks, ranks) for rank in range(ranks)]
        for rank, ledger in enumerate(self.ledgers):
            ledger.quota = n_calls // ranks + (rank < n_calls % ranks)
        self.inbox: list[list[_Message]] = [[] for _ in range(ranks)]
        self.ended = np.full(
            (ranks, 8 * -(-n_calls // ranks)), np.nan
        )  # of a drive's trials; a fast rank makes a few times its share
        self.finished = 0
        self.seconds = [0.0] * ranks  # of the last evaluation
        self.ends = [0.0] * ranks
        self.known = [0] * ranks  # trials that a rank has taken up
        self.waiting = [0.0] * ranks  # since when a rank waits for a part of the budget
        self.intervals: list[tuple[float, float]] = []
        self.outcome = Outcome(ranks)

    def run(self) -> Outcome:
        """Simulate until the last evaluation starts."""
        heap: list[tuple[float, int, str]] = [(0.0, rank, "due") for rank in range(len(self.ledgers))]
        heapq.heapify(heap)
        while len(self.intervals) < self.n_calls:
            self.clock[0], rank, state = heapq.heappop(heap)
            seconds, state = getattr(self, f"_{state}")(rank)
            heapq.heappush(heap, (self.clock[0] + seconds, rank, state))
        self.outcome.count(self.intervals)
        for until, _, state in heap:  # what was begun before the end counts up to it
            if state in _UNDER_WAY:
                self.outcome.lost[_UNDER_WAY[state]] -= max(until - self.outcome.last_start, 0.0)
        return self.outcome

    def _done(self, rank: int) -> tuple[float, str]:
        ledger = self.ledgers[rank]
        iteration = int(ledger.finished[rank])
        self.ended[rank, iteration] = self.clock[0]
        ledger.finish(rank, iteration)
        ledger.evaluated(self.seconds[rank])
        self.finished += 1
        return self._due(rank)

    def _due(self, rank: int) -> tuple[float, str]:
        ledger = self.ledgers[rank]
        spent = self._turn(rank)
        lost = self.outcome.lost
        if ledger.quota == 0:
            self.waiting[rank] = self.waiting[rank] or self.clock[0]
            pause = spent + nap(self.clock[0] - self.waiting[rank])
            lost["waiting"] += pause
            return pause, "due"
        self.waiting[rank] = 0.0
        ledger.quota -= 1
        self.outcome.behind += self.finished - int(ledger.finished.sum())
        taking_up, thinking = self._take_up(rank), self.suggest(self.rng)
        lost["gossip before"] += spent
        lost["taking up"] += taking_up
        lost["suggesting"] += thinking
        return spent + taking_up + thinking, "asked"

    def _asked(self, rank: int) -> tuple[float, str]:
        ledger = self.ledgers[rank]
        ledger.begin(rank, int(ledger.finished[rank]))
        spent, seconds = self._turn(rank, insist=True), self.evaluate(self.rng)
        self.outcome.lost["gossip after"] += spent
        self.seconds[rank] = seconds
        start = self.clock[0] + spent
        self.ends[rank] = start + seconds
        self.intervals.append((start, start + seconds))
        return self._next(rank, spent)

    def _next(self, rank: int, spent: float) -> tuple[float, str]:
        """Return when the evaluation has ended, or the next turn beside it is due, as `AsyncLoop` takes them."""
        left = self.ends[rank] - self.clock[0]
        pause = max(spent + nap(self.seconds[rank] - left), INTERVAL)
        if left > pause and self.fit_ahead is not None:
            return pause, "evaluating"
        late = max(spent - left, 0.0)
        self.outcome.lost["gossip before"] += late
        return left + late, "done"

    def _evaluating(self, rank: int) -> tuple[float, str]:
        spent = self._turn(rank)
        if self.fit_ahead is not None and self._news(rank) >= AHEAD * len(self.ledgers):
            spent += self._take_up(rank) + self.fit_ahead(self.rng)
        return self._next(rank, spent)

    def _news(self, rank: int) -> int:
        """Return the number of trials that a rank has heard of and not taken up."""
        return int(self.ledgers[rank].finished.sum()) - self.known[rank]

    def _take_up(self, rank: int) -> float:
        """Return the processor seconds for which a rank takes up what it has heard of."""
        news = self._news(rank)
        self.known[rank] += news
        return self.know * news

    def _turn(self, rank: int, insist: bool = False) -> float:
        """Receive and send as `Gossip.turn` does; return the processor seconds that it takes."""
        ledger, costs, outcome, now = self.ledgers[rank], self.costs, self.outcome, self.clock[0]
        spent = 0.0
        here = [message for message in self.inbox[rank] if message.arrives <= now]
        if here:
            self.inbox[rank] = [message for message in self.inbox[rank] if message.arrives > now]
        for message in here:
            spent += self._receive(rank, message)
        for edge, news in ledger.due(now, insist):
            counts = news.has.shape[1]
            records = int((news.finished[2] - news.finished[1]).sum()) + news.running.shape[1]
            spent += costs.of(costs.send, counts, records)
            size = costs.of(costs.size, counts, records)
            outcome.messages += 1
            outcome.bytes += size
            arrives = now + spent + costs.delay + size / costs.bandwidth
            message = _Message(self.clock, rank, news, arrives, costs.delay)
            edge.sent(now, message.has_come)
            self.inbox[edge.rank].append(message)
        return spent

    def _receive(self, rank: int, message: _Message) -> float:
        ledger, costs, outcome, news = self.ledgers[rank], self.costs, self.outcome, message.news
        message.received = self.clock[0]
        ledger.hear(message.source, news)
        drives, have, end = ledger.take(news)
        sent = int((news.finished[2] - news.finished[1]).sum())
        known = int((end - have).sum())
        for step in range(int((end - have).max(initial=0))):
            more = have + step < end
            outcome.heard(self.clock[0] - self.ended[drives[more], have[more] + step])
        outcome.doubles += sent - known
        return costs.of(costs.receive, news.has.shape[1], sent + news.running.shape[1]) + costs.take * known


def gossip(
    ranks: int,
    n_calls: int,
    suggest: Drawn,
    evaluate: Drawn,
    costs: Costs,
    seed: int = 0,
    fit_ahead: Drawn | None = None,
) -> Outcome:
    """Simulate exchange="async" with a shared budget of `n_calls` evaluations.

    Args:
        ranks: number of ranks, each with a drive.
        n_calls: evaluations in all.
        suggest: draws the seconds of a suggestion.
        evaluate: draws the seconds of an evaluation.
        costs: of messages.
        seed: of all that is drawn.
        fit_ahead: draws the seconds of thinking ahead, where an evaluation has a process of its own, so that its rank gossips
            and thinks meanwhile.
    """
    return _Gossiping(ranks, n_calls, suggest, evaluate, costs, seed, fit_ahead).run()


def rounds(ranks: int, n_calls: int, suggest: Drawn, evaluate: Drawn, costs: Costs, seed: int = 0) -> Outcome:
    """Simulate exchange="round", as `gossip` does: everybody waits for the slowest, and all records go to all in an allgather."""
    rng, outcome = np.random.default_rng(seed), Outcome(ranks)
    intervals: list[tuple[float, float]] = []
    now = 0.0
    for _ in range(-(-n_calls // ranks)):
        starts = now + np.array([suggest(rng) for _ in range(ranks)])
        ends = starts + np.array([evaluate(rng) for _ in range(ranks)])
        intervals += zip(starts.tolist(), ends.tolist(), strict=True)
        size = costs.size[2] * ranks
        hops = math.ceil(math.log2(ranks)) if ranks > 1 else 0
        work = costs.send[2] + costs.receive[0] + (costs.receive[2] + costs.take) * ranks
        work += costs.of_knowing(ranks) * ranks
        now = float(ends.max()) + 2 * hops * costs.delay + size / costs.bandwidth + work
        outcome.heard(np.repeat(now - ends, ranks - 1))
        outcome.messages += 2 * ranks * hops  # of two allgathers by recursive doubling: sizes, and records
        outcome.bytes += size * ranks
    outcome.count(intervals)
    return outcome


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome's figures as plain JSON values."""
    each = 1.0 / (outcome.ranks * max(outcome.last_end, 1e-9))
    return {
        "ranks": outcome.ranks,
        "evaluations": outcome.evaluations,
        "utilization": outcome.utilization,
        "seconds": outcome.last_start,
        "tail": outcome.last_end - outcome.last_start,
        "lag": outcome.lag / max(int(outcome.lags.sum()), 1),
        "lag_95": outcome.lag_quantile(0.95),
        "behind": outcome.behind / outcome.evaluations / outcome.ranks,
        "messages": outcome.messages * each,
        "bytes": outcome.bytes * each,
        "doubles": outcome.doubles / max(int(outcome.lags.sum()), 1),
        "lost": {name: seconds / (outcome.ranks * outcome.last_start) for name, seconds in outcome.lost.items()},
    }
