"""The evolutionary models by name against random search, in the default way: `hyperdrive(..., model=NAME)`.

    python -m benchmarks.evolution --seeds 10
    python -m benchmarks.evolution --seeds 10 --drives 8 --iterations 6
    python -m benchmarks.evolution --table

Each run is one line of benchmarks/results/evolution.jsonl; what is on file is not run again. A seed draws the instance, too: the
optimum is moved, since some of the functions have theirs in the middle of the box, where CMA-ES begins. The gap is the value
above the known minimum.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hyperspace import hyperdrive
from hyperspace.testing.problems import problem, shifted

RESULTS = Path(__file__).parent / "results" / "evolution.jsonl"
MODELS = ("CMA", "DE", "PSO", "ES", "GA", "NSGA2", "EDA", "SA", "PAES", "ACO", "BITGA")
RANDOM = "RAND"
FUNCTIONS = {
    "Branin 2": ("branin", 2),
    "Hartmann 6": ("hartmann6", 6),
    "Styblinski-Tang 4": ("styblinski_tang", 4),
    "Rosenbrock 4": ("rosenbrock", 4),
    "Ackley 5": ("ackley", 5),
    "Levy 6": ("levy", 6),
    "Rastrigin 5": ("rastrigin", 5),
    "mixed 5": None,
}
SPACE: dict[str, Any] = {
    "rate": (1e-4, 1.0, "log-uniform"),
    "share": (0.0, 1.0),
    "width": (4, 64),
    "kind": ["a", "b", "c", "d"],
    "rule": ["x", "y", "z"],
}
PACKAGES = ("hyperspace", "cma", "pymoo", "inspyred", "numpy")


def mixed(seed: int) -> Callable[[dict[str, Any]], float]:
    """Return a function over SPACE with the minimum 0: numbers to be met, and categories each with an offset of its own."""
    rng = np.random.default_rng(seed)
    rate, share, width = rng.uniform(0.1, 0.9, 3)
    kinds = dict(zip(SPACE["kind"], 0.7 * rng.permutation(4), strict=True))
    rules = dict(zip(SPACE["rule"], 0.5 * rng.permutation(3), strict=True))
    levels = round(4 + 60 * width)

    def function(p: dict[str, Any]) -> float:
        off = 1.0 + np.log10(p["rate"]) / 4 - rate
        steps = (p["width"] - levels) / 60
        offsets = kinds[p["kind"]] + rules[p["rule"]] * (0.5 + abs(off))
        return float(10 * off**2 + 5 * abs(p["share"] - share) + 4 * steps**2 + offsets)

    return function


def run(model: str, name: str, seed: int, drives: int, iterations: int) -> dict[str, Any]:
    """Return the record of one run."""
    base = FUNCTIONS[name]
    if base is None:
        objective, space, minimum = mixed(seed), SPACE, 0.0
    else:
        moved = shifted(problem(*base), seed)
        objective, space, minimum = moved, moved.dimensions, moved.minimum
    begin = time.process_time()
    with contextlib.redirect_stderr(io.StringIO()):  # the plan of each run
        result = hyperdrive(
            objective, space, None, model=model, n_drives=drives, n_iterations=iterations, checkpoints=False, random_state=seed
        )
    return {
        "model": model,
        "function": name,
        "seed": seed,
        "drives": drives,
        "iterations": iterations,
        "gap": max(float(result.fun) - minimum, 0.0),
        "seconds": round(time.process_time() - begin, 2),
        "versions": {package: version(package) for package in PACKAGES},
    }


def read() -> list[dict[str, Any]]:
    """Return the records on file."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def table(records: list[dict[str, Any]]) -> str:
    """Return the median gap of each model and function, and in how many seeds it is below random search's, as Markdown."""
    gaps = {(r["model"], r["function"], r["seed"]): r["gap"] for r in records}
    lines = [f"| model | {' | '.join(FUNCTIONS)} | wins |", "|---" * (len(FUNCTIONS) + 2) + "|"]
    for model in (RANDOM, *MODELS):
        cells, won, made = [], 0, 0
        for name in FUNCTIONS:
            own = {seed: gap for (which, function, seed), gap in gaps.items() if (which, function) == (model, name)}
            pairs = [(gap, gaps[RANDOM, name, seed]) for seed, gap in own.items() if (RANDOM, name, seed) in gaps]
            wins = sum(gap < by_chance for gap, by_chance in pairs)
            won, made = won + wins, made + len(pairs)
            middle = f"{np.median(list(own.values())):.2g}" if own else "-"
            cells.append(middle if model == RANDOM else f"{middle} ({wins})")
        lines.append(f"| `{model}` | {' | '.join(cells)} | {'' if model == RANDOM else f'{won} of {made}'} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is not on file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--drives", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--table", action="store_true", help="only print the table of what is on file")
    arguments = parser.parse_args()
    size = {"drives": arguments.drives, "iterations": arguments.iterations}
    records = [r for r in read() if r.items() >= size.items()]
    done = {(r["model"], r["function"], r["seed"]) for r in records}
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in range(0 if arguments.table else arguments.seeds):
        for name in FUNCTIONS:
            for model in (RANDOM, *arguments.models):
                if (model, name, seed) not in done:
                    records.append(run(model, name, seed, **size))
                    with RESULTS.open("a") as file:
                        file.write(json.dumps(records[-1]) + "\n")
    print(table([r for r in records if r["seed"] < arguments.seeds]))


if __name__ == "__main__":
    main()
