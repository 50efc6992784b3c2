"""Data of the report, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspace.errors import StudyError
from hyperspace.results.diagnostics import LeaveOneOut, leave_one_out
from hyperspace.results.monitor import Overview
from hyperspace.results.result import Result
from hyperspace.results.sensitivity import Importance, importance
from hyperspace.study.description import Description


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Data of the report.

    Attributes:
        name: name of the study's folder.
        result: its trials.
        overview: its state.
        predictions: leave-one-out predictions; None if too few trials ended well.
        importance: importance of the parameters; None likewise.
    """

    name: str
    result: Result
    overview: Overview
    predictions: LeaveOneOut | None
    importance: Importance | None

    @classmethod
    def of(cls, name: str, result: Result, overview: Overview) -> Evidence:
        """Compute the data."""
        try:
            return cls(name, result, overview, leave_one_out(result), importance(result))
        except StudyError:
            return cls(name, result, overview, None, None)

    @property
    def description(self) -> Description:
        """Description of the study."""
        return self.overview.description

    @property
    def by_importance(self) -> list[int]:
        """Numbers of the parameters, the most important first."""
        if self.importance is None:
            return list(range(self.result.search_space.d))
        order: list[int] = np.argsort(-self.importance.total, kind="stable").tolist()
        return order
