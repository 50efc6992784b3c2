"""Bayesian optimization of one box: a surrogate of the trials, and the maximum of an acquisition function.

The state follows from the trials told, in order (`learner`). Trials outside the box inform the surrogate, but the incumbent is
the best trial inside. So a box without the global optimum is searched for its own optimum.

Constraints: the incumbent is the best feasible trial. Each constrained metric has a model, and the acquisition is multiplied by
the probability of feasibility. Without a feasible trial in the box, the search looks for one (`constraint_models`).

Pending points are fantasies at the posterior mean ("kriging believer", Ginsbourger et al. 2010). Failed trials train a model of
success, and the acquisition is multiplied by its probability. No point is proposed twice while the box has others: the
objective is assumed to be noise-free.

At a converged local minimum, the noise that regularizes the kernel matrix leaves a small posterior variance. If the model
expects even less improvement elsewhere, the search would return there forever. So if the expected improvement is that small,
every second question ignores this variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition import ACQUISITIONS
from hyperspace.acquisition.constraint_models import FEASIBILITY, ConstraintModels, toward_feasible
from hyperspace.acquisition.feasibility import Feasibility, Success, joint
from hyperspace.acquisition.functions import PORTFOLIO, LogEI, ModelCriterion, make_acquisition
from hyperspace.acquisition.optimize import Box, candidates, choose_new, is_taken, maximize
from hyperspace.errors import InputError, shown
from hyperspace.optimizers.base import DESIGN, NO_MODEL, AskTell, Key, Suggestion
from hyperspace.optimizers.design import Design, GivenPoints
from hyperspace.optimizers.learner import MAX_ROWS, Learner
from hyperspace.space.space import Bounds, Space
from hyperspace.space.values import is_one_of
from hyperspace.surrogates.base import Model, Surrogate, draw
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.trials.incumbent import rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

_CONVERGED_LOG_EI = math.log(1e-4)  # log EI, for targets of variance one, that the regularizing noise alone can cause
_RESOLVED = 1e-7  # variance that is ignored then
_N_INCUMBENTS = 4  # incumbents around which candidates are placed
_SUCCESS, _FAILURE = 0.0, 1.0  # labels of the model of failures
_Z_DECREASE, _Z_INCREASE = 0.1, 2.0  # after a success and a failure: about every twentieth trial may fail, few in a row


class BayesOptimizer(AskTell):
    """Optimizer with a surrogate and an acquisition function.

    Args:
        space: the whole space.
        bounds: the box to search, in the unit cube of the space.
        surrogate: the model of the objective.
        design: the initial design.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        max_rows: largest number of trials that the model is fitted to; the nearest to the box are used.
        metrics: metrics of the study; None without constraints.

    Raises:
        InputError: an unknown acquisition.
    """

    def __init__(
        self,
        space: Space,
        bounds: Bounds,
        surrogate: Surrogate,
        design: Design,
        acquisition: str = "EI",
        max_rows: int = MAX_ROWS,
        metrics: Metrics | None = None,
    ) -> None:
        if not is_one_of(acquisition, ACQUISITIONS):
            raise InputError(f"acquisition must be one of {', '.join(ACQUISITIONS)}, got {shown(acquisition)}")
        self.acquisition = acquisition
        self.design = design
        self.box = Box(space, bounds)
        inner = surrogate if surrogate.transforms_targets else Standardized(surrogate)
        self._objective = Learner(inner, bounds, max_rows)
        self._failure = Learner(GP(space=space, warp=False), bounds, max_rows)
        self._metrics = metrics
        self._constraints = ConstraintModels(space, metrics) if metrics is not None and metrics.constraints else None
        self._kept: list[bool] = []  # of the trials with a value: whether they succeeded and are feasible
        self._is_feasible = self._constraints is None  # whether a trial in the box is feasible
        self._given = GivenPoints()
        self._any_failure = False
        self._required_z = 0.0
        self._told: list[Array] = []
        self._gains = np.zeros(len(PORTFOLIO))
        self._proposals: Array | None = None

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials; see `AskTell.tell`."""
        if not len(trials):
            return
        self._told.append(np.array(U))
        usable = np.isfinite(y)
        self._given.tell(trials, U, usable & self.box.bounds.contains(U))
        kept = self._tell_constraints(self._constraints, trials, U) if self._constraints is not None else _ended_well(trials)
        self._kept += kept[usable].tolist()
        self._objective.tell(U[usable], y[usable])
        failed = np.array([trial.teaches_failure for trial in trials])
        labeled = failed | _ended_well(trials)
        self._failure.tell(U[labeled], np.where(failed, _FAILURE, _SUCCESS)[labeled])
        self._any_failure |= bool(failed.any())
        self._update_required_z(trials, failed, labeled & self.box.bounds.contains(U))

    def _tell_constraints(self, constraints: ConstraintModels, trials: Sequence[Trial], U: Array) -> NDArray[np.bool_]:
        """Process finished trials; return which of them are feasible."""
        constraints.tell(trials, U)
        kept = np.array([rank(trial, cast(Metrics, self._metrics)).is_usable for trial in trials])
        self._is_feasible |= bool((kept & self.box.bounds.contains(U)).any())
        return kept

    def _update_required_z(self, trials: Sequence[Trial], failed: NDArray[np.bool_], counts: NDArray[np.bool_]) -> None:
        """Increase the required z-score after a failure and decrease it after a success, for points that a model proposed."""
        for trial, failure, count in zip(trials, failed, counts, strict=True):
            if count and trial.arm not in NO_MODEL:
                self._required_z = max(self._required_z + (_Z_INCREASE if failure else -_Z_DECREASE), 0.0)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Restore the record of an earlier `ask`, without a fit."""
        record = trial.model or {}
        if "fit" in record:
            self._objective.recall(record["fit"])
        if "failure" in record:
            self._failure.recall(record["failure"])
        if "hedge" in record:
            self._gains = np.array(record["hedge"]["gains"])
            self._proposals = np.array(record["hedge"]["proposals"])

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point; see `AskTell.ask`."""
        taken = np.concatenate([*self._told, pending]) if self._told else pending
        if self.design.is_due(key.iteration, self._given.count):
            return Suggestion(self._designed(key, taken), DESIGN)
        record: dict[str, Any] = {}
        failures = self._failures(record)
        limits = None if self._constraints is None else self._constraints.limits(self._best_feasible())
        if self._constraints is not None and limits is not None and not self._is_feasible:
            rng = key.rng()
            U = toward_feasible(self._constraints, self.box, failures, pending, key.iteration % 2 == 1, rng)
            return Suggestion(choose_new(self.box, U, limits.log_probability, taken, rng), FEASIBILITY, record or None)
        feasibility = joint(failures, limits)
        model, refit = self._objective.update()
        if refit is not None:
            record["fit"] = refit
        if model is None:
            return Suggestion(self._without_model(key, taken, feasibility), DESIGN, record or None)
        u = self._with_model(model, key, pending, taken, feasibility, record)
        return Suggestion(u, self.acquisition, record or None)

    def _designed(self, key: Key, taken: Array) -> Array:
        """Return the design's point, or a replacement if it is taken; few levels or given points can cause that."""
        u = self.design.point(key.iteration)
        if not is_taken(u, taken):
            return u
        rng = key.rng()
        return choose_new(self.box, self.box.spread(64, rng), lambda U: np.zeros(len(U)), taken, rng)

    def _best_feasible(self) -> Array | None:
        """Return the best feasible point in the box, (d,); None if there is none."""
        U = self._objective.U
        kept = np.array(self._kept, dtype=bool) & self.box.bounds.contains(U)
        if not kept.any():
            return None
        return np.asarray(U[int(np.argmin(np.where(kept, self._objective.y, math.inf)))])

    def _failures(self, record: dict[str, Any]) -> Success | None:
        if not self._any_failure:
            return None
        model, refit = self._failure.update()
        if refit is not None:
            record["failure"] = refit
        if model is None:
            return None
        threshold = float(model.transform.forward(np.array(0.5 * (_SUCCESS + _FAILURE))))
        return Success(model.latent, threshold, self._required_z)

    def _without_model(self, key: Key, taken: Array, feasibility: Feasibility | None) -> Array:
        """Return a point while no trial has a value: the most probable success, or the next point of the design."""
        if feasibility is None:
            return self._designed(key, taken)
        rng = key.rng()
        U = self.box.listed if self.box.all_listed else self.box.spread(256, rng)
        order = np.argsort(-feasibility.log_probability(U), kind="stable")
        return choose_new(self.box, U[order], feasibility.log_probability, taken, rng)

    def _with_model(
        self,
        model: LatentModel,
        key: Key,
        pending: Array,
        taken: Array,
        feasibility: Feasibility | None,
        record: dict[str, Any],
    ) -> Array:
        rng = key.rng()
        U = candidates(self.box, self._incumbents(model.latent), rng)
        if self.acquisition == "TS":
            return self._thompson(model.latent, U, feasibility, taken, rng)
        latent = self._objective.with_fantasies(model, pending) if len(pending) else model.latent
        best = self._best(latent, U)
        names = PORTFOLIO if self.acquisition == "gp_hedge" else (self.acquisition,)
        criteria = [ModelCriterion(latent, make_acquisition(name, best), feasibility) for name in names]
        proposals = [self._maximum(criterion, U, taken, rng, key.iteration % 2 == 1) for criterion in criteria]
        if self.acquisition != "gp_hedge":
            return proposals[0]
        return self._hedge(model.latent, np.array(proposals), rng, record)

    def _maximum(self, criterion: ModelCriterion, U: Array, taken: Array, rng: np.random.Generator, ignores_noise: bool) -> Array:
        """Return the best new point. With `ignores_noise`, ignore variances at known points if little gain is expected."""
        hyper = criterion.model.hyper if isinstance(criterion.model, ExactGP) else None
        scales = None if hyper is None else hyper.lengthscales
        ordered, values = maximize(criterion, self.box, U, rng, scales)
        if ignores_noise and hyper is not None and isinstance(criterion.acquisition, LogEI) and values[0] < _CONVERGED_LOG_EI:
            criterion = replace(criterion, resolved=min(hyper.noise, _RESOLVED))
            ordered, _ = maximize(criterion, self.box, U, rng, scales)
        return choose_new(self.box, ordered, criterion, taken, rng)

    def _thompson(
        self, latent: Model, U: Array, feasibility: Feasibility | None, taken: Array, rng: np.random.Generator
    ) -> Array:
        """Return the candidate with the lowest value in one joint posterior sample (Thompson 1933)."""
        values = -draw(latent, U, 1, rng)[0, :, 0]
        if feasibility is not None:
            values = values + feasibility.log_probability(U)
        order = np.argsort(-values, kind="stable")
        return choose_new(self.box, U[order], lambda X: -latent.posterior(X).mean[:, 0], taken, rng)

    def _hedge(self, latent: Model, proposals: Array, rng: np.random.Generator, record: dict[str, Any]) -> Array:
        """Return one of the proposals, drawn by the past gains of its acquisition (Hoffman, Brochu and de Freitas 2011)."""
        if self._proposals is not None:
            self._gains = self._gains - latent.posterior(self._proposals).mean[:, 0]
        weights = np.exp(self._gains - self._gains.max())
        self._proposals = proposals
        record["hedge"] = {"gains": self._gains.tolist(), "proposals": proposals.tolist()}
        return np.asarray(proposals[int(rng.choice(len(proposals), p=weights / weights.sum()))])

    def _known(self, latent: Model) -> tuple[Array, Array]:
        """Return the model's feasible points in the box and its means there."""
        rows = self._objective.rows
        U = self._objective.U[rows]
        inside = self.box.bounds.contains(U) & np.array(self._kept, dtype=bool)[rows]
        if isinstance(latent, ExactGP):
            return U[inside], latent.fitted[: len(rows)][inside]
        return U[inside], latent.posterior(U[inside]).mean[:, 0] if inside.any() else np.empty(0)

    def _incumbents(self, latent: Model) -> Array:
        """Return the incumbents of the box, best first."""
        U, means = self._known(latent)
        return U[np.argsort(means, kind="stable")[:_N_INCUMBENTS]]

    def _best(self, latent: Model, U: Array) -> float:
        """Return the lowest mean at a known or pending point in the box, or at the candidates U if there is none.

        A pending point may be infeasible.
        """
        means = self._known(latent)[1]
        if isinstance(latent, ExactGP) and self._constraints is None:
            means = np.concatenate([means, latent.fitted[len(self._objective.rows) :]])
        return float((means if len(means) else latent.posterior(U).mean[:, 0]).min())


def _ended_well(trials: Sequence[Trial]) -> NDArray[np.bool_]:
    return np.array([trial.status == OK for trial in trials], dtype=bool)
