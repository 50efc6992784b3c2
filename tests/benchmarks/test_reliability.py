"""A small share of what docs/reliability.md reports: real kills, real damage."""

import random

import pytest

from benchmarks.reliability.damage import damage
from benchmarks.reliability.kills import KINDS, fingerprint_of, kill_kind, start
from hyperspace import load_results

FINE = {"kind", "studies", "kills", "runs", "trials", "returned while being killed, and repeated"}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_studies_lose_nothing(tmp_path, kind):
    rng = random.Random(1)
    whole = tmp_path / "whole"
    start("one process, round", whole, 3, rng)[0].wait()
    expected = fingerprint_of(load_results(whole).all_trials)
    row = kill_kind(kind, 1, 3, expected, rng, tmp_path, patience=2.5)
    assert len(expected) == 24
    assert row["kills"] == 1
    assert {name: count for name, count in row.items() if name not in FINE and count} == {}


def test_damaged_files_are_named_or_read_as_far_as_they_are_whole(tmp_path):
    rows = damage(300, 0, tmp_path)
    assert sum(row["times"] for row in rows) == 300
    assert sum(row.get("named in an error", 0) for row in rows) > 200
    assert not any(row.get("errors that name another file") or row.get("read with changed values") for row in rows)
