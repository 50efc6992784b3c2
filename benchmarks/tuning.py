"""Real tuning problems on data that scikit-learn bundles: cross-validated error of a model as a function of its settings.

The seed of an instance draws the folds. Nobody knows the optimum, so tables show the error itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.instances import Instance
from hyperspace.space import check_space

FOLDS = 3
SUBSET = 600  # digits that are used: an evaluation then takes a fraction of a second

SVM: dict[str, Any] = {"C": (1e-3, 1e3, "log-uniform"), "gamma": (1e-6, 1e1, "log-uniform")}
MLP: dict[str, Any] = {
    "width": (4, 128, "log-uniform"),
    "depth": (1, 3),
    "alpha": (1e-6, 1e0, "log-uniform"),
    "learning_rate_init": (1e-4, 1e-1, "log-uniform"),
    "batch_size": (16, 128, "log-uniform"),
    "activation": ["relu", "tanh", "logistic"],
}
XGBOOST: dict[str, Any] = {  # the eleven parameters of the HyperSpace publication's example
    "alpha": (1e-6, 1e1, "log-uniform"),
    "colsample_bylevel": (0.1, 1.0),
    "colsample_bytree": (0.1, 1.0),
    "eta": (1e-3, 1.0, "log-uniform"),
    "gamma": (1e-6, 1e1, "log-uniform"),
    "lambda": (1e-6, 1e1, "log-uniform"),
    "max_delta_step": (0, 10),
    "max_depth": (1, 12),
    "min_child_weight": (1e-2, 2e1, "log-uniform"),
    "num_round": (10, 200, "log-uniform"),
    "subsample": (0.1, 1.0),
}


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:SUBSET]
    return X[rows] / 16.0, y[rows]


def _error(model: Any, X: np.ndarray, y: np.ndarray, seed: int) -> float:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return 1.0 - float(cross_val_score(model, X, y, cv=folds).mean())


def svm(settings: dict[str, Any], seed: int) -> float:
    """Return the error of a support vector machine on digits."""
    from sklearn.svm import SVC

    return _error(SVC(**settings), *_digits(), seed)


def mlp(settings: dict[str, Any], seed: int) -> float:
    """Return the error of a small network on digits."""
    from sklearn.neural_network import MLPClassifier

    hidden = (settings["width"],) * settings["depth"]
    others = {name: value for name, value in settings.items() if name not in ("width", "depth")}
    return _error(MLPClassifier(hidden, max_iter=30, random_state=0, **others), *_digits(), seed)


def boosting(settings: dict[str, Any], seed: int) -> float:
    """Return the error of XGBoost on the breast cancer data; needs the package xgboost."""
    from sklearn.datasets import load_breast_cancer
    from xgboost import XGBClassifier

    names = {"alpha": "reg_alpha", "lambda": "reg_lambda", "eta": "learning_rate", "num_round": "n_estimators"}
    model = XGBClassifier(n_jobs=1, **{names.get(name, name): value for name, value in settings.items()})
    return _error(model, *load_breast_cancer(return_X_y=True), seed)


_PROBLEMS: dict[str, tuple[Callable[[dict[str, Any], int], float], dict[str, Any]]] = {
    "svm": (svm, SVM),
    "mlp": (mlp, MLP),
    "boosting": (boosting, XGBOOST),
}


def instance(label: str, seed: int) -> Instance:
    """Return the problem of this name with the folds that the seed draws, as a function of the unit cube."""
    objective, dimensions = _PROBLEMS[label]
    space = check_space(dimensions)

    def true(u: np.ndarray) -> float:
        x = space.from_unit(np.asarray(u, dtype=float)[None])[0]
        return objective(dict(zip(space.names, x, strict=True)), seed)

    return Instance(f"{label}:real", space.d, lambda u, _: true(u), true, float("nan"), 1.0, list(space.dimensions))
