"""A first study on a laptop: one process, the defaults of each library, 24 to 200 evaluations, equal for all.

    python -m benchmarks.first_study --seeds 20
    python -m benchmarks.first_study --table

12 functions and 6 mixed spaces of 2 to 12 parameters. A seed draws the instance too: functions are shifted or rotated, and what
is good lies elsewhere in each. Instances of the two splits are disjoint: the defaults were chosen on "tune", and "report" is what
is shown. A run has 200 evaluations, and its first 24, 48 and 96 are the shorter studies: no method here knows how many there will
be. Each run is one line of benchmarks/results/first_study.jsonl; what is on file is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import hyperspace
from benchmarks.suites import REGRET_FLOOR, SPLITS
from hyperspace.testing.problems import problem, rotated, shifted

RESULTS = Path(__file__).parent / "results" / "first_study.jsonl"
BUDGETS = (24, 48, 96, 200)
FUNCTIONS = {  # name: function, dimensions, how its instances are made
    "Branin": ("branin", 2, rotated),
    "Rastrigin 2": ("rastrigin", 2, shifted),
    "Ackley 3": ("ackley", 3, rotated),
    "Styblinski-Tang 4": ("styblinski_tang", 4, shifted),
    "Michalewicz 4": ("michalewicz", 4, shifted),
    "Rosenbrock 5": ("rosenbrock", 5, shifted),
    "Hartmann 6": ("hartmann6", 6, rotated),
    "Griewank 6": ("griewank", 6, rotated),
    "Levy 7": ("levy", 7, shifted),
    "Ellipsoid 8": ("ellipsoid", 8, rotated),
    "Ackley 10": ("ackley", 10, shifted),
    "Levy 12": ("levy", 12, rotated),
}
Parameters = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What a study is about.

    Attributes:
        space: as a user gives it to `hyperdrive`: a tuple is an interval, a list categories.
        objective: of a dict of parameters.
        optimum: the least value; nan where nobody knows it.
        scale: the range of values at random points.
    """

    space: dict[str, Any]
    objective: Callable[[Parameters], float]
    optimum: float
    scale: float


def _of_function(name: str, number: int) -> Task:
    base, d, move = FUNCTIONS[name]
    function = move(problem(base, d), number)
    space = {f"x{j}": (float(low), float(high)) for j, (low, high) in enumerate(zip(function.lower, function.upper, strict=True))}

    def objective(parameters: Parameters) -> float:
        return function(np.array([parameters[name] for name in space]))

    return _task(space, objective, function.minimum, number)


def _task(space: dict[str, Any], objective: Callable[[Parameters], float], optimum: float, number: int) -> Task:
    rng = np.random.default_rng(number)
    values = [objective(_random(space, rng)) for _ in range(200)]
    return Task(space, objective, optimum, max(values) - min([*values, optimum] if np.isfinite(optimum) else values))


def _random(space: dict[str, Any], rng: np.random.Generator) -> Parameters:
    point = {}
    for name, dimension in space.items():
        if isinstance(dimension, list):
            point[name] = dimension[rng.integers(len(dimension))]
        elif isinstance(dimension[0], int):
            point[name] = int(rng.integers(dimension[0], dimension[1] + 1))
        elif len(dimension) == 3:
            point[name] = float(np.exp(rng.uniform(np.log(dimension[0]), np.log(dimension[1]))))
        else:
            point[name] = float(rng.uniform(dimension[0], dimension[1]))
    return point


def _beale(x: float, y: float) -> float:
    return ((1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2) / 50


def _rosenbrock(x: float, y: float) -> float:
    return (100 * (y - x * x) ** 2 + (1 - x) ** 2) / 300


def _camel(x: float, y: float) -> float:
    return ((4 - 2.1 * x * x + x**4 / 3) * x * x + x * y + (-4 + 4 * y * y) * y * y) / 10


def _categories(number: int) -> Task:
    """Return Func3C of Ru et al. (2020), moved: categories say which functions of two numbers are added, and with what weight."""
    rng = np.random.default_rng(number)
    shift = rng.uniform(-0.5, 0.5, 2)
    kinds = [_beale, _rosenbrock, _camel]
    weights = rng.permutation([1.0, 2.0, 3.0, -1.0])
    order = rng.permutation(3)

    def objective(parameters: Parameters) -> float:
        x, y = parameters["x"] - shift[0], parameters["y"] - shift[1]
        first = kinds[order["abc".index(parameters["kind"])]]
        second = kinds[("pq".index(parameters["other"]) + 1) % 3]
        weight = weights["klmn".index(parameters["weight"])]
        return float(first(x, y) + weight * np.tanh(second(x, y)))

    space = {"kind": list("abc"), "other": list("pq"), "weight": list("klmn"), "x": (-1.0, 1.0), "y": (-1.0, 1.0)}
    return _task(space, objective, float("nan"), number)


def _levels(number: int) -> Task:
    """Return a shifted Branin with one coordinate of 16 whole numbers."""
    function = shifted(problem("branin"), number)
    space: dict[str, Any] = {"steps": (-5, 10), "y": (0.0, 15.0)}
    return _task(space, lambda p: function(np.array([float(p["steps"]), p["y"]])), float("nan"), number)


def _vessel(number: int) -> Task:
    """Return the cost of a pressure vessel (Kannan and Kramer 1994), with a penalty: two plates in sixteenths of an inch."""
    rng = np.random.default_rng(number)
    metal, weld, volume = (*rng.uniform(0.7, 1.4, 2).tolist(), float(rng.uniform(900_000, 1_700_000)))

    def objective(p: Parameters) -> float:
        shell, head, radius, length = 0.0625 * p["shell"], 0.0625 * p["head"], p["radius"], p["length"]
        cost = 0.6224 * metal * shell * radius * length + 1.7781 * head * radius**2
        cost += weld * (3.1661 * shell**2 * length + 19.84 * shell**2 * radius)
        held = np.pi * radius**2 * length + 4 / 3 * np.pi * radius**3
        missing = max(0.0193 * radius - shell, 0.0) + max(0.00954 * radius - head, 0.0) + max(1 - held / volume, 0.0)
        return float(cost + 20_000 * missing)

    space: dict[str, Any] = {"shell": (1, 40), "head": (1, 40), "radius": (10.0, 100.0), "length": (10.0, 200.0)}
    return _task(space, objective, float("nan"), number)


def _training(number: int) -> Task:
    """Return what the log loss of a network might look like: learning rate, batch, width, depth, dropout, and two choices."""
    rng = np.random.default_rng(number)
    rate, wide, deep, drop = rng.uniform(-3.5, -1.5), rng.uniform(5, 8), int(rng.integers(2, 5)), rng.uniform(0.1, 0.4)
    costs = {name: dict(zip(values, rng.permutation([0.0, 0.05, 0.2]), strict=True)) for name, values in _CHOICES.items()}

    def objective(p: Parameters) -> float:
        lr, batch, width = np.log10(p["learning_rate"]), np.log2(p["batch"]), np.log2(p["width"])
        best_rate = rate + 0.3 * (batch - 5) / 2 - 0.5 * (p["optimizer"] == "sgd") * 0.5
        loss = 0.3 + 0.5 * np.tanh(0.4 * (lr - best_rate) ** 2) + 0.02 * (batch - 5) ** 2
        loss += 0.03 * (width - wide) ** 2 + 0.05 * abs(p["depth"] - deep) + 0.6 * (p["dropout"] - drop * width / 8) ** 2
        return float(loss + costs["optimizer"][p["optimizer"]] + costs["activation"][p["activation"]])

    space: dict[str, Any] = {
        "learning_rate": (1e-5, 1.0, "log-uniform"),
        "batch": (8, 256, "log-uniform"),
        "width": (8, 1024, "log-uniform"),
        "depth": (1, 8),
        "dropout": (0.0, 0.8),
        **_CHOICES,
    }
    return _task(space, objective, float("nan"), number)


_CHOICES = {"optimizer": ["sgd", "adam", "rmsprop"], "activation": ["relu", "tanh", "gelu"]}


def _regression(number: int) -> Task:
    """Return the cross-validated error of a support vector regression on diabetes data, in units of the variance; at most 10."""
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.svm import SVR

    rng = np.random.default_rng(number)
    X, y = load_diabetes(return_X_y=True)
    rows = rng.permutation(len(X))[:150]
    X, y = X[rows] / X.std(axis=0), (y[rows] - y[rows].mean()) / y[rows].std()
    folds = KFold(3, shuffle=True, random_state=number)

    def objective(p: Parameters) -> float:
        error = float(((cross_val_predict(SVR(**p, max_iter=20_000), X, y, cv=folds) - y) ** 2).mean())
        return min(error, 10.0)

    space: dict[str, Any] = {"kernel": ["rbf", "poly", "sigmoid"], "C": (1e-3, 1e3, "log-uniform"), "epsilon": (0.0, 1.0)}
    space |= {"gamma": (1e-5, 10.0, "log-uniform"), "degree": (2, 5)}
    return Task(space, objective, float("nan"), 10.0)


def _half_levels(number: int) -> Task:
    """Return a shifted Ackley in 12: four numbers, four whole numbers, four lists of names in an order that means nothing."""
    rng = np.random.default_rng(number)
    function = shifted(problem("ackley", 12), number)
    names = [f"level {k}" for k in range(5)]
    levels = [rng.permutation(np.linspace(-20.0, 20.0, 5)) for _ in range(4)]
    space: dict[str, Any] = {f"x{j}": (-32.0, 32.0) for j in range(4)}
    space |= {f"n{j}": (-8, 8) for j in range(4)} | {f"c{j}": names for j in range(4)}

    def objective(p: Parameters) -> float:
        values = [p[f"x{j}"] for j in range(4)] + [4.0 * p[f"n{j}"] for j in range(4)]
        return function(np.array(values + [levels[j][names.index(p[f"c{j}"])] for j in range(4)]))

    return _task(space, objective, float("nan"), number)


MIXED: dict[str, Callable[[int], Task]] = {
    "Branin of levels, 2": _levels,
    "pressure vessel, 4": _vessel,
    "categories, 5": _categories,
    "regression, 5": _regression,
    "training, 7": _training,
    "Ackley mixed, 12": _half_levels,
}
PROBLEMS = (*FUNCTIONS, *MIXED)
EVALUATION_SECONDS = 0.1  # on ranks, so that they evaluate side by side also where they share cores


@cache
def task(name: str, split: str, seed: int) -> Task:
    """Return the instance that a seed draws."""
    number = SPLITS[split] + seed
    return _of_function(name, number) if name in FUNCTIONS else MIXED[name](number)


def _hyperdrive(wanted: Task, seed: int, n: int, n_drives: int | None = None) -> tuple[str, list[float]]:
    values: list[float] = []

    def objective(parameters: Parameters) -> float:
        values.append(wanted.objective(parameters))
        return values[-1]

    hyperspace.hyperdrive(
        objective, wanted.space, None, n_calls=n, n_drives=n_drives, checkpoints=False, random_state=seed, verbose=False
    )
    return f"hyperspace {hyperspace.__version__}", values


_ON_RANKS = """
import json, pickle, sys, time
from mpi4py import MPI
from hyperspace import hyperdrive
with open(sys.argv[1], "rb") as file:
    task = pickle.load(file)
def objective(parameters):
    time.sleep({seconds})
    return task.objective(parameters)
result = hyperdrive(objective, task.space, None, n_calls={n}, checkpoints=False, random_state={seed}, verbose=False)
if MPI.COMM_WORLD.Get_rank() == 0:
    ended = sorted(result.all_trials, key=lambda trial: trial.started + trial.seconds)
    sys.stdout.write("VALUES " + json.dumps([value for trial in ended for value in trial.metrics.values()]) + "\\n")
"""


def _on_ranks(wanted: Task, seed: int, n: int, ranks: int) -> tuple[str, list[float]]:
    """Run the defaults on MPI ranks, each evaluation of equal length; values are in the order in which evaluations ended."""
    import cloudpickle

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task"
        file.write_bytes(cloudpickle.dumps(wanted))
        program = _ON_RANKS.format(seconds=EVALUATION_SECONDS, n=n, seed=seed)
        mpirun = [str(Path(sys.executable).with_name("mpirun")), "-n", str(ranks)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
        words = [*mpirun, sys.executable, "-c", program, str(file)]
        told = subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout
    return f"hyperspace {hyperspace.__version__}", json.loads(told.split("VALUES ")[1])


def _optimizer(wanted: Task, seed: int, n: int) -> tuple[str, list[float]]:
    optimizer, values = hyperspace.Optimizer(wanted.space, random_state=seed), []
    for _ in range(n):
        x = optimizer.ask()
        values.append(wanted.objective(x))
        optimizer.tell(x, values[-1])
    return f"hyperspace {hyperspace.__version__}", values


def _random_search(wanted: Task, seed: int, n: int) -> tuple[str, list[float]]:
    rng = np.random.default_rng(seed)
    return f"numpy {np.__version__}", [wanted.objective(_random(wanted.space, rng)) for _ in range(n)]


def _optuna(wanted: Task, make: Callable[[], Any], n: int) -> tuple[str, list[float]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=make())

    def suggest(trial: Any, name: str, dimension: Any) -> Any:
        if isinstance(dimension, list):
            return trial.suggest_categorical(name, dimension)
        suggest = trial.suggest_int if isinstance(dimension[0], int) else trial.suggest_float
        return suggest(name, dimension[0], dimension[1], log=len(dimension) == 3)

    def objective(trial: Any) -> float:
        return wanted.objective({name: suggest(trial, name, dimension) for name, dimension in wanted.space.items()})

    study.optimize(objective, n_trials=n)
    return f"optuna {optuna.__version__}", [trial.value for trial in study.trials]


def _tpe(wanted: Task, seed: int, n: int) -> tuple[str, list[float]]:
    import optuna

    return _optuna(wanted, lambda: optuna.samplers.TPESampler(seed=seed), n)


def _gp(wanted: Task, seed: int, n: int) -> tuple[str, list[float]]:
    import optuna
    import torch

    torch.set_num_threads(1)
    return _optuna(wanted, lambda: optuna.samplers.GPSampler(seed=seed), n)


METHODS: dict[str, Callable[[Task, int, int], tuple[str, list[float]]]] = {
    "hyperdrive": _hyperdrive,
    "4 drives": partial(_hyperdrive, n_drives=4),
    "16 drives": partial(_hyperdrive, n_drives=16),
    "2 ranks": partial(_on_ranks, ranks=2),
    "4 ranks": partial(_on_ranks, ranks=4),
    "16 ranks": partial(_on_ranks, ranks=16),
    "Optimizer": _optimizer,
    "TPE": _tpe,
    "GPSampler": _gp,
    "random": _random_search,
}


def run(method: str, name: str, split: str, seed: int, evaluations: int = BUDGETS[-1]) -> dict[str, Any]:
    """Return the record of one run: the best value after each budget."""
    warnings.simplefilter("ignore")  # the peers' own
    wanted = task(name, split, seed)
    begun = _processor_seconds()
    version, values = METHODS[method](wanted, seed, evaluations)
    if len(values) < evaluations:  # a process that was told to end, for one, goes on to the next run, and begins no evaluation
        raise RuntimeError(f"{method} made {len(values)} of {evaluations} evaluations of {name}")
    best = np.minimum.accumulate(values)
    return {
        "method": method,
        "version": version,
        "problem": name,
        "split": split,
        "seed": seed,
        "optimum": wanted.optimum if np.isfinite(wanted.optimum) else None,
        "scale": wanted.scale,
        "best": {str(n): float(best[n - 1]) for n in BUDGETS if n <= len(best)},
        "cpu_seconds": round(_processor_seconds() - begun, 2),
    }


def _processor_seconds() -> float:
    """Return the processor time of this process and of those that it has started and awaited."""
    return sum(os.times()[:4])


def regrets(rows: Iterable[dict[str, Any]], split: str) -> dict[tuple[str, str, int], dict[int, float]]:
    """Return {(method, problem, seed): {budget: regret}}.

    A regret is in units of the range of values, and above the least value known: the optimum, or the best that any method found.
    Regrets below 1e-6 are equal.
    """
    rows = [row for row in rows if row["split"] == split]
    least: dict[tuple[str, int], float] = {}
    for row in rows:
        key = row["problem"], row["seed"]
        known = [] if row["optimum"] is None else [row["optimum"]]
        least[key] = min([least.get(key, np.inf), *known, *row["best"].values()])
    result = {}
    for row in rows:
        key, scale = (row["problem"], row["seed"]), row["scale"]
        result[row["method"], *key] = {int(n): max((v - least[key]) / scale, REGRET_FLOOR) for n, v in row["best"].items()}
    return result


def cells(found: dict[tuple[str, str, int], dict[int, float]], ours: str, other: str, budget: int) -> tuple[int, int, int, int]:
    """Return on how many problems the median of `ours` at a budget is lower, equal and higher, over the seeds that both have, and
    the least number of seeds of a problem."""
    counts, seeds = [0, 0, 0], 1 << 30
    for name in PROBLEMS:
        both = [seed for method, problem, seed in found if method == ours and problem == name and (other, name, seed) in found]
        if not both:
            continue
        seeds = min(seeds, len(both))
        mine, theirs = (np.median([found[method, name, seed].get(budget, np.nan) for seed in both]) for method in (ours, other))
        if np.isfinite(mine + theirs):
            counts[int(np.sign(mine - theirs)) + 1] += 1
    return counts[0], counts[1], counts[2], seeds


def compared(rows: list[dict[str, Any]], split: str, ours: str = "hyperdrive") -> str:
    """Return in how many cells (a problem and a budget) the defaults are better than each other method; ties count as half."""
    found = regrets(rows, split)
    lines = [
        f"| {ours} against | {' | '.join(f'at {n}' for n in BUDGETS)} | better | equal | worse | share | seeds | its time |",
        "|---" * (len(BUDGETS) + 7) + "|",
    ]
    for method in dict.fromkeys([*METHODS, *(row["method"] for row in rows)]):
        counts = [cells(found, ours, method, n) for n in BUDGETS]
        better, equal, worse = (sum(count[k] for count in counts) for k in range(3))
        if method == ours or not better + equal + worse:
            continue
        share = f"{(better + equal / 2) / (better + equal + worse):.0%}"
        at = [f"{b + e / 2:g} of {b + e + w}" for b, e, w, _ in counts]
        times = [
            np.median([row["cpu_seconds"] for row in rows if row["method"] == m and row["split"] == split])
            for m in (method, ours)
        ]
        told = [*at, str(better), str(equal), str(worse), share, str(counts[0][3]), f"{times[0] / times[1]:.2g}"]
        lines.append(f"| {method} | {' | '.join(told)} |")
    return "\n".join(lines)


def table(rows: list[dict[str, Any]], split: str) -> str:
    """Return the median regrets of all methods."""
    found = regrets(rows, split)
    methods = [
        method for method in dict.fromkeys([*METHODS, *(row["method"] for row in rows)]) if any(k[0] == method for k in found)
    ]
    lines = [f"| problem | evaluations | {' | '.join(methods)} |", "|---" * (len(methods) + 2) + "|"]
    for name in PROBLEMS:
        for n in BUDGETS:
            medians = []
            for method in methods:
                values = [v[n] for (m, p, _), v in found.items() if m == method and p == name and n in v]
                medians.append(float(np.median(values)) if values else np.nan)
            best = np.nanmin(medians) if np.isfinite(medians).any() else np.nan
            shown = ["" if np.isnan(v) else f"**{v:.2g}**" if v == best else f"{v:.2g}" for v in medians]
            lines.append(f"| {name} | {n} | {' | '.join(shown)} |")
    return "\n".join(lines)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records on file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Run what is not on file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, choices=BUDGETS, default=BUDGETS[-1], help="of a run (default: %(default)s)")
    parser.add_argument("--split", choices=SPLITS, default="report")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only print the table of what is on file")
    arguments = parser.parse_args()
    rows = read(arguments.results)
    done = {
        (row["method"], row["problem"], row["split"], row["seed"]) for row in rows if str(arguments.evaluations) in row["best"]
    }
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(0 if arguments.table else arguments.seeds)[arguments.first_seed :]:
        for method in arguments.methods:
            for name in arguments.problems:
                if (method, name, arguments.split, seed) not in done:
                    rows.append(run(method, name, arguments.split, seed, arguments.evaluations))
                    with arguments.results.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    print(table(rows, arguments.split), compared(rows, arguments.split), sep="\n\n")


if __name__ == "__main__":
    main()
