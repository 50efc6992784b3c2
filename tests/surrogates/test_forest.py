"""Trees: means are scikit-learn's, variances follow the law of total variance, and grow away from the data."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor

from hyperspace import Optimizer
from hyperspace.numerics import random_streams
from hyperspace.space import Categorical, Real, check_space
from hyperspace.surrogates.forest import ExtraTrees, GradientBoosting, RandomForest
from hyperspace.testing.problems import problem, shifted


def cloud(n=80, seed=0):
    X = np.random.default_rng(seed).random((n, 2))
    return X, np.sin(6.0 * X[:, 0]) + X[:, 1]


def far_variance(X, known):
    """Return what the distance from the data adds, for targets of variance one."""
    distance = np.sqrt(((X[:, None] - known) ** 2).sum(axis=2).min(axis=1))
    return 0.1 * np.minimum(1.0, distance / np.sqrt(0.5)) + 1e-6


@pytest.mark.parametrize("warp", [True, False])
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [(RandomForest, RandomForestRegressor, {"max_features": 0.7}), (ExtraTrees, ExtraTreesRegressor, {})],
)
@pytest.mark.parametrize("least", [1, 3])
def test_forest_is_the_law_of_total_variance_over_scikit_learns_trees(ours, theirs, options, least, warp):
    X, y = cloud()
    y = np.exp(2.0 * y)
    test = cloud(50, seed=1)[0]
    model = ours(3, warp=warp, min_samples_leaf=least).fit(X, y)
    z = model.transform.forward(y)
    assert (model.transform.power is not None) == warp
    assert (z.mean(), z.std()) == pytest.approx((0.0, 1.0))
    seed = random_streams.seed_of(3, random_streams.MODEL, len(X))
    forest = theirs(min_samples_leaf=least, random_state=seed, **options).fit(X - 0.5, z)
    posterior = model.latent.posterior(test)
    assert posterior.mean[:, 0] == pytest.approx(forest.predict(test - 0.5), abs=1e-12)
    means, variances = [], []
    for tree in forest.estimators_:
        leaf = tree.apply(test - 0.5)
        means.append(tree.predict(test - 0.5))
        variances.append(tree.tree_.impurity[leaf])
    expected = np.var(means, axis=0) + np.mean(variances, axis=0) + far_variance(test, X)
    assert posterior.variance[:, 0] == pytest.approx(expected, rel=1e-9)


def test_boosting_is_scikit_learns_quantiles():
    X, y = cloud()
    test = cloud(50, seed=1)[0]
    model = GradientBoosting(0, n_estimators=30).fit(X, y)
    posterior = model.latent.posterior(test)
    seed = random_streams.seed_of(0, random_streams.MODEL, len(X))
    quantiles = [
        GradientBoostingRegressor(loss="quantile", alpha=q, n_estimators=30, random_state=seed)
        .fit(X - 0.5, model.transform.forward(y))
        .predict(test - 0.5)
        for q in (0.16, 0.5, 0.84)
    ]
    low, middle, high = np.sort(quantiles, axis=0)
    assert posterior.mean[:, 0] == pytest.approx(middle)
    assert posterior.variance[:, 0] == pytest.approx((high - low) ** 2 / 4.0 + far_variance(test, X))


@pytest.mark.parametrize("forest", [RandomForest, ExtraTrees])
def test_a_few_large_values_do_not_lead_the_search_astray(forest):
    """On plain targets expected improvement looks for the minimum where the forest is least sure: around the largest values."""
    branin = shifted(problem("branin"), 0)  # up to 300, where two thirds of the values are below 70 and the best is 0.4
    medians = []
    for warp in (True, False):
        values = []
        for seed in range(8):
            X = branin.lower + (branin.upper - branin.lower) * np.random.default_rng(seed).random((30, 2))
            opt = Optimizer(branin.dimensions, model=forest(0, warp=warp), random_state=seed)
            opt.tell(X.tolist(), [branin(x) for x in X])
            values.append(branin(opt.ask()))
        medians.append(np.median(values))
    assert medians[0] < 0.8 * medians[1]
    assert medians[0] < 15.0


@pytest.mark.parametrize("model", [RandomForest, ExtraTrees, GradientBoosting])
def test_categories_are_unordered(model):
    space = check_space([Categorical(["a", "b", "c"]), Real(0, 1)])
    X = space.snap(np.random.default_rng(0).random((120, 2)))
    y = (np.floor(X[:, 0] * 3) == 1.0) + 0.1 * X[:, 1]
    surrogate = model(0, space, warp=False)
    surrogate.fit(X, y)
    mean, _ = surrogate.predict(np.array([[1 / 6, 0.5], [0.5, 0.5], [5 / 6, 0.5]]))
    assert mean == pytest.approx([0.05, 1.05, 0.05], abs=0.1)


@pytest.mark.parametrize("model", [RandomForest, ExtraTrees, GradientBoosting])
def test_known_noise_counts_less(model):
    X, y = cloud(200)
    wrong = y.copy()
    wrong[::3] += 20.0
    noise = np.zeros(200)
    noise[::3] = 400.0
    errors = []
    for known in (None, noise):
        surrogate = model(0)
        surrogate.fit(X, wrong, known)
        errors.append(np.abs(surrogate.predict(X)[0] - y).mean())
    assert errors[1] < 0.5 * errors[0]
