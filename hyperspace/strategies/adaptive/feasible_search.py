"""The search of a team for a first trial that keeps the constraints: before there is one, no region can be centerd anywhere.

Turns alternate between the largest probability of keeping all constraints and functions drawn from their models (see
`constraint_models.toward_feasible`). The former take account of the points of the mates before them.
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
from hyperspace.strategies.adaptive.trust_regions import Fold
from hyperspace.trials.archive import Archive

MOST_PENDING = 64  # points under way that are taken account of


class FeasibleSearch:
    """A team's next points, given one state of the archive. Computed when asked for, in the order of turns, and kept.

    Args:
        setup: of the strategy.
        team: number of the team.
        first_turn: number of the round's first turn since the study began.
        fold: what follows from the trials known.
        constraints: models of the constrained metrics.
        archive: the trials.
        foresees: whether the mates ask with this same archive, so that their answers can be worked out here.
    """

    def __init__(
        self,
        setup: Setup,
        team: int,
        first_turn: int,
        fold: Fold,
        constraints: ConstraintModels,
        archive: Archive,
        foresees: bool,
    ) -> None:
        self._setup, self._team, self._first_turn, self._foresees = setup, team, first_turn, foresees
        self._constraints, self._n, self._U, self._pending = constraints, len(archive), archive.U, archive.pending
        self._box = Box(setup.space, Bounds.whole(setup.space.d))
        failed = np.zeros(self._n, dtype=bool)
        failed[fold.failed] = True
        rows = np.arange(self._n)[-setup.settings.nearest :]
        self._failures = fit_feasibility(setup.space, self._U[rows], failed[rows], fold.caution)
        self._answers: dict[int, Suggestion] = {}

    def answer(self, member: int) -> Suggestion:
        """Return the answer for the team's drive of this number, from 0."""
        if member not in self._answers:
            mates = [self.answer(mate).u[None] for mate in range(member if self._foresees else 0)]
            self._answers[member] = self._work(member, np.concatenate([self._pending, *mates]))
        return self._answers[member]

    def _work(self, member: int, pending: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Suggestion:
        key = self._team, self._first_turn, self._n, len(self._pending), 3, member
        rng = random_streams.stream(self._setup.seed, random_streams.STRATEGY, *key)
        drawn = (self._first_turn + member) % 2 == 1
        U = toward_feasible(self._constraints, self._box, self._failures, pending[-MOST_PENDING:], drawn, rng)
        taken = np.concatenate([self._U, pending])
        return Suggestion(choose_new(self._box, U, lambda V: np.zeros(len(V)), taken, rng), FEASIBILITY)
