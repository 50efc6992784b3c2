"""Uniform random search."""

from __future__ import annotations

import numpy as np


class RandomSearch:
    """Independent uniform points."""

    version = f"numpy {np.__version__}"

    def __init__(self, d: int, workers: int, seed: int) -> None:
        self.shape, self.rng = (workers, d), np.random.default_rng(seed)

    def ask(self) -> np.ndarray:
        return self.rng.random(self.shape)

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        """Learn nothing."""


def make(name: str, dimensions: list, workers: int, seed: int) -> RandomSearch:
    return RandomSearch(len(dimensions), workers, seed)
