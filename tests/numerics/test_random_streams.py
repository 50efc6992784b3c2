"""Random streams are pure functions of the seed and the key, and no two keys share one."""

import itertools

import numpy as np
import pytest

from hyperspace.numerics.random_streams import DESIGN, MODEL, OBJECTIVE, STRATEGY, SUGGEST, seed_of, stream

PURPOSES = (SUGGEST, DESIGN, STRATEGY, OBJECTIVE, MODEL)


def bits(seed, *key):
    """Return the first 64 bits of a stream."""
    return int(stream(seed, *key).bit_generator.random_raw())


def test_a_stream_is_that_of_a_spawned_seed_sequence():
    """numpy's own way to the same streams: children of a seed, and children of these."""
    child = np.random.SeedSequence(7).spawn(MODEL + 1)[MODEL].spawn(4)[3]
    expected = np.random.Generator(np.random.Philox(child))
    np.testing.assert_array_equal(stream(7, MODEL, 3).random(100), expected.random(100))
    assert seed_of(7, MODEL, 3) == child.generate_state(1)[0]


def test_streams_do_not_change():
    """A study that goes on with another version must draw the same numbers."""
    assert [bits(0, SUGGEST, 0, 0), bits(3, DESIGN, 1)] == [16714593683884346002, 5113826762323303354]
    assert [seed_of(0, OBJECTIVE, 0, 0), seed_of(3, MODEL, 20)] == [707637316, 1070794373]


def test_no_two_keys_share_a_stream():
    keys = [(seed, purpose, *key) for seed in (0, 1) for purpose in PURPOSES for key in [(), (0,), (1,), (0, 1), (1, 0), (1, 1)]]
    assert len(set(PURPOSES)) == len(PURPOSES)
    assert len({bits(*key) for key in keys}) == len(keys)
    assert len({seed_of(*key) for key in keys}) == len(keys)


def test_streams_of_neighboring_keys_are_not_correlated():
    draws = np.stack(
        [stream(0, SUGGEST, drive, iteration).random(2000) for drive, iteration in itertools.product(range(5), repeat=2)]
    )
    correlations = np.corrcoef(draws)[np.triu_indices(25, 1)]
    assert np.abs(correlations).max() < 5.0 / np.sqrt(2000)
    assert np.abs(draws.mean(axis=1) - 0.5).max() < 4.5 / np.sqrt(12 * 2000)


def test_asking_again_begins_anew():
    first = stream(2, STRATEGY, 5)
    first.random(10)
    assert stream(2, STRATEGY, 5).random() != first.random()
    assert stream(2, STRATEGY, 5).random() == stream(2, STRATEGY, 5).random()


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**64 + 1, 2**4096], ids=["0", "32 bits", "64 bits", "4096 bits"])
def test_seeds_of_any_size_count_in_full(seed):
    assert bits(seed, SUGGEST) != bits(seed + 1, SUGGEST)
    assert bits(seed, SUGGEST) != bits(seed + 2**70, SUGGEST)
    assert 0 <= seed_of(seed, SUGGEST) < 2**32
    assert type(seed_of(seed, SUGGEST)) is int


def test_keys_below_zero_are_refused():
    with pytest.raises(ValueError, match="non-negative"):
        stream(0, SUGGEST, -1)
