"""Random streams with keys, so that no generator state is saved.

A stream is a pure function of the study's seed and of a key such as (drive, iteration). The same key gives the same numbers in
another process and after a restart.
"""

from __future__ import annotations

import numpy as np

# First number of a key: the purpose of the stream. Two purposes never share a stream.
SUGGEST = 0
DESIGN = 1
STRATEGY = 2
OBJECTIVE = 3
MODEL = 4


def stream(seed: int, purpose: int, *key: int) -> np.random.Generator:
    """Return the random stream of `key` (non-negative integers) under the study's `seed`."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(purpose, *key))))


def seed_of(seed: int, purpose: int, *key: int) -> int:
    """Return a 32-bit seed for code that takes an integer instead of a generator (torch, scikit-learn, an objective)."""
    return int(np.random.SeedSequence(seed, spawn_key=(purpose, *key)).generate_state(1, np.uint32)[0])
