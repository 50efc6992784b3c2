"""Merged surrogate: a model of the objective from the trials of all drives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import StudyError
from hyperspace.space.space import Space
from hyperspace.surrogates.base import Posterior
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.surrogates.gp.surrogate import GP, MATERN, GPModel
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.transformed import through
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

MOST = 1000  # largest number of trials for the fit; more would be slow and hardly more accurate
FEWEST = 3
_UNCORRELATED = 0.3  # correlation with the nearest point below which a short scale cannot be told from noise
_MOST_LOST = 5.0  # nats by which a model with noise may be less probable than one with a short scale
_CLEARLY = 0.9  # largest ratio of the errors with plain targets


class Merged:
    """Gaussian process fitted to the successful trials of all drives.

    The targets are those of the search, whose bad tail is compressed, or plain ones, if these have a clearly smaller
    leave-one-out error in the objective's scale. The search only has to be right near the optimum, this model everywhere.

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
        self.surrogate = _fitted(space, self.U, self.y)
        if not self.transform.affine:
            plain = _fitted(space, self.U, self.y, warp=False, robust=False)
            if _leave_one_out_error(plain, self.y) < _CLEARLY * _leave_one_out_error(self.surrogate, self.y):
                self.surrogate = plain

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
        return _model_of(self.surrogate)

    @property
    def is_noisy(self) -> bool:
        """Whether the model explains a part of the differences by noise."""
        return bool(self.latent.hyper.is_noisy)

    def noise_at(self, u: Array) -> float:
        """Return the standard deviation of the noise of one evaluation at u (d,), in the objective's scale."""
        mean, std = float(self.latent.posterior(u[None]).mean[0, 0]), float(np.sqrt(self.latent.hyper.noise))
        low, high = self.value_of(np.array([mean - std, mean + std]))
        return float(abs(high - low) / 2.0)

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


def _fitted(space: Space, U: Array, y: Array, **options: Any) -> GP:
    """Return a fitted Gaussian process, with noise instead of a scale that is shorter than the distances of the points."""
    surrogate = GP(space=space, tries_noise=True, **options)
    surrogate.fit(U, y)
    if _imitates_noise(_model_of(surrogate).latents[0]):
        noisy = GP(space=space, tries_noise=True, kernel=MATERN, **options)
        noisy.fit(U, y)
        if noisy.evidence > surrogate.evidence - _MOST_LOST:
            return noisy
    return surrogate


def _imitates_noise(latent: ExactGP) -> bool:
    """Return whether most points have no neighbor with which the kernel's short part is correlated."""
    hyper = latent.hyper
    if not hyper.short_share or len(latent) < 2:
        return False
    A = latent.scaled_features
    squares = np.maximum(np.sum(A * A, axis=1)[:, None] + np.sum(A * A, axis=1) - 2.0 * A @ A.T, 0.0)
    np.fill_diagonal(squares, np.inf)
    nearest = hyper.short_ratio * np.sqrt(squares.min(axis=1))  # sqrt(5) distance / lengthscale
    correlation = (1.0 + nearest + nearest**2 / 3.0) * np.exp(-nearest)
    return bool(np.median(correlation) < _UNCORRELATED)


def _model_of(surrogate: GP) -> GPModel:
    model = surrogate.model
    if not isinstance(model, GPModel):
        raise TypeError(f"the merged surrogate's model is a {type(model).__name__}, expected a GPModel")
    return model


def _leave_one_out_error(surrogate: GP, y: Array) -> float:
    """Return the root mean square of the leave-one-out errors of losses y (n,), in their scale; inf if it overflows."""
    model = _model_of(surrogate)
    mean, variance = model.latents[0].leave_one_out()
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = through(model.transforms[0], Posterior(mean[:, None], variance[:, None])).mean[:, 0]
        error = float(np.sqrt(np.mean((predicted - y) ** 2)))
    return error if np.isfinite(error) else np.inf


def _spread(losses: Array) -> NDArray[np.intp]:
    """Return an even selection of at most `MOST` rows, including the best."""
    if len(losses) <= MOST:
        return np.arange(len(losses))
    rows = np.linspace(0, len(losses) - 1, MOST).astype(np.intp)
    return np.union1d(rows, [np.argmin(losses)])
