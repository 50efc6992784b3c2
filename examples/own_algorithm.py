"""Bring your own algorithm: a (1+1) evolution strategy in 30 lines, in every subspace and beside others in a portfolio.

    python examples/own_algorithm.py

The class needs ask and tell, and nothing of this package.
"""

import math

import numpy as np

from hyperspace import hyperdrive
from hyperspace.testing.problems import problem


class Climber:
    """Steps from the best point known; longer steps after a success, shorter ones after a failure (the one-fifth rule)."""

    def setup(self, space, random_state):
        """Begin: `space` is what is to be searched, `random_state` the seed of all that is random."""
        self.space, self.rng = space, np.random.default_rng(random_state)
        self.best, self.loss, self.step = self.rng.random(space.d), math.inf, 0.3

    def ask(self):
        """Return the next point."""
        u = self.best if math.isinf(self.loss) else self.best + self.step * self.rng.standard_normal(self.space.d)
        return self.space.from_unit(self.space.snap(np.clip(u, 0.0, 1.0)[None]))[0]

    def tell(self, x, y):
        """Take up an evaluation: less is better, inf is one that failed."""
        if y < self.loss:
            self.best, self.loss = self.space.to_unit([self.space.check_point(x)])[0], y
            self.step = min(1.0, self.step * 1.5)
        else:
            self.step = max(1e-3, self.step * 1.5**-0.25)
        if math.isinf(self.loss):
            self.best = self.rng.random(self.space.d)


if __name__ == "__main__":
    function = problem("styblinski_tang", 4)
    common = {
        "hyperparameters": function.dimensions,
        "results_path": None,
        "checkpoints": False,
        "n_calls": 320,
        "random_state": 0,
    }
    ways = {
        "one climber in each of the 16 subspaces": {"model": Climber(), "strategy": "static"},
        "random search": {"model": "RAND", "strategy": "static"},
        "a portfolio of four": {
            "model": [Climber(), "CMA", "PSO", "DE"],
            "strategy": "static",
            "n_subspaces": 1,
            "n_drives": 4,
            "exchange": "round",
        },
    }
    print(f"{function.minimum:8.2f}  the optimum")
    for name, options in ways.items():
        result = hyperdrive(function, **common, **options)
        found = result.trials.loc[result.trials["objective"].idxmin(), "arm"]
        print(f"{result.fun:8.2f}  {name} (found by {found})")
