"""Points spread over the unit cube: scrambled Sobol sequences, Latin hypercubes, uniform points.

scipy.stats has them too, but its import costs 22 MB and a third of a second in every process.

Notation:
    n, d   points, coordinates            X      points as integers, the coordinates times 2^BITS
    V      direction integers, (d, m): a point is the exclusive or of those that its index's Gray code selects
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics.sobol_directions import DIRECTIONS
from hyperspace.typing import Array

BITS = 53  # bits of a double's mantissa: all coordinates are exact
COLUMNS = 32  # direction integers of a dimension, enough for 2^32 points
_Integers = NDArray[np.uint64]


def sobol(n: int, d: int, rng: np.random.Generator | None, skip: int = 0) -> Array:
    """Return the points skip to skip + n - 1 of a Sobol sequence, (n, d), in [0, 1).

    With `rng` it is scrambled by a random lower triangular matrix and a digital shift (Matousek, "On the L2-discrepancy for
    anchored boxes", J. Complexity 14, 1998). Every point is uniform, and 2^m points remain a net. Generators in the same state
    give the same scrambling, so that `skip` can split a sequence. Without `rng` the sequence is unscrambled.

    The table of direction numbers ends at 256 dimensions. Further coordinates are independent uniform numbers; in that many
    dimensions a sequence of practical length is hardly better.

    Raises:
        ValueError: more than 256 dimensions without `rng`, or points beyond number 2^32.
    """
    if skip + n > 2**COLUMNS:
        raise ValueError(f"the Sobol sequence ends at point 2^{COLUMNS}; points {skip} to {skip + n} were asked for")
    tabled = min(d, len(_table()))
    if rng is None and d > tabled:
        raise ValueError(f"the plain Sobol sequence has {tabled} dimensions, {d} were asked for; give a generator")
    m = max(skip + n - 1, 1).bit_length()
    V = _directions(tabled)[:, :m]
    shift = np.zeros(tabled, dtype=np.uint64)
    if rng is not None:
        V, shift = _scrambled(tabled, m, rng)
    points = _sequence(V, skip, n, shift).astype(np.float64) * 2.0**-BITS
    if rng is None or d == tabled:
        return points
    return np.concatenate([points, rng.random((skip + n, d - tabled))[skip:]], axis=1)


def latin_hypercube(n: int, d: int, rng: np.random.Generator) -> Array:
    """Return n points (n, d) in [0, 1), one in each of n equal intervals of every coordinate."""
    slices = rng.permuted(np.tile(np.arange(n), (d, 1)), axis=1).T
    return np.minimum((slices + rng.random((n, d))) / max(n, 1), np.nextafter(1.0, 0.0))


def uniform(n: int, d: int, rng: np.random.Generator) -> Array:
    """Return n independent uniform points (n, d) in [0, 1)."""
    return rng.random((n, d))


SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Array]] = {
    "sobol": sobol,
    "lhs": latin_hypercube,
    "random": uniform,
}


@lru_cache(maxsize=1)
def _table() -> list[list[int]]:
    """Return the polynomial and initial direction integers of each dimension; the first is the van der Corput sequence."""
    return [[], *([int(number) for number in row.split()] for row in DIRECTIONS.split(";"))]


@lru_cache(maxsize=64)
def _directions(d: int) -> _Integers:
    """Return the direction integers V (d, COLUMNS): the m_k of Joe and Kuo (2003), eq. 2, times 2^(BITS - k)."""
    V = np.empty((d, COLUMNS), dtype=np.uint64)
    for j, row in enumerate(_table()[:d]):
        m = row[1:] or [1] * COLUMNS
        degree = len(m)
        for k in range(degree, COLUMNS):
            new = m[k - degree]
            for i in range(1, degree + 1):
                if row[0] >> (degree - i) & 1:
                    new ^= m[k - i] << i
            m.append(new)
        V[j] = [number << (BITS - 1 - k) for k, number in enumerate(m)]
    return V


@lru_cache(maxsize=64)
def _direction_bits(d: int) -> NDArray[np.bool_]:
    """Return the leading bits of the direction integers, (d, COLUMNS, COLUMNS): element (j, k, b) is bit b of V[j, k]."""
    weights = np.uint64(1) << np.arange(BITS - 1, BITS - 1 - COLUMNS, -1, dtype=np.uint64)
    bits: NDArray[np.bool_] = (_directions(d)[:, :, None] & weights) != 0
    return bits


def _scrambled(d: int, m: int, rng: np.random.Generator) -> tuple[_Integers, _Integers]:
    """Return m direction integers per dimension, (d, m), multiplied by random matrices over GF(2), and the shifts (d,)."""
    draws = rng.integers(0, 2**BITS, size=(d, COLUMNS + 1), dtype=np.uint64)
    # Column b of a lower triangular matrix: zeros, a one in row b, random bits below.
    diagonal = np.uint64(1) << np.arange(BITS - 1, BITS - 1 - COLUMNS, -1, dtype=np.uint64)
    columns = (draws[:, :COLUMNS] & (diagonal - np.uint64(1))) | diagonal
    chosen = np.where(_direction_bits(d)[:, :m, :m], columns[:, None, :m], np.uint64(0))
    return np.bitwise_xor.reduce(chosen, axis=2), draws[:, COLUMNS]


def _sequence(V: _Integers, start: int, n: int, shift: _Integers) -> _Integers:
    """Return the points start to start + n - 1, (n, d), in Gray code order (Antonov and Saleev 1979)."""
    p = max(n - 1, 0).bit_length()
    # The first 2^p points by reflection: the k-th after 2^c is the k-th before it, exclusive or direction integer c.
    block = np.zeros((2**p, len(V)), dtype=np.uint64)
    for c in range(p):
        block[2**c : 2 ** (c + 1)] = block[2**c - 1 :: -1] ^ V[:, c]
    if start == 0:
        return block[:n] ^ shift
    pieces = []
    for first in range(start >> p << p, start + n, 2**p):
        code = first ^ first >> 1
        chosen = [c for c in range(V.shape[1]) if code >> c & 1]
        pieces.append(block ^ np.bitwise_xor.reduce(V[:, chosen], axis=1))
    offset = start - (start >> p << p)
    return np.concatenate(pieces)[offset : offset + n] ^ shift
