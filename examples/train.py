"""Tune a scikit-learn model on 4 MPI ranks, and compare with its defaults and with random search.

    mpirun -n 4 python examples/train.py

The model reads handwritten digits. Its score is the accuracy of 5-fold cross-validation; the folds follow the order of the
data, so that a fold holds writers that the model has not seen.
"""

import time
from pathlib import Path

from mpi4py import MPI
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from hyperspace import hyperdrive

RESULTS = Path("results/digits")
N_CALLS = 160
SPACE = {
    "components": (8, 64),  # two ints: an integer
    "C": (1e-2, 1e3, "log-uniform"),
    "gamma": (1e-4, 1e1, "log-uniform"),
    "kernel": ["rbf", "poly", "sigmoid"],  # a list: a category
    "degree": (2, 6),
    "coef0": (0.0, 1.0),
}
images, labels = load_digits(return_X_y=True)
images /= 16  # grey levels from 0 to 1


def objective(parameters):
    """Return the cross-validated accuracy of the model with these hyperparameters."""
    settings = dict(parameters)
    reduce = PCA(settings.pop("components"))
    return cross_val_score(make_pipeline(reduce, SVC(**settings)), images, labels, cv=5).mean()


def report(result, random, defaults, seconds):
    """Print what came out."""
    print("\nBest hyperparameters")
    for name, value in result.parameters.items():
        print(f"  {name:<12}{value:.4g}" if isinstance(value, float) else f"  {name:<12}{value}")
    print("\nCross-validated accuracy           digits misread")
    for name, accuracy in [
        ("scikit-learn's defaults", defaults),
        (f"random search, {random.nfev} trials", random.fun),
        (f"HyperSpace, {result.nfev} trials", result.fun),
    ]:
        print(f"  {name:<26}{accuracy:7.2%}   {round((1 - accuracy) * len(labels)):3} of {len(labels)}")
    print(f"\n{seconds:.0f} seconds in all. Every trial is in {RESULTS}: hyperspace best {RESULTS}")


if __name__ == "__main__":
    begun = time.monotonic()
    result = hyperdrive(objective, SPACE, RESULTS, n_calls=N_CALLS, maximize=True, random_state=0, verbose=True, restart=True)
    random = hyperdrive(
        objective, SPACE, f"{RESULTS}-random", model="RAND", n_calls=N_CALLS, maximize=True, random_state=0, restart=True
    )
    if MPI.COMM_WORLD.rank == 0:  # every rank has the same result
        defaults = cross_val_score(SVC(), images, labels, cv=5).mean()
        report(result, random, defaults, time.monotonic() - begun)
