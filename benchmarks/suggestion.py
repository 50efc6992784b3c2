"""Time of one suggestion (tell and ask) while a study grows from 10 to 200 trials in 10 dimensions, side by side with peers.

    python -m benchmarks.suggestion --repeats 3

HyperSpace runs a study of the Levy function; its trials are what every method is told. HyperSpace is timed at every one of them,
the peers at some (`--every`), since they take long. All figures are processor seconds of one thread, so that other work on the
machine matters little, in turn within each repeat; a line each goes to benchmarks/results/suggestion.jsonl.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.sequential import BoTorch, HyperSpace, Method, OptunaGP, ScikitOptimize
from hyperspace.testing.problems import problem

RESULTS = Path(__file__).parent / "results" / "suggestion.jsonl"
D, FIRST, LAST = 10, 10, 200
Trials = list[tuple[list[float], float]]


def _timed(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def own_study(seed: int) -> tuple[Trials, list[float], str]:
    """Return the trials of HyperSpace's study, the seconds of each suggestion from the tenth trial on, and its version."""
    function = problem("levy", D)
    lower, side = function.lower, function.upper - function.lower
    optimizer = HyperSpace(D, seed, n_initial=FIRST)
    trials: Trials = []
    seconds: list[float] = []
    x = optimizer.ask()
    for n in range(1, LAST + 1):
        y = float(function(lower + side * np.array(x)))
        trials.append((x, y))

        def suggest(told: list[float] = x, value: float = y) -> None:
            nonlocal x
            optimizer.tell(told, value)
            x = optimizer.ask()

        spent = _timed(suggest)
        if n >= FIRST:
            seconds.append(spent)
    return trials, seconds, optimizer.version


def peer(method: Callable[..., Method], seed: int, trials: Trials, n: int) -> float:
    """Return the seconds that a peer takes for the tell of trial n and the ask after it."""
    optimizer = method(D, seed, n_initial=FIRST)
    optimizer.told(trials[: n - 1])

    def suggest() -> None:
        optimizer.told(trials[n - 1 : n])
        optimizer.ask()

    return _timed(suggest)


def main() -> None:
    """Measure, store, and print a table."""
    warnings.simplefilter("ignore")  # the peers' own, about jitter and experimental features
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--every", type=int, default=38, help="time the peers at 10, 10 + EVERY, ... trials")
    arguments = parser.parse_args()
    sizes = list(range(FIRST, LAST + 1, arguments.every))
    means: dict[str, list[float]] = {}
    lasts: dict[str, list[float]] = {}
    for seed in range(arguments.repeats):
        trials, own, version = own_study(seed)
        rows = {version: (float(np.mean(own)), float(np.mean(own[-10:])))}
        for method in (BoTorch, OptunaGP, ScikitOptimize):
            seconds = [peer(method, seed, trials, n) for n in sizes]
            rows[method(D, seed, n_initial=FIRST).version] = (float(np.mean(seconds)), seconds[-1])
        with RESULTS.open("a") as file:
            for name, (mean, last) in rows.items():
                means.setdefault(name, []).append(mean)
                lasts.setdefault(name, []).append(last)
                record = {"version": name, "seed": seed, "sizes": sizes, "mean_cpu_seconds": mean, "last_cpu_seconds": last}
                file.write(json.dumps(record) + "\n")
    ours = next(iter(means))
    print(f"| {LAST} trials in {D} dimensions | mean from {FIRST} to {LAST} trials | at {LAST} trials | mean, over ours |")
    print("|---|---|---|---|")
    for name in means:
        ratio = float(np.median(np.array(means[name]) / np.array(means[ours])))
        mean, last = 1000 * np.median(means[name]), 1000 * np.median(lasts[name])
        print(f"| {name} | {mean:.1f} ms | {last:.1f} ms | {ratio:.0f} |")


if __name__ == "__main__":
    main()
