"""Front: the improvement of a set of non-dominated points, exactly and in expectation, as a sum over boxes.

The improvement of a point y is the volume that it adds to the dominated region. For one goal that is (best - y)+, for several the
hypervolume improvement. With the boxes [L, U] of `boxes` and independent normal beliefs about the goals, its expectation is

    E = sum over boxes prod over goals sigma (h(z_U) - h(z_L)),    z_U = (U - mu) / sigma,    z_L = (L - mu) / sigma

(Emmerich and Klinkenberg 2008; with boxes: Yang et al. 2019). Its logarithm and gradient are computed without cancellation or
underflow in the far tails, by `numerics.normal`, as in LogEI (Ament et al. 2023). For one goal there is one box, L = -inf and
U = best, and the results are those of LogEI bit for bit.

Notation:
    mu, sigma   means and standard deviations of the goals, (q, m)        b   boxes
    t, s        Phi/(sigma h) and phi/(sigma h): minus d log(sigma h)/d mu, and d log(sigma h)/d sigma
    e           h(z_L) / h(z_U), from 0 to 1
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics.normal import LARGEST, LOG_SQRT_2PI, mills
from hyperspace.targets.boxes import Boxes
from hyperspace.typing import Array

_AT_ONCE = 1 << 17  # numbers of an array (boxes times points): several of them fit into a core's cache
_LEAST = 1e-32  # least 1 - e: a narrower box adds nothing to the sum


class Expected(NamedTuple):
    """Log expected improvement at q points, (q,), and its derivatives by means and standard deviations, each (q, m)."""

    value: Array
    by_mean: Array
    by_std: Array


class Improvement(Protocol):
    """Improvement over known points: exact by boxes (`Front`), or estimated along directions (`DirectionalFront`)."""

    @property
    def hypervolume(self) -> float:
        """Volume of the dominated region below the reference point."""
        ...

    def insert(self, Y: Array) -> Improvement:
        """Return the improvement over these points, (m,) or (k, m), too."""
        ...

    def gain(self, Y: Array) -> Array:
        """Return the improvement of each row of Y (q, m), (q,); negative for points that are dominated."""
        ...

    def log_expected(self, mean: Array, std: Array) -> Array:
        """Return the log expected improvement at q points, (q,)."""
        ...

    def log_expected_gradient(self, mean: Array, std: Array) -> Expected:
        """Return the log expected improvement at q points and its derivatives."""
        ...


class Front:
    """Improvement over points, exactly. A front does not change; `insert` returns another one.

    Args:
        P: points, (n, m); dominated ones have no effect. n may be 0.
        r: reference point, (m,): the worst losses of interest. Points that are not below it have no effect. For one goal it
            can be inf.

    Attributes:
        boxes: the partition of the region below r that the points do not dominate.
        r: the reference point.

    Raises:
        ValueError: several goals without a finite reference point.
    """

    def __init__(self, P: Array, r: Array) -> None:
        r = np.asarray(r, dtype=float)
        if len(r) > 1 and not np.isfinite(r).all():
            raise ValueError(f"the reference point of several goals must be finite, got {r.tolist()}")
        self.r = r
        P = np.asarray(P, dtype=float).reshape(-1, len(r))
        if len(r) == 1:
            P = P.min(axis=0, keepdims=True) if len(P) else P
        self.boxes = Boxes.of(P, r)

    def insert(self, Y: Array) -> Front:
        """Return the front with points Y, (m,) or (k, m), too: an update of the boxes for each one, not a new partition."""
        boxes = self.boxes
        for y in np.asarray(Y, dtype=float).reshape(-1, len(self.r)):
            boxes = boxes.insert(y)
        if boxes is self.boxes:
            return self
        front = object.__new__(Front)
        front.r, front.boxes = self.r, boxes
        return front

    @property
    def hypervolume(self) -> float:
        """Volume of the dominated region below the reference point."""
        return self.boxes.dominated_volume(self.r)

    def gain(self, Y: Array) -> Array:
        """Return the signed improvement of each row of Y (q, m), (q,).

        A point that adds to the dominated region has the added volume. Any other has minus its distance from the region that is
        not dominated: the least amount by which all its losses would have to fall. For one goal both are best - y.
        """
        Y = np.asarray(Y, dtype=float)
        result = np.empty(len(Y))
        U, L = self.boxes.U, self.boxes.L
        step = max(1, _AT_ONCE // len(U))
        for first in range(0, len(Y), step):
            y = Y[first : first + step]
            volumes = np.ones((len(y), len(U)))
            distances = np.full((len(y), len(U)), np.inf)
            for j in range(Y.shape[1]):
                left = U[:, j] - y[:, j : j + 1]
                distances = np.minimum(distances, left)
                volumes *= np.maximum(np.minimum(left, U[:, j] - L[:, j]), 0.0)
            added = volumes.sum(axis=1)
            result[first : first + step] = np.where(added > 0.0, added, distances.max(axis=1))
        return result

    def log_expected(self, mean: Array, std: Array) -> Array:
        """Return the log expected improvement at q points, (q,).

        Args:
            mean: means of the goals, (q, m).
            std: their standard deviations, (q, m), above 0.
        """
        result = np.empty(len(mean))
        for rows in self._blocks(len(mean)):
            logs = self._log_sides(mean[rows], std[rows])[0]
            result[rows] = _log_sum(logs)[0]
        return result

    def log_expected_gradient(self, mean: Array, std: Array) -> Expected:
        """Return the log expected improvement at q points and its derivatives by mean and std; see `log_expected`."""
        result = Expected(np.empty(len(mean)), np.empty(mean.shape), np.empty(mean.shape))
        for rows in self._blocks(len(mean)):
            logs, ratios = self._log_sides(mean[rows], std[rows], ratios=True)
            result.value[rows], weights = _log_sum(logs)
            for j, (t, s) in enumerate(ratios):
                pair = self._sides[j].pair
                result.by_mean[rows, j] = -np.einsum("bq,bq->q", weights, t[pair])
                result.by_std[rows, j] = np.einsum("bq,bq->q", weights, s[pair])
        return result

    def _blocks(self, q: int) -> list[slice]:
        step = max(1, _AT_ONCE // len(self.boxes.U))
        return [slice(first, first + step) for first in range(0, q, step)]

    @cached_property
    def _sides(self) -> list[_Sides]:
        """Sides of the boxes with a volume, by goal."""
        U, L = self.boxes.U, self.boxes.L
        solid = (L < U).all(axis=1)
        return [_Sides.of(L[solid, j], U[solid, j]) for j in range(U.shape[1])]

    def _log_sides(self, mean: Array, std: Array, ratios: bool = False) -> tuple[Array, list[tuple[Array, Array]]]:
        """Return log prod sigma (h(z_U) - h(z_L)), (b, q), and for each goal t and s of the distinct sides, each (sides, q)."""
        total: Array | None = None
        parts = []
        for sides, mu, sigma in zip(self._sides, mean.T, std.T, strict=True):
            logs, t, s = sides.evaluate(mu, sigma, ratios)
            total = logs[sides.pair] if total is None else total + logs[sides.pair]
            parts.append((t, s))
        assert total is not None
        return total, parts


@dataclass(frozen=True, slots=True)
class _Sides:
    """Sides of the boxes in one goal: the distinct (L, U), of which many boxes share one.

    Attributes:
        ends: distinct finite ends, (k,).
        upper, lower: numbers of the ends of each distinct side; the first sides are those without a lower end.
        n_open: number of distinct sides without a lower end.
        width: lengths of the other sides.
        pair: number of the side of each box, (b,).
    """

    ends: Array
    upper: NDArray[np.intp]
    lower: NDArray[np.intp]
    n_open: int
    width: Array
    pair: NDArray[np.intp]

    @classmethod
    def of(cls, L: Array, U: Array) -> _Sides:
        sides, pair = np.unique(np.stack([L, U], axis=1), axis=0, return_inverse=True)  # in the order of L: -inf comes first
        n_open = int(np.isneginf(sides[:, 0]).sum())
        ends, number = np.unique(np.concatenate([sides[:, 1], sides[n_open:, 0]]), return_inverse=True)
        width = sides[n_open:, 1] - sides[n_open:, 0]
        return cls(ends, number[: len(sides)], number[len(sides) :], n_open, width, pair.reshape(-1))

    def evaluate(self, mu: Array, sigma: Array, ratios: bool) -> tuple[Array, Array, Array]:
        """Return log(sigma (h(z_U) - h(z_L))), t and s of each distinct side at q points, each (sides, q)."""
        z = (self.ends[:, None] - mu) / sigma
        small = np.minimum(z, LARGEST)
        m, b = mills(small)
        log_b = np.log(b)
        ends = log_b - 0.5 * small * small - LOG_SQRT_2PI
        excess: Array | float = 1.0
        if z.max(initial=0.0) > LARGEST:  # there h(z) = z
            excess = np.maximum(z, LARGEST) / LARGEST
            log_excess = np.log(excess)
            ends += log_excess
            log_b += log_excess
        logs = ends[self.upper] + np.log(sigma)
        upper, lower, n = self.upper[self.n_open :], self.lower, self.n_open
        rest = np.empty(0)
        if len(lower):
            # log e by differences of small numbers: in the far tails z^2 has lost their digits.
            gap = np.where(z[upper] <= LARGEST, -self.width[:, None] / sigma, small[lower] - small[upper])
            log_e = np.minimum(log_b[lower] - log_b[upper] - 0.5 * gap * (small[lower] + small[upper]), 0.0)
            rest = np.maximum(-np.expm1(log_e), _LEAST)
            logs[n:] += np.log(rest)
        if not ratios:
            return logs, rest, rest
        by_std = 1.0 / (b * sigma)
        by_mean = m * by_std / excess
        t, s = by_mean[self.upper], by_std[self.upper]
        if len(lower):
            e = 1.0 - rest
            t[n:] = (t[n:] - e * by_mean[lower]) / rest
            s[n:] = (s[n:] - e * by_std[lower]) / rest
        return logs, t, s


def _log_sum(logs: Array) -> tuple[Array, Array]:
    """Return the logarithm of the sum of exp(logs) (b, q) over the boxes, (q,), and their shares, (b, q)."""
    if len(logs) == 1:
        return logs[0], np.ones_like(logs)
    largest = logs.max(axis=0)
    shares = np.exp(logs - largest)
    total = shares.sum(axis=0)
    shares /= total
    return largest + np.log(total), shares
