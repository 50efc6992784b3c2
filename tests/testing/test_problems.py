"""Every test function reaches its minimum at its optimum, and nowhere goes below it."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.testing.problems import NAMES, Problem, problem, rotated, shifted

FIXED = {"branin": 2, "hartmann6": 6}
CASES = [(name, d) for name in NAMES for d in ((FIXED[name],) if name in FIXED else (2, 4, 10))]
MOVES = {"plain": lambda p, seed: p, "shifted": shifted, "rotated": rotated}


def _descend(function: Problem, x: np.ndarray, radius: float, rng: np.random.Generator) -> float:
    """Return the best value that a shrinking random search around x finds."""
    best, value = x, function(x)
    side = function.upper - function.lower
    for step in np.geomspace(radius, 1e-9, 400):
        trial = np.clip(best + step * side * rng.standard_normal(function.d), function.lower, function.upper)
        if (new := function(trial)) < value:
            best, value = trial, new
    return value


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize(("name", "d"), CASES)
def test_the_optimum_is_the_minimum(name: str, d: int, move: str) -> None:
    function = MOVES[move](problem(name, d), 3)
    rng = np.random.default_rng(0)
    assert function.d == d == len(function.dimensions)
    assert np.all(function.optimum >= function.lower)
    assert np.all(function.optimum <= function.upper)
    tolerance = 1e-7 * max(1.0, abs(function.minimum))
    assert function(list(function.optimum)) == pytest.approx(function.minimum, abs=tolerance)
    points = rng.uniform(function.lower, function.upper, (300, d))
    values = [function(point) for point in points]
    assert min(values) > function.minimum - tolerance
    assert _descend(function, points[int(np.argmin(values))], 0.1, rng) > function.minimum - tolerance
    assert _descend(function, function.optimum, 0.01, rng) > function.minimum - tolerance


@pytest.mark.parametrize(
    ("name", "d", "x", "value"),
    [
        ("branin", 2, (0.0, 0.0), 55.602112642270262),
        ("ackley", 2, (1.0, 1.0), 3.6253849384403627),
        ("rastrigin", 2, (0.5, 0.0), 20.25),
        ("rosenbrock", 3, (0.0, 0.0, 0.0), 2.0),
        ("levy", 2, (1.0, 5.0), 1.0),
        ("styblinski_tang", 2, (1.0, 0.0), -5.0),
        ("ellipsoid", 3, (1.0, 1.0, 1.0), 1001001.0),
        ("griewank", 1, (np.pi,), np.pi**2 / 4000 + 2),
        ("sphere", 2, (3.0, 4.0), 25.0),
    ],
)
def test_known_values(name: str, d: int, x: tuple[float, ...], value: float) -> None:
    assert problem(name, d)(x) == pytest.approx(value, rel=1e-12)


def test_published_minima() -> None:
    assert problem("branin").minimum == pytest.approx(0.397887, abs=1e-6)
    assert problem("hartmann6").minimum == pytest.approx(-3.32237, abs=1e-5)
    assert problem("styblinski_tang", 4).minimum == pytest.approx(-156.66466, abs=1e-4)
    assert problem("michalewicz", 2).minimum == pytest.approx(-1.8013, abs=1e-4)
    assert problem("michalewicz", 5).minimum == pytest.approx(-4.687658, abs=1e-6)
    assert problem("michalewicz", 10).minimum == pytest.approx(-9.66015, abs=1e-5)


def test_the_optimum_is_stationary() -> None:
    for name, d in CASES:
        function = problem(name, d)
        step = 1e-5 * (function.upper - function.lower)
        for axis in range(d):
            if name == "ackley":
                continue  # a cusp: no derivative there
            move = np.zeros(d)
            move[axis] = step[axis]
            curvature = function(function.optimum + move) + function(function.optimum - move) - 2 * function.minimum
            slope = function(function.optimum + move) - function(function.optimum - move)
            assert abs(slope) <= 0.01 * abs(curvature) + 1e-12 * max(1.0, abs(function.minimum))


def test_moves_are_keyed_by_the_seed() -> None:
    original = problem("rastrigin", 4)
    x = [0.3, -1.2, 2.0, 0.7]
    for move in (shifted, rotated):
        assert move(original, 1)(x) == move(original, 1)(x) != move(original, 2)(x)
        assert np.any(move(original, 1).optimum != move(original, 2).optimum)
    turned = rotated(problem("sphere", 3), 5)
    moved = turned.optimum + np.array([0.6, 0.0, 0.8])
    assert turned(moved) == pytest.approx(1.0)  # a rotation of the sphere keeps distances


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="unknown problem"):
        problem("acklee", 3)
    with pytest.raises(InputError, match="2 dimensions"):
        problem("branin", 3)
    with pytest.raises(InputError, match="needs its dimension"):
        problem("ackley")
    with pytest.raises(InputError, match="point of 4 numbers"):
        problem("ackley", 4)([0.0, 1.0])
