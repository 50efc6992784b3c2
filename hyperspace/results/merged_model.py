"""Merged surrogate: a model of the objective from the trials of all drives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import StudyError
from hyperspace.space.space import Space
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.gp.surrogate import GP, GPModel
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

MOST = 1000  # largest number of trials for the fit; more would be slow and hardly more accurate
FEWEST = 3


class Merged:
    """Gaussian process fitted to the successful trials of all drives.

    If evaluations have budgets, only those with the largest one are used. From more than `MOST` trials it uses the best one and
    an even selection in the order of iteration and drive.

    Args:
        trials: trials of the study.
        space: space of the study.
        metrics: metrics of the study.

    Attributes:
        trials: trials of the fit.
        U: their points in the unit cube, (n, d).
        y: their losses (less is better), (n,).
        values: the same as the objective returned them, (n,).
        sign: values = sign * losses.

    Raises:
        StudyError: fewer than three trials ended well.
    """

    def __init__(self, trials: Sequence[Trial], space: Space, metrics: Metrics) -> None:
        usable = [trial for trial in trials if trial.status == OK]
        largest = max((trial.fidelity for trial in usable), default=0.0)
        usable = [trial for trial in usable if trial.fidelity == largest]
        if len(usable) < FEWEST:
            raise StudyError(f"a model of the objective needs {FEWEST} trials that ended well; there are {len(usable)}")
        losses = np.array([metrics.loss(trial.metrics) for trial in usable])
        rows = _spread(losses)
        self.space, self.sign = space, metrics.sign
        self.trials = [usable[row] for row in rows]
        self.U = space.to_unit([trial.x for trial in self.trials])
        self.y = losses[rows]
        self.surrogate = GP(space=space)
        self.surrogate.fit(self.U, self.y)

    @property
    def values(self) -> Array:
        """Values of the objective, (n,)."""
        values: Array = self.sign * self.y
        return values

    @property
    def latent(self) -> ExactGP:
        """The Gaussian process of the transformed losses."""
        return self._model.latents[0]

    @property
    def transform(self) -> Transform:
        """Map from losses to the targets of the Gaussian process."""
        return self._model.transform

    @property
    def _model(self) -> GPModel:
        model = self.surrogate.model
        if not isinstance(model, GPModel):
            raise TypeError(f"the merged surrogate's model is a {type(model).__name__}, expected a GPModel")
        return model

    def predict(self, U: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the objective, in its scale, at U (q, d): (q,) and (q,)."""
        mean, std = self.surrogate.predict(U)
        return self.sign * mean, std

    def sample(self, U: Array, k: int, rng: np.random.Generator) -> Array:
        """Return k joint samples of the objective, in its scale, at U (q, d): (k, q)."""
        draws: Array = self.sign * self._model.sample(U, k, rng)[:, :, 0]
        return draws

    def value_of(self, z: Array) -> Array:
        """Return the objective's value for a latent value z, in z's shape; monotonic in z."""
        values: Array = self.sign * self.transform.inverse(z)[0]
        return values


def _spread(losses: Array) -> NDArray[np.intp]:
    """Return an even selection of at most `MOST` rows, including the best."""
    if len(losses) <= MOST:
        return np.arange(len(losses))
    rows = np.linspace(0, len(losses) - 1, MOST).astype(np.intp)
    return np.union1d(rows, [np.argmin(losses)])
