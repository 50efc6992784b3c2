"""Tune a small neural network by random search, three evolutionary algorithms and the Gaussian process, and compare them.

    mpirun -n 4 python examples/evolution.py

The network reads handwritten digits; its score is the accuracy on the last third of them, whose writers it has not seen. The
batch size is a constant: it reaches the objective with every point, and is no dimension of the search. What one sees: with
two parameters and 48 evaluations there is little between the five. The best are a few digits apart, which is less than
another seed of the network would make.
"""

import warnings
from pathlib import Path

import pandas as pd
from mpi4py import MPI
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from hyperspace import evolutionary_search, hyperdrive, random_search
from hyperspace.optimizers import PAES, PSO

RESULTS = Path("results/evolution")
POPULATION = 8
GENERATIONS = 6
SPACE = {"learning_rate": (0.01, 0.2), "epochs": (10, 50), "batch_size": 64}
images, labels = load_digits(return_X_y=True)
images /= 16  # gray levels from 0 to 1
TRAIN = slice(0, 1198)
TEST = slice(1198, None)


def objective(parameters):
    """Return the accuracy on the digits held back."""
    network = MLPClassifier(
        hidden_layer_sizes=(32,),
        solver="sgd",
        learning_rate_init=parameters["learning_rate"],
        batch_size=parameters["batch_size"],
        max_iter=parameters["epochs"],
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # to end after so many epochs is what was asked for
        network.fit(images[TRAIN], labels[TRAIN])
    return network.score(images[TEST], labels[TEST])


def search(name):
    """Return the result of one way to search, with the same number of evaluations as the others."""
    common = {"results_path": RESULTS / name, "maximize": True, "random_state": 0, "restart": True}
    calls = POPULATION * GENERATIONS
    if name == "random":
        return random_search(objective, SPACE, n_calls=calls, **common)
    if name == "GP":
        return hyperdrive(objective, SPACE, n_calls=calls, **common)
    model = {"GA": "GA", "PSO": PSO(neighborhood_size=5), "PAES": PAES(max_archive_size=20, num_grid_divisions=4)}[name]
    return evolutionary_search(objective, SPACE, model=model, generations=GENERATIONS, population=POPULATION, **common)


if __name__ == "__main__":
    results = {name: search(name) for name in ("random", "GA", "PSO", "PAES", "GP")}
    best = [result.top(1).assign(search=name) for name, result in results.items()]
    table = pd.concat(best).set_index("search").rename(columns={"objective": "accuracy"})
    if MPI.COMM_WORLD.rank == 0:  # every rank has the same results
        print(table.sort_values("accuracy", ascending=False).to_string(float_format="%.4f"))
