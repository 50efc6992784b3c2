"""CMA-ES (Hansen and Ostermeier 2001) with pycma, restarted after convergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hyperspace.optimizers.evolution.base import Evolution, Setting
from hyperspace.optimizers.evolution.generational import Generations
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array


@check_names()
@dataclass(frozen=True, kw_only=True)
class CMA(Evolution):
    """Covariance matrix adaptation.

    Attributes:
        population: lambda; see `Evolution`.
        sigma: initial step, in units of the box's sides.
    """

    name: ClassVar[str] = "CMA"
    least: ClassVar[int] = 3
    library: ClassVar[str | None] = "cma"

    sigma: float = 0.25

    def evolve(self, setting: Setting) -> Generations:
        """Yield generations; a converged run is restarted at a random point."""
        rng = setting.rng
        d = max(setting.d, 2)  # pycma does not support the minimum step of a single coordinate: add an unused second one
        center = np.full(d, 0.5)
        if setting.given:  # it uses only one of them
            center[: setting.d] = setting.start[0]
        while True:
            run = self._run(center, setting, rng)
            while not run.stop():
                X = run.ask()
                points = np.array(X)
                losses = yield points[:, : setting.d]
                run.tell([x if np.array_equal(x, point) else point for x, point in zip(X, points, strict=True)], losses.tolist())
            center = rng.random(d)

    def _run(self, center: Array, setting: Setting, rng: np.random.Generator) -> Any:
        import cma

        steps = np.zeros(len(center))
        # A step much shorter than the width of a level would never change an integer.
        steps[: setting.d] = [0.2 / n if n > 0 else 0.0 for n in setting.levels]
        options = {
            "bounds": [0.0, 1.0],
            "popsize": setting.population,
            "randn": lambda *shape: rng.standard_normal(shape),
            "seed": np.nan,  # leaves the global generator alone
            "minstd": steps,
            "verbose": -9,
        }
        return cma.CMAEvolutionStrategy(center, self.sigma, options)
