"""Test functions of global optimization, each with its bounds, its optimum and its reference.

    function = problem("ackley", d=4)
    function([0.0, 0.0, 0.0, 0.0])       # 0.0, the minimum
    hyperdrive(function, function.dimensions, ...)

`shifted` moves the optimum to a random point. `rotated` moves it and turns the axes, so that a separable function no longer
is. Both keep the bounds, and the optimum stays known and inside them.

Sources:
    [D&S] Dixon and Szego (1978), Towards Global Optimization 2: Branin, Hartmann.
    [S&B] Surjanovic and Bingham (2013), Virtual Library of Simulation Experiments, https://www.sfu.ca/~ssurjano:
          bounds and optima of Ackley, Griewank, Levy, Michalewicz, Rastrigin, Rosenbrock, Schwefel, Styblinski-Tang.
    [COCO] Hansen et al. (2009), BBOB noiseless functions: the ellipsoid, f2 and f10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspace.errors import InputError
from hyperspace.typing import Array

MARGIN = 0.1  # least distance of a moved optimum from the bounds, as a share of the side


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A function to minimize over a box.

    Attributes:
        name: its name, with its dimension and its transformations.
        bounds: (low, high) of every coordinate.
        optimum: a point, (d,), with the minimum.
        minimum: the value there.
        function: maps a point (d,) to its value.
        extends: whether `minimum` also bounds the function outside its bounds, so that it may be moved and rotated.
    """

    name: str
    bounds: tuple[tuple[float, float], ...]
    optimum: Array
    minimum: float
    function: Callable[[Array], float]
    extends: bool = True

    def __call__(self, x: Sequence[float] | Array) -> float:
        """Return the value at the point x (d,).

        Raises:
            InputError: a point of another length.
        """
        point = np.asarray(x, dtype=float)
        if point.shape != (self.d,):
            raise InputError(f"{self.name} takes a point of {self.d} numbers, got shape {point.shape}")
        return float(self.function(point))

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return len(self.bounds)

    @property
    def dimensions(self) -> list[tuple[float, float]]:
        """The bounds in the form that `hyperdrive` takes."""
        return list(self.bounds)

    @property
    def lower(self) -> Array:
        """Lower bounds, (d,)."""
        return np.array([low for low, _ in self.bounds])

    @property
    def upper(self) -> Array:
        """Upper bounds, (d,)."""
        return np.array([high for _, high in self.bounds])


def problem(name: str, d: int | None = None) -> Problem:
    """Return the test function of this name.

    Args:
        name: one of `NAMES`.
        d: number of coordinates; optional if the function has only one.

    Raises:
        InputError: an unknown name, a missing dimension, or one that the function does not have.
    """
    if name not in _MAKERS:
        raise InputError(f"unknown problem {name!r}; there are {', '.join(NAMES)}")
    maker, only = _MAKERS[name]
    if only is not None:
        if d not in (None, only):
            raise InputError(f"{name} has {only} dimensions, got d={d}")
        d = only
    least = 2 if name == "rosenbrock" else 1
    if d is None or d < least:
        raise InputError(f"{name} needs its dimension, an integer d >= {least}, got d={d}")
    return maker(d)


def shifted(original: Problem, seed: int) -> Problem:
    """Return the problem with its optimum moved to a place drawn from `seed`, inside the same bounds."""
    return _moved(original, seed, turn=False)


def rotated(original: Problem, seed: int) -> Problem:
    """Return the problem turned about its optimum by a random rotation of the unit cube, and moved as by `shifted`."""
    return _moved(original, seed, turn=True)


def _moved(original: Problem, seed: int, turn: bool) -> Problem:
    rng = np.random.default_rng([seed, int(turn)])
    lower, side = original.lower, original.upper - original.lower
    target = rng.uniform(MARGIN, 1.0 - MARGIN, original.d)  # new position of the optimum, in the unit cube
    source = (original.optimum - lower) / side
    rotation = _random_rotation(original.d, rng) if turn else np.eye(original.d)

    def function(x: Array) -> float:
        z = source + rotation @ ((x - lower) / side - target)
        if original.extends:
            return original.function(lower + side * z)
        inside = np.clip(z, 0.0, 1.0)  # a point outside has the value of its nearest point, plus a penalty
        return original.function(lower + side * inside) + original.d * float(np.sum((z - inside) ** 2))

    word = "rotated" if turn else "shifted"
    return Problem(
        f"{original.name}-{word}{seed}", original.bounds, lower + side * target, original.minimum, function, original.extends
    )


def _random_rotation(d: int, rng: np.random.Generator) -> Array:
    """Return an orthogonal matrix, uniform by Haar's measure (Mezzadri 2007: QR with the signs of R's diagonal)."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))


def _box(low: float, high: float, d: int) -> tuple[tuple[float, float], ...]:
    return tuple((low, high) for _ in range(d))


def _branin(d: int) -> Problem:
    """[D&S]; two further optima at (-pi, 12.275) and (9.42478, 2.475)."""

    def function(x: Array) -> float:
        valley = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
        return float(valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10)

    return Problem("branin", ((-5.0, 10.0), (0.0, 15.0)), np.array([np.pi, 2.275]), 0.39788735772973816, function)


_HARTMANN_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_A = np.array([
    [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
    [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
    [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
    [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
])  # fmt: skip
_HARTMANN_P = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip
_HARTMANN_OPTIMUM = np.array([0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053])


def _hartmann6(d: int) -> Problem:
    """[D&S]."""

    def function(x: Array) -> float:
        return -float(_HARTMANN_ALPHA @ np.exp(-np.sum(_HARTMANN_A * (x - _HARTMANN_P) ** 2, axis=1)))

    return Problem("hartmann6", _box(0.0, 1.0, 6), _HARTMANN_OPTIMUM, -3.3223680114155147, function)


def _styblinski_tang(d: int) -> Problem:
    """[S&B]."""

    def function(x: Array) -> float:
        return 0.5 * float(np.sum(x**4 - 16 * x**2 + 5 * x))

    coordinate = -2.9035340277711770951  # root of 4 x^3 - 32 x + 5
    return Problem(f"styblinski_tang{d}", _box(-5.0, 5.0, d), np.full(d, coordinate), -39.16616570377142 * d, function)


def _ackley(d: int) -> Problem:
    """[S&B], with a = 20, b = 0.2, c = 2 pi."""

    def function(x: Array) -> float:
        bowl = -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
        return float(bowl - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e)

    return Problem(f"ackley{d}", _box(-32.768, 32.768, d), np.zeros(d), 0.0, function)


def _rastrigin(d: int) -> Problem:
    """[S&B]."""

    def function(x: Array) -> float:
        return 10.0 * len(x) + float(np.sum(x**2 - 10 * np.cos(2 * np.pi * x)))

    return Problem(f"rastrigin{d}", _box(-5.12, 5.12, d), np.zeros(d), 0.0, function)


def _levy(d: int) -> Problem:
    """[S&B]."""

    def function(x: Array) -> float:
        w = 1 + (x - 1) / 4
        middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
        last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
        return float(np.sin(np.pi * w[0]) ** 2 + middle + last)

    return Problem(f"levy{d}", _box(-10.0, 10.0, d), np.ones(d), 0.0, function)


def _rosenbrock(d: int) -> Problem:
    """[S&B]."""

    def function(x: Array) -> float:
        return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (x[:-1] - 1) ** 2))

    return Problem(f"rosenbrock{d}", _box(-5.0, 10.0, d), np.ones(d), 0.0, function)


def _michalewicz(d: int) -> Problem:
    """[S&B], with m = 10. The optimum, coordinate by coordinate, is found on a grid and polished by golden section."""

    def terms(x: Array, i: Array | float) -> Array:
        return np.asarray(-np.sin(x) * np.sin(i * x**2 / np.pi) ** 20)

    def function(x: Array) -> float:
        return float(np.sum(terms(x, index)))

    index = np.arange(1.0, d + 1.0)
    grid = np.linspace(0.0, np.pi, 2001 + 500 * d)
    optimum = np.empty(d)
    for axis in range(d):
        best = int(np.argmin(terms(grid, index[axis])))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        ratio = (np.sqrt(5.0) - 1.0) / 2.0
        for _ in range(60):
            left, right = high - ratio * (high - low), low + ratio * (high - low)
            low, high = (low, right) if terms(left, index[axis]) <= terms(right, index[axis]) else (left, high)
        optimum[axis] = (low + high) / 2
    return Problem(f"michalewicz{d}", _box(0.0, np.pi, d), optimum, function(optimum), function, extends=False)


def _ellipsoid(d: int) -> Problem:
    """[COCO] f2 without its oscillation: condition number 1e6."""
    weights = 10.0 ** (6 * np.arange(d) / max(d - 1, 1))

    def function(x: Array) -> float:
        return float(weights @ x**2)

    return Problem(f"ellipsoid{d}", _box(-5.0, 5.0, d), np.zeros(d), 0.0, function)


def _sphere(d: int) -> Problem:
    """[COCO] f1."""

    def function(x: Array) -> float:
        return float(x @ x)

    return Problem(f"sphere{d}", _box(-5.0, 5.0, d), np.zeros(d), 0.0, function)


def _griewank(d: int) -> Problem:
    """[S&B], over [-50, 50], where its waves still matter."""
    scale = np.sqrt(np.arange(1.0, d + 1.0))

    def function(x: Array) -> float:
        return float(np.sum(x**2) / 4000 - np.prod(np.cos(x / scale)) + 1)

    return Problem(f"griewank{d}", _box(-50.0, 50.0, d), np.zeros(d), 0.0, function)


def _schwefel(d: int) -> Problem:
    """[S&B]; the minimum is that of -x sin(sqrt(x)) on [0, 500], and its constant is chosen to make it 0."""
    coordinate = 420.968746359982  # root of tan(sqrt(x)) + sqrt(x)
    peak = coordinate * np.sin(np.sqrt(coordinate))

    def function(x: Array) -> float:
        return float(np.sum(peak - x * np.sin(np.sqrt(np.abs(x)))))

    return Problem(f"schwefel{d}", _box(-500.0, 500.0, d), np.full(d, coordinate), 0.0, function, extends=False)


_MAKERS: dict[str, tuple[Callable[[int], Problem], int | None]] = {
    "branin": (_branin, 2),
    "hartmann6": (_hartmann6, 6),
    "styblinski_tang": (_styblinski_tang, None),
    "ackley": (_ackley, None),
    "rastrigin": (_rastrigin, None),
    "levy": (_levy, None),
    "rosenbrock": (_rosenbrock, None),
    "michalewicz": (_michalewicz, None),
    "ellipsoid": (_ellipsoid, None),
    "sphere": (_sphere, None),
    "griewank": (_griewank, None),
    "schwefel": (_schwefel, None),
}
NAMES = tuple(_MAKERS)
