"""Models of the constrained metrics, and where to look while no trial keeps the constraints; shared by all Bayesian strategies.

Each constrained metric has a Gaussian process of its own. What is known is a fold over the trials told, in order, and nothing is
recorded: hyperparameters are learned from the first m trials, where m follows from how many are known, by a fit that starts
afresh; so the models are a function of the trials alone, whoever asks, and however often.

Notation:
    n, c   trials with all constrained metrics, constrained metrics        U   their points in the unit cube, (n, d)
    V      the metrics' values, (n, c)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition.feasibility import DrawnViolation, Feasibility, Joint, Limit, Limits
from hyperspace.acquisition.optimize import Box, candidates, maximize
from hyperspace.space.space import Bounds, Space
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.gp.surrogate import GP, MATERN
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

FEASIBILITY = "feasibility"  # arm of points that are to keep the constraints, before any does
FEWEST = 2  # trials from which models are fitted
MOST = 200  # trials that a model is fitted to
_GROWTH = 1.15  # of the trials known, at which hyperparameters are learned again
_N_STARTS = 4  # points that candidates are moved from


class ConstraintModels:
    """The constrained metrics of a study, as far as they are known.

    Args:
        space: the whole space.
        metrics: what the study wants; with constraints.
    """

    def __init__(self, space: Space, metrics: Metrics) -> None:
        self._space, self._constraints = space, metrics.constraints
        self._n = 0
        self._U, self._V = np.empty((64, space.d)), np.empty((64, len(self._constraints)))
        self._fitted: tuple[int, list[GP]] = 0, []
        self._built: tuple[int, bytes, Limits] | None = None

    def tell(self, trials: Sequence[Trial], U: Array) -> None:
        """Take up finished trials at U (k, d), in order; those that did not end well teach nothing here."""
        names = [metric.name for metric in self._constraints]
        rows = [row for row, trial in enumerate(trials) if trial.ended_well and all(name in trial.metrics for name in names)]
        n = self._n + len(rows)
        if n > len(self._U):
            room = max(n, 2 * len(self._U))
            self._U = np.concatenate([self.U, np.empty((room - self._n, self._space.d))])
            self._V = np.concatenate([self.V, np.empty((room - self._n, len(names)))])
        self._U[self._n : n] = U[rows]
        self._V[self._n : n] = np.array([[trials[row].metrics[name] for name in names] for row in rows]).reshape(-1, len(names))
        self._n = n

    @property
    def U(self) -> Array:
        """The points, (n, d)."""
        return self._U[: self._n]

    @property
    def V(self) -> Array:
        """The constrained metrics there, (n, c)."""
        return self._V[: self._n]

    def violations(self) -> Array:
        """Return by how much each trial breaks the constraints, (n,): each metric in units of its median violation."""
        total = np.zeros(self._n)
        for metric, values in zip(self._constraints, self.V.T, strict=True):
            beyond = np.array([metric.violation(value) for value in values.tolist()])
            broken = beyond[beyond > 0.0]
            if len(broken):
                total += beyond / np.median(broken)
        return total

    def least_violating(self, bounds: Bounds, k: int = _N_STARTS) -> Array:
        """Return at most k points in a box that break the constraints least, the best first, (k, d)."""
        rows = np.flatnonzero(bounds.contains(self.U))
        return np.asarray(self.U[rows[np.argsort(self.violations()[rows], kind="stable")[:k]]])

    def limits(self, center: Array | None = None) -> Limits | None:
        """Return the probability that the constraints are kept; None while too little is known.

        Args:
            center: of many trials, half of those that models hold are the nearest to this point, (d,).
        """
        if self._n < FEWEST:
            return None
        key = b"" if center is None or self._n <= MOST else center.tobytes()
        if self._built is None or self._built[:2] != (self._n, key):
            rows = self._rows(self._n, center)
            built = [
                self._limit(metric, surrogate, rows, j)
                for j, (metric, surrogate) in enumerate(zip(self._constraints, self._surrogates(), strict=True))
            ]
            self._built = self._n, key, Limits(tuple(built))
        return self._built[2]

    def _limit(self, metric: Metric, surrogate: GP, rows: NDArray[np.intp], j: int) -> Limit:
        model: LatentModel = surrogate.rebuild(self.U[rows], self.V[rows, j : j + 1])
        low, high = (
            end if limit is None else float(model.transform.forward(np.array([limit]))[0])
            for limit, end in ((metric.lower, -math.inf), (metric.upper, math.inf))
        )
        return Limit(model.latent, low, high)

    def _surrogates(self) -> list[GP]:
        """Return a surrogate for each metric, with the hyperparameters that belong to the trials known."""
        known = learned_at(self._n)
        if self._fitted[0] != known:
            rows = self._rows(known, None)
            surrogates = [GP(space=self._space, kernel=MATERN) for _ in self._constraints]
            for j, surrogate in enumerate(surrogates):
                surrogate.fit(self.U[rows], self.V[rows, j : j + 1])
            self._fitted = known, surrogates
        return self._fitted[1]

    def _rows(self, n: int, center: Array | None) -> NDArray[np.intp]:
        """Return which of the first n trials a model holds: all; of many the nearest to a center, and evenly taken others."""
        if n <= MOST:
            return np.arange(n)
        near = np.empty(0, dtype=np.intp)
        if center is not None:
            away = np.abs(self._U[:n] - center).max(axis=1)
            near = np.argsort(away, kind="stable")[: MOST // 2]
        others = np.setdiff1d(np.arange(n), near)
        taken = others[np.linspace(0, len(others) - 1, MOST - len(near)).astype(np.intp)]
        return np.union1d(near, taken)


def learned_at(n: int) -> int:
    """Return how many trials hyperparameters are learned from when n are known: the last of a series that grows by 15 %."""
    last = following = FEWEST
    while following <= n:
        last, following = following, max(following + 1, math.ceil(_GROWTH * following))
    return last


def toward_feasible(
    models: ConstraintModels, box: Box, failures: Feasibility | None, pending: Array, drawn: bool, rng: np.random.Generator
) -> Array:
    """Return points of a box where no trial keeps the constraints, those first that may, (q, d).

    Two ways take turns: the largest probability of keeping all constraints, and the least total violation under functions
    drawn from the models, which spreads the points of a team.

    Args:
        models: at least `FEWEST` trials known.
        box: what is searched.
        failures: probability that an evaluation succeeds; None where nothing has failed.
        pending: points under way, (p, d).
        drawn: which of the two ways.
        rng: of the search.
    """
    starts = models.least_violating(box.bounds)
    limits = cast(Limits, models.limits(starts[0] if len(starts) else None))
    scales = np.min([cast(ExactGP, part.model).hyper.lengthscales for part in limits.parts], axis=0)
    U = candidates(box, starts, rng)
    if drawn and failures is None:
        return maximize(DrawnViolation(limits, rng), box, U, rng, scales)[0]
    allowed = limits.believe(pending) if failures is None else Joint((limits.believe(pending), failures))
    return maximize(allowed, box, U, rng, scales)[0]
