"""The RF, ET and GBRT surrogates: random forests, extremely randomised trees and gradient boosting, scikit-learn's.

What trees predict is constant beyond the data and between them, and so is their spread. A surrogate must know that it knows less
there; so to the variance of the trees comes a term that grows with the distance to the nearest training point, as the variance of
a Brownian motion does:

    variance(x) = variance of the trees + s^2 min(1, |x - nearest| / (sqrt(d) / 2)) / 10

with s^2 the variance of the targets and sqrt(d)/2 the distance from the centre of the unit cube to its corners. A larger term
drives the search into the corners.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor

from hyperspace import streams
from hyperspace.surrogates.base import Posterior, Surrogate
from hyperspace.surrogates.kernels import Features
from hyperspace.trial import Array

if TYPE_CHECKING:
    from hyperspace.space import Space

_REMOTE = 0.1  # variance far from all data, in units of the variance of the targets
_LEAST_STD = 1e-3  # in units of the spread of the targets
_QUANTILES = (0.16, 0.5, 0.84)  # of a normal distribution: mean - std, mean, mean + std
_FIRST_BETA = 100.0  # precision of targets in units of their spread, where known noise is weighed against it


class TreeModel:
    """Trees of one set of data: their mean and variance, and the distance from the data.

    Args:
        regressors: what predicts each output; see `_moments`.
        features: coordinates in which trees split and distances are measured.
        known: features of the training points, (n, k).
        center: mean of each output, (m,), which was taken off before trees saw it.
        spread: standard deviation of each output, (m,), by which it was divided; positive.
    """

    has_gradients = False

    def __init__(self, regressors: list[Any], features: Features, known: Array, center: Array, spread: Array) -> None:
        self._regressors, self._features, self._center, self._spread = regressors, features, center, spread
        self._known = cKDTree(known)

    def posterior(self, X: Array, gradients: bool = False) -> Posterior:
        """Return mean and variance at X (q, d), each (q, m); there are no gradients."""
        inputs = self._features(X)
        distance, _ = self._known.query(inputs)
        unknown = _REMOTE * np.minimum(1.0, distance / (0.5 * np.sqrt(self._features.d)))
        parts = [_moments(regressor, inputs) for regressor in self._regressors]
        mean = np.stack([mean for mean, _ in parts], axis=1)
        variance = np.stack([variance for _, variance in parts], axis=1)
        variance += unknown[:, None] + _LEAST_STD**2
        return Posterior(self._center + self._spread * mean, self._spread**2 * variance)


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
        options: of scikit-learn's regressor.
    """

    def __init__(self, random_state: int = 0, space: Space | None = None, **options: Any) -> None:
        self.random_state, self.space, self.options = random_state, space, options

    @abstractmethod
    def _regressor(self, inputs: Array, y: Array, weights: Array | None, seed: int) -> Any:
        """Return what `_moments` takes, fitted to standardised y (n,) at inputs (n, k)."""

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> TreeModel:
        features = Features(X.shape[1], self.space)
        inputs = features(X)
        center, spread = Y.mean(axis=0), Y.std(axis=0)
        spread = np.where(spread > 1e-12 * np.abs(Y).max(axis=0), spread, 1.0)
        Z = (Y - center) / spread  # trees take tiny differences for none
        weights = None if noise is None else 1.0 / (1.0 + _FIRST_BETA * noise / spread**2)
        seed = streams.seed_of(self.random_state, streams.MODEL, len(X))
        regressors = [
            self._regressor(inputs, Z[:, j], None if weights is None else weights[:, j], seed) for j in range(Y.shape[1])
        ]
        return TreeModel(regressors, features, inputs, center, spread)


class RandomForest(_Trees):
    """Random forest (Breiman 2001): trees of bootstrap samples, split where it is best.

    Options of `sklearn.ensemble.RandomForestRegressor`, with leaves of at least 3 points by default.
    """

    def _regressor(self, inputs: Array, y: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 3, **self.options}
        return RandomForestRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, y, weights)


class ExtraTrees(_Trees):
    """Extremely randomised trees (Geurts et al. 2006): trees of all points, split at random places.

    Options of `sklearn.ensemble.ExtraTreesRegressor`. Its trees pass through the points, and differ in between; where noise is
    known, leaves have at least 3 points by default.
    """

    def _regressor(self, inputs: Array, y: Array, weights: Array | None, seed: int) -> Any:
        options = {"min_samples_leaf": 1 if weights is None else 3, **self.options}
        return ExtraTreesRegressor(random_state=seed, n_jobs=1, **options).fit(inputs, y, weights)


class GradientBoosting(_Trees):
    """Gradient boosting of the quantiles 0.16, 0.5 and 0.84, which are mean and mean -+ std of a normal distribution.

    Options of `sklearn.ensemble.GradientBoostingRegressor`.
    """

    def _regressor(self, inputs: Array, y: Array, weights: Array | None, seed: int) -> Any:
        return tuple(
            GradientBoostingRegressor(loss="quantile", alpha=quantile, random_state=seed, **self.options).fit(inputs, y, weights)
            for quantile in _QUANTILES
        )
