"""Directions: scalarizations of several goals, whose mean over all directions is the hypervolume.

In direction lam, a unit vector with positive entries, the value of a point is the length of the ray from the reference point
against lam that the point dominates:

    s(y; lam) = min over goals (r_j - y_j) / lam_j
    hypervolume = c_m mean over lam of max(0, max over points of s)^m,    c_m = pi^(m/2) / (2^m Gamma(m/2 + 1))

(Deng and Zhang 2019; Golovin and Zhang, "Random hypervolume scalarizations", 2020). For more than four goals the boxes of `boxes`
become too many, and the mean over a fixed set of directions replaces them: `DirectionalFront`.

Notation:
    k, m       directions, goals                       lam     directions, (k, m)
    t          length along a direction, (k, nodes)    s, best values of a point and of the front, (k,)
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, log_ndtr

from hyperspace.numerics.normal import LARGEST, mills
from hyperspace.targets.front import Expected
from hyperspace.typing import Array

N_DIRECTIONS = 64  # of the expected improvement
N_FINE = 4096  # of an estimated hypervolume
_N_NODES = 16  # of the integral along a direction
_REACH = 2.0  # end of that integral, in units of the ideal point's value
_LEAST_ENTRY = 1e-6  # of a direction
_AT_ONCE = 1 << 19  # numbers of an array


def directions(turns: ArrayLike, team: int, m: int) -> Array:
    """Return the directions of these turns (k,) of a team, (k, m): unit vectors with positive entries.

    They are points of a Kronecker sequence (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018), mapped so
    that they spread evenly over the sphere. Turns and teams step by independent irrational numbers. So the directions of any
    number of teams spread evenly, without communication.
    """
    turns = np.asarray(turns, dtype=np.float64)
    steps = _kronecker_steps(2 * (m - 1))
    u: Array = (0.5 + turns[:, None] * steps[: m - 1] + team * steps[m - 1 :]) % 1.0
    lam = np.empty((len(turns), m))
    left = np.ones(len(turns))
    for j in range(m - 1):  # the square of an entry of a uniform unit vector, given those before: a beta distribution
        share = betaincinv(0.5, 0.5 * (m - 1 - j), u[:, j])
        lam[:, j] = np.sqrt(left * share)
        left *= 1.0 - share
    lam[:, m - 1] = np.sqrt(left)
    lam = np.maximum(lam, _LEAST_ENTRY)
    return np.asarray(lam / np.sqrt((lam * lam).sum(axis=1, keepdims=True)), dtype=np.float64)


@lru_cache(maxsize=16)
def _kronecker_steps(d: int) -> Array:
    """Return the steps of a Kronecker sequence in d dimensions, (d,): powers of 1/g with g^(d + 1) = g + 1."""
    g = 2.0
    for _ in range(64):
        g = (1.0 + g) ** (1.0 / (d + 1))
    return np.asarray((1.0 / g) ** np.arange(1, d + 1) % 1.0, dtype=np.float64)


def along(Y: Array, r: Array, lam: Array) -> Array:
    """Return s(y; lam) for the rows of Y (n, m) in each direction, (n, k); negative for a point that is not below r."""
    values = np.full((len(Y), len(lam)), np.inf)
    for j in range(Y.shape[1]):
        values = np.minimum(values, (r[j] - Y[:, j : j + 1]) / lam[:, j])
    return values


def volume_of_unit(m: int) -> float:
    """Return c_m, the volume of the unit ball's part with positive coordinates."""
    return float(math.pi ** (0.5 * m) / (2.0**m * math.gamma(0.5 * m + 1.0)))


def estimated_contributions(Y: Array, r: Array, n_directions: int = N_FINE) -> Array:
    """Return an estimate of `hypervolume.contributions` of Y (n, m), (n,), in time linear in n for any number of goals."""
    shares = np.zeros(len(Y))
    if len(Y) == 0:
        return shares
    scale = _scale(Y, r)
    lam = directions(np.arange(n_directions), 0, Y.shape[1])
    first, second, owner = np.zeros(n_directions), np.zeros(n_directions), np.zeros(n_directions, dtype=np.intp)
    for row, values in enumerate(along(Y / scale, r / scale, lam)):
        owner = np.where(values > first, row, owner)
        second = np.maximum(second, np.minimum(first, values))
        first = np.maximum(first, values)
    m = Y.shape[1]
    lengths = first**m - second**m
    shares += np.bincount(owner, weights=lengths, minlength=len(Y))
    return shares * (volume_of_unit(m) * float(scale.prod()) / n_directions)


def _scale(P: Array, r: Array) -> Array:
    """Return the distance of the ideal point of P (n, m) from r, (m,); 1 where there is no distance."""
    distance = r - P.min(axis=0, initial=np.inf) if len(P) else np.zeros(len(r))
    return np.where(distance > 0.0, distance, 1.0)


class DirectionalFront:
    """Improvement over points, estimated along directions; see `front.Improvement`. It does not change.

    The gain of a point is c_m mean over lam of (s(y)^m - best^m)+. In expectation, with independent normal beliefs,

        E (s^m - best^m)+ = integral from best of m t^(m - 1) prod over goals Phi((r_j - t lam_j - mu_j) / sigma_j) dt,

    by quadrature at fixed nodes, which are dense next to `best`. So the value is a smooth function, and its logarithm keeps its
    gradient where the expected improvement underflows.

    Args:
        P: points, (n, m).
        r: reference point, (m,), finite.
        scale: lengths that make the goals comparable, (m,); None: the distance of the ideal point from r.
        n_directions: number of directions.
    """

    def __init__(self, P: Array, r: Array, scale: Array | None = None, n_directions: int = N_DIRECTIONS) -> None:
        r = np.asarray(r, dtype=float)
        P = np.asarray(P, dtype=float).reshape(-1, len(r))
        if not np.isfinite(r).all():
            raise ValueError(f"the reference point must be finite, got {r.tolist()}")
        self.r = r
        self.scale = _scale(P[(r > P).all(axis=1)], r) if scale is None else np.asarray(scale, dtype=float)
        self._lam = directions(np.arange(n_directions), 0, len(r))
        self._weight = volume_of_unit(len(r)) * float(self.scale.prod()) / n_directions
        self._best = self._values(P).max(axis=0, initial=0.0)

    def _values(self, Y: Array) -> Array:
        return along(Y / self.scale, self.r / self.scale, self._lam)

    def insert(self, Y: Array) -> DirectionalFront:
        """Return the front with points Y, (m,) or (k, m), too."""
        best = self._values(np.asarray(Y, dtype=float).reshape(-1, len(self.r))).max(axis=0, initial=0.0)
        front = object.__new__(DirectionalFront)
        front.r, front.scale, front._lam, front._weight = self.r, self.scale, self._lam, self._weight
        front._best = np.maximum(self._best, best)
        return front

    @property
    def hypervolume(self) -> float:
        """Estimated volume of the dominated region below the reference point."""
        return float((self._best ** len(self.r)).sum()) * self._weight

    def gain(self, Y: Array) -> Array:
        """Return the estimated improvement of each row of Y (q, m), (q,); for a dominated one, minus a scaled distance."""
        values = self._values(np.asarray(Y, dtype=float))
        m = len(self.r)
        added = (np.maximum(values, self._best) ** m - self._best**m).sum(axis=1) * self._weight
        return np.asarray(np.where(added > 0.0, added, (values - self._best).max(axis=1)))

    def log_expected(self, mean: Array, std: Array) -> Array:
        """Return the log expected improvement at q points, (q,); mean and std (q, m) as for `Front.log_expected`."""
        return np.concatenate([self._evaluate(mean[rows], std[rows], False).value for rows in self._blocks(len(mean))])

    def log_expected_gradient(self, mean: Array, std: Array) -> Expected:
        """Return the log expected improvement at q points and its derivatives by mean and std."""
        parts = [self._evaluate(mean[rows], std[rows], True) for rows in self._blocks(len(mean))]
        return Expected(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _blocks(self, q: int) -> list[slice]:
        step = max(1, _AT_ONCE // (len(self._lam) * _N_NODES))
        return [slice(first, first + step) for first in range(0, q, step)] or [slice(0, 0)]

    def _evaluate(self, mean: Array, std: Array, gradients: bool) -> Expected:
        t, log_weights = self._nodes()
        m = len(self.r)
        logs = np.broadcast_to(log_weights, (len(mean), len(t))).copy()
        z = []
        for j in range(m):
            ends = self.r[j] - t * (self.scale[j] * np.repeat(self._lam[:, j], _N_NODES))
            z.append((ends - mean[:, j : j + 1]) / std[:, j : j + 1])
            logs += log_ndtr(z[j])
        largest = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - largest)
        total = shares.sum(axis=1, keepdims=True)
        value = (largest + np.log(total))[:, 0] + math.log(self._weight)
        by_mean, by_std = np.empty(mean.shape), np.empty(mean.shape)
        if gradients:
            shares /= total
            for j in range(m):  # d log Phi(z) = phi/Phi dz
                slopes = shares / (mills(np.minimum(z[j], LARGEST))[0] * std[:, j : j + 1])
                by_mean[:, j] = -slopes.sum(axis=1)
                by_std[:, j] = -(slopes * z[j]).sum(axis=1)
        return Expected(value, by_mean, by_std)

    def _nodes(self) -> tuple[Array, Array]:
        """Return nodes t and log weights, (k * nodes,), direction by direction."""
        x, w = np.polynomial.legendre.leggauss(_N_NODES)
        x, w = 0.5 * (x + 1.0), 0.5 * w
        x, w = x**3, 3.0 * x * x * w
        end = _REACH * np.maximum(self._best, 1.0 / self._lam.max(axis=1))
        t = self._best[:, None] + (end - self._best)[:, None] * x
        m = len(self.r)
        log_weights = np.log(m * w) + (m - 1) * np.log(t) + np.log(end - self._best)[:, None]
        return t.reshape(-1), log_weights.reshape(-1)


def estimated_hypervolume(Y: Array, r: Array, n_directions: int = N_FINE) -> float:
    """Return an estimate of `hypervolume.hypervolume` of Y (n, m), in time linear in n for any number of goals."""
    return DirectionalFront(Y, r, n_directions=n_directions).hypervolume
