"""Models of the constrained metrics, and the search while no trial is feasible. All Bayesian strategies share this module.

Each constrained metric has its own Gaussian process. Hyperparameters are learned from the first m trials, where m follows from
the number of known trials. Each fit starts from the same values. So the models are a function of the ordered trials, whatever the
number of questions, and nothing is recorded.

Notation:
    n, c   trials with all constrained metrics, constrained metrics        U   their points in the unit cube, (n, d)
    V      values of the metrics, (n, c)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition.feasibility import Feasibility, Joint, Limit, Limits, ViolationCriterion
from hyperspace.acquisition.optimize import Box, candidates, maximize
from hyperspace.numerics.growing import GrowingArray
from hyperspace.space.space import Bounds, Space
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.gp.surrogate import GP, MATERN
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

FEWEST = 2  # trials that a model needs
MOST = 200  # largest number of trials that a model is fitted to
_GROWTH = 1.15  # growth of the known trials after which hyperparameters are learned again
_N_STARTS = 4  # points around which candidates are placed


class ConstraintModels:
    """Models of the constrained metrics of a study.

    Args:
        space: the whole space.
        metrics: metrics of the study, with constraints.
    """

    def __init__(self, space: Space, metrics: Metrics) -> None:
        self._space, self._constraints = space, metrics.constraints
        self._U, self._V = GrowingArray(space.d), GrowingArray(len(self._constraints))
        self._fitted: tuple[int, list[GP]] = 0, []
        self._built: tuple[int, bytes, Limits] | None = None

    def tell(self, trials: Sequence[Trial], U: Array) -> None:
        """Process finished trials at U (k, d), in order; unsuccessful ones are ignored."""
        names = [metric.name for metric in self._constraints]
        rows = [row for row, trial in enumerate(trials) if trial.ended_well and all(name in trial.metrics for name in names)]
        self._U.append(U[rows])
        self._V.append(np.array([[trials[row].metrics[name] for name in names] for row in rows]).reshape(-1, len(names)))

    @property
    def U(self) -> Array:
        """The points, (n, d)."""
        return self._U.values

    @property
    def V(self) -> Array:
        """The constrained metrics at these points, (n, c)."""
        return self._V.values

    def violations(self) -> Array:
        """Return the constraint violation of each trial, (n,): the sum over metrics, in units of their median violation."""
        total = np.zeros(len(self._U))
        for metric, values in zip(self._constraints, self.V.T, strict=True):
            beyond = np.array([metric.violation(value) for value in values.tolist()])
            broken = beyond[beyond > 0.0]
            if len(broken):
                total += beyond / np.median(broken)
        return total

    def least_violating(self, bounds: Bounds, k: int = _N_STARTS) -> Array:
        """Return at most k points in a box with the least violation, best first, (k, d)."""
        rows = np.flatnonzero(bounds.contains(self.U))
        return np.asarray(self.U[rows[np.argsort(self.violations()[rows], kind="stable")[:k]]])

    def limits(self, center: Array | None = None) -> Limits | None:
        """Return the probability of satisfying the constraints; None while too few trials are known.

        Args:
            center: if there are many trials, half of those in a model are the nearest to this point, (d,).
        """
        if len(self._U) < FEWEST:
            return None
        key = b"" if center is None or len(self._U) <= MOST else center.tobytes()
        if self._built is None or self._built[:2] != (len(self._U), key):
            rows = self._rows(len(self._U), center)
            built = [
                self._limit(metric, surrogate, rows, j)
                for j, (metric, surrogate) in enumerate(zip(self._constraints, self._surrogates(), strict=True))
            ]
            self._built = len(self._U), key, Limits(tuple(built))
        return self._built[2]

    def _limit(self, metric: Metric, surrogate: GP, rows: NDArray[np.intp], j: int) -> Limit:
        model: LatentModel = surrogate.rebuild(self.U[rows], self.V[rows, j : j + 1])
        low, high = (
            end if limit is None else float(model.transform.forward(np.array([limit]))[0])
            for limit, end in ((metric.lower, -math.inf), (metric.upper, math.inf))
        )
        return Limit(model.latent, low, high)

    def _surrogates(self) -> list[GP]:
        """Return a surrogate for each metric, with the hyperparameters for the known trials."""
        known = n_learned_from(len(self._U))
        if self._fitted[0] != known:
            rows = self._rows(known, None)
            surrogates = [GP(space=self._space, kernel=MATERN) for _ in self._constraints]
            for j, surrogate in enumerate(surrogates):
                surrogate.fit(self.U[rows], self.V[rows, j : j + 1])
            self._fitted = known, surrogates
        return self._fitted[1]

    def _rows(self, n: int, center: Array | None) -> NDArray[np.intp]:
        """Return the rows that a model holds: all of the first n, or the nearest to a center and an even selection of others."""
        if n <= MOST:
            return np.arange(n)
        near = np.empty(0, dtype=np.intp)
        if center is not None:
            away = np.abs(self.U[:n] - center).max(axis=1)
            near = np.argsort(away, kind="stable")[: MOST // 2]
        others = np.setdiff1d(np.arange(n), near)
        taken = others[np.linspace(0, len(others) - 1, MOST - len(near)).astype(np.intp)]
        return np.union1d(near, taken)


def n_learned_from(n: int) -> int:
    """Return the number of trials that hyperparameters are learned from when n are known: a series with 15 % growth."""
    last = following = FEWEST
    while following <= n:
        last, following = following, max(following + 1, math.ceil(_GROWTH * following))
    return last


def toward_feasible(
    models: ConstraintModels, box: Box, failures: Feasibility | None, pending: Array, drawn: bool, rng: np.random.Generator
) -> Array:
    """Return points of a box without feasible trials, most promising first, (q, d).

    Two criteria are used in turn: the probability of satisfying all constraints, and the total violation under posterior
    samples, which separates the points of a batch.

    Args:
        models: models with at least `FEWEST` known trials.
        box: the box to search.
        failures: probability that an evaluation succeeds; None if nothing has failed.
        pending: pending points, (p, d).
        drawn: whether to use posterior samples.
        rng: generator of the search.
    """
    starts = models.least_violating(box.bounds)
    limits = cast(Limits, models.limits(starts[0] if len(starts) else None))
    scales = np.min([cast(ExactGP, part.model).hyper.lengthscales for part in limits.parts], axis=0)
    U = candidates(box, starts, rng)
    if drawn and failures is None:
        return maximize(ViolationCriterion(limits, rng), box, U, rng, scales)[0]
    allowed = limits.with_fantasies(pending) if failures is None else Joint((limits.with_fantasies(pending), failures))
    return maximize(allowed, box, U, rng, scales)[0]
