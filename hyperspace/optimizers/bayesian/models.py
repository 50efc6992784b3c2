"""Models of the objective in a region or in the whole box, fitted to the nearest trials after a transform of the losses.

Fitting hyperparameters is the most expensive step, so a team shares it without messages. In each round one member refits the
model of a region, starting from the last recorded fit, and its trial records the result. All members read it from the next
round on. If no fit is recorded, or the last one is too old, every member fits. So a model is a function of the trials alone.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition.feasibility import Success
from hyperspace.optimizers.bayesian.settings import Setup
from hyperspace.space.space import Space
from hyperspace.surrogates import make_surrogate
from hyperspace.surrogates.base import Model, Surrogate
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array

MOST_ADDITIVE = 24  # dimensions of an additive process; its cost grows with the dimension
_ADDITIVE: dict[str, Any] = {"kernel": "additive", "warp": False, "max_evaluations": 20}
_IDLE = 4  # fits for which an improbable additive process is skipped
_GROWTH = 1.2  # growth of the archive after which it is refitted
_PER_HYPERPARAMETER = 1.5  # nats of evidence that each additional hyperparameter must gain
_SUCCESS, _FAILURE = -1.0, 1.0  # labels of the model of failures; see `feasibility.Success`
_FEASIBILITY_NOISE = 0.05  # variance of the labels: a neighbor of a failure may succeed


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Model of the objective near a region.

    Attributes:
        latent: Gaussian model of the transformed losses.
        transform: map from losses to the scale of `latent`.
        fitted: means of `latent` at the points it was fitted to, (n,).
        rows: rows of these points in the archive.
        scales: lengthscales, (d,), if the model has any.
        record: record of a new fit, from which the next fit starts; None if a recorded fit was used.
        refit: returns the model of these trials and of further points with losses, for models without `condition`.
    """

    latent: Model
    transform: Transform
    fitted: Array
    rows: NDArray[np.intp]
    scales: Array | None
    record: Mapping[str, Any] | None
    refit: Callable[[Array, Array], Model]

    @property
    def has_condition(self) -> bool:
        """Whether fantasies can be added."""
        return hasattr(self.latent, "condition")

    def with_fantasies(self, X: Array) -> Model:
        """Return `latent` with fantasies at X (k, d): pending points with the posterior mean as value.

        This is the "kriging believer" (Ginsbourger et al. 2010).
        """
        means = self.latent.posterior(X).mean[:, 0]
        if self.has_condition:
            conditioned: Model = self.latent.condition(X, means)  # type: ignore[attr-defined]
            return conditioned
        return self.refit(X, self.transform.inverse(means)[0])

    def predicted(self, u: Array) -> float | None:
        """Return the expected loss at u (d,): the mean on the scale of losses; None if it is not finite."""
        loss = float(self.transform.inverse(self.latent.posterior(u[None]).mean[:, 0])[0][0])
        return loss if math.isfinite(loss) else None


@dataclass(slots=True)
class IncrementalModel:
    """Model of all trials that is extended by each new one until the next fit, so that a suggestion needs no factorization.

    It is a function of the trials: the model of a recorded fit, extended one trial at a time. Keeping it only saves time.

    Attributes:
        n: number of trials at the fit.
        fitted: number of rows at the fit.
        rows: number of rows in the model.
        model: the model; None before the first fit.
    """

    n: int = 0
    fitted: int = 0
    rows: int = 0
    model: Model | None = None

    def keep(self, n: int, fitted: int, model: Model) -> None:
        """Keep the model of a new fit."""
        self.n, self.fitted, self.rows, self.model = n, fitted, fitted, model

    def update(self, n: int, fitted: int, X: Array, Y: Array, rebuild: Callable[[Array, Array], Model]) -> Model:
        """Return the model of X (k, d) and Y (k, 1), of which the first `fitted` rows were fitted when n trials were known."""
        model, rows = self.model, self.rows
        if model is None or (self.n, self.fitted) != (n, fitted) or rows > len(X):
            model, rows = rebuild(X[:fitted], Y[:fitted]), fitted
            self.keep(n, fitted, model)
        if not hasattr(model, "condition"):
            return model if rows == len(X) else rebuild(X, Y)
        for row in range(rows, len(X)):
            model = model.condition(X[row : row + 1], Y[row : row + 1])
        self.rows, self.model = len(X), model
        return model


class RegionModels:
    """Models fitted to the trials near a region: the user's model and, for a Gaussian process, an additive one.

    An additive process learns a sum of one-dimensional functions from far fewer trials, but misrepresents other functions.
    The evidence compares the two models, but depends on the positions of the trials. So both models get some of the turns,
    and the additive one gets none if it is far less probable.

    Args:
        setup: settings and choices of the study.
        random_state: seed of the fits.
        number: number of the region, or that of the whole box.
        rows: trials with a finite loss.
        U: points of all trials, (n, d).
        y: their losses, (n,).
        record: record of this region's last fit. Before its first fit, that of another region.
        stale: whether to refit in any case.
        extended: model of the whole box that is extended until the next fit; None to factorize each time.
    """

    def __init__(
        self,
        setup: Setup,
        random_state: int,
        number: int,
        rows: NDArray[np.intp],
        U: Array,
        y: Array,
        record: Mapping[str, Any] | None,
        stale: bool,
        extended: IncrementalModel | None = None,
    ) -> None:
        self._extended = extended
        self._model, self._random_state, self._space, self._number = setup.model, random_state, setup.space, number
        self._plausible = setup.settings.max_evidence_deficit
        may_compare = setup.settings.compares_additive and isinstance(setup.model, str) and setup.model == "GP"
        self._may_be_additive = may_compare and 1 < setup.space.d <= MOST_ADDITIVE
        self._rows, self._X, self._Y, self._n = rows, U[rows], y[rows, None], len(y)
        self._past, self._locals = record, dict[bool, LocalModel]()
        self._additive: Mapping[str, Any] | None = (record or {}).get("additive")
        self.record: Mapping[str, Any] | None = None  # record of a new fit; None if a recorded fit was used
        if stale:
            fitted, self._evidence, self.record = self._fitted()
            self._past, self._locals[False] = self.record, self._local(fitted)
            if extended is not None:
                extended.keep(self._n, len(rows), fitted)

    @property
    def lead(self) -> float:
        """Nats per trial by which the additive process is more probable; -inf if it is far less probable or absent."""
        additive = self._additive
        return additive["lead"] if additive is not None and additive["lead"] > -self._plausible else -np.inf

    def local(self, additive: bool) -> LocalModel:
        """Return the user's model or the additive one."""
        if additive not in self._locals:
            self._locals[additive] = self._local(self._rebuilt(additive))
        return self._locals[additive]

    def _rebuilt(self, additive: bool) -> Model:
        """Return a model with the hyperparameters of the recorded fit."""

        def rebuild(X: Array, Y: Array) -> Model:
            return self._restored(additive).rebuild(X, Y)

        if additive or self._extended is None or self._past is None:
            return rebuild(self._X, self._Y)
        n = int(self._past["n"])
        return self._extended.update(n, int((self._rows < n).sum()), self._X, self._Y, rebuild)

    def _with(self, X: Array, losses: Array) -> Model:
        """Return the latent model of the trials and of further points X (k, d) with losses (k,)."""
        surrogate = self._restored(False)
        model = surrogate.rebuild(np.concatenate([self._X, X]), np.concatenate([self._Y, losses[:, None]]))
        return cast(LatentModel, model).latent

    def refit(self, compares: bool = True) -> Mapping[str, Any] | None:
        """Return the record of a new fit; None for a surrogate without state.

        With `compares` the record is for the other members too, and the additive process is compared. Only this fit compares
        it, since the comparison can wait for a member's turn.
        """
        evidence, record = (self._evidence, self.record) if self.record is not None else self._fitted()[1:]
        if record is None or not compares or not self._may_be_additive:
            return record
        return {**record, "additive": self._compare_additive(evidence)}

    def _restored(self, additive: bool) -> Surrogate:
        """Return a surrogate in the state of the recorded fit, or a new one."""
        if additive:
            surrogate, past = make_surrogate("GP", space=self._space, **_ADDITIVE), self._additive
        else:
            surrogate, past = fresh_surrogate(self._model, self._random_state, self._space), self._past
        if past is not None and past["surrogate"] is not None:
            surrogate.restore(past["surrogate"])
        return surrogate

    def _fitted(self) -> tuple[Model, float, Mapping[str, Any] | None]:
        """Return a new fit of the user's model, its evidence (nan if unknown), and its record."""
        surrogate = self._restored(False)
        before = surrogate.state()
        model, state = surrogate.fit(self._X, self._Y), surrogate.state()
        if self._extended is not None and not surrogate.state_is_complete:
            state = before  # a fit that begins there gives this model again
        extends = self._extended is not None and hasattr(model, "condition")
        record = {"region": self._number, "n": self._n, "surrogate": state} if state is not None or extends else None
        if record is not None and _is_noisy(model):
            record["noisy"] = True
        return model, getattr(surrogate, "evidence", math.nan), record

    def _compare_additive(self, evidence: float) -> Mapping[str, Any]:
        """Return the record of the additive process, given the evidence of the user's model."""
        past = self._additive
        if past is not None and past["lead"] < -self._plausible and past["idle"] < _IDLE:
            return {**past, "idle": past["idle"] + 1}
        if past is not None and self._number == past["region"] and self._n < _GROWTH * past["n"]:
            return past
        surrogate = self._restored(True)
        surrogate.fit(self._X, self._Y)
        gained = surrogate.evidence - evidence - _PER_HYPERPARAMETER * (self._space.d - 1)  # type: ignore[attr-defined]
        return {
            "region": self._number,
            "n": self._n,
            "surrogate": surrogate.state(),
            "lead": gained / len(self._X),
            "idle": 0,
        }

    def _local(self, model: Model) -> LocalModel:
        if not isinstance(model, LatentModel):
            raise TypeError(f"a surrogate's model must be a LatentModel, got {type(model).__name__}")
        latent = model.latent
        fitted = getattr(latent, "fitted", None)
        hyper = getattr(latent, "hyper", None)
        return LocalModel(
            latent,
            model.transform,
            latent.posterior(self._X).mean[:, 0] if fitted is None else fitted,
            self._rows,
            None if hyper is None else hyper.lengthscales,
            self.record,
            self._with,
        )


def _is_noisy(model: Model) -> bool:
    """Return whether a Gaussian process has found noise."""
    hyper = getattr(model.latent, "hyper", None) if isinstance(model, LatentModel) else None
    return hyper is not None and bool(hyper.is_noisy)


def fresh_surrogate(model: Any, random_state: int, space: Space) -> Surrogate:
    """Return a surrogate without fitted state."""
    surrogate: Surrogate = make_surrogate(model, random_state=random_state, space=space)
    if surrogate is model:
        surrogate = copy.deepcopy(surrogate)
    return surrogate if surrogate.transforms_targets else Standardized(surrogate)


def fit_feasibility(space: Space, U: Array, failed: NDArray[np.bool_], required_z: float) -> Success | None:
    """Return the probability of success, from points U (n, d) and whether each failed; None without failures.

    The model is a Gaussian process on labels. Its hyperparameters are fixed, since a few failures do not determine lengthscales.
    """
    if not failed.any():
        return None
    from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
    from hyperspace.surrogates.input_encoding import Features

    d = space.d
    hyper = Hyperparameters(np.full(d, 0.2 * np.sqrt(d)), 1.0, _FEASIBILITY_NOISE, _SUCCESS)
    return Success(ExactGP(Features(d, space), hyper, U, np.where(failed, _FAILURE, _SUCCESS)), 0.0, required_z)
