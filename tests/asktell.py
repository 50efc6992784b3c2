"""A drive in small, for the tests of optimizers: asks, evaluates, tells, and keeps what a journal would keep."""

import json

import numpy as np

from hyperspace.numerics.threads import one_thread
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import FAILED, OK, Trial

CONTINUOUS = [(-5.0, 10.0), (1e-3, 1e3, "log-uniform"), (0.0, 1.0)]
MIXED = [(-5.0, 10.0), (1, 100, "log-uniform"), ["a", "b", "c"], (0, 7)]


def bowl(u):
    """A smooth loss over the unit cube."""
    return float(np.sin(5 * u[0]) + ((u - 0.3) ** 2).sum())


def partly_failing(u):
    """The same, where an evaluation ends well: in three fifths of the cube."""
    return float("nan") if u[0] > 0.6 else bowl(u)


class Hand:
    """One optimizer and its trials; with `together`, so many questions are asked before the answers are told."""

    def __init__(self, model, dimensions, loss=bowl, seed=3, subspaces=1, index=0, together=None):
        self.space = check_space(dimensions)
        self.subspace = Partition(self.space, subspaces)[index]
        self.model, self.loss, self.seed, self.together = model, loss, seed, together
        self.trials, self.suggestions = [], []
        self.restart()

    def restart(self):
        """Forget the optimizer, and build it anew from the trials."""
        design = Design("sobol", 5, self.subspace.bounds, self.space, seed=self.seed)
        self.optimizer = make_optimizer(self.model, self.space, self.subspace, design, seed=self.seed, together=self.together)
        size = self.together or 1
        for first in range(0, len(self.trials), size):
            told = self.trials[first : first + size]
            U = self.space.to_unit([trial.x for trial in told])
            for trial, u in zip(told, U, strict=True):
                self.optimizer.recall(trial, u, self.key(trial.iteration), self.nothing())
            self.tell(told)

    def key(self, iteration):
        return Key(self.seed, 0, iteration)

    def nothing(self):
        return np.empty((0, self.space.d))

    def tell(self, trials):
        U = self.space.to_unit([trial.x for trial in trials])
        self.optimizer.tell(trials, U, np.array([trial.metrics.get("y", np.nan) for trial in trials]))

    def step(self):
        """Ask, evaluate, and tell once all questions are answered."""
        fresh = []
        for _ in range(self.together or 1):
            iteration = len(self.trials) + len(fresh)
            with one_thread():  # as a drive does: sums depend on the number of threads
                suggestion = self.optimizer.ask(self.key(iteration), self.nothing())
            json.dumps(suggestion.model, allow_nan=False)
            x = self.space.from_unit(suggestion.u[None])[0]
            y = self.loss(self.space.to_unit([x])[0])
            ended = {"status": OK, "metrics": {"y": y}} if np.isfinite(y) else {"status": FAILED, "fault": "objective"}
            asked = {"model": suggestion.model, "arm": suggestion.arm, "subspace": self.subspace.index}
            fresh.append(Trial(drive=0, iteration=iteration, x=x, **asked, **ended))
            self.suggestions.append(suggestion)
        self.trials += fresh
        self.tell(fresh)

    def run(self, steps):
        for _ in range(steps):
            self.step()
        return self

    @property
    def points(self):
        return [trial.x for trial in self.trials]

    @property
    def losses(self):
        return np.array([trial.metrics.get("y", np.nan) for trial in self.trials])
