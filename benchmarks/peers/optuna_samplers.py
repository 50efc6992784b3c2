"""Optuna's TPE (with constant_liar, its way of batches) and its GPSampler."""

from __future__ import annotations

import numpy as np
import optuna


class OptunaSampler:
    """A round asks for `workers` trials before any is told."""

    version = f"optuna {optuna.__version__}"

    def __init__(self, name: str, d: int, workers: int, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if name == "tpe":
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True, n_startup_trials=workers)
        else:
            sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=workers, deterministic_objective=True)
        self.study = optuna.create_study(sampler=sampler)
        self.d, self.workers = d, workers

    def ask(self) -> np.ndarray:
        self.trials = [self.study.ask() for _ in range(self.workers)]
        return np.array([[trial.suggest_float(f"x{j}", 0.0, 1.0) for j in range(self.d)] for trial in self.trials])

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        for trial, value in zip(self.trials, y, strict=True):
            self.study.tell(trial, float(value))


def make(name: str, dimensions: list, workers: int, seed: int) -> OptunaSampler:
    return OptunaSampler(name, len(dimensions), workers, seed)
