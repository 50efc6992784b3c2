"""Tune a scikit-learn model on 4 MPI ranks, and compare with its defaults and with random search.

    mpirun -n 4 python examples/train.py

The model reads handwritten digits. Its score is the accuracy of 5-fold cross-validation; the folds follow the order of the
data, so that most of the writers in a fold are new to the model. What one sees: both searches beat the defaults by far, and
HyperSpace misreads a few digits less than random search. Stop it and start it again: it goes on where it was.
"""

from pathlib import Path

from mpi4py import MPI
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from hyperspace import hyperdrive

RESULTS = Path("results")
N_CALLS = 128
SPACE = {
    "components": (4, 64),  # two ints: an integer
    "C": (1e-3, 1e5, "log-uniform"),
    "gamma": (1e-6, 1e2, "log-uniform"),
    "kernel": ["rbf", "poly", "sigmoid"],  # a list: a category
    "degree": (2, 6),
    "coef0": (0.0, 1.0),
}
images, labels = load_digits(return_X_y=True)
images /= 16  # gray levels from 0 to 1


def objective(parameters):
    """Return the cross-validated accuracy of the model with these hyperparameters."""
    settings = dict(parameters)
    reduce = PCA(settings.pop("components"))
    return cross_val_score(make_pipeline(reduce, SVC(**settings)), images, labels, cv=5).mean()


def report(result, random):
    """Print what came out."""
    print("\nBest hyperparameters")
    for name, value in result.parameters.items():
        print(f"  {name:<12}{value:.4g}" if isinstance(value, float) else f"  {name:<12}{value}")

    print("\nCross-validated              accuracy  digits misread")
    for name, accuracy in [
        ("scikit-learn's defaults", cross_val_score(SVC(), images, labels, cv=5).mean()),
        (f"random search, {random.nfev} trials", random.fun),
        (f"HyperSpace, {result.nfev} trials", result.fun),
    ]:
        print(f"  {name:<26}{accuracy:>9.2%}{(1 - accuracy) * len(labels):>6.0f} of {len(labels)}")

    print(f"\nEvery trial is in {RESULTS}/digits; look at it with: hyperspace best {RESULTS}/digits")


if __name__ == "__main__":
    first = MPI.COMM_WORLD.rank == 0
    result = hyperdrive(objective, SPACE, RESULTS / "digits", n_calls=N_CALLS, maximize=True, verbose=True)
    if first:
        print("\nThe same number of trials by random search", flush=True)
    random = hyperdrive(objective, SPACE, RESULTS / "random", model="RAND", n_calls=N_CALLS, maximize=True, verbose=True)
    if first:  # every rank has the same results
        report(result, random)
