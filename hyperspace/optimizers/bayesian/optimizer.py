"""Bayesian optimization of one box, by ask and tell: a team of one drive.

It is the optimizer of `Optimizer`, and of each drive of the published method. Trials outside the box inform the model, but the
incumbent is the best feasible trial inside. So a box without the global optimum is searched for its own optimum. No point is
proposed twice while the box has others: the objective is assumed to be noise-free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hyperspace.acquisition import ACQUISITIONS
from hyperspace.acquisition.optimize import Box, unless_taken
from hyperspace.errors import InputError, shown
from hyperspace.optimizers.base import DESIGN, AskTell, Key, Suggestion
from hyperspace.optimizers.bayesian.arms import FEASIBILITY
from hyperspace.optimizers.bayesian.batch import Batch
from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.known import Told
from hyperspace.optimizers.bayesian.model_pool import ModelPool
from hyperspace.optimizers.bayesian.models import IncrementalModel
from hyperspace.optimizers.bayesian.settings import WHOLE, Settings, Setup, box_settings
from hyperspace.optimizers.bayesian.state import State
from hyperspace.optimizers.design import Design
from hyperspace.space.space import Bounds, Space
from hyperspace.space.values import is_one_of
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class BayesOptimizer(AskTell):
    """Optimizer of one box, with a surrogate and an acquisition function.

    Args:
        space: the whole space.
        bounds: the box to search, in the unit cube of the space.
        model: the surrogate, as for `make_surrogate`.
        design: the initial design.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        seed: entropy of all random streams.
        metrics: metrics of the study; None without constraints.
        settings: settings of the engine; None for those of one box.
        number: number of this optimizer among those of a study. It tells its own fits from those of others.

    Raises:
        InputError: an unknown acquisition.
    """

    def __init__(
        self,
        space: Space,
        bounds: Bounds,
        model: Any,
        design: Design,
        acquisition: str = "EI",
        seed: int = 0,
        metrics: Metrics | None = None,
        settings: Settings | None = None,
        number: int = 0,
    ) -> None:
        if not is_one_of(acquisition, ACQUISITIONS):
            raise InputError(f"acquisition must be one of {', '.join(ACQUISITIONS)}, got {shown(acquisition)}")
        settings = box_settings(acquisition) if settings is None else settings
        self.design, self.box = design, Box(space, bounds)
        self._setup = Setup(space, settings, model, acquisition, seed, bounds, WHOLE - number)
        self._told = Told(Metrics() if metrics is None else metrics, space.d)
        self._state = State(self._setup, self._told.metrics, settings.regions, 1)
        self._models: tuple[int, ModelPool] | None = None
        self._extended = IncrementalModel()

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process finished trials; see `AskTell.tell`."""
        self._told.tell(trials, U, y)
        self._state.update(self._told)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Restore the fit that `ask` recorded, without fitting."""
        self._state.trust_regions.take_record(trial.model)

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return the next point; see `AskTell.ask`."""
        self._told.pending = pending
        if self.design.is_due(key.iteration, self._state.given.count):
            return Suggestion(self._designed(key), DESIGN)
        if not self._state.is_informed and not self._state.can_seek_feasible:
            return Suggestion(self._designed(key), DESIGN)
        regions = self._state.trust_regions.regions
        knowledge = Knowledge(self._setup, self._state, self._told, self._pool(), regions, (key.drive, key.iteration), 1)
        suggestion = Batch(knowledge, key.iteration, 1).answer(0)
        self._state.trust_regions.take_record(suggestion.model)  # known at once: others may be asked before this trial ends
        # There is only one arm; the acquisition tells more.
        return suggestion if suggestion.arm == FEASIBILITY.name else replace(suggestion, arm=self._setup.acquisition)

    def _pool(self) -> ModelPool:
        """Return the models of the trials told. They are kept until the next trial, so that pending points cost no fits."""
        n = len(self._told)
        if self._models is None or self._models[0] != n:
            regions = self._state.trust_regions
            self._models = n, ModelPool(self._setup, (), regions, self._told, 0, 1, extended=self._extended)
        return self._models[1]

    def _designed(self, key: Key) -> Array:
        """Return the design's point, or a replacement if it is taken; few levels or given points can cause that."""
        taken = np.concatenate([self._told.U, self._told.pending])
        return unless_taken(self.box, self.design.point(key.iteration), taken, key.rng())
