"""The arms: the ways of choosing the next point, which take turns in the order of `Settings.cycle`.

    G   global     Maximize the acquisition over the domain. The model holds all trials, or the best half and a random subset of
                   the others.
    E   exploit    Maximize the acquisition in a trust region. Points chosen earlier in the batch are fantasies at the posterior
                   mean. If a region has no expected improvement left, the next best region is searched.
    T   thompson   Minimize a posterior sample in a trust region (Thompson 1933; Eriksson et al. 2019).
    S   explore    Minimize a posterior sample of the whole box.
    H   hedge      Draw one of the proposals of several acquisitions by their past gains.

An exploit or thompson turn chooses its region by Thompson sampling: the region whose posterior sample has the lowest minimum,
as a loss. If a thompson turn's sample does not improve on the best loss, a posterior sample of the whole box is minimized
instead, as in an explore turn. Its point is a local minimum away from the best trial.

While no trial in the box is feasible, the arm `FEASIBILITY` takes all turns.

A new way of asking is a class here, and a letter in `ARMS`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from hyperspace.acquisition.constraint_models import toward_feasible
from hyperspace.acquisition.functions import PORTFOLIO, LogEI, ModelCriterion, make_acquisition
from hyperspace.acquisition.optimize import Box, candidates, choose_new, first_new, maximize, search_axes
from hyperspace.optimizers.base import Suggestion
from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.models import LocalModel, RegionModels
from hyperspace.optimizers.bayesian.region_search import RegionSearch
from hyperspace.optimizers.bayesian.settings import HEDGE
from hyperspace.surrogates.gp.posterior import ExactGP
from hyperspace.typing import Array

_MOST_PENDING = 64  # pending points that the search for a feasible trial conditions on
_ALONG = 2, 32  # rounds and points per dimension of an acquisition's search along the axes; it costs more than a sample's
_MOST_TAKEN = 256  # candidates that are tested for being new; after these nearly all are taken
_N_SPREAD = 256  # points among which the most probable success is chosen
_CONVERGED_LOG_EI = math.log(1e-4)  # log EI, for targets of variance one, that the regularizing noise alone can cause
_RESOLVED = 1e-7  # variance that is ignored then


class Turn:
    """One turn of a batch, with all that its arm needs.

    Args:
        knowledge: what the batch knows.
        arm: the arm whose turn it is.
        member: index of the turn in the batch.
        first_turn: number of the batch's first turn, counted from the start of the study.
        size: number of turns of the batch.

    Attributes:
        earlier: earlier points of the batch that this one has to account for.
        rng: random stream of this turn.
        in_corner: whether all continuous coordinates of the chosen point are on bounds of the searched box.
    """

    def __init__(self, knowledge: Knowledge, arm: Arm, member: int, first_turn: int, size: int) -> None:
        self.knowledge, self.setup, self.arm, self.member = knowledge, knowledge.setup, arm, member
        self.number, self._round = first_turn + member, first_turn // size
        self.earlier: Sequence[Suggestion] = ()
        self.in_corner = False
        self.restart()

    def restart(self) -> None:
        """Begin the turn again, with the same random numbers."""
        self.rng = self.knowledge.rng(1, self.member)

    @property
    def acquisition(self) -> str:
        """Name of the turn's acquisition. In a team, the functions of a portfolio take turns."""
        name = self.setup.acquisition
        if name == "gp_hedge":
            return PORTFOLIO[self.number % len(PORTFOLIO)]
        return "EI" if name == "TS" else name

    def additive(self, fits: RegionModels) -> bool:
        """Return whether the turn uses the additive process.

        Three of four turns do if the additive process is more probable, else one of four. If trials fail or are constrained,
        acquisitions do not use it: an additive model is too confident beyond the feasibility border.
        """
        limited = self.knowledge.failed.any() or self.knowledge.constraints is not None
        if fits.lead == -np.inf or (limited and not self.arm.draws):
            return False
        turn = (self.member + self._round) % 4
        return turn > 0 if fits.lead > 0.0 else turn == 0

    def region_searches(self) -> list[RegionSearch]:
        """Return the search of each region."""
        know = self.knowledge
        return [know.region_search(region, self.additive(know.models.of(region.number))) for region in know.regions]

    def ranked_searches(self) -> list[RegionSearch]:
        """Return the searches of the regions, the one with the lowest posterior sample first."""
        return sorted(self.region_searches(), key=lambda search: search.lowest_sample(self.member))

    def whole_search(self) -> RegionSearch:
        """Return the search of the whole box."""
        return self.knowledge.whole_search(self.additive(self.knowledge.models.of(self.setup.whole)))

    @cached_property
    def has_paths(self) -> bool:
        """Whether the turn's posterior samples are functions. Else all turns choose among the same candidates."""
        return self.region_searches()[0].has_paths

    def suggestion(self, u: Array, local: LocalModel, arm: str, region: int | None = None) -> Suggestion:
        """Return a point with what its trial keeps."""
        return Suggestion(u, arm, self.knowledge.models.recorded(self.member, local), region, local.predicted(u))

    def first_new(self, U: Array, box: Box, local: LocalModel) -> Array:
        """Return the first point of U, best first, that is not evaluated, pending or earlier in the batch."""
        taken = self.taken
        index = first_new(U[:_MOST_TAKEN], taken)
        self.in_corner = index is not None and bool(((U[index] == box.lower) | (U[index] == box.upper))[box.continuous].all())
        if index is None:
            return choose_new(self.knowledge.box, U, lambda V: -local.latent.posterior(V).mean[:, 0], taken, self.rng)
        u: Array = U[index]
        return u

    @property
    def taken(self) -> Array:
        """Points that are evaluated, pending or earlier in the batch, (k, d)."""
        return np.concatenate([self.knowledge.U, self.knowledge.pending, *(other.u[None] for other in self.earlier)])


class Arm(ABC):
    """A way of choosing the next point.

    Attributes:
        name: what trials record as their arm.
        draws: whether each turn draws a posterior sample of its own. Others condition on the earlier points of their arm.
    """

    name: str
    draws = False

    @abstractmethod
    def propose(self, turn: Turn) -> Suggestion:
        """Return the next point."""


class GlobalArm(Arm):
    """Maximum of the acquisition over the domain.

    At a converged local minimum, the noise that regularizes the kernel matrix leaves a small posterior variance. If the model
    expects even less improvement elsewhere, the search would return there forever. So with `Settings.leaves_converged` every
    second turn with such a small expected improvement ignores this variance.
    """

    name = "global"

    def propose(self, turn: Turn) -> Suggestion:
        """Return the maximum of the acquisition."""
        local, (u,) = self._maxima(turn, (turn.acquisition,))
        return turn.suggestion(u, local, self.name)

    def _maxima(self, turn: Turn, acquisitions: Sequence[str]) -> tuple[LocalModel, list[Array]]:
        """Return the model, and the maximum of each acquisition among new points."""
        know, settings = turn.knowledge, turn.setup.settings
        fits, box = know.models.of(turn.setup.whole), Box(turn.setup.space, know.domain)
        local = fits.local(turn.additive(fits))
        pending = know.pending[know.domain.contains(know.pending)][-settings.most_pending :]
        model = local.with_fantasies(pending) if len(pending) else local.latent
        lowest = know.lowest_with(local, model, pending)
        feasibility, centers = know.feasibility(local), box.snap(know.centers)
        maxima = []
        for name in acquisitions:
            U = candidates(box, centers, turn.rng, n_global=settings.candidates)
            best = lowest if know.has_feasible else float(model.posterior(U).mean.min())
            criterion = ModelCriterion(model, make_acquisition(name, best), feasibility)
            if getattr(model, "is_additive", False) and not box.all_listed:
                U = np.concatenate([U, search_axes(criterion, box, centers[0], turn.rng, *_ALONG)])
            maxima.append(turn.first_new(self._sorted(criterion, box, U, turn, local), box, local))
        return local, maxima

    @staticmethod
    def _sorted(criterion: ModelCriterion, box: Box, U: Array, turn: Turn, local: LocalModel) -> Array:
        found, values = maximize(criterion, box, U, turn.rng, local.scales)
        leaves = turn.setup.settings.leaves_converged and turn.number % 2 == 1 and isinstance(criterion.acquisition, LogEI)
        if leaves and isinstance(local.latent, ExactGP) and values[0] < _CONVERGED_LOG_EI:
            criterion = replace(criterion, resolved=min(local.latent.hyper.noise, _RESOLVED))
            found, _ = maximize(criterion, box, U, turn.rng, local.scales)
        return found


class HedgeArm(GlobalArm):
    """One of the proposals of all acquisitions of a portfolio, drawn by their past gains.

    GP-Hedge (Hoffman, Brochu and de Freitas, "Portfolio Allocation for Bayesian Optimization", 2011). The gain of an acquisition
    is minus the sum of the model's means at its proposals. Each trial records them.
    """

    name = "hedge"

    def propose(self, turn: Turn) -> Suggestion:
        """Return the proposal that was drawn."""
        last, gains = turn.knowledge.hedge, np.zeros(len(PORTFOLIO))
        local, maxima = self._maxima(turn, PORTFOLIO)
        proposals = np.array(maxima)
        if last is not None:
            gains = np.array(last["gains"]) - local.latent.posterior(np.array(last["proposals"])).mean[:, 0]
        weights = np.exp(gains - gains.max())
        u = proposals[int(turn.rng.choice(len(proposals), p=weights / weights.sum()))]
        suggestion = turn.suggestion(u, local, self.name)
        hedge = {"gains": gains.tolist(), "proposals": proposals.tolist()}
        return replace(suggestion, model={**(suggestion.model or {}), HEDGE: hedge})


class ExploreArm(Arm):
    """Minimum of a posterior sample of the whole box."""

    name = "explore"
    draws = True

    def propose(self, turn: Turn) -> Suggestion:
        """Return the minimum of the sample."""
        return self.minimized(turn, turn.whole_search(), None)

    def minimized(self, turn: Turn, search: RegionSearch, region: int | None, target: float = -np.inf) -> Suggestion:
        """Return the minimum of a posterior sample; with a `target`, only candidates are used if they reach it."""
        if not search.has_paths:
            U, _ = search.ranked_candidates(turn.member)
        else:
            U, _ = search.minimize_sample(target, turn.rng)
        return turn.suggestion(turn.first_new(U, search.box, search.local), search.local, self.name, region)

    def leave(self, turn: Turn, region: int, target: float) -> Suggestion:
        """Return a low point of a sample away from the best trial, for a region whose samples do not improve."""
        search = turn.whole_search()
        if search.has_paths and len(U := search.local_minima(turn.knowledge.separated_best, turn.rng)):
            return turn.suggestion(turn.first_new(U, search.box, search.local), search.local, self.name, region)
        return self.minimized(turn, search, region, target)


class ThompsonArm(Arm):
    """Minimum of a posterior sample: in a region if it improves there, else elsewhere in the box.

    Every second turn uses the gradient search in any case. The other turns use it only if the candidates do not improve. In few
    dimensions the other turns use the candidates alone: their rough minima help a study to leave an exhausted region.
    """

    name = "thompson"
    draws = True

    def propose(self, turn: Turn) -> Suggestion:
        """Return the minimum of the sample."""
        return self.within(turn, turn.ranked_searches()[0])

    def within(self, turn: Turn, search: RegionSearch) -> Suggestion:
        """Return the minimum of a sample in a region, or of the whole box."""
        settings = turn.setup.settings
        if not search.has_paths:
            U, lowest = search.ranked_candidates(turn.member)
            improves, rough = lowest <= search.to_latent(turn.knowledge.best) - settings.min_gain, -np.inf
        else:
            always_searches = turn.member % 4 < 2  # in fours, because every second turn of a cycle exploits
            candidates_only = not always_searches and turn.setup.space.d <= settings.small_d
            target = self._reference(turn, search) - settings.min_gain
            U, lowest = search.minimize_sample(np.inf if candidates_only else -np.inf if always_searches else target, turn.rng)
            improves, rough = lowest <= target, np.inf if candidates_only else -np.inf
        if not improves:
            return EXPLORE.leave(turn, search.number, rough)
        return turn.suggestion(turn.first_new(U, search.box, search.local), search.local, self.name, search.number)

    @staticmethod
    def _reference(turn: Turn, search: RegionSearch) -> float:
        """Return the value that an improvement is measured from, on the scale of a region's model: the best noise-free loss.

        The model of a second region may not hold the best trial. Then its own lowest mean is used.
        """
        return max(search.to_latent(turn.knowledge.best), turn.knowledge.lowest(search.local))


class ExploitArm(Arm):
    """Maximum of the acquisition in a trust region."""

    name = "exploit"

    def propose(self, turn: Turn) -> Suggestion:
        """Return the maximum of the acquisition; a posterior sample's minimum if the maximum would not be a new point."""
        search, *others = turn.ranked_searches()
        if not self._is_useful(turn, search):
            return THOMPSON.within(turn, search)
        turn.knowledge.add_pending_fantasies(search)
        U, value = self._maximized(turn, search, search.incumbent)
        if value < turn.setup.settings.min_log_ei and others and others[0].local.has_condition:
            # No improvement is expected here. Search the next best region, and measure from its own incumbent.
            search = others[0]
            turn.knowledge.add_pending_fantasies(search)
            U, _ = self._maximized(turn, search, search.own_incumbent)
        u = turn.first_new(U, search.box, search.local)
        search.add_fantasies(u[None])
        return turn.suggestion(u, search.local, self.name, search.number)

    def _is_useful(self, turn: Turn, search: RegionSearch) -> bool:
        """Return whether the acquisition would give a new point."""
        if turn.setup.acquisition == "TS" or turn.knowledge.is_shared:
            return False
        used = any(other.region == search.number and other.arm == self.name for other in turn.earlier)
        return search.local.has_condition or not used

    @staticmethod
    def _maximized(turn: Turn, search: RegionSearch, incumbent: float) -> tuple[Array, float]:
        """Return points of a region sorted by acquisition value, best first, and the best value."""
        criterion = ModelCriterion(search.model, make_acquisition(turn.acquisition, incumbent), search.feasibility)
        box, U = search.box, search.candidates
        if search.is_additive:
            U = np.concatenate(
                [search_axes(criterion, box, search.center, turn.rng, *_ALONG), search.points_near_center(turn.rng)]
            )
        elif not box.all_listed:
            U = np.concatenate([U, search.points_near_center(turn.rng)])
        U, values = maximize(criterion, box, U, turn.rng, search.local.scales)
        return U, float(values[0])


class FeasibilityArm(Arm):
    """Search for a first feasible trial of the box, which trust regions and acquisitions need.

    Odd turns minimize the violation of posterior samples (see `toward_feasible`). Even turns maximize the probability of
    satisfying all constraints, with fantasies of the earlier points of the batch. If nothing is constrained, but evaluations
    have failed, the most probable success is chosen.
    """

    name = "feasibility"

    def propose(self, turn: Turn) -> Suggestion:
        """Return a point that is probably feasible."""
        know, box, rng = turn.knowledge, turn.knowledge.box, turn.knowledge.rng(3, turn.member)
        taken = turn.taken
        pending = taken[know.n :][-_MOST_PENDING:]
        if know.constraints is not None and know.constraints.limits() is not None:
            U = toward_feasible(know.constraints, box, know.recent_success(), pending, turn.number % 2 == 1, rng)
            return Suggestion(choose_new(box, U, lambda V: np.zeros(len(V)), taken, rng), self.name)
        success = know.recent_success(lost=pending)  # pending points count as failures, so that a batch spreads out
        if success is None:
            raise RuntimeError("a search for a feasible trial needs constraints or failures")
        U = box.listed if box.all_listed else box.spread(_N_SPREAD, rng)
        order = np.argsort(-success.log_probability(U), kind="stable")
        return Suggestion(choose_new(box, U[order], success.log_probability, taken, rng), self.name)


EXPLORE, THOMPSON, FEASIBILITY = ExploreArm(), ThompsonArm(), FeasibilityArm()
ARMS: dict[str, Arm] = {"G": GlobalArm(), "E": ExploitArm(), "T": THOMPSON, "S": EXPLORE, "H": HedgeArm()}
