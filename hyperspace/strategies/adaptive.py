"""Adaptive strategy: all drives share their trials, and search where improvement is expected.

Drives form teams of at most 16. A team has a few trust regions and a model of each. Its members use several arms in turn
(`batch`). The regions follow from the ordered trials (`trust_regions`), models start from recorded fits (`models`), and
random streams are keyed. So a point is a function of the seed, the drive, the iteration and the known trials. A resumed study
restores nothing else. The members of a team exchange no messages: each rank computes the points of the other members that it
needs. Stored state only saves time.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import replace
from functools import cached_property

import numpy as np

from hyperspace.acquisition.optimize import Box, unless_taken
from hyperspace.exchange.spec import ASYNC
from hyperspace.optimizers.base import DESIGN, Key, Suggestion
from hyperspace.optimizers.bayesian.batch import Batch
from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.model_pool import Ahead, ModelPool
from hyperspace.optimizers.bayesian.models import fresh_surrogate
from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM, Settings, Setup
from hyperspace.optimizers.bayesian.state import State
from hyperspace.optimizers.bayesian.trust_regions import Region
from hyperspace.optimizers.design import Design
from hyperspace.space.space import Bounds
from hyperspace.strategies.base import Strategy
from hyperspace.strategies.spec import SearchSettings
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array


class AdaptiveStrategy(Strategy):
    """Strategy that shares one archive among all drives.

    With several teams, the global arm of a team searches its drives' home subspaces. With the acquisition "TS" samples replace
    the exploiting arm, and "gp_hedge" uses EI, PI and LCB in turn. Drives that joined the study later have no initial design.

    If an exchange shares nothing, a drive knows only its own trials and forms its own team. If it is not synchronous, a drive
    conditions on the pending points that it knows, and does not compute the points of its team.

    Args:
        search: settings of the study.
        settings: settings of the engine; None for the measured defaults, see benchmarks/NOTEBOOK.md.
    """

    def __init__(self, search: SearchSettings, settings: Settings | None = None) -> None:
        space, n_drives, founders = search.space, search.n_drives, search.founders
        self._space, self._partition, self._n_drives, self._founders = space, search.partition, n_drives, founders
        self._first = search.first_points
        self._shared, self._synchronous = search.exchange.is_shared, search.exchange.is_synchronous
        self._settings = settings if settings is not None else Settings()
        if search.exchange is ASYNC:
            self._settings = replace(self._settings, lag=self._settings.async_lag, growth=self._settings.async_growth)
        whole = Bounds.whole(space.d)
        self._setup = Setup(space, self._settings, search.model, search.acquisition, search.seed, whole)
        n_teams = math.ceil(n_drives / LARGEST_TEAM) if self._shared else n_drives
        self._size = math.ceil(n_drives / n_teams)
        self._n_teams = math.ceil(n_drives / self._size)

        def design(drive: int) -> Design:
            team = founders if drive < founders else n_drives
            return Design(search.sampler, search.n_samples, whole, space, seed=search.seed, member=drive, team=team)

        self._design = [design(drive) for drive in range(n_drives)]
        self._ahead: dict[int, tuple[int, Ahead]] = {}  # by drive: the iteration of the fits made ahead, and the fits
        self._states: dict[int, tuple[weakref.ref[Archive], State]] = {}
        self._batches: dict[int, tuple[tuple[int, ...], weakref.ref[Archive], Batch]] = {}

    def home(self, drive: int) -> int:
        """Return the drive's subspace."""
        return drive % self._partition.n_subspaces

    def searched(self, drive: int) -> Bounds:
        """Return the whole unit cube: every drive may evaluate anywhere."""
        return Bounds.whole(self._space.d)

    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return the point of trial number `iteration` of `drive`."""
        if (wanted := self._first.of(drive, iteration)) is not None:
            return wanted
        team, member = divmod(drive, self._size)
        state = self._state(team, archive)
        can_ask = state.is_informed or state.can_seek_feasible
        if self._in_design(drive, iteration, archive) or not can_ask:
            return Suggestion(self._designed(drive, iteration, archive), DESIGN)
        return self._batch(team, iteration, archive, self._fits_ahead(drive, iteration)).answer(member)

    def fit_ahead(self, drive: int, iteration: int, archive: Archive) -> None:
        """Process new trials, and fit ahead what `ask` would have to fit next. Only this drive knows these fits."""
        team, member = divmod(drive, self._size)
        state = self._state(team, archive)
        if not state.is_informed or self._in_design(drive, iteration, archive) or not self._can_rebuild:
            return
        models = self._pool(self._regions(team, state)[0], state, archive, iteration, self._fits_ahead(drive, iteration))
        self._ahead[drive] = iteration, models.fit_ahead(member)

    def _pool(
        self, regions: tuple[Region, ...], state: State, archive: Archive, iteration: int, ahead: Ahead | None
    ) -> ModelPool:
        """Return the models of a team in this round."""
        return ModelPool(self._setup, regions, state.trust_regions, archive, iteration * self._size, self._size, ahead)

    def recall(self, trial: Trial, archive: Archive) -> None:
        """Do nothing: the archive's trials hold all that is needed of earlier points."""

    def _in_design(self, drive: int, iteration: int, archive: Archive) -> bool:
        """Return whether this trial belongs to the initial design. Given points count toward the design."""
        design = self._design[drive]
        if drive >= self._founders or not design.is_due(iteration):
            return False
        return design.is_due(iteration, self._state(drive // self._size, archive).given.count)

    def _designed(self, drive: int, iteration: int, archive: Archive) -> Array:
        """Return the design's point, or a replacement if it is taken; few levels or given points can cause that."""
        space = self._space
        if not (space.levels > 0).all():
            return self._design[drive].point(self._position(drive, iteration))
        box, taken = Box(space, Bounds.whole(space.d)), np.concatenate([archive.U, archive.pending])
        for other in range(0 if self._synchronous else drive, drive + 1):  # in rounds all drives start from the same trials
            wanted = self._first.of(other, iteration)
            u = self._design[other].point(self._position(other, iteration)) if wanted is None else wanted.u
            if wanted is None:
                u = unless_taken(box, u, taken, Key(self._setup.seed, other, iteration).rng())
            taken = np.concatenate([taken, u[None]])
        return u

    def _position(self, drive: int, iteration: int) -> int:
        """Return the index of a drive's point in its sequence. Drives that joined later start after the design."""
        return iteration if drive < self._founders else iteration + self._design[drive].n_points

    def _state(self, team: int, archive: Archive) -> State:
        """Return the state that follows from the archive's trials. It is kept and updated."""
        of = 0 if self._shared else team
        kept = self._states.get(of)
        if kept is None or kept[0]() is not archive:
            n_regions = self._settings.regions * (self._n_teams if self._shared else 1)
            block = self._n_drives if self._shared else 1
            kept = self._states[of] = weakref.ref(archive), State(self._setup, archive.metrics, n_regions, block)
        kept[1].update(archive)
        return kept[1]

    @cached_property
    def _can_rebuild(self) -> bool:
        """Whether a model can be rebuilt from a recorded fit without refitting."""
        return fresh_surrogate(self._setup.model, 0, self._space).state_is_complete

    def _fits_ahead(self, drive: int, iteration: int) -> Ahead | None:
        known = self._ahead.get(drive)
        return known[1] if known is not None and known[0] == iteration else None

    def _regions(self, team: int, state: State) -> tuple[tuple[Region, ...], bool]:
        """Return a team's regions and False; if it has none yet, a region of another team and True."""
        count, known = self._settings.regions, state.trust_regions.regions
        first = team * count if self._shared else 0
        regions = tuple(region for region in known if first <= region.number < first + count)
        return (regions, False) if regions or not known else (known[team % len(known) :][:1], True)

    def _batch(self, team: int, iteration: int, archive: Archive, ahead: Ahead | None) -> Batch:
        """Return the team's batch. It is kept while the known trials stay the same."""
        key = _archive_key(iteration, archive)
        known = self._batches.get(team)
        if known is not None and known[0] == key and known[1]() is archive:
            return known[2]
        state, first = self._state(team, archive), iteration * self._size
        regions, is_shared = self._regions(team, state)
        domain = self._partition[self._global_home(team, iteration)].bounds if self._n_teams > 1 else None
        models = self._pool(regions, state, archive, iteration, ahead)
        knowledge = Knowledge(self._setup, state, archive, models, regions, (team, first), self._size, is_shared, domain)
        batch = Batch(knowledge, first, self._size, self._synchronous, self._wanted(team, iteration))
        self._batches[team] = key, weakref.ref(archive), batch
        return batch

    def _wanted(self, team: int, iteration: int) -> dict[int, Suggestion]:
        """Return the given first points of a team in this round, by member."""
        wanted = {member: self._first.of(team * self._size + member, iteration) for member in range(self._size)}
        return {member: point for member, point in wanted.items() if point is not None and self._synchronous}

    def _global_home(self, team: int, iteration: int) -> int:
        """Return the subspace of the team's global arm in this round: the homes of its drives in turn."""
        return self.home(team * self._size + iteration % self._size)


def _archive_key(iteration: int, archive: Archive) -> tuple[int, ...]:
    """Return a key of the iteration and of the archive's finished and running trials."""
    return (iteration, len(archive), *sorted(hash(trial.key) for trial in archive.running))
