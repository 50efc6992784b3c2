"""The original HyperSpace: scikit-optimize in every box of the static partition, nothing shared (Young et al. 2018).

With more boxes than workers, the workers take boxes drawn at random; with fewer, several workers share a box and differ
in their seeds, as ranks of the original would.
"""

from __future__ import annotations

import numpy as np
import skopt
from skopt.learning import GaussianProcessRegressor
from skopt.learning.gaussian_process.kernels import ConstantKernel, Matern

OVERLAP = 0.25


class StaticSkopt:
    """One skopt.Optimizer a worker (GP, EI, 5 initial points), each in its own box."""

    version = f"scikit-optimize {skopt.__version__}"

    def __init__(self, d: int, workers: int, seed: int, n_initial: int = 5) -> None:
        rng = np.random.default_rng(seed)
        boxes = 2**d
        chosen = rng.choice(boxes, workers, replace=False) if boxes >= workers else np.arange(workers) % boxes
        half = (1 + OVERLAP) / 2
        self.optimizers = []
        for box in chosen:
            upper_half = [(int(box) >> j) & 1 for j in range(d)]
            dimensions = [(1 - half, 1.0) if high else (0.0, half) for high in upper_half]
            kernel = ConstantKernel(1.0, (0.01, 1000.0)) * Matern(np.ones(d), [(0.01, 100)] * d, nu=2.5)
            gp = GaussianProcessRegressor(kernel, normalize_y=True, noise="gaussian", n_restarts_optimizer=1, random_state=0)
            self.optimizers.append(
                skopt.Optimizer(dimensions, gp, n_initial_points=n_initial, acq_func="EI", random_state=int(rng.integers(2**31)))
            )

    def ask(self) -> np.ndarray:
        return np.array([optimizer.ask() for optimizer in self.optimizers])

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        for optimizer, u, value in zip(self.optimizers, U, y, strict=True):
            optimizer.tell(list(u), float(value))


def make(name: str, dimensions: list, workers: int, seed: int) -> StaticSkopt:
    return StaticSkopt(len(dimensions), workers, seed)
