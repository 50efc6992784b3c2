"""All methods under one protocol: `ask()` gives a round of points in the unit cube, `tell(U, y)` takes their values.

A name may carry settings: "adaptive(regions=3)" passes regions=3 on, which is how ablations are run.
"""

from __future__ import annotations

import ast
import importlib
from typing import Any, Protocol

import numpy as np

MODULES = {
    "random": "benchmarks.peers.random_search",
    "cma": "benchmarks.peers.pycma",
    "tpe": "benchmarks.peers.optuna_samplers",
    "optuna-gp": "benchmarks.peers.optuna_samplers",
    "turbo1": "benchmarks.peers.turbo",
    "turbo-m": "benchmarks.peers.turbo",
    "qlogei": "benchmarks.peers.botorch_qlogei",
    "skopt-static": "benchmarks.peers.skopt_static",
    "adaptive": "benchmarks.ours",
    "adaptive-async": "benchmarks.ours",
    "static": "benchmarks.ours",
}
SLOW = ("qlogei", "optuna-gp", "skopt-static")


class Method(Protocol):
    """One run of one optimizer, in synchronous rounds."""

    version: str

    def ask(self) -> np.ndarray:
        """Return the round's points, (workers, d), in the unit cube."""
        ...

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        """Take the round's values, (workers,)."""
        ...


def parse(name: str) -> tuple[str, dict[str, Any]]:
    """Split "adaptive(regions=3)" into its name and settings."""
    base, _, arguments = name.partition("(")
    if base not in MODULES:
        raise ValueError(f"unknown method {base!r}; there are {', '.join(MODULES)}")
    settings = {}
    for pair in filter(None, arguments.removesuffix(")").split(",")):
        key, _, value = pair.partition("=")
        try:
            settings[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            settings[key.strip()] = value.strip()
    return base, settings


def make(name: str, dimensions: list, workers: int, seed: int) -> Method:
    """Return a fresh run of the named method."""
    base, settings = parse(name)
    module = importlib.import_module(MODULES[base])
    method: Method = module.make(base, dimensions, workers, seed, **settings)
    return method
