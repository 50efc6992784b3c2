"""State of the engine that follows from the ordered trials: regions, constraint models, and the number of given points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyperspace.acquisition.constraint_models import ConstraintModels
from hyperspace.optimizers.bayesian.known import Known
from hyperspace.optimizers.bayesian.settings import HEDGE, Setup
from hyperspace.optimizers.bayesian.trust_regions import TrustRegionState
from hyperspace.optimizers.design import GivenPoints
from hyperspace.trials.metrics import Metrics

_FEWEST = 2  # usable trials that a model needs


class State:
    """State that follows from the known trials. It is updated with new trials and never recomputed.

    Args:
        setup: settings and choices of the study.
        metrics: metrics of the study.
        n_regions: largest number of trust regions.
        block: number of trials after which their counters change.
    """

    def __init__(self, setup: Setup, metrics: Metrics, n_regions: int, block: int) -> None:
        self._setup = setup
        self.trust_regions = TrustRegionState(setup, n_regions, block)
        self.given = GivenPoints()
        self.constraints = ConstraintModels(setup.space, metrics) if metrics.constraints else None
        self.hedges: dict[int, Mapping[str, Any]] = {}  # by drive, the last record of a portfolio's gains
        self._n = self._n_usable = 0

    def update(self, known: Known) -> None:
        """Update the state with the new trials."""
        self.trust_regions.update(known)
        first, self._n = self._n, len(known)
        if first == self._n:
            return
        trials, U, usable = known.trials[first:], known.U[first:], np.isfinite(known.y[first:])
        self._n_usable += int(usable.sum())
        self.given.tell(trials, U, usable & self._setup.box.contains(U))
        if self.constraints is not None:
            self.constraints.tell(trials, U)
        for trial in trials:
            if trial.model is not None and HEDGE in trial.model:
                self.hedges[trial.drive] = trial.model[HEDGE]

    @property
    def is_informed(self) -> bool:
        """Whether a model can be asked: it has trials, and a feasible one in the box, if the constraints or the arms need it."""
        needs_feasible = self._setup.settings.needs_regions or self.constraints is not None
        return self._n_usable >= _FEWEST and (bool(self.trust_regions.regions) or not needs_feasible)

    @property
    def can_seek_feasible(self) -> bool:
        """Whether a first feasible trial can be sought: with models of the constraints, or of failures."""
        if self.constraints is not None and self.constraints.limits() is not None:
            return True
        return bool(self.trust_regions.failed)
