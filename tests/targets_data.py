"""Points for the tests of targets."""

import numpy as np
from hypothesis import strategies as st


def sphere(n, m, seed=0):
    """Return n points (n, m) that do not dominate each other, in the unit cube."""
    points = np.abs(np.random.default_rng(seed).normal(size=(n, m)))
    return 1.0 - points / np.linalg.norm(points, axis=1, keepdims=True)


@st.composite
def losses(draw, most_goals=4, most_points=12):
    """Points on a coarse grid, with ties, duplicates and dominated points: (Y (n, m), m)."""
    m = draw(st.integers(1, most_goals))
    rows = draw(st.lists(st.lists(st.integers(0, 6), min_size=m, max_size=m), max_size=most_points))
    return np.array(rows, dtype=float).reshape(-1, m), m


def cells(Y, r):
    """Return the volume below r (integers) that the rows of Y (integers) dominate, by counting the cells of the grid."""
    grid = np.stack(np.meshgrid(*[np.arange(end) for end in r.astype(int)], indexing="ij"), axis=-1).reshape(-1, len(r))
    return float((grid[:, None] >= Y[None]).all(axis=2).any(axis=1).sum()) if len(Y) else 0.0
