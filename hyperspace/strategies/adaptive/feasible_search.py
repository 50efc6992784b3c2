"""Search of a team for a first trial that satisfies the constraints. Trust regions need such a trial as a center.

Odd turns minimize the violation of posterior samples (see `constraint_models.toward_feasible`). Even turns maximize the
probability of satisfying all constraints, with fantasies of the earlier points of the batch.
"""

from __future__ import annotations

import numpy as np

from hyperspace.acquisition.constraint_models import FEASIBILITY, ConstraintModels, toward_feasible
from hyperspace.acquisition.optimize import Box, choose_new
from hyperspace.numerics import random_streams
from hyperspace.optimizers.base import Suggestion
from hyperspace.space.space import Bounds
from hyperspace.strategies.adaptive.config import Setup
from hyperspace.strategies.adaptive.local_model import fit_feasibility
from hyperspace.strategies.adaptive.trust_regions import TrustRegionState
from hyperspace.trials.archive import Archive

MOST_PENDING = 64  # pending points that the search conditions on


class FeasibleSearch:
    """Batch of a team for one state of the archive. Points are computed on request, in the order of turns, and kept.

    Args:
        setup: settings and choices of the study.
        team: number of the team.
        first_turn: number of the batch's first turn, counted from the start of the study.
        region_state: state derived from the known trials.
        constraints: models of the constrained metrics.
        archive: the trials.
        synchronous: whether all members ask with this archive, so that each can compute the others' points.
    """

    def __init__(
        self,
        setup: Setup,
        team: int,
        first_turn: int,
        region_state: TrustRegionState,
        constraints: ConstraintModels,
        archive: Archive,
        synchronous: bool,
    ) -> None:
        self._setup, self._team, self._first_turn, self._synchronous = setup, team, first_turn, synchronous
        self._constraints, self._n, self._U, self._pending = constraints, len(archive), archive.U, archive.pending
        self._box = Box(setup.space, Bounds.whole(setup.space.d))
        failed = np.zeros(self._n, dtype=bool)
        failed[region_state.failed] = True
        rows = np.arange(self._n)[-setup.settings.nearest :]
        self._failures = fit_feasibility(setup.space, self._U[rows], failed[rows], region_state.required_z)
        self._answers: dict[int, Suggestion] = {}

    def answer(self, member: int) -> Suggestion:
        """Return the point of a member, counted from 0."""
        if member not in self._answers:
            earlier = [self.answer(other).u[None] for other in range(member if self._synchronous else 0)]
            self._answers[member] = self._work(member, np.concatenate([self._pending, *earlier]))
        return self._answers[member]

    def _work(self, member: int, pending: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Suggestion:
        key = self._team, self._first_turn, self._n, len(self._pending), 3, member
        rng = random_streams.stream(self._setup.seed, random_streams.STRATEGY, *key)
        drawn = (self._first_turn + member) % 2 == 1
        U = toward_feasible(self._constraints, self._box, self._failures, pending[-MOST_PENDING:], drawn, rng)
        taken = np.concatenate([self._U, pending])
        return Suggestion(choose_new(self._box, U, lambda V: np.zeros(len(V)), taken, rng), FEASIBILITY)
