"""A region's model of the objective: fitted to the trials nearest to it, on the scale on which a model of them is best.

Fitting hyperparameters costs more than all else, so a team shares the work without a message: in each round one member fits
for a region, starting from what was recorded last, and its trial records the result. From the next round on everybody reads
it there. Where nothing is on record, or what is has fallen far behind, everybody fits. So a model follows from the trials
alone, whoever computes it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition import Feasibility
from hyperspace.space import Space
from hyperspace.surrogates import make_surrogate
from hyperspace.surrogates.base import Model, Surrogate
from hyperspace.surrogates.latent import LatentModel
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.warping import Transform
from hyperspace.trial import Array

WHOLE = -1  # in the place of a region's number: the model of the whole space
_SUCCESS, _FAILURE = -1.0, 1.0  # what the model of failures is told; see Feasibility
_FEASIBILITY_NOISE = 0.05  # of labels -1 and 1: a neighbour of a failure may succeed


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


def fresh_surrogate(model: Any, random_state: int, space: Space) -> Surrogate:
    """Return a surrogate that remembers nothing."""
    surrogate: Surrogate = make_surrogate(model, random_state=random_state, space=space)
    if surrogate is model:
        surrogate = copy.deepcopy(surrogate)
    return surrogate if surrogate.transforms_targets else Standardized(surrogate)


def fit_local(
    surrogate: Surrogate,
    number: int,
    rows: NDArray[np.intp],
    U: Array,
    y: Array,
    record: Mapping[str, Any] | None,
    lag: float,
) -> Local:
    """Return the model of the trials `rows`.

    Args:
        surrogate: a fresh one.
        number: of the region, or WHOLE.
        rows: trials with a finite loss.
        U: points of the whole archive, (n, d).
        y: their losses, (n,).
        record: what the last fit of this region recorded, or of another one: it serves until a member has fitted for this one.
        lag: factor by which the archive must have grown since for another fit here and now.
    """
    X, targets = U[rows], y[rows, None]
    fresh = record is None or len(y) >= lag * record["n"]
    if record is not None:
        surrogate.restore(record["surrogate"])
    model = surrogate.fit(X, targets) if fresh else surrogate.rebuild(X, targets)
    if not isinstance(model, LatentModel):
        raise TypeError(f"a surrogate's model must be a LatentModel, got {type(model).__name__}")
    latent = model.latent
    fitted = getattr(latent, "fitted", None)
    hyper = getattr(latent, "hyper", None)
    return Local(
        latent,
        model.transform,
        latent.posterior(X).mean[:, 0] if fitted is None else fitted,
        rows,
        None if hyper is None else hyper.lengthscales,
        _record(surrogate, number, len(y)) if fresh else None,
    )


def refit(
    surrogate: Surrogate, number: int, rows: NDArray[np.intp], U: Array, y: Array, record: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what a trial records of a fit to `rows` that starts from `record`; None for a surrogate that has no state."""
    surrogate.restore(record["surrogate"])
    surrogate.fit(U[rows], y[rows, None])
    return _record(surrogate, number, len(y))


def _record(surrogate: Surrogate, number: int, n: int) -> dict[str, Any] | None:
    state = surrogate.state()
    return None if state is None else {"region": number, "n": n, "surrogate": state}


def fit_feasibility(space: Space, U: Array, failed: NDArray[np.bool_], caution: float) -> Feasibility | None:
    """Return the probability that an evaluation succeeds, from points U (n, d) and whether each failed; None if none did.

    A Gaussian process on labels with fixed hyperparameters: a few failures say too little to learn lengthscales from.
    """
    if not failed.any():
        return None
    from hyperspace.surrogates.exact import ExactGP, Hyperparameters
    from hyperspace.surrogates.kernels import Features

    d = space.d
    hyper = Hyperparameters(np.full(d, 0.2 * np.sqrt(d)), 1.0, _FEASIBILITY_NOISE, _SUCCESS)
    return Feasibility(ExactGP(Features(d, space), hyper, U, np.where(failed, _FAILURE, _SUCCESS)), 0.0, caution)
