"""Merged surrogate with scikit-optimize's interface, for its plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.space.space import Space

if TYPE_CHECKING:
    from hyperspace.results.result import Result


class SkoptModel:
    """Merged surrogate with scikit-optimize's interface: predict(points in its transformed space)."""

    def __init__(self, result: Result) -> None:
        space: Space = result._study_space
        self._to_unit = space.to_unit
        self._skopt_space = result.space
        self._merged = result.surrogate

    @own_numerics()
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the mean and, on request, the standard deviation at X (q, transformed dimensions)."""
        points = self._skopt_space.inverse_transform(np.asarray(X))
        mean, std = self._merged.surrogate.predict(self._to_unit(points))
        return (mean, std) if return_std else mean
