"""Problems with limits whose feasible part is small: how soon a study finds it, and how far it gets in there.

    python -m benchmarks.constrained --method adaptive static Optimizer --seeds 12

prints for each problem and method: the share of runs with a feasible point, the median number of evaluations to the first one
(of the runs that found one), and the median gap between the best feasible value and the optimum (of the same runs).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hyperspace import Metric, Optimizer, hyperdrive
from hyperspace.trials.metrics import Metrics

Evaluate = Callable[[Sequence[float]], dict[str, float]]


@dataclass(frozen=True)
class Limited:
    """A problem: minimize `loss` under limits.

    Attributes:
        bounds: of the variables.
        metrics: what is wanted.
        evaluate: returns all metrics at a point.
    """

    bounds: list[tuple[float, float]]
    metrics: list[Metric]
    evaluate: Evaluate


def _upper(*names: str, limit: float = 0.0) -> list[Metric]:
    return [Metric("loss"), *(Metric(name, goal="constrain", upper=limit) for name in names)]


def _half(x: Sequence[float]) -> dict[str, float]:
    return {"loss": (x[0] - 1.0) ** 2 + (x[1] - 1.0) ** 2, "sum": x[0] + x[1]}


def _disk(x: Sequence[float]) -> dict[str, float]:
    return {"loss": x[0] + x[1], "distance": math.hypot(x[0] - 0.731, x[1] - 0.318)}


def _band(x: Sequence[float]) -> dict[str, float]:
    height = sum(x) + 0.3 * math.sin(6.0 * x[0])
    return {"loss": sum((v - 0.3) ** 2 for v in x), "height": height}


def _valley(x: Sequence[float]) -> dict[str, float]:
    """Return a limit whose surroundings mislead: a wide hollow that stays above it beside a narrow one that does not."""
    wide = 1.0 - 0.8 * math.exp(-8.0 * ((x[0] - 0.25) ** 2 + (x[1] - 0.25) ** 2))
    narrow = 1.2 * math.exp(-60.0 * ((x[0] - 0.8) ** 2 + (x[1] - 0.75) ** 2))
    return {"loss": (x[0] - 0.6) ** 2 + (x[1] - 0.5) ** 2, "height": wide - narrow}


def _welded_beam(x: Sequence[float]) -> dict[str, float]:
    """Return cost and limits of the welded beam (Rao 1996; Coello 2000)."""
    h, length, t, b = x
    load, span = 6000.0, 14.0
    first = load / (math.sqrt(2.0) * h * length)
    radius = math.sqrt(length**2 / 4.0 + ((h + t) / 2.0) ** 2)
    moment = load * (span + length / 2.0)
    inertia = 2.0 * math.sqrt(2.0) * h * length * (length**2 / 12.0 + ((h + t) / 2.0) ** 2)
    second = moment * radius / inertia
    shear = math.sqrt(first**2 + first * second * length / radius + second**2)
    buckling = 4.013 * 30e6 * math.sqrt(t**2 * b**6 / 36.0) / span**2 * (1.0 - t / (2.0 * span) * math.sqrt(30e6 / 48e6))
    return {
        "loss": 1.10471 * h**2 * length + 0.04811 * t * b * (14.0 + length),
        "shear": shear,
        "bending": 6.0 * load * span / (b * t**2),
        "thickness": h - b,
        "deflection": 4.0 * load * span**3 / (30e6 * t**3 * b),
        "buckling": buckling,
    }


def _osyczka(x: Sequence[float]) -> dict[str, float]:
    """Return the first objective and the limits of Osyczka and Kundu (1995)."""
    a, b, c, d, e, f = x
    squares = 25 * (a - 2) ** 2 + (b - 2) ** 2 + (c - 1) ** 2 + (d - 4) ** 2 + (e - 1) ** 2
    return {
        "loss": -squares,
        "g1": 2 - a - b,
        "g2": a + b - 6,
        "g3": b - a - 2,
        "g4": a - 3 * b - 2,
        "g5": (c - 3) ** 2 + d - 4,
        "g6": 4 - (e - 3) ** 2 - f,
    }


_UNIT = (0.0, 1.0)
PROBLEMS: Mapping[str, Limited] = {
    "half": Limited([_UNIT] * 2, _upper("sum", limit=1.0), _half),
    "disk": Limited([_UNIT] * 2, _upper("distance", limit=0.04), _disk),
    "band": Limited([_UNIT] * 4, [Metric("loss"), Metric("height", goal="constrain", lower=3.3, upper=3.34)], _band),
    "valley": Limited([_UNIT] * 2, _upper("height", limit=0.0), _valley),
    "welded_beam": Limited(
        [(0.1, 2.0), (0.1, 10.0), (0.1, 10.0), (0.1, 2.0)],
        [
            Metric("loss"),
            Metric("shear", goal="constrain", upper=13600.0),
            Metric("bending", goal="constrain", upper=30000.0),
            Metric("thickness", goal="constrain", upper=0.0),
            Metric("deflection", goal="constrain", upper=0.25),
            Metric("buckling", goal="constrain", lower=6000.0),
        ],
        _welded_beam,
    ),
    "osyczka": Limited(
        [(0, 10.0), (0, 10.0), (1.0, 5.0), (0, 6.0), (1.0, 5.0), (0, 10.0)],
        _upper("g1", "g2", "g3", "g4", "g5", "g6"),
        _osyczka,
    ),
}


@cache
def optimum(name: str) -> float:
    """Return the least feasible value, by SLSQP from the points of a sample that break the limits least."""
    from scipy.optimize import minimize

    problem = PROBLEMS[name]
    lower, upper = np.array(problem.bounds, dtype=float).T
    rng, best = np.random.default_rng(0), math.inf

    def slack(x: Sequence[float]) -> list[float]:
        values = problem.evaluate(x)
        limits = [(metric, values[metric.name]) for metric in problem.metrics if metric.goal == "constrain"]
        above = [value - metric.lower for metric, value in limits if metric.lower is not None]
        return above + [metric.upper - value for metric, value in limits if metric.upper is not None]

    sample = lower + (upper - lower) * rng.random((5000, len(lower)))
    sample = sample[np.argsort([-min(min(slack(x)), 0.0) for x in sample], kind="stable")]
    for start in sample[:60]:
        found = minimize(
            lambda x: problem.evaluate(x)["loss"],
            start,
            method="SLSQP",
            bounds=problem.bounds,
            constraints={"type": "ineq", "fun": slack},
        )
        if min(slack(found.x)) >= -1e-7 and found.fun < best:
            best = float(found.fun)
    return best


def run(name: str, method: str, seed: int, n_calls: int) -> tuple[int | None, float, float]:
    """Return when the first feasible point came, the gap at the end, and the share of evaluations that broke a limit."""
    problem, goals = PROBLEMS[name], Metrics(PROBLEMS[name].metrics)
    evaluated: list[dict[str, float]] = []

    def objective(x: Any) -> dict[str, float]:
        evaluated.append(problem.evaluate(x))
        return evaluated[-1]

    if method == "Optimizer":
        optimizer = Optimizer(problem.bounds, random_state=seed, metrics=problem.metrics)
        for _ in range(n_calls):
            x = optimizer.ask()
            optimizer.tell(x, objective(x))
    elif method == "TPE":
        _run_optuna(problem, objective, seed, n_calls)
    else:
        strategy, _, model = method.partition(":")
        options: dict[str, Any] = {"n_drives": 16} if strategy == "generations" else {}
        options |= {"n_subspaces": 1} if strategy in ("single", "generations") else {}
        hyperdrive(
            objective,
            problem.bounds,
            "unused",
            n_calls=n_calls,
            strategy="static" if strategy == "single" else strategy,
            model=model or "GP",
            metrics=problem.metrics,
            random_state=seed,
            checkpoints=False,
            **options,
        )
    broken = np.array([goals.violation(values) > 0.0 for values in evaluated])
    losses = np.array([values["loss"] for values in evaluated])
    if broken.all():
        return None, math.inf, 1.0
    return int(np.argmin(broken)) + 1, float(losses[~broken].min()) - optimum(name), float(broken.mean())


def _run_optuna(problem: Limited, objective: Callable[[Any], dict[str, float]], seed: int, n_calls: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def limits(trial: Any) -> Any:
        return trial.user_attrs["limits"]

    def evaluate(trial: Any) -> float:
        values = objective([trial.suggest_float(f"x{i}", *bounds) for i, bounds in enumerate(problem.bounds)])
        constrained = [metric for metric in problem.metrics if metric.goal == "constrain"]
        trial.set_user_attr("limits", [metric.violation(values[metric.name]) for metric in constrained])
        return values["loss"]

    sampler = optuna.samplers.TPESampler(seed=seed, constraints_func=limits)
    optuna.create_study(sampler=sampler).optimize(evaluate, n_trials=n_calls)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", nargs="+", default=["adaptive", "static", "Optimizer"])
    parser.add_argument("--problem", nargs="+", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--n-calls", type=int, default=60)
    options = parser.parse_args()
    print(f"{'problem':<12} {'method':<16} found  first  gap (median, worst)     broken  s a run")
    for name in options.problem:
        for method in options.method:
            begun = time.perf_counter()
            seeds = range(options.first, options.first + options.seeds)
            firsts, gaps, broken = zip(*(run(name, method, seed, options.n_calls) for seed in seeds), strict=True)
            found = [first for first in firsts if first is not None]
            finite = [gap for gap in gaps if math.isfinite(gap)]
            print(
                f"{name:<12} {method:<16} {len(found):2d}/{options.seeds:<2d}  {np.median(found) if found else math.nan:5.1f}  "
                f"{np.median(finite) if finite else math.nan:9.2e}  {max(finite, default=math.nan):9.2e}  "
                f"{np.mean(broken):14.0%}  {(time.perf_counter() - begun) / options.seeds:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
