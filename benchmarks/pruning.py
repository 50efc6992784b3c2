"""What a pruned trial teaches: how often a study with a pruning rule proposes again what was pruned.

    python -m benchmarks.pruning MedianRule HalvingRule none

Each line: the rule, the seed, points within 1 % of an earlier pruned one in every parameter, points within 1 % of any earlier
one, pruned trials, epochs, the best accuracy. Needs scikit-learn.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from hyperspace import hyperdrive
from hyperspace.pruning import HalvingRule, MedianRule, PruningRule
from hyperspace.trials.trial import PRUNED

RULES: dict[str, type[PruningRule] | None] = {"MedianRule": MedianRule, "HalvingRule": HalvingRule, "none": None}
SPACE = {"alpha": (1e-6, 1e-1, "log-uniform"), "eta0": (1e-4, 1.0, "log-uniform"), "penalty": ["l1", "l2", "elasticnet"]}
SEEDS, EVALUATIONS, EPOCHS = 6, 40, 15
NEAR = 0.01  # of a parameter's range


class Digits:
    """Accuracy of a linear classifier of scikit-learn's digits, epoch by epoch."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        X, y = load_digits(return_X_y=True)
        self._train, self._test, self._labels, self._truth = train_test_split(X / 16.0, y, random_state=0)

    def __call__(self, parameters: dict[str, Any], trial: Any) -> float:
        """Return the accuracy after the last epoch."""
        from sklearn.linear_model import SGDClassifier

        model = SGDClassifier(learning_rate="constant", random_state=0, **parameters)
        accuracy = 0.0
        for epoch in range(1, EPOCHS + 1):
            model.partial_fit(self._train, self._labels, classes=range(10))
            accuracy = float(model.score(self._test, self._truth))
            trial.report(epoch, accuracy)
        return accuracy


def study(objective: Digits, rule: str, seed: int) -> tuple[int, int, int, int, float]:
    """Return points near an earlier pruned one, near any earlier one, pruned trials, epochs, and the best accuracy."""
    make = RULES[rule]
    pruner = None if make is None else make()
    result = hyperdrive(
        objective, SPACE, None, n_calls=EVALUATIONS, maximize=True, random_state=seed, checkpoints=False, pruner=pruner
    )
    trials = result.all_trials
    U = result.search_space.to_unit([trial.x for trial in trials])
    pruned = np.array([trial.status == PRUNED for trial in trials])
    near = [np.abs(U[:i] - U[i]).max(axis=1) < NEAR for i in range(len(U))]
    again = sum(bool((close & pruned[:i]).any()) for i, close in enumerate(near))
    epochs = sum(len(trial.reports or ()) for trial in trials)
    return again, sum(bool(close.any()) for close in near), int(pruned.sum()), epochs, result.fun


def main() -> None:
    """Run the studies of the rules named, and print a line for each and the means and medians of each rule."""
    warnings.simplefilter("ignore")
    objective = Digits()
    for rule in sys.argv[1:] or RULES:
        rows = [study(objective, rule, seed) for seed in range(SEEDS)]
        for seed, row in enumerate(rows):
            sys.stdout.write(f"{rule} {seed} {' '.join(f'{value:g}' for value in row)}\n")
        medians = np.median(rows, axis=0)[:4]
        sys.stdout.write(f"{rule} medians {' '.join(f'{value:g}' for value in medians)}, mean {np.mean(rows, axis=0)[4]:.4f}\n")


if __name__ == "__main__":
    main()
