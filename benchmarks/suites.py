"""What is measured on: suites of problems, each in many instances, kept apart for tuning and for reporting.

A cell is a problem and a seed. The seed draws the instance too (its shift or rotation), so that ten seeds are ten
different functions. Instances for tuning and for reporting come from disjoint sets of seeds: settings are chosen on the
first, and the second is run only to report.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks import tuning
from benchmarks.instances import Instance
from hyperspace.testing.problems import problem, rotated, shifted

SPLITS = {"tune": 100_000, "report": 200_000}  # where the seeds of a split's instances begin
NOISE = 0.01  # standard deviation of the noisy variants, in units of the range
RANGE_SAMPLE = 2000
REGRET_FLOOR = 1e-6  # of the range: smaller regrets are equal


BASES = [
    ("branin", 2),
    ("hartmann6", 6),
    ("styblinski_tang", 4),
    ("styblinski_tang", 10),
    ("ackley", 4),
    ("ackley", 10),
    ("ackley", 20),
    ("rastrigin", 4),
    ("rastrigin", 10),
    ("levy", 10),
    ("rosenbrock", 10),
    ("michalewicz", 10),
]
LABELS = {f"{name}{d}" if name not in ("branin", "hartmann6") else name: (name, d) for name, d in BASES}
HARD = {
    **{f"{name}{d}": (name, d) for d in (5, 10) for name in ("griewank", "schwefel", "ellipsoid", "michalewicz", "rosenbrock")},
    "ackley5": ("ackley", 5),
    "rastrigin5": ("rastrigin", 5),
    "levy5": ("levy", 5),
    "styblinski_tang5": ("styblinski_tang", 5),
}
HIGH = {f"{name}{d}": (name, d) for d in (20, 50, 100) for name in ("ackley", "levy", "rosenbrock", "styblinski_tang")}
ALL = {**LABELS, **HARD, **HIGH}

SUITES = {
    "synthetic": [f"{label}:{variant}" for label in LABELS for variant in ("shifted", "rotated")]
    + ["hartmann6:noisy", "ackley10:noisy"],
    "core": [  # the slow peers run on these alone
        "branin:rotated",
        "hartmann6:rotated",
        "styblinski_tang4:rotated",
        "ackley4:rotated",
        "rastrigin4:rotated",
        "levy10:rotated",
        "rosenbrock10:rotated",
        "ackley10:rotated",
    ],
    "plain": ["hartmann6:plain", "styblinski_tang4:plain"],
    "hard": [f"{label}:rotated" for label in HARD],
    "high": [f"{label}:rotated" for label in HIGH],
    "real": ["svm:real", "boosting:real", "mlp:real"],
    "quick5": [f"{n}5:rotated" for n in ("ackley", "rastrigin", "levy", "rosenbrock", "styblinski_tang", "ellipsoid")],
    "quick10": [f"{n}10:rotated" for n in ("ackley", "rastrigin", "levy", "rosenbrock", "styblinski_tang", "michalewicz")],
}


@cache
def instance(name: str, split: str, seed: int) -> Instance:
    """Return the instance of `name` ("problem:variant") that this seed draws."""
    label, variant = name.split(":")
    number = SPLITS[split] + seed
    if variant == "real":
        return tuning.instance(label, number)
    base, d = ALL[label]
    original = problem(base, d)
    function = {"plain": lambda p, _: p, "shifted": shifted}.get(variant, rotated)(original, number)
    lower, side = function.lower, function.upper - function.lower
    rng = np.random.default_rng(number)
    values = np.array([function(lower + side * u) for u in rng.random((RANGE_SAMPLE, d))])
    scale = float(values.max() - min(values.min(), function.minimum))

    def true(u: np.ndarray) -> float:
        return function(lower + side * u)

    def observe(u: np.ndarray, evaluation: int) -> float:
        if variant != "noisy":
            return true(u)
        return true(u) + NOISE * scale * float(np.random.default_rng([number, evaluation]).standard_normal())

    return Instance(name, d, observe, true, function.minimum, scale, [(0.0, 1.0)] * d)
