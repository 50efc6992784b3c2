"""One worker, one point at a time: regret of HyperSpace's optimizer and of its peers on small functions.

    python -m benchmarks.sequential --seeds 10 --evaluations 50
    python -m benchmarks.sequential --table

Each run is one line of benchmarks/results/sequential.jsonl; what is on file is not run again. All methods get the same number of
evaluations, one thread, and the library's own initial design of the same size.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hyperspace.testing.problems import problem

RESULTS = Path(__file__).parent / "results" / "sequential.jsonl"
PROBLEMS = {"branin": ("branin", 2), "hartmann6": ("hartmann6", 6), "styblinski_tang4": ("styblinski_tang", 4)}
INITIAL = {2: 5, 4: 10, 6: 14}  # points of the initial design, by dimension
FLOOR = 1e-12  # regrets below it are equal


class Method(Protocol):
    """An ask/tell optimizer over the unit cube."""

    version: str

    def ask(self) -> list[float]:
        """Return the next point."""
        ...

    def tell(self, x: list[float], y: float) -> None:
        """Take its value."""
        ...

    def told(self, trials: list[tuple[list[float], float]]) -> None:
        """Take trials that it did not ask for."""
        ...


class HyperSpace:
    """`hyperspace.Optimizer` with its defaults."""

    def __init__(self, d: int, seed: int, n_initial: int | None = None) -> None:
        import hyperspace

        self.version = f"hyperspace {hyperspace.__version__}"
        self._optimizer = hyperspace.Optimizer([(0.0, 1.0)] * d, random_state=seed, n_samples=n_initial or INITIAL[d])

    def ask(self) -> list[float]:
        return self._optimizer.ask()

    def tell(self, x: list[float], y: float) -> None:
        self._optimizer.tell(x, y)

    def told(self, trials: list[tuple[list[float], float]]) -> None:
        for x, y in trials:
            self.tell(x, y)


class BoTorch:
    """SingleTaskGP with its default priors and LogExpectedImprovement."""

    def __init__(self, d: int, seed: int, n_initial: int | None = None) -> None:
        import botorch
        import torch

        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.version = f"botorch {botorch.__version__}"
        self._torch, self._d = torch, d
        self._design = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(
            n_initial or INITIAL[d], dtype=torch.double
        )
        self._X: list[list[float]] = []
        self._y: list[float] = []

    def ask(self) -> list[float]:
        if len(self._y) < len(self._design):
            return self._design[len(self._y)].tolist()
        from botorch.acquisition import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood

        torch = self._torch
        X = torch.tensor(self._X, dtype=torch.double)
        y = -torch.tensor(self._y, dtype=torch.double)[:, None]
        model = SingleTaskGP(X, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        bounds = torch.stack([torch.zeros(self._d, dtype=torch.double), torch.ones(self._d, dtype=torch.double)])
        acquisition = LogExpectedImprovement(model, best_f=y.max())
        best, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512)
        return best[0].tolist()

    def tell(self, x: list[float], y: float) -> None:
        self._X.append(x)
        self._y.append(y)

    def told(self, trials: list[tuple[list[float], float]]) -> None:
        for x, y in trials:
            self.tell(x, y)


class OptunaGP:
    """Optuna's GPSampler with its defaults."""

    def __init__(self, d: int, seed: int, n_initial: int | None = None) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.version = f"optuna {optuna.__version__}"
        sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=n_initial or INITIAL[d])
        self._study = optuna.create_study(sampler=sampler)
        self._distributions = {f"x{j}": optuna.distributions.FloatDistribution(0.0, 1.0) for j in range(d)}
        self._trial: Any = None

    def ask(self) -> list[float]:
        self._trial = self._study.ask(self._distributions)
        return list(self._trial.params.values())

    def tell(self, x: list[float], y: float) -> None:
        self._study.tell(self._trial, y)

    def told(self, trials: list[tuple[list[float], float]]) -> None:
        from optuna.trial import create_trial

        for x, y in trials:
            params = dict(zip(self._distributions, x, strict=True))
            self._study.add_trial(create_trial(params=params, distributions=self._distributions, value=y))


class ScikitOptimize:
    """`skopt.Optimizer` with its Gaussian process and EI."""

    def __init__(self, d: int, seed: int, n_initial: int | None = None) -> None:
        import skopt

        self.version = f"scikit-optimize {skopt.__version__}"
        points = n_initial or INITIAL[d]
        self._optimizer = skopt.Optimizer([(0.0, 1.0)] * d, "GP", acq_func="EI", n_initial_points=points, random_state=seed)

    def ask(self) -> list[float]:
        return self._optimizer.ask()

    def tell(self, x: list[float], y: float) -> None:
        self._optimizer.tell(x, y)

    def told(self, trials: list[tuple[list[float], float]]) -> None:
        if trials:
            self._optimizer.tell([x for x, _ in trials], [y for _, y in trials], fit=len(trials) == 1)


METHODS: dict[str, Callable[[int, int], Method]] = {
    "hyperspace": HyperSpace,
    "botorch": BoTorch,
    "optuna-gp": OptunaGP,
    "skopt": ScikitOptimize,
}


def run(method: str, name: str, seed: int, evaluations: int) -> dict[str, Any]:
    """Return the record of one run."""
    import warnings

    warnings.simplefilter("ignore")  # the peers' own, about jitter and experimental features
    base, d = PROBLEMS[name]
    function = problem(base, d)
    lower, side = function.lower, function.upper - function.lower
    optimizer = METHODS[method](d, seed)
    regrets, seconds = [], 0.0
    for evaluation in range(evaluations):
        start = time.process_time()
        x = optimizer.ask()
        asked = time.process_time() - start
        value = function(lower + side * np.array(x))
        start = time.process_time()
        optimizer.tell(x, value)
        if evaluation >= INITIAL[d]:
            seconds += asked + time.process_time() - start
        regrets.append(max(value - function.minimum, 0.0))
    return {
        "method": method,
        "version": optimizer.version,
        "problem": name,
        "seed": seed,
        "evaluations": evaluations,
        "regret": np.minimum.accumulate(regrets).tolist(),
        "cpu_seconds": seconds / (evaluations - INITIAL[d]),
    }


def read() -> list[dict[str, Any]]:
    """Return the records on file."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def table(records: list[dict[str, Any]]) -> str:
    """Return medians of regret and of CPU time a suggestion, and how often ours is at least as good as each peer."""
    values = {(r["method"], r["problem"], r["seed"]): max(r["regret"][-1], FLOOR) for r in records}
    lines = ["| method | " + " | ".join(PROBLEMS) + " | CPU a suggestion | runs in which hyperspace is as good or better |"]
    lines.append("|---" * (len(PROBLEMS) + 3) + "|")
    for method in METHODS:
        own = [r for r in records if r["method"] == method]
        if not own:
            continue
        cells = []
        for name in PROBLEMS:
            regrets = [max(r["regret"][-1], FLOOR) for r in own if r["problem"] == name]
            low, middle, high = np.percentile(regrets, [25, 50, 75]) if regrets else (np.nan,) * 3
            cells.append(f"{middle:.1e} ({low:.0e} to {high:.0e})")
        seconds = np.median([r["cpu_seconds"] for r in own])
        pairs = [(values[("hyperspace", *key[1:])], v) for key, v in values.items() if key[0] == method]
        share = "" if method == "hyperspace" else f"{sum(ours <= theirs for ours, theirs in pairs)} of {len(pairs)}"
        lines.append(f"| {own[0]['version']} | " + " | ".join(cells) + f" | {1000 * seconds:.1f} ms | {share} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is not on file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--table", action="store_true", help="only print the table of what is on file")
    arguments = parser.parse_args()
    records = read()
    done = {(r["method"], r["problem"], r["seed"], r["evaluations"]) for r in records}
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in range(0 if arguments.table else arguments.seeds):
        for name in PROBLEMS:
            for method in arguments.methods:
                if (method, name, seed, arguments.evaluations) not in done:
                    records.append(run(method, name, seed, arguments.evaluations))
                    with RESULTS.open("a") as file:
                        file.write(json.dumps(records[-1]) + "\n")
    print(table(records))


if __name__ == "__main__":
    main()
