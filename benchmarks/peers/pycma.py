"""CMA-ES by pycma: a population of one round, restarted (IPOP within the round's size is not possible) when it converges."""

from __future__ import annotations

import cma
import numpy as np


class PyCMA:
    """CMA-ES with popsize = workers, sigma0 = 0.3 of the cube, from its center; a restart begins at a random point."""

    version = f"cma {cma.__version__}"

    def __init__(self, d: int, workers: int, seed: int, sigma0: float = 0.3) -> None:
        self.d, self.workers, self.sigma0 = d, workers, sigma0
        self.rng = np.random.default_rng(seed)
        self._start(np.full(d, 0.5))

    def _start(self, x0: np.ndarray) -> None:
        options = {
            "bounds": [0, 1],
            "popsize": self.workers,
            "seed": int(self.rng.integers(1, 2**31)),
            "verbose": -9,
            "verb_log": 0,
            "tolfun": 1e-12,
            "tolx": 1e-9,
        }
        self.es = cma.CMAEvolutionStrategy(x0, self.sigma0, options)

    def ask(self) -> np.ndarray:
        if self.es.stop():
            self._start(self.rng.random(self.d))
        self.solutions = self.es.ask()
        return np.array(self.solutions)

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        self.es.tell(self.solutions, list(y))


def make(name: str, dimensions: list, workers: int, seed: int, **settings: float) -> PyCMA:
    return PyCMA(len(dimensions), workers, seed, **settings)
