"""Generations: the drives of a subspace evaluate for one optimizer. Each of their rounds is a generation.

The optimizer is asked for one point per drive of its subspace. It is told the results in the order of the drives, after all of
them have finished. Every rank keeps a replica of the optimizer and tells it the same trials. So the trials do not depend on
the number of ranks.
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


class GenerationsStrategy(Strategy):
    """Strategy with one optimizer per subspace; drive i is member i // n_subspaces of subspace i mod n_subspaces.

    Args:
        subspace_of: returns the subspace of a number.
        n_subspaces: number of subspaces.
        n_drives: number of drives, a multiple of n_subspaces.
        make_optimizer: make_optimizer(subspace, team): the optimizer of a subspace with `team` drives.
        seed: entropy of the study.
        first: points that are evaluated before the optimizers are asked.
    """

    def __init__(
        self,
        subspace_of: Callable[[int], Subspace],
        n_subspaces: int,
        n_drives: int,
        make_optimizer: Callable[[Subspace, int], AskTell],
        seed: int,
        first: FirstPoints | None = None,
    ) -> None:
        self._subspace_of, self._n_subspaces, self._n_drives = subspace_of, n_subspaces, n_drives
        self._team = n_drives // n_subspaces
        self._make_optimizer = make_optimizer
        self._seed = seed
        self._first = first or FirstPoints()
        self._optimizers: dict[int, AskTell] = {}
        self._told: dict[int, int] = {}
        self._answers: dict[int, tuple[int, list[Suggestion]]] = {}

    def home(self, drive: int) -> int:
        """Return the drive's subspace."""
        return drive % self._n_subspaces

    def searched(self, drive: int) -> Bounds:
        """Return the box of the drive's subspace."""
        return self._subspace_of(self.home(drive)).bounds

    def relevant(self, drives: Iterable[int]) -> set[int]:
        """Return all drives of the same subspaces."""
        return {other for drive in drives for other in range(self.home(drive), self._n_drives, self._n_subspaces)}

    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return the point of `drive` in generation `iteration`."""
        answers = self._asked(self.home(drive), iteration, self._team, archive)
        return answers[drive // self._n_subspaces]

    def recall(self, trial: Trial, archive: Archive) -> None:
        """Restore a recorded point. Earlier members without a recorded point are asked again."""
        home, member = self.home(trial.drive), trial.drive // self._n_subspaces
        answers = self._asked(home, trial.iteration, member, archive)
        if len(answers) > member:
            return
        if (wanted := self._first.of(trial.drive, trial.iteration)) is not None:
            answers.append(wanted)
            return
        u = archive.encode([trial.x])[0]
        pending = self._pending(answers, archive)
        self._optimizer(home, archive).recall(trial, u, self._key(home, member, trial.iteration), pending)
        answers.append(Suggestion(u, trial.arm, trial.model))

    def _asked(self, home: int, iteration: int, count: int, archive: Archive) -> list[Suggestion]:
        """Return the subspace's points of this iteration, at least `count` of them."""
        recorded, answers = self._answers.get(home, (-1, []))
        if recorded != iteration:
            answers = []
            self._answers[home] = (iteration, answers)
        while len(answers) < count:
            wanted = self._first.of(home + len(answers) * self._n_subspaces, iteration)
            key = self._key(home, len(answers), iteration)
            answers.append(wanted or self._optimizer(home, archive).ask(key, self._pending(answers, archive)))
        return answers

    def _key(self, home: int, member: int, iteration: int) -> Key:
        # The optimizer counts its questions as it would for a single drive.
        return Key(self._seed, home, iteration * self._team + member)

    def _pending(self, answers: list[Suggestion], archive: Archive) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.concatenate([archive.pending, *(answer.u[None] for answer in answers)])

    def _optimizer(self, home: int, archive: Archive) -> AskTell:
        """Return the subspace's optimizer after telling it all known trials."""
        optimizer = self._optimizers.get(home)
        if optimizer is None:
            optimizer = self._make_optimizer(self._subspace_of(home), self._team)
            self._optimizers[home] = optimizer
        first = self._told.get(home, 0)
        if first < len(archive):
            optimizer.tell(archive.trials[first:], archive.U[first:], archive.y[first:])
            self._told[home] = len(archive)
        return optimizer
