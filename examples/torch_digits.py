"""Tune a PyTorch network on handwritten digits, with a neural network as the surrogate and pruning.

    python examples/torch_digits.py
    mpirun -n 4 python examples/torch_digits.py

The surrogate is the DNN of Snoek et al. (2015), whose suggestions stay quick with many evaluations. A training reports its
accuracy after every epoch, and is ended when it is below the median of what others had by then. What one sees: about a third
of the trainings is ended early. The network that was best on the digits of some writers is better on those of others, too,
than the network that one would write down without tuning.
It needs PyTorch: pip install -e ".[dnn]" in the clone. Stop it and start it again: it goes on where it was.
"""

from pathlib import Path

import torch
from mpi4py import MPI
from sklearn.datasets import load_digits
from torch import nn

from hyperspace import hyperdrive
from hyperspace.pruning import MedianRule

RESULTS = Path("results/torch")
N_CALLS = 96
EPOCHS = 15
SPACE = {
    "learning_rate": (1e-4, 1e-1, "log-uniform"),
    "weight_decay": (1e-6, 1e-1, "log-uniform"),
    "width": (8, 128),
    "depth": (1, 3),
    "dropout": (0.0, 0.5),
    "batch_size": [16, 32, 64, 128],
    "activation": ["relu", "tanh"],
}
USUAL = {
    "learning_rate": 1e-3,
    "weight_decay": 1e-6,
    "width": 64,
    "depth": 2,
    "dropout": 0.0,
    "batch_size": 64,
    "activation": "relu",
}
torch.set_num_threads(1)  # ranks, not threads, share the cores
images, digits = (torch.tensor(array) for array in load_digits(return_X_y=True))
images = images.float() / 16
TRAIN, VALIDATION, TEST = slice(0, 900), slice(900, 1350), slice(1350, None)  # in the order of the data: other writers each


def network(parameters):
    """Return a multilayer perceptron."""
    layers, size = [], images.shape[1]
    for _ in range(parameters["depth"]):
        activation = nn.ReLU() if parameters["activation"] == "relu" else nn.Tanh()
        layers += [nn.Linear(size, parameters["width"]), activation, nn.Dropout(parameters["dropout"])]
        size = parameters["width"]
    return nn.Sequential(*layers, nn.Linear(size, 10))


def train(parameters, seed, part, report=lambda epoch, accuracy: None):
    """Return the accuracy on a part of the digits after the last epoch; `report` hears of it after each."""
    torch.manual_seed(seed)
    model = network(parameters)
    optimizer = torch.optim.Adam(model.parameters(), lr=parameters["learning_rate"], weight_decay=parameters["weight_decay"])
    for epoch in range(EPOCHS):
        model.train()
        for batch in torch.randperm(TRAIN.stop).split(parameters["batch_size"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), digits[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(images[part]).argmax(dim=1) == digits[part]).float().mean().item()
        report(epoch, accuracy)
    return accuracy


def objective(parameters, trial):
    """Return the accuracy of a network that was trained with these hyperparameters."""
    return train(parameters, trial.seed, VALIDATION, trial.report)


def test_accuracy(parameters):
    """Return the mean accuracy of five trainings on digits that the search has not seen."""
    return sum(train(parameters, seed, TEST) for seed in range(5)) / 5


if __name__ == "__main__":
    result = hyperdrive(
        objective,
        SPACE,
        RESULTS,
        model="DNN",
        n_calls=N_CALLS,
        maximize=True,
        pruner=MedianRule(min_trials=8, min_step=2),
        verbose=True,
    )
    if MPI.COMM_WORLD.rank == 0:  # every rank has the same result
        status = result.trials["status"].value_counts()
        print(f"\n{status.get('ok', 0)} trainings came to their end, {status.get('pruned', 0)} were ended early")
        print("\nBest hyperparameters")
        for name, value in result.parameters.items():
            print(f"  {name:<16}{value:.4g}" if isinstance(value, float) else f"  {name:<16}{value}")
        print("\nAccuracy on digits that the search has not seen, mean of 5 trainings")
        print(f"  {'without tuning':<16}{test_accuracy(USUAL):.2%}")
        print(f"  {'tuned':<16}{test_accuracy(result.parameters):.2%}")
