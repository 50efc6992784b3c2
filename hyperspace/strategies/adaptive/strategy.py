"""The adaptive strategy: all drives share what they learn, and work where the improvement is.

Drives form teams of at most 16. A team has a few trust regions, a model of each, and a portfolio of arms whose turns its members
take (`batch`). Regions are a fold over the ordered trials (`trust_regions`), models start from what trials recorded
(`local_model`), and randomness is keyed. So an answer is a function of the seed, the drive, the iteration and the trials known.
Nothing has to be recalled on resuming, and no messages pass within a team: each rank works out what it has to know of its mates'
answers. What is kept in memory only saves work.
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
from hyperspace.strategies.adaptive.batch import Round
from hyperspace.strategies.adaptive.config import DESIGN, LARGEST_TEAM, Settings, Setup
from hyperspace.strategies.adaptive.feasible_search import FeasibleSearch
from hyperspace.strategies.adaptive.local_model import fresh_surrogate
from hyperspace.strategies.adaptive.model_pool import Ahead, Models
from hyperspace.strategies.adaptive.trust_regions import Fold, Region
from hyperspace.strategies.base import FirstPoints, Strategy
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

_FEWEST = 2  # usable trials from which models are fitted
_SPREAD = 64  # points of which one takes the place of a design's point that was taken


class AdaptiveStrategy(Strategy):
    """Shares one archive among all drives.

    Args:
        space: the search space.
        partition: gives every drive its home, where the global arm of its team searches if there are several teams.
        n_drives: number of drives.
        seed: entropy of the study.
        surrogate: name of a model, or an object, as for `make_surrogate`.
        acquisition: "EI", "PI" or "LCB" of the global and the exploiting arm; "TS" leaves them to sampling, "gp_hedge" takes
            the three in turn.
        sampler: of the initial design.
        n_samples: points of the initial design a drive.
        exchange: how drives learn of each other's trials. With "none" a drive knows its own alone and is a team of its own;
            with "async" it works around the points that it knows to be under way, instead of foreseeing its mates'.
        settings: measured defaults, see docs/adaptive.md.
        first: what is evaluated before models are asked.
        founders: drives that the study was created with; the others have joined it later, and have no initial design. None: all.
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
        self._shared, self._foresees = exchange != "none", exchange == "round"
        self._settings = settings if settings is not None else Settings()
        if exchange == "async":
            self._settings = replace(self._settings, lag=self._settings.late, growth=self._settings.late_growth)
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
        self._ahead: dict[int, tuple[int, Ahead]] = {}  # by drive: the iteration that was thought ahead to, and the fits
        self._folds: dict[int, tuple[weakref.ref[Archive], Known]] = {}
        self._searches: dict[int, tuple[tuple[int, ...], weakref.ref[Archive], FeasibleSearch]] = {}
        self._rounds: dict[int, tuple[tuple[int, ...], weakref.ref[Archive], Round]] = {}

    def home(self, drive: int) -> int:
        """Return the drive's subspace."""
        return drive % self._partition.n_subspaces

    def searched(self, drive: int) -> Bounds:
        """Return the whole cube: each drive may evaluate anywhere."""
        return Bounds.whole(self._space.d)

    def ask(self, drive: int, iteration: int, archive: Archive) -> Suggestion:
        """Return where `drive` evaluates its trial number `iteration`."""
        if (wanted := self._first.of(drive, iteration)) is not None:
            return wanted
        team, member = divmod(drive, self._size)
        if self._in_design(drive, iteration, archive):
            return Suggestion(self._designed(drive, iteration, archive), DESIGN)
        if not self._is_informed(team, archive):
            search = self._search(team, iteration, archive)
            return Suggestion(self._designed(drive, iteration, archive), DESIGN) if search is None else search.answer(member)
        return self._round(team, iteration, archive, self._thought(drive, iteration)).answer(member)

    def think_ahead(self, drive: int, iteration: int, archive: Archive) -> None:
        """Take up trials, and fit what `ask` would have to fit next, where that spares it a fit. It alone will know of that."""
        team, member = divmod(drive, self._size)
        if not self._is_informed(team, archive):
            return
        fold = self._fold(team, archive)
        if self._in_design(drive, iteration, archive) or not self._rebuilds:
            return
        ahead = self._thought(drive, iteration)
        models = Models(self._setup, self._regions(team, fold)[0], fold, archive, iteration * self._size, self._size, ahead)
        self._ahead[drive] = iteration, models.think_ahead(member)

    def recall(self, trial: Trial, archive: Archive) -> None:
        """Do nothing: all that matters of an earlier answer comes back with the archive's trials."""

    def _in_design(self, drive: int, iteration: int, archive: Archive) -> bool:
        """Tell whether this trial belongs to the initial design, towards which points that were given count."""
        design = self._design[drive]
        if drive >= self._founders or not design.is_due(iteration):
            return False
        return design.is_due(iteration, self._known(drive // self._size, archive).given.count)

    def _is_informed(self, team: int, archive: Archive) -> bool:
        """Tell whether there are trials enough for a model, and one among them that violates no constraint."""
        return bool(np.count_nonzero(np.isfinite(archive.y)) >= _FEWEST and self._fold(team, archive).regions)

    def _designed(self, drive: int, iteration: int, archive: Archive) -> Array:
        """Return the design's point; where levels are few, or points were given, and it was taken already, another one."""
        space = self._space
        if not (space.levels > 0).all():
            return self._design[drive].point(self._position(drive, iteration))
        box, taken = Box(space, Bounds.whole(space.d)), np.concatenate([archive.U, archive.pending])
        for mate in range(0 if self._foresees else drive, drive + 1):  # in rounds all begin with the same trials
            wanted = self._first.of(mate, iteration)
            u = self._design[mate].point(self._position(mate, iteration)) if wanted is None else wanted.u
            if wanted is None and is_taken(u, taken):
                rng = random_streams.stream(self._setup.seed, random_streams.SUGGEST, mate, iteration)
                u = choose_new(box, box.spread(_SPREAD, rng), lambda U: np.zeros(len(U)), taken, rng)
            taken = np.concatenate([taken, u[None]])
        return u

    def _position(self, drive: int, iteration: int) -> int:
        """Return the number of a drive's point in its sequence: drives that have joined later begin beyond the design."""
        return iteration if drive < self._founders else iteration + self._design[drive].n_points

    def _known(self, team: int, archive: Archive) -> Known:
        """Return what follows from the archive's trials; kept, and extended by what is new."""
        of = 0 if self._shared else team
        kept = self._folds.get(of)
        if kept is None or kept[0]() is not archive:
            n_regions = self._settings.regions * (self._n_teams if self._shared else 1)
            block = self._n_drives if self._shared else 1
            fold = Fold(self._space, self._settings, n_regions, block)
            kept = weakref.ref(archive), Known(fold, self._space, archive.metrics)
            self._folds[of] = kept
        kept[1].update(archive)
        return kept[1]

    def _fold(self, team: int, archive: Archive) -> Fold:
        return self._known(team, archive).fold

    def _search(self, team: int, iteration: int, archive: Archive) -> FeasibleSearch | None:
        """Return the team's search for a first trial that keeps the constraints; None while nothing tells where."""
        known = self._known(team, archive)
        if known.constraints is None or known.constraints.limits() is None:
            return None
        state = _state(iteration, archive)
        kept = self._searches.get(team)
        if kept is None or kept[0] != state or kept[1]() is not archive:
            first = iteration * self._size
            search = FeasibleSearch(self._setup, team, first, known.fold, known.constraints, archive, self._foresees)
            kept = self._searches[team] = state, weakref.ref(archive), search
        return kept[2]

    @cached_property
    def _rebuilds(self) -> bool:
        """Whether a model follows from the record of a fit without another one."""
        return fresh_surrogate(self._setup.model, 0, self._space).state_is_complete

    def _thought(self, drive: int, iteration: int) -> Ahead | None:
        known = self._ahead.get(drive)
        return known[1] if known is not None and known[0] == iteration else None

    def _regions(self, team: int, fold: Fold) -> tuple[tuple[Region, ...], bool]:
        """Return a team's regions; where it has none yet, another team's and True."""
        count = self._settings.regions
        first = team * count if self._shared else 0
        regions = tuple(region for region in fold.regions if first <= region.number < first + count)
        return (regions, False) if regions else (fold.regions[team % len(fold.regions) :][:1], True)

    def _round(self, team: int, iteration: int, archive: Archive, ahead: Ahead | None) -> Round:
        """Return the team's round; kept while it is asked about the same trials."""
        state = _state(iteration, archive)
        known = self._rounds.get(team)
        if known is not None and known[0] == state and known[1]() is archive:
            return known[2]
        fold = self._fold(team, archive)
        regions, lent = self._regions(team, fold)
        domain = self._partition[self._global_home(team, iteration)].bounds if self._n_teams > 1 else Bounds.whole(self._space.d)
        opened = Round(
            self._setup,
            team,
            iteration * self._size,
            self._size,
            fold,
            archive,
            Models(self._setup, regions, fold, archive, iteration * self._size, self._size, ahead),
            regions,
            lent,
            domain,
            self._known(team, archive).constraints,
            self._foresees,
            self._wanted(team, iteration),
        )
        self._rounds[team] = state, weakref.ref(archive), opened
        return opened

    def _wanted(self, team: int, iteration: int) -> dict[int, Suggestion]:
        """Return the first points that members of a team evaluate in this round, by member."""
        wanted = {member: self._first.of(team * self._size + member, iteration) for member in range(self._size)}
        return {member: point for member, point in wanted.items() if point is not None and self._foresees}

    def _global_home(self, team: int, iteration: int) -> int:
        """Return the subspace that the team's global arm searches in this round: its drives' homes in turn."""
        return self.home(team * self._size + iteration % self._size)


class Known:
    """What follows from the trials of an archive: regions, models of the constraints, how many were given.

    Args:
        fold: knows nothing yet.
        space: the search space.
        metrics: what the study wants.
    """

    def __init__(self, fold: Fold, space: Space, metrics: Metrics) -> None:
        self.fold, self.given = fold, GivenPoints()
        self.constraints = ConstraintModels(space, metrics) if metrics.constraints else None
        self._n = 0

    def update(self, archive: Archive) -> None:
        """Take up the trials that are new in the archive."""
        self.fold.update(archive)
        first, self._n = self._n, len(archive)
        if first == self._n:
            return
        trials, U = archive.trials[first:], archive.U[first:]
        self.given.tell(trials, U, np.isfinite(archive.y[first:]))
        if self.constraints is not None:
            self.constraints.tell(trials, U)


def _state(iteration: int, archive: Archive) -> tuple[int, ...]:
    """Return what tells one question's archive from another's."""
    return (iteration, len(archive), *sorted(hash(trial.key) for trial in archive.running))
