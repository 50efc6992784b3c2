"""The batch of a team: the points that its drives evaluate next, chosen one after the other.

Three arms take turns (`Settings.arm`):
    global     Maximize the acquisition over the whole cube. The model holds all trials, or the best half and a random
               subset of the others.
    exploit    Maximize the acquisition in a trust region. Points chosen earlier in the batch are fantasies at the
               posterior mean. If a region has no expected improvement left, the next best region is searched.
    thompson   Minimize a posterior sample in a trust region (Thompson 1933; Eriksson et al. 2019).
An exploit or thompson turn chooses its region by Thompson sampling: the region whose posterior sample has the lowest minimum,
as a loss. If a thompson turn's sample does not improve on the best loss, a posterior sample of the whole cube is minimized
instead. This arm is called "explore". Its point is a local minimum away from the best trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from hyperspace.acquisition.constraint_models import ConstraintModels
from hyperspace.acquisition.feasibility import Feasibility, Success, joint
from hyperspace.acquisition.functions import PORTFOLIO, ModelCriterion, make_acquisition
from hyperspace.acquisition.optimize import Box, candidates, choose_new, first_new, is_taken, maximize, search_axes
from hyperspace.numerics import random_streams
from hyperspace.optimizers.base import Suggestion
from hyperspace.space.space import Bounds
from hyperspace.strategies.adaptive.config import EXPLOIT, EXPLORE, GLOBAL, LARGEST_TEAM, THOMPSON, WHOLE, Setup
from hyperspace.strategies.adaptive.local_model import LocalModel, RegionModels, fit_feasibility
from hyperspace.strategies.adaptive.model_pool import ModelPool
from hyperspace.strategies.adaptive.region_search import RegionSearch
from hyperspace.strategies.adaptive.trust_regions import Region, TrustRegionState, nearest, separated_best
from hyperspace.trials.archive import Archive
from hyperspace.typing import Array

MOST_PENDING = 64  # pending points that the global arm conditions on
ALONG = 2, 32  # rounds and points per dimension of an acquisition's search along the axes; it costs more than a sample's
MOST_TAKEN = 256  # candidates that are tested for being new; after these nearly all are taken


class Batch:
    """Batch of a team for one state of the archive. Points are computed on request, in the order of turns, and kept.

    Args:
        setup: settings and choices of the study.
        team: number of the team.
        first_turn: number of the batch's first turn, counted from the start of the study.
        size: number of turns.
        region_state: state derived from the known trials.
        archive: the trials.
        models: models of this batch.
        regions: trust regions of this team.
        is_shared: whether the regions belong to another team too. Then only that team exploits them.
        domain: box of the global arm.
        constraints: models of the constrained metrics; None without constraints.
        synchronous: whether all members ask with this archive, so that each can compute the others' points.
        wanted: points that are given in advance, by member.
    """

    def __init__(
        self,
        setup: Setup,
        team: int,
        first_turn: int,
        size: int,
        region_state: TrustRegionState,
        archive: Archive,
        models: ModelPool,
        regions: tuple[Region, ...],
        is_shared: bool,
        domain: Bounds,
        constraints: ConstraintModels | None = None,
        synchronous: bool = True,
        wanted: Mapping[int, Suggestion] | None = None,
    ) -> None:
        self._setup, self._team, self._first_turn, self._size = setup, team, first_turn, size
        self._regions, self._is_shared, self._domain = regions, is_shared, domain
        self._constraints = constraints
        self._synchronous = synchronous
        self._is_sequential = not len(archive.pending) and (size == 1 or not synchronous)
        self._n = len(archive)
        self._U, self._y, self._score = archive.U, archive.y, region_state.score.copy()
        self._failed = np.zeros(self._n, dtype=bool)
        self._failed[region_state.failed] = True
        self._required_z = region_state.required_z
        self._pending = archive.pending
        self._models = models
        self._seen: dict[tuple[int, bool], RegionSearch] = {}
        self._answers: dict[int, Suggestion] = dict(wanted or {})
        self._earlier: list[Suggestion] = []  # earlier points of the batch that the current one has to account for
        self._in_corner = False  # whether all continuous coordinates of the last point are on bounds of the searched box

    def answer(self, member: int) -> Suggestion:
        """Return the point of a member, counted from 0."""
        if member not in self._answers:
            earlier = [self.answer(other) for other in range(member) if self._depends_on(member, other)]
            self._earlier = earlier
            answer = self._choose(member)
            if self._synchronous and self._in_corner and len(earlier) < member:
                earlier = [self.answer(other) for other in range(member)]
                if is_taken(answer.u, np.array([other.u for other in earlier])):
                    self._earlier = earlier
                    answer = self._choose(member)
            self._answers[member] = answer
        return self._answers[member]

    def _arm(self, member: int) -> str:
        return self._setup.settings.arm(self._first_turn + member, self._setup.space.d, self._is_sequential)

    def _depends_on(self, member: int, other: int) -> bool:
        """Return whether a member needs the point of an earlier member.

        Exploiting turns condition on the earlier points. Turns with posterior samples of their own can coincide only in a
        corner of the searched box, and `answer` tests for that. Turns that choose among the same candidates or levels can
        coincide anywhere. This keeps a suggestion cheap when every drive has its own rank.
        """
        if not self._synchronous:
            return False
        if (self._setup.space.levels > 0).all() or not self._region_searches(member)[0].has_paths:
            return True
        return self._arm(member) == self._arm(other) != THOMPSON

    def _rng(self, *key: int) -> np.random.Generator:
        return random_streams.stream(
            self._setup.seed, random_streams.STRATEGY, self._team, self._first_turn, self._n, len(self._pending), *key
        )

    def _choose(self, member: int) -> Suggestion:
        arm, rng = self._arm(member), self._rng(1, member)
        if arm == GLOBAL:
            return self._global(member, rng)
        searches = sorted(self._region_searches(member), key=lambda search: search.lowest_sample(member))
        if arm == EXPLOIT and self._can_exploit(searches[0]):
            return self._exploit(member, searches, rng)
        if not searches[0].has_paths:
            return self._thompson_at_candidates(member, searches[0], rng)
        return self._thompson(member, searches[0], rng)

    def _thompson(self, member: int, search: RegionSearch, rng: np.random.Generator) -> Suggestion:
        """Return the minimum of a posterior sample: in a region if it improves there, else elsewhere in the cube.

        Every second turn uses the gradient search in any case. The other turns use it only if the candidates do not improve.
        In few dimensions the other turns use the candidates alone: their rough minima help a study to leave an exhausted region.
        """
        settings = self._setup.settings
        always_searches = member % 4 < 2  # in fours, because every second turn of a cycle exploits
        candidates_only = not always_searches and self._setup.space.d <= settings.small_d
        target = self._reference(search) - settings.min_gain
        U, lowest = search.minimize_sample(np.inf if candidates_only else -np.inf if always_searches else target, rng)
        if lowest <= target:
            u = self._first_new(U, search.box, search.local, rng)
            return self._suggestion(member, u, THOMPSON, search.local, search.number)
        whole = self._whole_space(member)
        U = whole.local_minima(self._separated_best, rng)
        if not len(U):
            U, _ = whole.minimize_sample(np.inf if candidates_only else -np.inf, rng)
        u = self._first_new(U, whole.box, whole.local, rng)
        return self._suggestion(member, u, EXPLORE, whole.local, search.number)

    def _reference(self, search: RegionSearch) -> float:
        """Return the value that an improvement is measured from, on the scale of a region's model: the best noise-free loss.

        The model of a second region may not hold the best trial. Then its own lowest mean is used.
        """
        return max(search.to_latent(self._best), self._lowest(search.local))

    def _lowest(self, local: LocalModel) -> float:
        """Return a model's lowest mean at a feasible trial, or at any trial if none is feasible."""
        counts = np.isfinite(self._score[local.rows])
        return float((local.fitted[counts] if counts.any() else local.fitted).min())

    @cached_property
    def _separated_best(self) -> Array:
        """Best trials that are separated from each other, best first, (k, d). Not empty, since regions exist."""
        settings = self._setup.settings
        order = np.argsort(self._score, kind="stable")[: int(np.isfinite(self._score).sum())]
        rows = separated_best(self._setup.space, self._U, order, settings.explore_starts, settings.min_separation / 2)
        points: Array = self._U[rows]
        return points

    def _thompson_at_candidates(self, member: int, search: RegionSearch, rng: np.random.Generator) -> Suggestion:
        """Return a point as `_thompson` does, but from joint samples at the candidates of the region or of the cube."""
        arm, source = THOMPSON, search
        U, lowest = search.ranked_candidates(member)
        if lowest > search.to_latent(self._best) - self._setup.settings.min_gain:
            arm, source = EXPLORE, self._whole_space(member)
            U, _ = source.ranked_candidates(member)
        u = self._first_new(U, source.box, source.local, rng)
        return self._suggestion(member, u, arm, source.local, search.number)

    def _can_exploit(self, search: RegionSearch) -> bool:
        """Return whether the acquisition would give a new point."""
        if self._setup.acquisition == "TS" or self._is_shared:
            return False
        used = any(other.region == search.number and other.arm == EXPLOIT for other in self._earlier)
        return search.local.has_condition or not used

    def _exploit(self, member: int, searches: list[RegionSearch], rng: np.random.Generator) -> Suggestion:
        search, *others = searches
        self._add_pending_fantasies(search)
        U, value = self._maximized(member, search, search.incumbent, rng)
        if value < self._setup.settings.min_log_ei and others and others[0].local.has_condition:
            # No improvement is expected here. Search the next best region, and measure from its own incumbent.
            search = others[0]
            self._add_pending_fantasies(search)
            U, _ = self._maximized(member, search, search.own_incumbent, rng)
        u = self._first_new(U, search.box, search.local, rng)
        search.add_fantasies(u[None])
        return self._suggestion(member, u, EXPLOIT, search.local, search.number)

    def _maximized(self, member: int, search: RegionSearch, incumbent: float, rng: np.random.Generator) -> tuple[Array, float]:
        """Return points of a region sorted by acquisition value, best first, and the best value."""
        acquisition = make_acquisition(self._acquisition(member), incumbent)
        criterion = ModelCriterion(search.model, acquisition, search.feasibility)
        box, U = search.box, search.candidates
        if search.is_additive:
            U = np.concatenate([search_axes(criterion, box, search.center, rng, *ALONG), search.points_near_center(rng)])
        elif not box.all_listed:
            U = np.concatenate([U, search.points_near_center(rng)])
        U, values = maximize(criterion, box, U, rng, search.local.scales)
        return U, float(values[0])

    def _global(self, member: int, rng: np.random.Generator) -> Suggestion:
        fits, box = self._models.of(WHOLE), Box(self._setup.space, self._domain)
        local = fits.local(self._additive(member, fits))
        model = local.latent
        inside = (self._pending >= self._domain.lower) & (self._pending <= self._domain.upper)
        pending = self._pending[inside.all(axis=1)][:MOST_PENDING]
        if len(pending) and local.has_condition:
            model = model.condition(pending, model.posterior(pending).mean[:, 0])  # type: ignore[attr-defined]
        acquisition = make_acquisition(self._acquisition(member), self._lowest(local))
        criterion = ModelCriterion(model, acquisition, self._feasibility(local))
        centers = box.snap(self._U[[region.center for region in self._regions]])
        U = candidates(box, centers, rng, n_global=self._setup.settings.candidates)
        if getattr(model, "is_additive", False) and not box.all_listed:
            U = np.concatenate([U, search_axes(criterion, box, centers[0], rng, *ALONG)])
        U, _ = maximize(criterion, box, U, rng, local.scales)
        return self._suggestion(member, self._first_new(U, box, local, rng), GLOBAL, local)

    def _suggestion(self, member: int, u: Array, arm: str, local: LocalModel, region: int | None = None) -> Suggestion:
        return Suggestion(u, arm, self._models.recorded(member, local), region, local.predicted(u))

    def _acquisition(self, member: int) -> str:
        name = self._setup.acquisition
        if name == "gp_hedge":
            return PORTFOLIO[(self._first_turn + member) % len(PORTFOLIO)]
        return "EI" if name == "TS" else name

    def _first_new(self, U: Array, box: Box, local: LocalModel, rng: np.random.Generator) -> Array:
        """Return the first point of U, best first, that is not evaluated, pending or earlier in the batch."""
        taken = np.concatenate([self._U, self._pending, *(other.u[None] for other in self._earlier)])
        index = first_new(U[:MOST_TAKEN], taken)
        self._in_corner = index is not None and bool(((U[index] == box.lower) | (U[index] == box.upper))[box.continuous].all())
        if index is None:
            whole = Box(self._setup.space, Bounds.whole(self._setup.space.d))
            return choose_new(whole, U, lambda V: -local.latent.posterior(V).mean[:, 0], taken, rng)
        u: Array = U[index]
        return u

    def _region_searches(self, member: int) -> list[RegionSearch]:
        """Return the search of each region for a member."""
        return [self._region_search(region, self._additive(member, self._models.of(region.number))) for region in self._regions]

    def _additive(self, member: int, fits: RegionModels) -> bool:
        """Return whether a member uses the additive process.

        Three of four members do if the additive process is more probable, else one of four. If trials fail or are
        constrained, acquisitions do not use it: an additive model is too confident beyond the feasibility border.
        """
        limited = self._failed.any() or self._constraints is not None
        if fits.lead == -np.inf or (limited and self._arm(member) != THOMPSON):
            return False
        turn = (member + self._first_turn // self._size) % 4
        return turn > 0 if fits.lead > 0.0 else turn == 0

    def _region_search(self, region: Region, additive: bool) -> RegionSearch:
        key = region.number, additive
        if key not in self._seen:
            setup, center, local = self._setup, self._U[region.center], self._models.of(region.number).local(additive)
            rng, feasibility = self._rng(0, region.number), self._feasibility(local, center)
            lowest = self._lowest(local)
            self._seen[key] = RegionSearch(
                setup.space, setup.settings, region, center, local, lowest, feasibility, self._size, rng
            )
        return self._seen[key]

    def _add_pending_fantasies(self, search: RegionSearch) -> None:
        """Add fantasies of the pending points that are nearest to this region, at most `LARGEST_TEAM`."""
        if search.has_pending_fantasies or not len(self._pending):
            return
        search.has_pending_fantasies = True
        centers = self._U[[region.center for region in self._regions]]
        away = np.abs(self._pending - centers[:, None]).max(axis=2)
        own = [region.number for region in self._regions].index(search.number)
        mine = np.flatnonzero(away.argmin(axis=0) == own)
        search.add_fantasies(self._pending[mine[np.argsort(away[own, mine], kind="stable")[:LARGEST_TEAM]]])

    def _whole_space(self, member: int) -> RegionSearch:
        """Return the search of the whole cube."""
        fits = self._models.of(WHOLE)
        key = WHOLE, self._additive(member, fits)
        if key not in self._seen:
            setup, region, local = self._setup, self._regions[0], fits.local(key[1])
            center, whole = self._U[region.center], Bounds.whole(setup.space.d)
            feasibility, rng = self._feasibility(local), self._rng(2)
            lowest = self._lowest(local)
            self._seen[key] = RegionSearch(
                setup.space, setup.settings, region, center, local, lowest, feasibility, self._size, rng, whole
            )
        return self._seen[key]

    @cached_property
    def _best(self) -> float:
        """Lowest loss of a feasible trial, or of all trials if none is feasible."""
        counted = self._score[np.isfinite(self._score)]
        return float(counted.min() if len(counted) else self._y[self._models.usable].min())

    def _feasibility(self, local: LocalModel, center: Array | None = None) -> Feasibility | None:
        """Return the probability of success within the constraints; None if nothing failed and nothing is constrained."""
        limits = None if self._constraints is None else self._constraints.limits(center)
        return joint(self._success(local, center), limits)

    def _success(self, local: LocalModel, center: Array | None) -> Success | None:
        """Return the probability of success, from a model's trials and the nearest or last failures; None without failures."""
        if not self._failed.any():
            return None
        space, n = self._setup.space, self._setup.settings.nearest
        failed = np.flatnonzero(self._failed)[-n:] if center is None else nearest(space, self._U, self._failed, center, n)
        rows = np.union1d(failed, local.rows)
        return fit_feasibility(space, self._U[rows], self._failed[rows], self._required_z)
