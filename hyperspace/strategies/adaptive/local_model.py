"""A region's models of the objective: fitted to the trials nearest to it, on the scale on which a model of them is best.

Fitting hyperparameters costs more than all else, so a team shares the work without a message: in each round one member fits
for a region, starting from what was recorded last, and its trial records the result. From the next round on everybody reads
it there. Where nothing is on record, or what is has fallen far behind, everybody fits. So a model follows from the trials
alone, whoever computes it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition.feasibility import Success
from hyperspace.space.space import Space
from hyperspace.strategies.adaptive.config import Settings
from hyperspace.surrogates import make_surrogate
from hyperspace.surrogates.base import Model, Surrogate
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array

MOST_ADDITIVE = 24  # dimensions of an additive process: its cost grows with their number
_ADDITIVE: dict[str, Any] = {"kernel": "additive", "warp": False, "max_evaluations": 20}
_IDLE = 4  # fits that an additive process is left out of when it is far behind
_GROWTH = 1.2  # of the archive, at which it is fitted anew
_PER_HYPERPARAMETER = 1.5  # nats that each one more must gain
_NOISY = 5e-4  # variance of noise that counts as some, over that of the function
_SUCCESS, _FAILURE = -1.0, 1.0  # what the model of failures is told; see `feasibility.Success`
_FEASIBILITY_NOISE = 0.05  # of labels -1 and 1: a neighbor of a failure may succeed


@dataclass(frozen=True, slots=True)
class Local:
    """A model of the objective near a region.

    Attributes:
        latent: the model of the transformed losses, Gaussian.
        transform: the map from losses to what `latent` models.
        fitted: its means at the points it was fitted to, (n,).
        rows: those points' rows in the archive.
        scales: lengthscales, (d,), where the model has some.
        record: what a trial records so that the next fit starts from here; None if what was on record served.
    """

    latent: Model
    transform: Transform
    fitted: Array
    rows: NDArray[np.intp]
    scales: Array | None
    record: Mapping[str, Any] | None

    @property
    def has_condition(self) -> bool:
        """Whether fantasies can be added."""
        return hasattr(self.latent, "condition")

    def predicted(self, u: Array) -> float | None:
        """Return the loss expected at u (d,): the mean, brought back to the scale of losses; None where it is off the scale."""
        loss = float(self.transform.inverse(self.latent.posterior(u[None]).mean[:, 0])[0][0])
        return loss if math.isfinite(loss) else None


class Fits:
    """What is fitted to the trials near a region: the user's model, and beside a Gaussian process an additive one.

    A function that is a sum of functions of one coordinate each is learned from far fewer trials by a process that is such a sum;
    of any other function it gives a wrong picture. The evidence tells which, but it is swayed by where the trials lie. So the two
    share the turns; where the additive one is far behind it has none.

    Args:
        model: the user's choice.
        random_state: of fits.
        space: the search space.
        settings: of the strategy.
        number: of the region, or WHOLE.
        rows: trials with a finite loss.
        U: points of the whole archive, (n, d).
        y: their losses, (n,).
        record: what the last fit of this region recorded, or of another one: it serves until a member has fitted for this one.
        stale: whether to fit anew in any case.
    """

    def __init__(
        self,
        model: Any,
        random_state: int,
        space: Space,
        settings: Settings,
        number: int,
        rows: NDArray[np.intp],
        U: Array,
        y: Array,
        record: Mapping[str, Any] | None,
        stale: bool,
    ) -> None:
        self._model, self._random_state, self._space, self._number = model, random_state, space, number
        self._plausible = settings.plausible
        self._rows, self._X, self._Y, self._n = rows, U[rows], y[rows, None], len(y)
        self._past, self._locals = record, dict[bool, Local]()
        self._additive: Mapping[str, Any] | None = (record or {}).get("additive")
        self.record: Mapping[str, Any] | None = None  # what a trial records; None if what was on record served
        if stale:
            fitted, self._evidence, self.record = self._fitted()
            self._past, self._locals[False] = self.record, self._local(fitted)

    @property
    def lead(self) -> float:
        """Nats a trial by which the additive process is the more probable one; -inf where it is far behind, or there is none."""
        additive = self._additive
        return additive["lead"] if additive is not None and additive["lead"] > -self._plausible else -np.inf

    def local(self, additive: bool) -> Local:
        """Return the model, or the additive one."""
        if additive not in self._locals:
            self._locals[additive] = self._local(self._restored(additive).rebuild(self._X, self._Y))
        return self._locals[additive]

    def refit(self, compares: bool = True) -> Mapping[str, Any] | None:
        """Return the record of a new fit; None for a surrogate that has no state.

        With `compares` it is what the trial of a member records that fits for the others. The additive process is compared here
        alone: it can wait for a member's turn, where the other model cannot.
        """
        evidence, record = (self._evidence, self.record) if self.record is not None else self._fitted()[1:]
        if record is None or not compares or self._model != "GP" or not 1 < self._space.d <= MOST_ADDITIVE:
            return record
        return {**record, "additive": self._compared(evidence)}

    def _restored(self, additive: bool) -> Surrogate:
        """Return a surrogate as it was after the fit on record, or a fresh one."""
        if additive:
            surrogate, past = make_surrogate("GP", space=self._space, **_ADDITIVE), self._additive
        else:
            surrogate, past = fresh_surrogate(self._model, self._random_state, self._space), self._past
        if past is not None:
            surrogate.restore(past["surrogate"])
        return surrogate

    def _fitted(self) -> tuple[Model, float, Mapping[str, Any] | None]:
        """Return a new fit of the user's model, the evidence for it where it tells, and what a trial records of it."""
        surrogate = self._restored(False)
        model, state = surrogate.fit(self._X, self._Y), surrogate.state()
        record = None if state is None else {"region": self._number, "n": self._n, "surrogate": state}
        if record is not None and _is_noisy(model):
            record["noisy"] = True
        return model, getattr(surrogate, "evidence", math.nan), record

    def _compared(self, evidence: float) -> Mapping[str, Any]:
        """Return the record of the additive process, given the evidence for the other one."""
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

    def _local(self, model: Model) -> Local:
        if not isinstance(model, LatentModel):
            raise TypeError(f"a surrogate's model must be a LatentModel, got {type(model).__name__}")
        latent = model.latent
        fitted = getattr(latent, "fitted", None)
        hyper = getattr(latent, "hyper", None)
        return Local(
            latent,
            model.transform,
            latent.posterior(self._X).mean[:, 0] if fitted is None else fitted,
            self._rows,
            None if hyper is None else hyper.lengthscales,
            self.record,
        )


def _is_noisy(model: Model) -> bool:
    """Tell whether a Gaussian process has found noise."""
    hyper = getattr(model.latent, "hyper", None) if isinstance(model, LatentModel) else None
    return hyper is not None and bool(hyper.noise > _NOISY * hyper.outputscale)


def fresh_surrogate(model: Any, random_state: int, space: Space) -> Surrogate:
    """Return a surrogate that remembers nothing."""
    surrogate: Surrogate = make_surrogate(model, random_state=random_state, space=space)
    if surrogate is model:
        surrogate = copy.deepcopy(surrogate)
    return surrogate if surrogate.transforms_targets else Standardized(surrogate)


def fit_feasibility(space: Space, U: Array, failed: NDArray[np.bool_], caution: float) -> Success | None:
    """Return the probability that an evaluation succeeds, from points U (n, d) and whether each failed; None if none did.

    A Gaussian process on labels with fixed hyperparameters: a few failures say too little to learn lengthscales from.
    """
    if not failed.any():
        return None
    from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
    from hyperspace.surrogates.input_encoding import Features

    d = space.d
    hyper = Hyperparameters(np.full(d, 0.2 * np.sqrt(d)), 1.0, _FEASIBILITY_NOISE, _SUCCESS)
    return Success(ExactGP(Features(d, space), hyper, U, np.where(failed, _FAILURE, _SUCCESS)), 0.0, caution)
