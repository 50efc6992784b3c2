"""Merged model of a study's results: its error everywhere, and the recommended point under noise.

    python -m benchmarks.merged_model --part error
    python -m benchmarks.merged_model --part noise --seeds 6

error: root mean square error at 1,024 points, relative to the function's standard deviation, of two models of Sobol points.
noise: true regret of the best and of the recommended trial, and the errors of their values.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import qmc

from hyperspace import hyperdrive
from hyperspace.results.merged_model import Merged
from hyperspace.space.space import check_space
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.testing.problems import problem
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

SEEDS = 5
NOISY = (("branin", 2, 2.0), ("hartmann6", 6, 0.2), ("styblinski_tang", 4, 5.0), ("ackley", 4, 1.0))
EXACT = (("branin", 2, 0.0), ("rastrigin", 4, 0.0), ("ackley", 4, 0.0), ("levy", 4, 0.0))
Function = Callable[[Sequence[float] | Array], float]


def bump(x: Sequence[float] | Array) -> float:
    """Return x exp(-x^2 - y^2), which is flat nearly everywhere."""
    return float(x[0] * np.exp(-(x[0] ** 2) - x[1] ** 2))


def cases() -> list[tuple[str, Function, list[tuple[float, float]], int]]:
    """Return name, function, bounds and number of trials."""
    found: list[tuple[str, Function, list[tuple[float, float]], int]] = [
        (f"x exp(-x^2 - y^2) on [-{edge:g}, {edge:g}]", bump, [(-edge, edge)] * 2, 128) for edge in (2.0, 3.0, 5.0)
    ]
    for name, d, n in (("branin", 2, 64), ("hartmann6", 6, 128), ("hartmann6", 6, 256), ("rosenbrock", 4, 128), ("levy", 4, 128)):
        p = problem(name, d)
        found.append((p.name, p, list(p.bounds), n))
    return found


def errors(function: Function, bounds: list[tuple[float, float]], n: int, seed: int) -> tuple[float, float]:
    """Return the relative errors of the model of the search and of the merged model."""
    space = check_space(bounds)
    X = space.from_unit(qmc.Sobol(space.d, seed=seed).random(n))
    trials = [Trial(drive=0, iteration=i, x=x, status=OK, metrics={"loss": function(x)}) for i, x in enumerate(X)]
    merged = Merged(trials, space, Metrics())
    of_search = GP(space=space)
    of_search.fit(merged.U, merged.y)
    U = qmc.Sobol(space.d, seed=1000 + seed).random(1024)
    actual = np.array([function(x) for x in space.from_unit(U)])
    means = of_search.predict(U)[0], merged.predict(U)[0]
    before, now = (float(np.sqrt(np.mean((mean - actual) ** 2)) / actual.std()) for mean in means)
    return before, now


def under_noise(name: str, d: int, sd: float, seed: int) -> tuple[float, ...]:
    """Return the true regrets of the best and the recommended trial, and the errors of their values."""
    p, rng = problem(name, d), np.random.default_rng(seed)
    result = hyperdrive(
        lambda x: p(x) + sd * rng.standard_normal(), list(p.bounds), None, checkpoints=False, n_calls=60, random_state=seed,
        noisy=sd > 0, verbose="silent",
    )  # fmt: skip
    found = result.recommended
    assert found is not None
    best, recommended = p(result.x), p(found.x)
    return best - p.minimum, recommended - p.minimum, abs(result.fun - best), abs(found.value - recommended), found.noise


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=("error", "noise"), default="error")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    if asked.part == "error":
        print("| function | trials | model of the search | merged model |\n|---|---|---|---|")
        for name, function, bounds, n in cases():
            before, now = np.median([errors(function, bounds, n, seed) for seed in range(asked.seeds)], axis=0)
            print(f"| {name} | {n} | {before:.2g} | {now:.2g} |", flush=True)
        return
    heads = "function", "noise", "regret of the best", "of the recommended", "error of the best value", "of the expected", "found"
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, d, sd in (*NOISY, *EXACT):
        row = np.median([under_noise(name, d, sd, seed) for seed in range(asked.seeds)], axis=0)
        print(f"| {name} {d} | {sd:g} | {' | '.join(f'{value:.2g}' for value in row)} |", flush=True)


if __name__ == "__main__":
    main()
