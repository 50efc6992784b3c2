"""Adaptive strategy: all drives share their trials, and search where improvement is expected.

Drives form teams of at most 16. A team has a few trust regions and a model of each. Its members use several arms in turn
(`batch`). The regions follow from the ordered trials (`trust_regions`), models start from recorded fits (`local_model`), and
random streams are keyed. So a point is a function of the seed, the drive, the iteration and the known trials. A resumed study
restores nothing else. The members of a team exchange no messages: each rank computes the points of the other members that it
needs. Stored state only saves time.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from hyperspace.acquisition.constraint_models import ConstraintModels
from hyperspace.acquisition.optimize import Box, choose_new, is_taken
from hyperspace.numerics import random_streams
from hyperspace.optimizers.base import Suggestion
from hyperspace.optimizers.design import Design, GivenPoints
from hyperspace.space.partition import Partition
from hyperspace.space.space import Bounds, Space
from hyperspace.strategies.adaptive.batch import Batch
from hyperspace.strategies.adaptive.config import DESIGN, LARGEST_TEAM, Settings, Setup
from hyperspace.strategies.adaptive.feasible_search import FeasibleSearch
from hyperspace.strategies.adaptive.local_model import fresh_surrogate
from hyperspace.strategies.adaptive.model_pool import Ahead, ModelPool
from hyperspace.strategies.adaptive.trust_regions import Region, TrustRegionState
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

_FEWEST = 2  # usable trials that a model needs
_SPREAD = 64  # candidates for the replacement of a design point that is already taken


class AdaptiveStrategy(Strategy):
    """Strategy that shares one archive among all drives.

    Args:
        space: the search space.
        partition: partition of the space. With several teams, the global arm of a team searches its drives' home subspaces.
        n_drives: number of drives.
        seed: entropy of the study.
        surrogate: name of a model, or an object, as for `make_surrogate`.
        acquisition: "EI", "PI" or "LCB" of the global and the exploiting arm. "TS" replaces the exploiting arm by sampling,
            "gp_hedge" uses the three in turn.
        sampler: sampler of the initial design.
        n_samples: number of points of the initial design for each drive.
        exchange: how drives receive each other's trials. With "none" a drive knows only its own trials and forms its own team.
            With "async" it conditions on the pending points that it knows, and does not compute the points of its team.
        settings: measured defaults, see benchmarks/NOTEBOOK.md.
        first: points that are evaluated before the strategy chooses any.
        founders: number of drives at the creation of the study; None for all. Drives that joined later have no initial design.
    """

    def __init__(
        self,
        space: Space,
        partition: Partition,
        n_drives: int,
        seed: int,
        surrogate: Any = "GP",
        acquisition: str = "EI",
        sampler: str = "sobol",
        n_samples: int = 2,
        exchange: str = "round",
        settings: Settings | None = None,
        first: FirstPoints | None = None,
        founders: int | None = None,
    ) -> None:
        self._space, self._partition, self._n_drives = space, partition, n_drives
        self._first = first or FirstPoints()
        self._shared, self._synchronous = exchange != "none", exchange == "round"
        self._settings = settings if settings is not None else Settings()
        if exchange == "async":
            self._settings = replace(self._settings, lag=self._settings.async_lag, growth=self._settings.async_growth)
        self._setup = Setup(space, self._settings, surrogate, acquisition, seed)
        n_teams = math.ceil(n_drives / LARGEST_TEAM) if self._shared else n_drives
        self._size = math.ceil(n_drives / n_teams)
        self._n_teams = math.ceil(n_drives / self._size)
        whole = Bounds.whole(space.d)
        self._founders = n_drives if founders is None else founders
        self._design = [
            Design(
                sampler,
                n_samples,
                whole,
                space,
                seed=seed,
                member=drive,
                team=self._founders if drive < self._founders else n_drives,
            )
            for drive in range(n_drives)
        ]
        self._ahead: dict[int, tuple[int, Ahead]] = {}  # by drive: the iteration of the fits made ahead, and the fits
        self._archive_states: dict[int, tuple[weakref.ref[Archive], ArchiveState]] = {}
        self._searches: dict[int, tuple[tuple[int, ...], weakref.ref[Archive], FeasibleSearch]] = {}
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
        if self._in_design(drive, iteration, archive):
            return Suggestion(self._designed(drive, iteration, archive), DESIGN)
        if not self._is_informed(team, archive):
            search = self._search(team, iteration, archive)
            return Suggestion(self._designed(drive, iteration, archive), DESIGN) if search is None else search.answer(member)
        return self._batch(team, iteration, archive, self._fits_ahead(drive, iteration)).answer(member)

    def fit_ahead(self, drive: int, iteration: int, archive: Archive) -> None:
        """Process new trials, and fit ahead what `ask` would have to fit next. Only this drive knows these fits."""
        team, member = divmod(drive, self._size)
        if not self._is_informed(team, archive):
            return
        region_state = self._region_state(team, archive)
        if self._in_design(drive, iteration, archive) or not self._can_rebuild:
            return
        ahead = self._fits_ahead(drive, iteration)
        models = ModelPool(
            self._setup, self._regions(team, region_state)[0], region_state, archive, iteration * self._size, self._size, ahead
        )
        self._ahead[drive] = iteration, models.fit_ahead(member)

    def recall(self, trial: Trial, archive: Archive) -> None:
        """Do nothing: the archive's trials hold all that is needed of earlier points."""

    def _in_design(self, drive: int, iteration: int, archive: Archive) -> bool:
        """Return whether this trial belongs to the initial design. Given points count toward the design."""
        design = self._design[drive]
        if drive >= self._founders or not design.is_due(iteration):
            return False
        return design.is_due(iteration, self._archive_state(drive // self._size, archive).given.count)

    def _is_informed(self, team: int, archive: Archive) -> bool:
        """Return whether a model can be fitted and a feasible trial exists."""
        return bool(np.count_nonzero(np.isfinite(archive.y)) >= _FEWEST and self._region_state(team, archive).regions)

    def _designed(self, drive: int, iteration: int, archive: Archive) -> Array:
        """Return the design's point, or a replacement if it is taken; few levels or given points can cause that."""
        space = self._space
        if not (space.levels > 0).all():
            return self._design[drive].point(self._position(drive, iteration))
        box, taken = Box(space, Bounds.whole(space.d)), np.concatenate([archive.U, archive.pending])
        for other in range(0 if self._synchronous else drive, drive + 1):  # in rounds all drives start from the same trials
            wanted = self._first.of(other, iteration)
            u = self._design[other].point(self._position(other, iteration)) if wanted is None else wanted.u
            if wanted is None and is_taken(u, taken):
                rng = random_streams.stream(self._setup.seed, random_streams.SUGGEST, other, iteration)
                u = choose_new(box, box.spread(_SPREAD, rng), lambda U: np.zeros(len(U)), taken, rng)
            taken = np.concatenate([taken, u[None]])
        return u

    def _position(self, drive: int, iteration: int) -> int:
        """Return the index of a drive's point in its sequence. Drives that joined later start after the design."""
        return iteration if drive < self._founders else iteration + self._design[drive].n_points

    def _archive_state(self, team: int, archive: Archive) -> ArchiveState:
        """Return the state that follows from the archive's trials. It is kept and updated."""
        of = 0 if self._shared else team
        kept = self._archive_states.get(of)
        if kept is None or kept[0]() is not archive:
            n_regions = self._settings.regions * (self._n_teams if self._shared else 1)
            block = self._n_drives if self._shared else 1
            region_state = TrustRegionState(self._space, self._settings, n_regions, block)
            kept = weakref.ref(archive), ArchiveState(region_state, self._space, archive.metrics)
            self._archive_states[of] = kept
        kept[1].update(archive)
        return kept[1]

    def _region_state(self, team: int, archive: Archive) -> TrustRegionState:
        return self._archive_state(team, archive).region_state

    def _search(self, team: int, iteration: int, archive: Archive) -> FeasibleSearch | None:
        """Return the team's search for a first feasible trial; None before the constraints can be modeled."""
        known = self._archive_state(team, archive)
        if known.constraints is None or known.constraints.limits() is None:
            return None
        key = _archive_key(iteration, archive)
        kept = self._searches.get(team)
        if kept is None or kept[0] != key or kept[1]() is not archive:
            first = iteration * self._size
            search = FeasibleSearch(self._setup, team, first, known.region_state, known.constraints, archive, self._synchronous)
            kept = self._searches[team] = key, weakref.ref(archive), search
        return kept[2]

    @cached_property
    def _can_rebuild(self) -> bool:
        """Whether a model can be rebuilt from a recorded fit without refitting."""
        return fresh_surrogate(self._setup.model, 0, self._space).state_is_complete

    def _fits_ahead(self, drive: int, iteration: int) -> Ahead | None:
        known = self._ahead.get(drive)
        return known[1] if known is not None and known[0] == iteration else None

    def _regions(self, team: int, region_state: TrustRegionState) -> tuple[tuple[Region, ...], bool]:
        """Return a team's regions and False; if it has none yet, a region of another team and True."""
        count = self._settings.regions
        first = team * count if self._shared else 0
        regions = tuple(region for region in region_state.regions if first <= region.number < first + count)
        return (regions, False) if regions else (region_state.regions[team % len(region_state.regions) :][:1], True)

    def _batch(self, team: int, iteration: int, archive: Archive, ahead: Ahead | None) -> Batch:
        """Return the team's batch. It is kept while the known trials stay the same."""
        key = _archive_key(iteration, archive)
        known = self._batches.get(team)
        if known is not None and known[0] == key and known[1]() is archive:
            return known[2]
        region_state = self._region_state(team, archive)
        regions, shared = self._regions(team, region_state)
        domain = self._partition[self._global_home(team, iteration)].bounds if self._n_teams > 1 else Bounds.whole(self._space.d)
        opened = Batch(
            self._setup,
            team,
            iteration * self._size,
            self._size,
            region_state,
            archive,
            ModelPool(self._setup, regions, region_state, archive, iteration * self._size, self._size, ahead),
            regions,
            shared,
            domain,
            self._archive_state(team, archive).constraints,
            self._synchronous,
            self._wanted(team, iteration),
        )
        self._batches[team] = key, weakref.ref(archive), opened
        return opened

    def _wanted(self, team: int, iteration: int) -> dict[int, Suggestion]:
        """Return the given first points of a team in this round, by member."""
        wanted = {member: self._first.of(team * self._size + member, iteration) for member in range(self._size)}
        return {member: point for member, point in wanted.items() if point is not None and self._synchronous}

    def _global_home(self, team: int, iteration: int) -> int:
        """Return the subspace of the team's global arm in this round: the homes of its drives in turn."""
        return self.home(team * self._size + iteration % self._size)


class ArchiveState:
    """State that follows from the trials of an archive: regions, constraint models and the number of given points.

    Args:
        region_state: empty state of the regions.
        space: the search space.
        metrics: metrics of the study.
    """

    def __init__(self, region_state: TrustRegionState, space: Space, metrics: Metrics) -> None:
        self.region_state, self.given = region_state, GivenPoints()
        self.constraints = ConstraintModels(space, metrics) if metrics.constraints else None
        self._n = 0

    def update(self, archive: Archive) -> None:
        """Update the state with the new trials of the archive."""
        self.region_state.update(archive)
        first, self._n = self._n, len(archive)
        if first == self._n:
            return
        trials, U = archive.trials[first:], archive.U[first:]
        self.given.tell(trials, U, np.isfinite(archive.y[first:]))
        if self.constraints is not None:
            self.constraints.tell(trials, U)


def _archive_key(iteration: int, archive: Archive) -> tuple[int, ...]:
    """Return a key of the iteration and of the archive's finished and running trials."""
    return (iteration, len(archive), *sorted(hash(trial.key) for trial in archive.running))
