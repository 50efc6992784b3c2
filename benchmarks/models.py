"""Compares the surrogates: time of a suggestion against the number of trials, and regret on synthetic problems.

    python -m benchmarks.models time --sizes 100 200 500 1000 2000 5000
    python -m benchmarks.models regret --seeds 10 --trials 60
    python -m benchmarks.models report

Each run is one line of benchmarks/results/models/{time,regret}.jsonl; what is on file is not run again. `report` prints the
tables and draws models-time.png and models-regret.png beside them.

A suggestion is `tell` of one trial and `ask` of the optimizer of one box, with all trials in the model (a study fits to the
nearest few hundred, so that its suggestions do not slow down). Surrogates that can be extended are refitted when the trials
have grown by a tenth, the others each time; "mean" is the mean over such a stretch. Seconds are of one processor core.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import suites
from benchmarks.run import load
from hyperspace.numerics.threads import one_thread
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.bayesian.optimizer import BayesOptimizer
from hyperspace.optimizers.bayesian.settings import box_settings
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Bounds
from hyperspace.surrogates import SURROGATES
from hyperspace.testing.problems import problem, shifted
from hyperspace.trials.metrics import FLOAT_NAME
from hyperspace.trials.trial import OK, Trial

RESULTS = Path(__file__).parent / "results" / "models"
PROBLEMS = ["branin:shifted", "styblinski_tang4:rotated", "ackley4:rotated", "hartmann6:shifted", "levy10:rotated"]
TIMED = ("ackley", 5)
BETWEEN = 3  # suggestions timed between two refits


def measure_time(model: str, n: int) -> dict[str, Any]:
    """Return the seconds of a suggestion with a refit and of one between refits, at n trials."""
    function = shifted(problem(*TIMED), 0)
    space = check_space(function.dimensions)
    whole = Bounds.whole(space.d)
    design = Design("sobol", 1, whole, space, seed=0)
    settings = replace(box_settings("EI"), nearest=10**9)  # all trials
    optimizer = BayesOptimizer(space, whole, model, design, settings=settings)
    U = np.random.default_rng(n).random((n + BETWEEN, space.d))
    y = np.array([function(x) for x in space.from_unit(U)])
    trials = [Trial(drive=0, iteration=i, x=(), status=OK, metrics={FLOAT_NAME: value}) for i, value in enumerate(y)]
    pending = np.empty((0, space.d))

    def suggest(first: int, last: int) -> float:
        begin = time.process_time()
        optimizer.tell(trials[first:last], U[first:last], y[first:last])
        optimizer.ask(Key(0, 0, last), pending)
        return time.process_time() - begin

    before = int(n / 1.1) - 1
    with one_thread():
        suggest(0, before)  # the fit from which the one that is timed goes on
        refit = suggest(before, n)
        between = float(np.median([suggest(n + i, n + i + 1) for i in range(BETWEEN)]))
    mean = between + max(refit - between, 0.0) / max(n / 11, 1.0)
    return {"model": model, "n": n, "d": space.d, "refit": round(refit, 4), "between": round(between, 4), "mean": round(mean, 4)}


def measure_regret(model: str, name: str, seed: int, trials: int) -> dict[str, Any]:
    """Return the best value so far after each trial of one run."""
    instance = suites.instance(name, "report", seed)
    space = check_space(instance.dimensions)
    whole = Subspace(0, Bounds.whole(space.d), space)
    design = Design("sobol", max(5, 2 * space.d), whole.bounds, space, seed=seed)
    optimizer = make_optimizer(model, space, whole, design, seed=seed)
    best: list[float] = []
    begin = time.process_time()
    with one_thread():
        for i in range(trials):
            u = optimizer.ask(Key(seed, 0, i), np.empty((0, space.d))).u
            value = instance.observe(u, i)
            trial = Trial(drive=0, iteration=i, x=tuple(u), status=OK, metrics={FLOAT_NAME: value})
            optimizer.tell([trial], u[None], np.array([value]))
            best.append(min(value, *best[-1:]) if best else value)
    seconds = time.process_time() - begin
    return {
        "model": model,
        "problem": name,
        "seed": seed,
        "trials": trials,
        "optimum": instance.optimum,
        "scale": instance.scale,
        "best": best,
        "seconds": round(seconds, 2),
    }


def store(path: Path, record: dict[str, Any]) -> None:
    """Append a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print({name: value for name, value in record.items() if name != "best"}, flush=True)


def time_table(records: list[dict[str, Any]]) -> str:
    """Return the seconds of a suggestion as Markdown, and from where on a model is faster than the Gaussian process."""
    cells = {(r["model"], r["n"]): r for r in records}
    sizes = sorted({r["n"] for r in records})
    models = [m for m in SURROGATES if any(r["model"] == m for r in records)]
    lines = [
        "| model | " + " | ".join(f"{n} trials" for n in sizes) + " | faster than the GP from |",
        "|---|" + "---|" * (len(sizes) + 1),
    ]
    for model in models:
        row = []
        for n in sizes:
            r = cells.get((model, n))
            row.append(f"{1000 * r['mean']:.0f} ({1000 * r['between']:.0f}, {1000 * r['refit']:.0f})" if r else "-")
        both = [n for n in sizes if (model, n) in cells and ("GP", n) in cells]
        slower = [n for n in both if cells[model, n]["mean"] >= cells["GP", n]["mean"]]
        after = [n for n in both if not slower or n > max(slower)]
        crossing = "" if model == "GP" else f"{min(after)} trials" if after else "not up to here"
        lines.append(f"| {model} | " + " | ".join(row) + f" | {crossing} |")
    return "\n".join(lines)


def regrets(records: list[dict[str, Any]]) -> dict[tuple[str, str], np.ndarray]:
    """Return the regret after each trial, (seeds, trials), floored, by problem and model.

    Models with most seeds are compared on those that they all have, the others stand for themselves.
    """
    found: dict[tuple[str, str], dict[int, np.ndarray]] = defaultdict(dict)
    for r in records:
        floor = suites.REGRET_FLOOR * r["scale"]
        found[r["problem"], r["model"]][r["seed"]] = np.maximum(np.array(r["best"]) - r["optimum"], floor)
    kept = {}
    for (name, model), runs in found.items():
        own = [set(other) for (problem_of, _), other in found.items() if problem_of == name]
        most = max(len(seeds) for seeds in own)
        seeds = set.intersection(*(seeds for seeds in own if len(seeds) == most)) if len(runs) == most else set(runs)
        kept[name, model] = np.array([runs[seed] for seed in sorted(seeds)])
    return kept


def regret_table(records: list[dict[str, Any]]) -> str:
    """Return median regrets (quartiles) at the end, and mean ranks of the models that have all runs, as Markdown."""
    values = regrets(records)
    models = [m for m in (*SURROGATES, "RAND") if any(m == model for _, model in values)]
    problems = list(dict.fromkeys(name for name, _ in values))
    most = {name: max(len(runs) for (other, _), runs in values.items() if other == name) for name in problems}
    ranked = [m for m in models if all((name, m) in values and len(values[name, m]) == most[name] for name in problems)]
    lines = ["| problem (runs) | " + " | ".join(models) + " |", "|---|" + "---|" * len(models)]
    ranks = []
    for name in problems:
        last = np.array([values[name, model][:, -1] for model in ranked])
        ranks.append((last[None] < last[:, None]).sum(axis=1) + ((last[None] == last[:, None]).sum(axis=1) + 1) / 2)
        best = np.median(last, axis=1).min()
        row = []
        for model in models:
            regret = values[name, model][:, -1] if (name, model) in values else np.full(1, np.nan)
            low, middle, high = np.percentile(regret, [25, 50, 75])
            mark = "**" if model in ranked and middle == best else ""
            runs = "" if len(regret) == most[name] else f", {len(regret)} runs"
            row.append(f"{mark}{middle:.2g}{mark} ({low:.1g}-{high:.1g}{runs})")
        lines.append(f"| {name} ({most[name]}) | " + " | ".join(row) + " |")
    mean_ranks = dict(zip(ranked, np.concatenate(ranks, axis=1).mean(axis=1), strict=True))
    lines.append("| mean rank | " + " | ".join(f"{mean_ranks[m]:.1f}" if m in mean_ranks else "" for m in models) + " |")
    return "\n".join(lines)


def draw(times: list[dict[str, Any]], runs: list[dict[str, Any]], folder: Path) -> None:
    """Draw both comparisons."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    colors = dict(zip((*SURROGATES, "RAND"), plt.get_cmap("tab10").colors, strict=False)) | {"RAND": "0.5"}
    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for model in SURROGATES:
        points = sorted((r["n"], r["mean"]) for r in times if r["model"] == model)
        if points:
            axes.plot(*zip(*points, strict=True), "o-", ms=4, color=colors[model], label=model)
    axes.set(
        xlabel="trials", ylabel="seconds a suggestion", xscale="log", yscale="log", title="All trials in the model, 5 dimensions"
    )
    axes.grid(alpha=0.3, which="both", lw=0.5)
    axes.legend(fontsize="small")
    figure.savefig(folder / "models-time.png", dpi=130)
    values = regrets(runs)
    problems = list(dict.fromkeys(name for name, _ in values))
    figure, panels = plt.subplots(1, len(problems), figsize=(3.4 * len(problems), 3.6), layout="constrained", squeeze=False)
    for panel, name in zip(panels[0], problems, strict=True):
        for model in (*SURROGATES, "RAND"):
            if (name, model) in values:
                middle = np.median(values[name, model], axis=0)
                panel.plot(np.arange(1, len(middle) + 1), middle, color=colors[model], label=model)
        panel.set(title=name, xlabel="trials", yscale="log")
        panel.grid(alpha=0.3, lw=0.5)
    panels[0, 0].set_ylabel("median regret")
    panels[0, -1].legend(fontsize="small")
    figure.savefig(folder / "models-regret.png", dpi=130)


def main() -> None:
    """Parse the command line; measure, or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["time", "regret", "report"])
    parser.add_argument("--models", nargs="+", default=[*SURROGATES, "RAND"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 200, 500, 1000, 2000, 5000])
    parser.add_argument("--problems", nargs="+", default=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    times, runs = arguments.results / "time.jsonl", arguments.results / "regret.jsonl"
    if arguments.what == "time":
        done = {(r["model"], r["n"]) for r in load(times)}
        for n, model in product(arguments.sizes, arguments.models):
            if model != "RAND" and (model, n) not in done:
                store(times, measure_time(model, n))
    elif arguments.what == "regret":
        done_runs = {(r["model"], r["problem"], r["seed"], r["trials"]) for r in load(runs)}
        for seed, name, model in product(range(arguments.seeds), arguments.problems, arguments.models):
            if (model, name, seed, arguments.trials) not in done_runs:
                store(runs, measure_regret(model, name, seed, arguments.trials))
    else:
        kept = [r for r in load(runs) if r["trials"] == arguments.trials]
        print(f"Milliseconds a suggestion: mean (between refits, with a refit)\n\n{time_table(load(times))}\n")
        print(f"Regret after {arguments.trials} trials: median (quartiles)\n\n{regret_table(kept)}")
        draw(load(times), kept, arguments.results)


if __name__ == "__main__":
    main()
