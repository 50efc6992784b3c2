"""RF, ET and GBRT surrogates: random forests, extremely randomized trees and gradient boosting from scikit-learn.

The predictions of trees are constant beyond the data and between them, and so is their variance. A surrogate needs a larger
variance there. So a term that grows with the distance to the nearest training point is added, as for a Brownian motion:

    variance(x) = variance of the trees + min(1, |x - nearest| / (sqrt(d) / 2)) / 10

for targets of variance one. sqrt(d)/2 is the distance from the center of the unit cube to its corners. A larger term would move
the search into the corners.

The variance of trees follows the targets. If a few targets are far above the others, it is largest there. An acquisition that
assumes normal predictions then searches for the minimum at these points. So the targets are first warped toward a normal sample
(`outcome_transforms`).
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

_REMOTE = 0.1  # variance far from all data, for targets of variance one
_LEAST_STD = 1e-3
_QUANTILES = (0.16, 0.5, 0.84)  # of a normal distribution: mean - std, mean, mean + std
_BETA = 100.0  # precision of the targets, relative to which known noise is weighted


class TreeModel:
    """Tree model of one output with a variance that depends on the distance from the data.

    Args:
        regressor: predictor; see `_moments`.
        features: coordinates in which trees split and distances are measured.
        known: the training points in these coordinates.
    """

    has_gradients = False

    def __init__(self, regressor: Any, features: Features, known: cKDTree) -> None:
        self._regressor, self._features, self._known = regressor, features, known

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d), each (q, 1); gradients do not exist."""
        inputs = self._features(X)
        distance, _ = self._known.query(inputs)
        unknown = _REMOTE * np.minimum(1.0, distance / (0.5 * np.sqrt(self._features.d)))
        mean, variance = _moments(self._regressor, inputs)
        return Posterior(mean[:, None], (variance + unknown + _LEAST_STD**2)[:, None])


def _moments(regressor: Any, inputs: Array) -> tuple[Array, Array]:
    """Return mean and variance of a forest, or of three quantile regressors, at inputs (q, k), each (q,)."""
    if isinstance(regressor, tuple):
        low, middle, high = np.sort([part.predict(inputs) for part in regressor], axis=0)
        return middle, (0.5 * (high - low)) ** 2
    # Law of total variance: Var y = Var_tree E[y | leaf] + E_tree Var[y | leaf] (Hutter et al. 2014, eq. 3). Calling the trees
    # directly takes half the time of the forest's own `predict`.
    single = inputs.astype(np.float32)
    means, variances = np.empty((2, len(regressor.estimators_), len(inputs)))
    for t, estimator in enumerate(regressor.estimators_):
        tree = estimator.tree_
        leaf = tree.apply(single)
        means[t], variances[t] = tree.value[leaf, 0, 0], tree.impurity[leaf]
    return means.mean(axis=0), means.var(axis=0) + variances.mean(axis=0)


class _Trees(Surrogate):
    """Base of the surrogates in this module. A fit is a function of the seed and the data.

    Args:
        random_state: seed.
        space: defines which coordinates are integers or categories; None if all are continuous.
        warp: Yeo-Johnson transform of the targets, in addition to the compression of their tails.
        options: options of scikit-learn's regressor.
    """

    transforms_targets = True

    def __init__(self, random_state: int = 0, space: Space | None = None, *, warp: bool = True, **options: Any) -> None:
        self.random_state, self.space, self.warp, self.options = random_state, space, warp, options

    @abstractmethod
    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        """Return a regressor for `_moments`, fitted to targets z (n,) at inputs (n, k)."""

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
    """Random forest (Breiman 2001): trees of bootstrap samples with optimal splits.

    Options are those of `sklearn.ensemble.RandomForestRegressor`. By default a split considers 70 % of the coordinates, so that
    trees differ. A leaf may hold a single point, or at least 3 if the noise is known.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 1 if weights is None else 3, "max_features": 0.7, **self.options}
        return RandomForestRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, z, weights)


class ExtraTrees(_Trees):
    """Extremely randomized trees (Geurts et al. 2006): trees of all points with random splits.

    Options are those of `sklearn.ensemble.ExtraTreesRegressor`. The trees interpolate the points and differ between them. If the
    noise is known, leaves have at least 3 points by default.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 1 if weights is None else 3, **self.options}
        return ExtraTreesRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, z, weights)


class GradientBoosting(_Trees):
    """Gradient boosting of the quantiles 0.16, 0.5 and 0.84: mean and mean -+ std of a normal distribution.

    Options are those of `sklearn.ensemble.GradientBoostingRegressor`.
    """

    def _regressor(self, inputs: Array, z: Array, weights: Array | None, seed: int) -> Any:
        return tuple(
            GradientBoostingRegressor(loss="quantile", alpha=quantile, random_state=seed, **self.options).fit(inputs, z, weights)
            for quantile in _QUANTILES
        )
