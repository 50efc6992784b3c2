"""TuRBO-1 and TuRBO-m, written from the paper: Eriksson, Pearce, Gardner, Turner and Poloczek (2019), "Scalable Global
Optimization via Local Bayesian Optimization", sections 2 and 3 and its supplement.

Each region has data and a Gaussian process of its own, starts with 2 d points, and is thrown away, data and all, when its side
falls below 2^-7. A batch is drawn by Thompson sampling over all regions. The process is HyperSpace's own code, but as in the
paper a Matern-5/2 kernel on standardized targets, with lengthscales that know nothing of each other; "turbo1(alike=True)" has
HyperSpace's prior of the lengthscales, which makes it stronger.

Failures are counted in batches, ceil(max(4, d) / q) of them halve the region; successes in a row, 3 of them double it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import hyperspace
from hyperspace.numerics.sampling import sobol
from hyperspace.surrogates.base import draw
from hyperspace.surrogates.gp.surrogate import GP

FIRST_SIDE, LARGEST_SIDE, SMALLEST_SIDE = 0.8, 1.6, 2.0**-7
SUCCESSES = 3
CANDIDATES = 1000  # the paper: min(100 d, 5000)
PROGRESS = 1e-3  # an improvement counts from this share of the incumbent's size on


class Region:
    """A trust region with data of its own."""

    def __init__(self, d: int, rng: np.random.Generator, alike: bool) -> None:
        self.X, self.y = np.empty((0, d)), np.empty(0)
        self.side, self.successes, self.failures = FIRST_SIDE, 0, 0
        self.design = list(sobol(2 * d, d, rng))
        self.started = 2 * d
        self.gp = GP(warp=False, kernel="matern", alike=alike)

    @property
    def ready(self) -> bool:
        """Whether all of the initial design has been evaluated."""
        return len(self.y) >= self.started

    def candidates(self, q: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return candidates (n, d) and q joint samples of the objective at them (q, n)."""
        d = self.X.shape[1]
        model = self.gp.fit(self.X, self.y[:, None])
        scales = model.latent.hyper.lengthscales
        sides = self.side * scales / np.exp(np.log(scales).mean())
        center = self.X[np.argmin(self.y)]
        lower, upper = np.clip(center - sides / 2, 0.0, 1.0), np.clip(center + sides / 2, 0.0, 1.0)
        U = lower + (upper - lower) * sobol(CANDIDATES, d, rng)
        moved = rng.random(U.shape) < min(1.0, 20.0 / d)
        moved[np.arange(len(U)), rng.integers(d, size=len(U))] = True
        U = np.where(moved, U, center)
        return U, draw(model, U, q, rng)[:, :, 0]

    def learn(self, X: np.ndarray, y: np.ndarray, q: int) -> None:
        """Take up a batch, and adapt the side."""
        if self.ready:
            best, d = float(self.y.min()), X.shape[1]
            better = y.min() < best - PROGRESS * abs(best)
            self.successes, self.failures = (self.successes + 1, 0) if better else (0, self.failures + 1)
            if self.successes == SUCCESSES:
                self.side, self.successes = min(2.0 * self.side, LARGEST_SIDE), 0
            elif self.failures >= math.ceil(max(4, d) / q):
                self.side, self.failures = self.side / 2.0, 0
        self.X, self.y = np.concatenate([self.X, X]), np.concatenate([self.y, y])


class TuRBO:
    """TuRBO with `regions` trust regions."""

    version = f"hyperspace {hyperspace.__version__} (own implementation)"

    def __init__(self, d: int, workers: int, seed: int, regions: int, alike: bool = False) -> None:
        self.alike, self.d, self.workers, self.rng = alike, d, workers, np.random.default_rng(seed)
        self.regions = [Region(d, self.rng, alike) for _ in range(regions)]
        self.owners = np.empty(0, dtype=int)

    def ask(self) -> np.ndarray:
        points: list[np.ndarray] = []
        owners: list[int] = []
        for number, region in enumerate(self.regions):
            while region.design and len(points) < self.workers:
                points.append(region.design.pop(0))
                owners.append(number)
        q = self.workers - len(points)
        sampled = {k: r.candidates(q, self.rng) for k, r in enumerate(self.regions) if r.ready and q}
        for row in range(q):
            if not sampled:  # every region waits for its design's values
                points.append(self.rng.random(self.d))
                owners.append(-1)
                continue
            number = min(sampled, key=lambda k: sampled[k][1][row].min())
            U, values = sampled[number]
            chosen = int(np.argmin(values[row]))
            values[:, chosen] = np.inf
            points.append(U[chosen])
            owners.append(number)
        self.owners = np.array(owners)
        return np.array(points)

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        for number, region in enumerate(self.regions):
            mine = self.owners == number
            if mine.any():
                region.learn(U[mine], y[mine], self.workers)
            if region.side < SMALLEST_SIDE:
                self.regions[number] = Region(self.d, self.rng, self.alike)


def make(name: str, dimensions: list, workers: int, seed: int, regions: int = 5, **settings: Any) -> TuRBO:
    return TuRBO(len(dimensions), workers, seed, 1 if name == "turbo1" else regions, **settings)
