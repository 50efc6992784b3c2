"""Tune eleven parameters of gradient boosting (XGBoost), against its defaults and against random search.

    python examples/boosting.py
    mpirun -n 4 python examples/boosting.py

The score is the logarithmic loss of 5-fold cross-validation on the breast cancer data of scikit-learn: 569 tumours, benign or
malignant. What one sees: the defaults lose to both searches, and of 192 evaluations by model the best is better than of 192
at random.
It needs XGBoost: pip install -e ".[examples]" in the clone. Stop it and start it again: it goes on where it was.
"""

from pathlib import Path

from mpi4py import MPI
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from xgboost import XGBClassifier

from hyperspace import hyperdrive

RESULTS = Path("results/boosting")
N_CALLS = 192
SPACE = {
    "n_estimators": (20, 300),
    "learning_rate": (1e-2, 1.0, "log-uniform"),
    "max_depth": (1, 10),
    "min_child_weight": (1e-2, 20.0, "log-uniform"),
    "gamma": (1e-3, 10.0, "log-uniform"),
    "subsample": (0.3, 1.0),
    "colsample_bytree": (0.2, 1.0),
    "colsample_bylevel": (0.2, 1.0),
    "reg_lambda": (1e-3, 100.0, "log-uniform"),
    "reg_alpha": (1e-3, 10.0, "log-uniform"),
    "max_delta_step": (0, 10),
}
tumours, malignant = load_breast_cancer(return_X_y=True)


def loss(parameters):
    """Return the cross-validated logarithmic loss with these parameters."""
    model = XGBClassifier(n_jobs=1, random_state=0, **parameters)
    return -cross_val_score(model, tumours, malignant, cv=5, scoring="neg_log_loss").mean()


if __name__ == "__main__":
    first = MPI.COMM_WORLD.rank == 0
    common = {"n_calls": N_CALLS, "verbose": True}
    result = hyperdrive(loss, SPACE, RESULTS / "adaptive", **common)
    if first:
        print("\nThe same number of trials by random search", flush=True)
    random = hyperdrive(loss, SPACE, RESULTS / "random", model="RAND", **common)
    if first:  # every rank has the same results
        print("\nBest parameters")
        for name, value in result.parameters.items():
            print(f"  {name:<20}{value:.4g}")
        print("\nCross-validated           logarithmic loss")
        print(f"  {'defaults of XGBoost':<24}{loss({}):>16.4f}")
        print(f"  {'random search':<24}{random.fun:>16.4f}")
        print(f"  {'HyperSpace':<24}{result.fun:>16.4f}")
