"""The simulation of many ranks against what can be worked out, and against real ranks."""

import json

import numpy as np
import pytest

from benchmarks import ranks, scaling, virtual

FREE = virtual.Costs((0.0,) * 3, (0.0,) * 3, (100.0, 10.0, 500.0), 0.0)


def constant(seconds):
    return lambda rng: seconds


@pytest.mark.parametrize("simulate", [virtual.gossip, virtual.rounds])
def test_equal_evaluations_are_interrupted_by_suggestions_alone(simulate):
    outcome = simulate(8, 80, constant(0.25), constant(1.0), FREE)
    assert outcome.evaluations == 80
    assert outcome.last_start == pytest.approx(9 * 1.25 + 0.25, abs=0.1)
    assert outcome.utilization == pytest.approx(9.0 / 11.5, abs=0.01)
    assert outcome.last_end - outcome.last_start == pytest.approx(1.0, abs=0.02)


def test_rounds_wait_for_the_slowest_and_gossip_does_not():
    lognormal = virtual.EVALUATIONS["lognormal"]
    waiting = virtual.rounds(32, 640, constant(0.0), lognormal, FREE)
    gossiping = virtual.gossip(32, 640, constant(0.0), lognormal, FREE)
    assert waiting.utilization < 0.5
    assert gossiping.utilization > 0.9
    assert gossiping.evaluations == 640


@pytest.mark.parametrize("size", [8, 40])
def test_every_trial_that_a_rank_hears_of_is_counted_once(size):
    outcome = virtual.gossip(size, 10 * size, constant(0.1), constant(1.0), FREE)
    unknown = size * (size - 1) * 10 - int(outcome.lags.sum())
    assert 0 <= unknown <= 3 * size * (size - 1)  # those of the last evaluations are not heard of before the end
    assert 0.0 < outcome.lag_quantile(0.5) <= outcome.lag_quantile(0.95) < 5.0


def test_gossip_beside_evaluations_brings_news_sooner():
    slow = virtual.EVALUATIONS["lognormal"]
    inline = virtual.gossip(16, 160, constant(0.02), slow, FREE)
    beside = virtual.gossip(16, 160, constant(0.02), slow, FREE, fit_ahead=constant(0.0))
    assert beside.lag / beside.lags.sum() < 0.5 * inline.lag / inline.lags.sum()


def test_real_ranks_send_as_many_messages_as_virtual_ones(tmp_path):
    measured = ranks.real(8, "async", rounds=12, seconds=0.2, model="RAND")
    outcome = virtual.describe(virtual.gossip(8, 96, constant(0.002), constant(0.2), FREE))
    assert measured["evaluations"] == outcome["evaluations"] == 96
    assert measured["messages"] == pytest.approx(outcome["messages"], rel=0.35)
    np.testing.assert_array_less(0.5, measured["utilization"])


def test_tables_show_what_is_on_file(tmp_path):
    messages = {"send": [0, 0, 0], "receive": [0, 0, 0], "size": [99, 9, 500], "take": 0}
    (tmp_path / "costs.json").write_text(
        json.dumps({"messages": messages, "async": [0.02], "round": [0.03], "async, worker": [0.01], "ahead": [0.02]})
    )
    scaling.simulate(tmp_path, [4], ["constant"], list(scaling.MODES), 1.0, 5)
    scaling.simulate(tmp_path, [4], ["constant"], list(scaling.MODES), 1.0, 5)
    assert len((tmp_path / "simulated.jsonl").read_text().splitlines()) == 3
    table = scaling.tables(tmp_path)
    assert "| 4 | async | constant | 9" in table
    assert "| 4 | round | constant | 9" in table


def test_suggestions_are_timed_beside_many_trials():
    timed = ranks.grown(64, repeats=1)
    assert timed["trials"] == 64
    assert 0.0 < timed["median"] <= 2.0 * timed["mean"]
