"""The policy of gossip, carried by hand: what one rank learns reaches all, and a budget is handed on."""

import numpy as np
import pytest

from hyperspace.exchange.ledger import LATE, MOST_UNDER_WAY, Changes, Ledger, tree


class Circle:
    """Ledgers whose messages arrive at once, but at ranks that are asleep."""

    def __init__(self, size, n_drives=None):
        self.ledgers = [Ledger(rank, size, n_drives or size) for rank in range(size)]
        self.asleep = set()
        self.waiting = []  # (receiver, sender, news, [received])
        self.records = 0  # trials that were sent

    def turn(self, now, insist=False):
        """Let every rank that is awake receive and send."""
        for rank, ledger in enumerate(self.ledgers):
            if rank in self.asleep:
                continue
            for mail in [mail for mail in self.waiting if mail[0] == rank]:
                self.waiting.remove(mail)
                self.receive(*mail)
            for edge, news in ledger.due(now, insist):
                self.records += int((news.finished[2] - news.finished[1]).sum())
                received = []
                edge.sent(now, lambda received=received: bool(received))
                self.waiting.append((edge.rank, rank, news, received))

    def receive(self, rank, sender, news, received):
        received.append(True)
        ledger = self.ledgers[rank]
        ledger.hear(sender, news)
        for drive, first, end in news.finished.T.tolist():
            for iteration in range(first, end):
                ledger.finish(drive, iteration)
        for drive, iteration in news.running.T.tolist():
            ledger.begin(drive, iteration)

    def know_all(self):
        return all((ledger.finished == self.ledgers[0].finished).all() for ledger in self.ledgers)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13, 64, 100])
def test_the_tree_leads_to_every_rank_once_and_by_a_shortest_path(size):
    paths = tree(size)
    arrivals = np.zeros(size, dtype=int)
    for step, passes in paths.passes.items():
        reached = (np.flatnonzero(passes) + step) % size
        arrivals[reached] += 1
        assert (paths.depth[reached] == paths.depth[passes] + 1).all()
    assert arrivals[0] == 0
    assert (arrivals[1:] == 1).all()
    assert paths.depth.max() <= np.ceil(np.log2(size)) / 2 + 1


@pytest.mark.parametrize("size", [2, 5, 8, 9, 33, 70])
def test_what_every_rank_learns_reaches_all_among_many_by_one_message_each(size):
    circle = Circle(size)
    for rank, ledger in enumerate(circle.ledgers):
        ledger.evaluated(1.0)
        assert ledger.finish(rank, 0)
        assert not ledger.finish(rank, 0)
    for now in range(12):
        circle.turn(0.25 * now)  # before anything is late
    assert circle.know_all()
    assert circle.ledgers[0].finished.sum() == size
    if size > 8:
        assert circle.records == size * (size - 1)


def test_news_goes_round_a_rank_that_is_silent_for_long():
    circle = Circle(64)
    circle.asleep = {32}
    for ledger in circle.ledgers:
        ledger.evaluated(1.0)
    circle.ledgers[0].finish(0, 0)
    for now in range(6):
        circle.turn(float(now))
    without = sum(ledger.finished[0] == 1 for ledger in circle.ledgers)
    assert 30 < without < 63  # some are reached through rank 32 alone
    for now in range(6, 6 + 4 * int(LATE)):
        circle.turn(float(now))
    assert sum(ledger.finished[0] == 1 for ledger in circle.ledgers) == 63
    circle.asleep = set()
    circle.turn(100.0)
    assert circle.ledgers[32].finished[0] == 1


def test_trials_under_way_are_announced_to_those_near_and_dropped_when_they_have_finished():
    circle = Circle(64)
    circle.ledgers[5].begin(5, 0)
    for now in range(6):
        circle.turn(float(now))
    heard = [rank for rank, ledger in enumerate(circle.ledgers) if ledger.running[5] == 0]
    assert 11 < len(heard) < 64
    circle.ledgers[5].finish(5, 0)
    for now in range(6, 16):
        circle.turn(float(now))
    assert not any(ledger.running[5] == 0 for ledger in circle.ledgers)


def test_a_budget_is_handed_on_to_poorer_neighbors_and_never_grows_or_shrinks():
    circle = Circle(16)
    for ledger in circle.ledgers:
        ledger.evaluated(1.0)
    circle.ledgers[3].quota = 160
    for now in range(30):
        for rank, ledger in enumerate(circle.ledgers):
            ledger.finish(rank, now)
        circle.turn(float(now))
    in_flight = sum(news.transfer for _, _, news, _ in circle.waiting)
    quotas = [ledger.quota for ledger in circle.ledgers]
    assert sum(quotas) + in_flight == 160
    assert max(quotas) <= 15
    assert min(quotas) >= 5


def test_what_a_rank_cannot_start_itself_goes_to_an_idle_neighbor_though_all_others_have_as_much():
    circle = Circle(16)
    for rank, ledger in enumerate(circle.ledgers):
        ledger.evaluated(1.0)
        ledger.finish(rank, 0)
        if rank != 4:
            ledger.quota = 1
            ledger.begin(rank, 1)
    circle.turn(0.0)
    circle.turn(0.1)
    circle.turn(0.2)
    assert circle.ledgers[4].quota >= 1
    assert sum(ledger.quota for ledger in circle.ledgers) + sum(news.transfer for _, _, news, _ in circle.waiting) == 15


def test_changes_are_told_each_once_and_forgotten_when_all_have_seen_them():
    changes = Changes()
    changes.note([5, 3])
    seen = changes.total
    changes.note([3, 3, 1])
    assert changes.since(seen).tolist() == [1, 3]
    assert changes.since(0).tolist() == [1, 3, 5]
    changes.note(list(range(5000)))
    changes.forget(seen)
    changes.forget(changes.total - 2)
    assert changes.since(changes.total - 2).tolist() == [4998, 4999]
    assert changes.since(changes.total).tolist() == []


def test_a_rank_that_evaluates_nothing_is_given_nothing():
    circle = Circle(4)
    circle.ledgers[0].evaluated(1.0)
    circle.ledgers[0].quota = 12
    circle.ledgers[0].finish(0, 0)
    for now in range(5):
        circle.turn(float(now))
    assert [ledger.quota for ledger in circle.ledgers] == [12, 0, 0, 0]


def test_what_waits_behind_a_first_evaluation_is_left_to_idle_neighbors():
    circle = Circle(4)
    for rank in range(3):
        circle.ledgers[rank].evaluated(1.0)
        circle.ledgers[rank].finish(rank, 0)
    circle.ledgers[3].quota = 9
    circle.ledgers[3].begin(3, 0)
    for now in range(3):
        circle.turn(0.1 * now)
    quotas = [ledger.quota for ledger in circle.ledgers]
    assert sum(quotas) + sum(news.transfer for _, _, news, _ in circle.waiting) == 9
    assert sum(quota > 0 for quota in quotas[:3]) >= 2


def test_what_all_ranks_have_from_the_start_is_told_to_none():
    ledgers = [Ledger(rank, 12, 12) for rank in range(12)]
    for ledger in ledgers:
        ledger.start_from(range(100, 112))
    assert not any(list(ledger.due(now, insist=True)) for ledger in ledgers for now in (0.0, 100.0))
    assert ledgers[3].finish(3, 103)
    ledgers[3].pace = 1.0
    news = [news for now in (0.0, 100.0, 200.0) for _, news in ledgers[3].due(now, insist=True)]
    assert news
    for each in news:
        assert each.finished.T.tolist() in ([[3, 103, 104]], [])


def test_a_rank_that_hangs_gets_a_limited_number_of_messages():
    ledger = Ledger(0, 3, 3)
    sent = 0
    for iteration in range(200):
        assert ledger.finish(0, iteration)
        for edge, _ in ledger.due(float(iteration), insist=True):
            edge.sent(float(iteration), lambda: False)
            sent += edge.rank == 1
    assert sent == MOST_UNDER_WAY


def test_a_rank_that_retires_passes_on_all_that_it_has_and_gets():
    ledger = Ledger(0, 3, 6)
    ledger.quota, ledger.pace = 7, 0.1
    for edge in ledger.edges.values():
        edge.pace = 1.0
    ledger.retire()
    ledger.evaluated(0.1)  # the evaluation in which it found out
    assert ledger.pace == 0.0
    assert sum(news.transfer for _, news in ledger.due(0.0)) == 7
    assert ledger.quota == 0
    ledger.quota = 1
    for edge in ledger.edges.values():
        edge.pace = 0.0  # they evaluate for the first time, or have retired as well
    transfers = [news.transfer for _, news in ledger.due(1.0)]
    assert (sum(transfers), ledger.quota) == (1, 0)
