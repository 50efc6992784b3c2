"""Knowledge that the arms of a batch share: trials, models, trust regions and their searches, for one state of the trials.

Models and searches are made on request and kept, since several turns use them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hyperspace.acquisition.feasibility import Feasibility, Success, joint
from hyperspace.acquisition.optimize import Box
from hyperspace.numerics import random_streams
from hyperspace.optimizers.bayesian.known import Known
from hyperspace.optimizers.bayesian.model_pool import ModelPool
from hyperspace.optimizers.bayesian.models import LocalModel, fit_feasibility
from hyperspace.optimizers.bayesian.region_search import RegionSearch
from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM, Setup
from hyperspace.optimizers.bayesian.state import State
from hyperspace.optimizers.bayesian.trust_regions import Region, nearest, separated_best
from hyperspace.space.space import Bounds
from hyperspace.surrogates.base import Model
from hyperspace.typing import Array


class Knowledge:
    """Knowledge that the arms of a batch share.

    Args:
        setup: settings and choices of the study.
        state: state that follows from the known trials.
        known: the trials.
        models: models of this batch.
        regions: trust regions of this team, best first.
        key: key of the batch's random streams: the number of the team (of a team of one, its drive), and of the batch's first
            turn.
        n_turns: number of turns of the batch.
        is_shared: whether the regions belong to another team, too. Then only that team exploits them.
        domain: box of the global arm; None for the whole box.
    """

    def __init__(
        self,
        setup: Setup,
        state: State,
        known: Known,
        models: ModelPool,
        regions: tuple[Region, ...],
        key: tuple[int, int],
        n_turns: int,
        is_shared: bool = False,
        domain: Bounds | None = None,
    ) -> None:
        self.setup, self.models, self.regions = setup, models, regions
        self.is_shared, self.domain = is_shared, setup.box if domain is None else domain
        self.constraints, self.is_informed = state.constraints, state.is_informed
        self.hedge = state.hedges.get(key[0])
        self.n, self.U, self.pending = len(known), known.U, known.pending
        self._y, self._score = known.y, state.trust_regions.score.copy()
        self.failed: NDArray[np.bool_] = np.zeros(self.n, dtype=bool)
        self.failed[state.trust_regions.failed] = True
        self._labeled = np.ones(self.n, dtype=bool)
        self._labeled[state.trust_regions.unlabeled] = False
        self._required_z = state.trust_regions.required_z
        self._key, self._n_turns = key, n_turns
        self._searches: dict[tuple[int, bool], RegionSearch] = {}

    def rng(self, *key: int) -> np.random.Generator:
        """Return a random stream of this batch."""
        return random_streams.stream(self.setup.seed, random_streams.STRATEGY, *self._key, self.n, len(self.pending), *key)

    @property
    def centers(self) -> Array:
        """The best points of the regions, (k, d)."""
        return np.asarray(self.U[[region.center for region in self.regions]])

    @cached_property
    def best(self) -> float:
        """Lowest loss of a feasible trial, or of all trials if none is feasible."""
        counted = self._score[np.isfinite(self._score)]
        return float(counted.min() if len(counted) else self._y[self.models.usable].min())

    @cached_property
    def has_feasible(self) -> bool:
        """Whether the box has a feasible trial."""
        return bool(np.isfinite(self._score).any())

    def _counts(self, local: LocalModel) -> NDArray[np.bool_]:
        """Return which trials of a model are feasible and in the box; all if none is."""
        counts: NDArray[np.bool_] = np.isfinite(self._score[local.rows])
        return counts if counts.any() else ~counts

    def lowest(self, local: LocalModel) -> float:
        """Return a model's lowest mean at a feasible trial, or at any trial if none is feasible."""
        return float(local.fitted[self._counts(local)].min())

    def lowest_with(self, local: LocalModel, model: Model, pending: Array) -> float:
        """Return the lowest mean of a model with fantasies at pending points (p, d), at these points, too.

        Pending points do not count if there are constraints, since they may be infeasible.
        """
        points = pending if self.constraints is None else pending[:0]
        if local.has_condition or not len(pending):
            means = [self.lowest(local)]
        else:  # the model was fitted again, on a scale of its own
            points, means = np.concatenate([self.U[local.rows[self._counts(local)]], points]), []
        return min(means + ([float(model.posterior(points).mean.min())] if len(points) else []))

    @cached_property
    def separated_best(self) -> Array:
        """Best trials that are separated from each other, best first, (k, d). Not empty, since regions exist."""
        settings = self.setup.settings
        order = np.argsort(self._score, kind="stable")[: int(np.isfinite(self._score).sum())]
        rows = separated_best(self.setup.space, self.U, order, settings.explore_starts, settings.min_separation / 2)
        points: Array = self.U[rows]
        return points

    def region_search(self, region: Region, additive: bool) -> RegionSearch:
        """Return the search of a region, with the user's model or the additive one."""
        key = region.number, additive
        if key not in self._searches:
            center = self.U[region.center]
            self._searches[key] = self._search(region, self.models.of(region.number).local(additive), center, (0, region.number))
        return self._searches[key]

    def whole_search(self, additive: bool) -> RegionSearch:
        """Return the search of the whole box."""
        key = self.setup.whole, additive
        if key not in self._searches:
            local = self.models.of(self.setup.whole).local(additive)
            region = self.regions[0] if self.regions else Region(self.setup.whole, int(np.nanargmin(self._y)), 1.0)
            self._searches[key] = self._search(region, local, None, (2,))
        return self._searches[key]

    def _search(self, region: Region, local: LocalModel, center: Array | None, key: tuple[int, ...]) -> RegionSearch:
        bounds = self.setup.box if center is None else None
        feasibility, lowest = self.feasibility(local, center), self.lowest(local)
        at, rng = self.U[region.center], self.rng(*key)
        return RegionSearch(self.setup, region, at, local, lowest, feasibility, self._n_turns, rng, bounds)

    def add_pending_fantasies(self, search: RegionSearch) -> None:
        """Add fantasies of the pending points that are nearest to a region, at most `LARGEST_TEAM`."""
        if search.has_pending_fantasies or not len(self.pending):
            return
        search.has_pending_fantasies = True
        away = np.abs(self.pending - self.centers[:, None]).max(axis=2)
        own = [region.number for region in self.regions].index(search.number)
        mine = np.flatnonzero(away.argmin(axis=0) == own)
        search.add_fantasies(self.pending[mine[np.argsort(away[own, mine], kind="stable")[:LARGEST_TEAM]]])

    def feasibility(self, local: LocalModel, center: Array | None = None) -> Feasibility | None:
        """Return the probability of success within the constraints; None if nothing failed and nothing is constrained.

        Args:
            local: model whose trials the model of failures holds, too.
            center: point whose surroundings matter most, (d,); None for the whole box.
        """
        limits = None if self.constraints is None else self.constraints.limits(center)
        return joint(self._success(local.rows, center), limits)

    def _success(self, rows: NDArray[np.intp], center: Array | None) -> Success | None:
        """Return the probability of success, from rows and the nearest or last failures; None without failures."""
        if not self.failed.any():
            return None
        space, n = self.setup.space, self.setup.settings.nearest
        failed = np.flatnonzero(self.failed)[-n:] if center is None else nearest(space, self.U, self.failed, center, n)
        rows = np.union1d(failed, rows)
        rows = rows[self._labeled[rows]]
        return fit_feasibility(space, self.U[rows], self.failed[rows], self._required_z)

    def recent_success(self, lost: Array | None = None) -> Success | None:
        """Return the probability of success, from the last trials; None if nothing failed.

        Args:
            lost: points that count as failures, (k, d).
        """
        rows = np.flatnonzero(self._labeled)[-self.setup.settings.nearest :]
        U, failed = self.U[rows], self.failed[rows]
        if lost is not None:
            U, failed = np.concatenate([U, lost]), np.concatenate([failed, np.ones(len(lost), dtype=bool)])
        return fit_feasibility(self.setup.space, U, failed, self._required_z)

    @cached_property
    def box(self) -> Box:
        """The box that all arms keep to."""
        return Box(self.setup.space, self.setup.box)
