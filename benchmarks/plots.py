"""Plots of regret against evaluations and rounds, from what `benchmarks.run` stored.

python -m benchmarks.plots --split report --methods adaptive turbo1 cma tpe random --out benchmarks/results/plots
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks import suites
from benchmarks.run import RESULTS, load, path_of


def curves(results: Path, split: str, method: str, workers: int) -> dict[str, np.ndarray]:
    """Return, by problem, the regrets after every round (seeds, rounds), floored."""
    by_problem: dict[str, list[list[float]]] = {}
    for record in load(path_of(results, split, method)):
        if record["workers"] == workers and np.isfinite(record["optimum"]):
            floor = suites.REGRET_FLOOR * record["scale"]
            by_problem.setdefault(record["problem"], []).append([max(v - record["optimum"], floor) for v in record["best"]])
    return {name: np.array([row for row in rows if len(row) == max(map(len, rows))]) for name, rows in by_problem.items()}


def main() -> None:
    """Draw one figure a problem: median and quartiles over seeds; the lower axis counts evaluations, the upper one rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="report", choices=sorted(suites.SPLITS))
    parser.add_argument("--methods", nargs="+", required=True)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=RESULTS / "plots")
    arguments = parser.parse_args()
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    data = {m: curves(arguments.results, arguments.split, m, arguments.workers) for m in arguments.methods}
    scales = (lambda e: e / arguments.workers, lambda r: r * arguments.workers)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in sorted({name for by_problem in data.values() for name in by_problem}):
        figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
        for method, by_problem in data.items():
            if name in by_problem:
                low, middle, high = np.percentile(by_problem[name], [25, 50, 75], axis=0)
                evaluations = arguments.workers * np.arange(1, len(middle) + 1)
                axes.plot(evaluations, middle, label=method)
                axes.fill_between(evaluations, low, high, alpha=0.15)
        axes.set(xlabel="evaluations", ylabel="regret", yscale="log", title=name)
        axes.secondary_xaxis("top", functions=scales).set_xlabel("rounds")
        axes.legend(fontsize="small")
        figure.savefig(arguments.out / f"{name.replace(':', '-')}.png", dpi=120)
        plt.close(figure)
    print(f"plots in {arguments.out}")


if __name__ == "__main__":
    main()
