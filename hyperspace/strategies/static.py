"""Static strategy, the published HyperSpace method: every drive runs its own optimizer in its home subspace.

Young, Hinkle, Kannan, Ramanathan (2018), "HyperSpace: Distributed Bayesian Hyperparameter Optimization", SBAC-PAD.

With an exchange, a drive also learns from the trials of others. With exchange="none", as published, its archive holds only its
own trials. If a subspace has several drives, each of them computes the points of the earlier ones in the same round. So they
do not evaluate the same point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Bounds
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import Trial

MakeOptimizer = Callable[[Subspace, int, int], AskTell]


class StaticStrategy(Strategy):
    """Strategy with a fixed subspace for each drive: drive i searches subspace i mod n_subspaces.

    Args:
        subspace_of: returns the subspace of a number.
        n_subspaces: number of subspaces.
        n_drives: number of drives, a multiple of n_subspaces.
        make_optimizer: make_optimizer(subspace, member, team): the optimizer of the member-th of a subspace's `team` drives.
        seed: entropy of the study.
        synchronous: whether all drives ask with the same archive, so that each can compute the others' points.
        first: points that are evaluated before the optimizers are asked.
    """

    def __init__(
        self,
        subspace_of: Callable[[int], Subspace],
        n_subspaces: int,
        n_drives: int,
        make_optimizer: MakeOptimizer,
        seed: int,
        synchronous: bool,
        first: FirstPoints | None = None,
    ) -> None:
        self._subspace_of = subspace_of
        self._n_subspaces = n_subspaces
        self._team = n_drives // n_subspaces
        self._make_optimizer = make_optimizer
        self._seed = seed
        self._synchronous = synchronous
        self._first = first or FirstPoints()
        self._optimizers: dict[int, AskTell] = {}
        self._told: dict[int, int] = {}
        self._answers: dict[int, tuple[int, Suggestion]] = {}

    def home(self, drive: int) -> int:
        """Return the drive's subspace."""
        return drive % self._n_subspaces

    def searched(self, drive: int) -> Bounds:
        """Return the box of the drive's subspace."""
        return self._subspace_of(self.home(drive)).bounds

    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return the point of trial number `iteration` of `drive`."""
        if (wanted := self._first.of(drive, iteration)) is not None:
            return wanted
        pending = [archive.pending, *(self._answer(other, iteration, archive).u[None] for other in self._earlier(drive))]
        suggestion = self._informed(drive, archive).ask(Key(self._seed, drive, iteration), np.concatenate(pending))
        self._answers[drive] = (iteration, suggestion)
        return suggestion

    def recall(self, trial: Trial, archive: Archive) -> None:
        """Restore a point of an earlier run. Earlier members without a recorded point are asked again."""
        if self._first.of(trial.drive, trial.iteration) is not None:
            return
        pending = [
            archive.pending,
            *(self._answer(other, trial.iteration, archive).u[None] for other in self._earlier(trial.drive)),
        ]
        u = archive.encode([trial.x])[0]
        key = Key(self._seed, trial.drive, trial.iteration)
        self._informed(trial.drive, archive).recall(trial, u, key, np.concatenate(pending))
        self._answers[trial.drive] = (trial.iteration, Suggestion(u, trial.arm, trial.model))

    def relevant(self, drives: Iterable[int]) -> set[int]:
        """Return these drives and the earlier drives of their subspaces."""
        return {other for drive in drives for other in (*self._earlier(drive), drive)}

    def _earlier(self, drive: int) -> range:
        """Return the drives of the same subspace that are asked before this one."""
        return range(self.home(drive), drive, self._n_subspaces) if self._synchronous else range(0)

    def _answer(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return another drive's point in this iteration; if unknown, compute it here with the same result."""
        known = self._answers.get(drive)
        return known[1] if known is not None and known[0] == iteration else self.ask(drive, iteration, archive)

    def _informed(self, drive: int, archive: Archive) -> AskTell:
        optimizer = self._optimizers.get(drive)
        if optimizer is None:
            subspace = self._subspace_of(self.home(drive))
            optimizer = self._make_optimizer(subspace, drive // self._n_subspaces, self._team)
            self._optimizers[drive] = optimizer
        first = self._told.get(drive, 0)
        if first < len(archive):
            optimizer.tell(archive.trials[first:], archive.U[first:], archive.y[first:])
            self._told[drive] = len(archive)
        return optimizer
