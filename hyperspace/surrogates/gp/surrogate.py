"""Gaussian process surrogate: an exact process on standardized targets, warped if the data support it.

A fit finds the hyperparameters of a Matérn-5/2 kernel for plain and for Yeo-Johnson targets (`outcome_transforms`). Each starts
from its last fit. The fit keeps the targets under which the original outputs are more probable: the log density of z plus the log
Jacobian of the warping. For these targets it also fits a kernel of two scales (`kernels.TwoScale`), and keeps that if it is more
probable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.gp import likelihood
from hyperspace.surrogates.gp.additive_likelihood import AdditiveObjective
from hyperspace.surrogates.gp.matern_likelihood import MaternObjective, TwoScaleObjective
from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
from hyperspace.surrogates.input_encoding import Features
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.space.space import Space

PLAIN, WARPED, TWO_SCALES = "plain", "warped", "two scales"  # kinds of fits; the last one uses the better targets
KERNELS = BEST, MATERN, ADDITIVE = "best", "matern", "additive"
_MAX_DEFICIT = 30.0  # deficit in nats that plain or warped targets do not make up by the next fit
_GAIN = 2.0  # nats that a kernel of two scales must gain for its two additional hyperparameters
_LOG_LARGE_NOISE = math.log(0.3)  # initial noise of a fit that tries noise
_IDLE = 4  # number of fits for which an improbable kind is skipped
_FEWEST_FOR_TWO = 20  # least number of points for two scales


class GPModel(LatentModel):
    """Independent exact Gaussian processes, one an output, each on transformed targets."""

    latents: tuple[ExactGP, ...]

    @property
    def log_marginal_likelihood(self) -> float:
        """Log p(z | X, hyperparameters), summed over the outputs."""
        return sum(latent.log_marginal_likelihood for latent in self.latents)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Result of a fit for one output.

    Attributes:
        transform, hyper: the most probable ones.
        thetas: starting points of the next fits, by kind of fit.
        behind: by kind, deficit in nats of these targets to the other ones, or of two scales to one.
        idle: by kind, number of fits since it was last fitted.
        evidence: log posterior density of the outputs; nan after `restore`.
    """

    transform: Transform
    hyper: Hyperparameters
    thetas: Mapping[str, Array]
    behind: Mapping[str, float]
    idle: Mapping[str, int]
    evidence: float


@check_names()
class GP(Surrogate):
    """Exact Gaussian process, one lengthscale per dimension, hyperparameters by maximum a posteriori.

    Args:
        random_state: unused, since a fit is deterministic; all surrogates have this argument.
        space: defines which coordinates are integers or categories; None if all are continuous.
        warp: choose between plain and Yeo-Johnson targets by evidence; False uses plain ones.
        robust: standardize by median and quartiles, so that bad outliers hardly matter; False uses mean and standard deviation,
            for a model that is right everywhere instead of near the optimum.
        tries_noise: start each fit from a large noise, too, and keep the more probable result. A fit that only starts from little
            noise may explain it by a short lengthscale.
        kernel: "matern", a Matérn-5/2 kernel of the distance in all dimensions; "best", that or a kernel of two scales; or
            "additive", a sum of one-dimensional Matérn kernels.
        alike: whether the prior of the lengthscales has a common value (see `matern_likelihood`); otherwise their densities are
            independent. "best" always has a common value.
        max_evaluations: likelihood evaluations of a fit.
        max_fit_rows: largest number of points for hyperparameters, evenly selected; predictions use all points.

    Raises:
        InputError: an unknown kernel.
    """

    transforms_targets = True
    state_is_complete = True

    def __init__(
        self,
        random_state: int = 0,
        space: Space | None = None,
        *,
        warp: bool = True,
        robust: bool = True,
        tries_noise: bool = False,
        kernel: str = BEST,
        alike: bool = True,
        max_evaluations: int = 40,
        max_fit_rows: int = 500,
    ) -> None:
        if kernel not in KERNELS:
            raise InputError(f"kernel must be one of {', '.join(KERNELS)}, got {shown(kernel)}")
        self.random_state, self.space, self.warp, self.robust, self.kernel = random_state, space, warp, robust, kernel
        self.tries_noise = tries_noise
        self.alike = alike or kernel == BEST
        self.max_evaluations, self.max_fit_rows = max_evaluations, max_fit_rows
        self._features: Features | None = None
        self._fitted: list[_Fitted] = []

    def features(self, d: int) -> Features:
        """Return the coordinates in which distances are measured."""
        if self._features is None or self._features.d != d:
            self._features = Features(d, self.space)
        return self._features

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> GPModel:
        features = self.features(X.shape[1])
        previous = self._fitted if len(self._fitted) == Y.shape[1] else [None] * Y.shape[1]
        rows = np.arange(len(X))
        if len(X) > self.max_fit_rows:
            rows = np.linspace(0, len(X) - 1, self.max_fit_rows).astype(int)
        self._fitted = [
            self._fit_output(features, X[rows], Y[rows, j], None if noise is None else noise[rows, j], previous[j])
            for j in range(Y.shape[1])
        ]
        return self.rebuild(X, Y, noise)

    def _fit_output(self, features: Features, X: Array, y: Array, noise: Array | None, previous: _Fitted | None) -> _Fitted:
        thetas: dict[str, Array] = dict(previous.thetas) if previous is not None else {}
        behind = dict(previous.behind) if previous is not None else {}
        idle = dict(previous.idle) if previous is not None else {}
        tried: dict[str, tuple[float, Transform, Hyperparameters]] = {}
        scratch = np.empty((3, len(y), len(y)))

        def fit(kind: str, transform: Transform, objective: likelihood.Objective, starts: list[Array], earlier: str) -> None:
            start = likelihood.best_start(objective, starts, thetas.get(kind, thetas.get(earlier)))
            begins = [start]
            if self.tries_noise and noise is None and kind != TWO_SCALES:
                begins.append(np.append(starts[0][:-1], _LOG_LARGE_NOISE))
            fits = [likelihood.fit(objective, begin, self.max_evaluations) for begin in begins]
            thetas[kind], value = min(fits, key=lambda found: found[1])
            idle[kind] = 0
            tried[kind] = transform.log_jacobian(y) - value, transform, objective.hyperparameters(thetas[kind])

        transforms = {PLAIN: Transform.fit(y, warped=False, robust=self.robust)}
        if self.warp and (warped := Transform.fit(y, warped=True, robust=self.robust)).power not in (None, 1.0):
            transforms[WARPED] = warped
        for kind, transform in transforms.items():
            if len(transforms) > 1 and behind.get(kind, 0.0) > _MAX_DEFICIT and idle.get(kind, 0) < _IDLE:
                idle[kind] = idle.get(kind, 0) + 1
                continue
            z, known = transform.forward(y), _noise_of(transform, y, noise)
            objective: likelihood.Objective
            if self.kernel == ADDITIVE:
                objective = AdditiveObjective(features, X, z, known)
            else:
                objective = MaternObjective(features, X, z, known, scratch, self.alike)
            fit(kind, transform, objective, objective.starts(), PLAIN)
        better = max(tried, key=lambda kind: tried[kind][0])
        behind.update((kind, tried[better][0] - found[0]) for kind, found in tried.items())
        if self.kernel == BEST and len(y) >= _FEWEST_FOR_TWO:
            if TWO_SCALES in behind and behind[TWO_SCALES] > -_GAIN and idle[TWO_SCALES] < _IDLE:
                idle[TWO_SCALES] += 1
            else:
                transform = tried[better][1]
                two = TwoScaleObjective(features, X, transform.forward(y), _noise_of(transform, y, noise), scratch)
                fit(TWO_SCALES, transform, two, two.starts_from(thetas[better]), TWO_SCALES)
                behind[TWO_SCALES] = tried[better][0] - tried[TWO_SCALES][0]
                if behind[TWO_SCALES] <= -_GAIN:
                    better = TWO_SCALES
        evidence, transform, hyper = tried[better]
        return _Fitted(transform, hyper, thetas, behind, idle, evidence)

    @property
    def evidence(self) -> float:
        """Log posterior density of the outputs and the hyperparameters of the last fit; nan before it and after `restore`.

        It is defined up to a constant of the priors, which differs between kernels.
        """
        return sum(fitted.evidence for fitted in self._fitted) if self._fitted else math.nan

    def rebuild(self, X: Array, Y: Array, noise: Array | None = None) -> GPModel:
        """Return the model of X (n, d) and Y (n, m) with the hyperparameters and transforms of the last fit or `restore`.

        Raises:
            RuntimeError: nothing was fitted or restored.
        """
        if len(self._fitted) != Y.shape[1]:
            raise RuntimeError("rebuild comes after fit or restore, with as many outputs")
        features = self.features(X.shape[1])
        latents = []
        for j, fitted in enumerate(self._fitted):
            known = _noise_of(fitted.transform, Y[:, j], None if noise is None else noise[:, j])
            latents.append(ExactGP(features, fitted.hyper, X, fitted.transform.forward(Y[:, j]), known))
        return GPModel(latents, [fitted.transform for fitted in self._fitted])

    def state(self) -> Mapping[str, Any] | None:
        """Return hyperparameters, transforms and starting points of the next fit, as plain JSON values."""
        if not self._fitted:
            return None
        return {
            "outputs": [
                {
                    "transform": fitted.transform.dump(),
                    "hyper": fitted.hyper.dump(),
                    "thetas": {kind: theta.tolist() for kind, theta in fitted.thetas.items()},
                    "behind": dict(fitted.behind),
                    "idle": dict(fitted.idle),
                }
                for fitted in self._fitted
            ]
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state`: `rebuild` returns that model, and the next fit starts from it."""
        self._fitted = [
            _Fitted(
                Transform.load(output["transform"]),
                Hyperparameters.load(output["hyper"]),
                {kind: np.array(theta) for kind, theta in output["thetas"].items()},
                output.get("behind", {}),
                output.get("idle", {}),
                math.nan,
            )
            for output in state["outputs"]
        ]


def _noise_of(transform: Transform, y: Array, noise: Array | None) -> Array | None:
    """Return variances of y as variances of z, to first order."""
    if noise is None:
        return None
    variances: Array = noise * transform.slope(y) ** 2
    return variances
