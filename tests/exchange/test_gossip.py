"""What messages carry: records go from rank to rank as they are, and each rank hears of a trial once."""

import pytest

from hyperspace.exchange.gossip import Gossip
from hyperspace.exchange.serial_ranks import SerialRanks


class Rank(SerialRanks):
    """One of several ranks, whose messages the test carries."""

    def __init__(self, rank, size):
        super().__init__()
        self.rank, self.size = rank, size


def record(drive, iteration, **more):
    return {"drive": drive, "iteration": iteration, "x": [0.1 + 0.2, "a\nb", None], "metrics": {"loss": 1 / 3}} | more


@pytest.fixture
def ranks():
    return [Gossip(Rank(rank, 3), 3) for rank in range(3)]


def carry(ranks, sender, now):
    """Send what a rank has to tell."""
    for edge, news in ranks[sender].ledger.due(now):
        ranks[edge.rank].unpack(sender, ranks[sender].pack(news))
        edge.sent(now, lambda: True)


def test_a_record_comes_as_it_was_sent_and_once(ranks):
    sent = [record(0, iteration, status="ok") for iteration in range(3)]
    for each in sent:
        ranks[0].add(each, finished=True)
    carry(ranks, 0, 0.0)
    carry(ranks, 1, 1.0)  # rank 2 has them already
    assert ranks[2].news() == (sent, {})
    assert ranks[2].news() == ([], {})
    carry(ranks, 2, 2.0)
    assert ranks[0].news() == ([], {})
    assert [gossip.ledger.finished.tolist() for gossip in ranks] == [[3, 0, 0]] * 3


def test_trials_under_way_are_news_when_they_begin_and_when_they_end(ranks):
    ranks[0].add(record(0, 0), finished=False)
    carry(ranks, 0, 0.0)
    assert ranks[1].news() == ([], {0: record(0, 0)})
    assert ranks[1].news() == ([], {})
    ranks[0].add(record(0, 0, status="ok"), finished=True)
    ranks[0].add(record(0, 1), finished=False)
    carry(ranks, 0, 1.0)
    assert ranks[1].news() == ([record(0, 0, status="ok")], {0: record(0, 1)})
    assert ranks[2].news() == ([record(0, 0, status="ok")], {0: record(0, 1)})
    ranks[0].add(record(0, 1, status="ok"), finished=True)
    carry(ranks, 0, 2.0)
    assert ranks[1].news() == ([record(0, 1, status="ok")], {0: None})


def test_a_record_whose_predecessor_is_unknown_is_dropped(ranks):
    ranks[0].add(record(0, 1), finished=True)
    assert not list(ranks[0].ledger.due(0.0))
    for iteration in range(2):
        ranks[0].add(record(0, iteration), finished=True)
    edge = ranks[0].ledger.edges[1]
    edge.finished[0] = 1  # as if rank 1 had the first one
    carry(ranks, 0, 0.0)
    assert ranks[1].news() == ([], {})
    assert ranks[1].ledger.finished[0] == 0
    assert ranks[2].ledger.finished[0] == 2
