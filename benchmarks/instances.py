"""A problem as the benchmarks see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Instance:
    """A function of the unit cube, as every method sees it.

    Attributes:
        observe: (u, number of the evaluation) -> what the method is told.
        true: u -> the value that counts, without noise.
        optimum: the least value; nan where nobody knows it.
        scale: the function's range over random points.
        dimensions: of the search space, as a user gives them.
    """

    name: str
    d: int
    observe: Callable[[np.ndarray, int], float]
    true: Callable[[np.ndarray], float]
    optimum: float
    scale: float
    dimensions: list
