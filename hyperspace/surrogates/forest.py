"""The RF, ET and GBRT surrogates: random forests, extremely randomized trees and gradient boosting, scikit-learn's.

What trees predict is constant beyond the data and between them, and so is their spread. A surrogate must know that it knows less
there; so to the variance of the trees comes a term that grows with the distance to the nearest training point, as the variance of
a Brownian motion does:

    variance(x) = variance of the trees + min(1, |x - nearest| / (sqrt(d) / 2)) / 10

for targets of variance one, with sqrt(d)/2 the distance from the center of the unit cube to its corners. A larger term drives the
search into the corners.

The spread of trees follows the targets: where a few are far above the others, a forest is least sure around those, and an
acquisition that takes its prediction for normal looks for the minimum there. So targets are warped first, until they look as much
like a normal sample as they can (`warping`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor

from hyperspace.numerics import random_streams
from hyperspace.surrogates.base import Posterior, Surrogate
from hyperspace.surrogates.input_encoding import Features
from hyperspace.surrogates.outcome_transforms import transformed
from hyperspace.surrogates.transformed import LatentModel
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.space.space import Space

_REMOTE = 0.1  # variance far from all data, of targets of variance one
_LEAST_STD = 1e-3
_QUANTILES = (0.16, 0.5, 0.84)  # of a normal distribution: mean - std, mean, mean + std
_BETA = 100.0  # precision of the targets against which known noise is weighed


class TreeModel:
    """Trees of one output: its mean and variance, and the distance from the data.

    Args:
        regressor: what predicts; see `_moments`.
        features: coordinates in which trees split and distances are measured.
        known: the training points in these coordinates.
    """

    has_gradients = False

    def __init__(self, regressor: Any, features: Features, known: cKDTree) -> None:
        self._regressor, self._features, self._known = regressor, features, known

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d), each (q, 1); there are no gradients."""
        inputs = self._features(X)
        distance, _ = self._known.query(inputs)
        unknown = _REMOTE * np.minimum(1.0, distance / (0.5 * np.sqrt(self._features.d)))
        mean, variance = _moments(self._regressor, inputs)
        return Posterior(mean[:, None], (variance + unknown + _LEAST_STD**2)[:, None])


def _moments(regressor: Any, inputs: Array) -> tuple[Array, Array]:
    """Return mean and variance of a forest, or of a triple of quantile regressors, at inputs (q, k), each (q,)."""
    if isinstance(regressor, tuple):
        low, middle, high = np.sort([part.predict(inputs) for part in regressor], axis=0)
        return middle, (0.5 * (high - low)) ** 2
    # Law of total variance: Var y = Var_tree E[y | leaf] + E_tree Var[y | leaf] (Hutter et al. 2014, eq. 3). Asked directly, the
    # trees take half the time of the forest's own `predict`.
    single = inputs.astype(np.float32)
    means, variances = np.empty((2, len(regressor.estimators_), len(inputs)))
    for t, estimator in enumerate(regressor.estimators_):
        tree = estimator.tree_
        leaf = tree.apply(single)
        means[t], variances[t] = tree.value[leaf, 0, 0], tree.impurity[leaf]
    return means.mean(axis=0), means.var(axis=0) + variances.mean(axis=0)


class _Trees(Surrogate):
    """What the surrogates of this module share. A fit is a function of the seed and the data alone.

    Args:
        random_state: seed.
        space: says which coordinates are integers or categories; None if all are continuous.
        warp: Yeo-Johnson transform of the targets, besides the taming of their tails.
        options: of scikit-learn's regressor.
    """

    transforms_targets = True

    def __init__(self, random_state: int = 0, space: Space | None = None, *, warp: bool = True, **options: Any) -> None:
        self.random_state, self.space, self.warp, self.options = random_state, space, warp, options

    @abstractmethod
    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        """Return what `_moments` takes, fitted to targets z (n,) at inputs (n, k)."""

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> LatentModel:
        features = Features(X.shape[1], self.space)
        inputs = features(X)
        known = cKDTree(inputs)
        transforms, Z, variances = transformed(Y, noise, self.warp)
        seed = random_streams.seed_of(self.random_state, random_streams.MODEL, len(X))
        latents = []
        for z, variance in zip(Z.T, variances.T, strict=True):
            weights = None if noise is None else 1.0 / (1.0 + _BETA * variance)
            latents.append(TreeModel(self._regressor(inputs, z, weights, seed), features, known))
        return LatentModel(latents, transforms)


class RandomForest(_Trees):
    """Random forest (Breiman 2001): trees of bootstrap samples, split where it is best.

    Options of `sklearn.ensemble.RandomForestRegressor`. By default a split looks at 70 % of the coordinates, so that trees
    differ, and leaves may hold a single point; where noise is known, at least 3.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 1 if weights is None else 3, "max_features": 0.7, **self.options}
        return RandomForestRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, z, weights)


class ExtraTrees(_Trees):
    """Extremely randomized trees (Geurts et al. 2006): trees of all points, split at random places.

    Options of `sklearn.ensemble.ExtraTreesRegressor`. Its trees pass through the points, and differ in between; where noise is
    known, leaves have at least 3 points by default.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 1 if weights is None else 3, **self.options}
        return ExtraTreesRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, z, weights)


class GradientBoosting(_Trees):
    """Gradient boosting of the quantiles 0.16, 0.5 and 0.84, which are mean and mean -+ std of a normal distribution.

    Options of `sklearn.ensemble.GradientBoostingRegressor`.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        return tuple(
            GradientBoostingRegressor(loss="quantile", alpha=quantile, random_state=seed, **self.options).fit(inputs, z, weights)
            for quantile in _QUANTILES
        )
