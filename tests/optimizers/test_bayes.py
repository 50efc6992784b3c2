import json

import numpy as np
import pytest

from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.partition import Partition
from hyperspace.space import check_space
from hyperspace.trial import FAILED, OK, Trial

CONTINUOUS = [(-5.0, 10.0), (1e-3, 1e3, "log-uniform"), (0.0, 1.0)]
MIXED = [(-5.0, 10.0), (1, 100, "log-uniform"), ["a", "b", "c"], (0, 7)]


class Forgetful:
    """A model of a user's, by nearest neighbour: no gradients, nothing to extend."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], distance.min(axis=1)


class Run:
    """A drive in small: asks, evaluates, tells, and keeps what a journal would."""

    def __init__(self, dimensions, model="GP", acquisition="EI", objective=None, n_design=5, subspaces=1):
        self.space = check_space(dimensions)
        self.subspace = Partition(self.space, subspaces)[0]
        self.model, self.acquisition, self.n_design = model, acquisition, n_design
        self.objective = objective or (lambda u: float(np.sin(5 * u[0]) + ((u - 0.3) ** 2).sum()))
        self.trials, self.points = [], []
        self.restart()

    def restart(self):
        design = Design("sobol", self.n_design, self.subspace.bounds, self.space, seed=3)
        self.optimizer = make_optimizer(self.model, self.space, self.subspace, design, acquisition=self.acquisition, seed=3)
        for iteration, trial in enumerate(self.trials):
            u = self.space.to_unit([trial.x])
            self.optimizer.recall(trial, u[0], Key(3, 0, iteration), self.pending(iteration))
            self.optimizer.tell([trial], u, np.array([trial.metrics.get("y", np.nan)]))

    def pending(self, iteration):
        return np.full((iteration % 3, self.space.d), 0.5) if iteration % 2 else np.empty((0, self.space.d))

    def step(self, tell=True):
        iteration = len(self.trials)
        suggestion = self.optimizer.ask(Key(3, 0, iteration), self.pending(iteration))
        x = self.space.from_unit(suggestion.u[None])[0]
        u = self.space.to_unit([x])
        y = self.objective(u[0])
        record = json.loads(json.dumps(suggestion.model, allow_nan=False))
        ended = {"status": OK, "metrics": {"y": y}} if np.isfinite(y) else {"status": FAILED, "fault": "objective"}
        self.trials.append(Trial(drive=0, iteration=iteration, x=x, model=record, **ended))
        self.points.append(suggestion.u)
        self.optimizer.tell([self.trials[-1]], u, np.array([y]))


def failing(u):
    return float("nan") if u[0] > 0.6 else float(u.sum())


@pytest.mark.parametrize(
    ("dimensions", "model", "acquisition", "objective"),
    [
        (CONTINUOUS, "GP", "EI", None),
        (CONTINUOUS, "GP", "gp_hedge", failing),
        (MIXED, "GP", "TS", failing),
        (MIXED, Forgetful(), "LCB", failing),
    ],
)
def test_recalled_run_goes_on_bit_for_bit(dimensions, model, acquisition, objective):
    uninterrupted = Run(dimensions, model, acquisition, objective)
    for _ in range(40):
        uninterrupted.step()
    for interruptions in ((7,), (13, 14, 29), (22,), (37,)):
        run = Run(dimensions, model, acquisition, objective)
        for iteration in range(40):
            if iteration in interruptions:
                run.restart()
            run.step()
        np.testing.assert_array_equal(run.points, uninterrupted.points)
        assert [trial.model for trial in run.trials] == [trial.model for trial in uninterrupted.trials]
