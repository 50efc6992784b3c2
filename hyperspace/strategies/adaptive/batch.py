"""The points that a team of drives evaluates next, worked out one after the other, each in sight of those before it.

Three arms take turns (`Settings.arm`):
    global     the acquisition over the whole cube, under a model of all trials (of many: the best half, and others drawn)
    exploit    the acquisition in a region; points of the team before it count as if they had come out as expected ("believer");
               in the next best region where the first one has been worked out
    thompson   the minimum of a function drawn from the posterior in a region (Thompson 1933; Eriksson et al. 2019)
Which region an exploit or thompson turn works is decided by a draw, too: the one whose draw has the lower minimum, on the
scale of the losses. That is Thompson sampling among regions. A thompson turn whose function promises no gain there goes to a
valley, off the best trial, of a function drawn over the whole cube instead ("explore").
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from hyperspace.acquisition.constraint_models import ConstraintModels
from hyperspace.acquisition.feasibility import Feasibility, Success, joint
from hyperspace.acquisition.functions import PORTFOLIO, Criterion, make_acquisition
from hyperspace.acquisition.optimize import Box, candidates, choose_new, combine, first_new, is_taken, maximize
from hyperspace.numerics import random_streams
from hyperspace.optimizers.base import Suggestion
from hyperspace.space.space import Bounds
from hyperspace.strategies.adaptive.config import EXPLOIT, EXPLORE, GLOBAL, LARGEST_TEAM, THOMPSON, WHOLE, Setup
from hyperspace.strategies.adaptive.local_model import Fits, Local, fit_feasibility
from hyperspace.strategies.adaptive.model_pool import Models
from hyperspace.strategies.adaptive.region_search import Prospect
from hyperspace.strategies.adaptive.trust_regions import Fold, Region, best_apart, nearest
from hyperspace.trials.archive import Archive
from hyperspace.typing import Array

MOST_PENDING = 64  # points under way that the global arm takes account of
ALONG = 2, 32  # rounds of an acquisition's search along the axes, and points a dimension: it costs more than a path's
MOST_TAKEN = 256  # candidates that are looked at for one that is new; beyond it nearly all are taken


class Round:
    """A team's next points, given one state of the archive. Computed when asked for, in the order of turns, and kept.

    Args:
        setup: of the strategy.
        team: number of the team.
        first_turn: number of the round's first turn since the study began.
        size: number of turns.
        fold: what follows from the trials known.
        archive: the trials.
        models: of this round.
        regions: those of this team.
        shares: whether these regions belong to another team too, which then does the exploiting.
        domain: box of the global arm.
        constraints: models of the constrained metrics; None where nothing is constrained.
        foresees: whether the mates ask with this same archive, so that their answers can be worked out here.
        wanted: answers that are no choice of the round's, by member.
    """

    def __init__(
        self,
        setup: Setup,
        team: int,
        first_turn: int,
        size: int,
        fold: Fold,
        archive: Archive,
        models: Models,
        regions: tuple[Region, ...],
        shares: bool,
        domain: Bounds,
        constraints: ConstraintModels | None = None,
        foresees: bool = True,
        wanted: Mapping[int, Suggestion] | None = None,
    ) -> None:
        self._setup, self._team, self._first_turn, self._size = setup, team, first_turn, size
        self._regions, self._shares, self._domain = regions, shares, domain
        self._constraints = constraints
        self._mates_known = foresees
        self._alone = not len(archive.pending) and (size == 1 or not foresees)
        self._n = len(archive)
        self._U, self._y, self._score = archive.U, archive.y, fold.score.copy()
        self._failed = np.zeros(self._n, dtype=bool)
        self._failed[fold.failed] = True
        self._caution = fold.caution
        self._pending = archive.pending
        self._models = models
        self._seen: dict[tuple[int, bool], Prospect] = {}
        self._answers: dict[int, Suggestion] = dict(wanted or {})
        self._mates: list[Suggestion] = []  # the answers that the one being worked out takes account of
        self._in_corner = False  # whether the last point chosen has all continuous coordinates on the bounds of the box searched

    def answer(self, member: int) -> Suggestion:
        """Return the answer for the team's drive of this number, from 0."""
        if member not in self._answers:
            mates = [self.answer(mate) for mate in range(member) if self._foresees(member, mate)]
            self._mates = mates
            answer = self._work(member)
            if self._mates_known and self._in_corner and len(mates) < member:
                mates = [self.answer(mate) for mate in range(member)]
                if is_taken(answer.u, np.array([mate.u for mate in mates])):
                    self._mates = mates
                    answer = self._work(member)
            self._answers[member] = answer
        return self._answers[member]

    def _arm(self, member: int) -> str:
        return self._setup.settings.arm(self._first_turn + member, self._setup.space.d, self._alone)

    def _foresees(self, member: int, mate: int) -> bool:
        """Tell whether a member has to know a mate's answer.

        Exploiting turns go on from what those before them are expected to find. Turns that draw functions of their own meet
        at most in a corner of the box they search, which `answer` looks after; those that choose among the same candidates, or
        levels, may meet anywhere. So a suggestion stays cheap where every drive has a rank of its own.
        """
        if not self._mates_known:
            return False
        if (self._setup.space.levels > 0).all() or not self._prospects(member)[0].has_paths:
            return True
        return self._arm(member) == self._arm(mate) != THOMPSON

    def _rng(self, *key: int) -> np.random.Generator:
        return random_streams.stream(
            self._setup.seed, random_streams.STRATEGY, self._team, self._first_turn, self._n, len(self._pending), *key
        )

    def _work(self, member: int) -> Suggestion:
        arm, rng = self._arm(member), self._rng(1, member)
        if arm == GLOBAL:
            return self._global(member, rng)
        prospects = sorted(self._prospects(member), key=lambda prospect: prospect.lowest(member))
        if arm == EXPLOIT and self._can_exploit(prospects[0]):
            return self._exploit(member, prospects, rng)
        if not prospects[0].has_paths:
            return self._sampled(member, prospects[0], rng)
        return self._thompson(member, prospects[0], rng)

    def _thompson(self, member: int, prospect: Prospect, rng: np.random.Generator) -> Suggestion:
        """Return the minimum of a function drawn in a region where it promises a gain, or else in a valley off the best trial.

        Every second turn climbs down in any case, and the others where candidates promise nothing. In few dimensions these look
        at candidates alone: their rough minima are what gets a study out of a region that is worked out.
        """
        settings, keen = self._setup.settings, member % 4 < 2  # by fours: of two neighbors in a cycle of arms one exploits
        roams = not keen and self._setup.space.d <= settings.small
        target = self._known(prospect) - settings.promise
        U, lowest = prospect.search(np.inf if roams else -np.inf if keen else target, rng)
        if lowest <= target:
            u = self._first_new(U, prospect.box, prospect.local, rng)
            return self._suggestion(member, u, THOMPSON, prospect.local, prospect.number)
        elsewhere = self._elsewhere(member)
        U = elsewhere.valleys(self._low_and_apart, rng)
        if not len(U):
            U, _ = elsewhere.search(np.inf if roams else -np.inf, rng)
        u = self._first_new(U, elsewhere.box, elsewhere.local, rng)
        return self._suggestion(member, u, EXPLORE, elsewhere.local, prospect.number)

    def _known(self, prospect: Prospect) -> float:
        """Return what a gain is measured from, on the scale of a region's model: the best there is, without the luck of noise.

        A model that has not got the best trial, as of a second region among many trials, knows no better than its own best.
        """
        return max(prospect.latent_of(self._best), self._lowest(prospect.local))

    def _lowest(self, local: Local) -> float:
        """Return a model's lowest mean at a trial that counts; at any where none does."""
        counts = np.isfinite(self._score[local.rows])
        return float((local.fitted[counts] if counts.any() else local.fitted).min())

    @cached_property
    def _low_and_apart(self) -> Array:
        """The best points that lie apart, the best first, (k, d); there are some, since there are regions."""
        settings = self._setup.settings
        order = np.argsort(self._score, kind="stable")[: int(np.isfinite(self._score).sum())]
        points: Array = self._U[best_apart(self._setup.space, self._U, order, settings.valleys, settings.apart / 2)]
        return points

    def _sampled(self, member: int, prospect: Prospect, rng: np.random.Generator) -> Suggestion:
        """Do as `_thompson` does, by joint draws at the candidates, of the region or else of the whole cube."""
        arm, source = THOMPSON, prospect
        U, lowest = prospect.ranked(member)
        if lowest > prospect.latent_of(self._best) - self._setup.settings.promise:
            arm, source = EXPLORE, self._elsewhere(member)
            U, _ = source.ranked(member)
        u = self._first_new(U, source.box, source.local, rng)
        return self._suggestion(member, u, arm, source.local, prospect.number)

    def _can_exploit(self, prospect: Prospect) -> bool:
        """Tell whether the acquisition would give another point than the last time."""
        if self._setup.acquisition == "TS" or self._shares:
            return False
        used = any(mate.region == prospect.number and mate.arm == EXPLOIT for mate in self._mates)
        return prospect.local.has_condition or not used

    def _exploit(self, member: int, prospects: list[Prospect], rng: np.random.Generator) -> Suggestion:
        prospect, *others = prospects
        self._imagine_pending(prospect)
        U, value = self._maximized(member, prospect, prospect.incumbent, rng)
        if value < self._setup.settings.worked_out and others and others[0].local.has_condition:
            # The region is worked out: go on in the next best one, judged by what was found there, not by the best of all.
            prospect = others[0]
            self._imagine_pending(prospect)
            U, _ = self._maximized(member, prospect, prospect.own_incumbent, rng)
        u = self._first_new(U, prospect.box, prospect.local, rng)
        prospect.imagine(u[None])
        return self._suggestion(member, u, EXPLOIT, prospect.local, prospect.number)

    def _maximized(self, member: int, prospect: Prospect, incumbent: float, rng: np.random.Generator) -> tuple[Array, float]:
        """Return points of a region by the acquisition, best first, and the value of the best."""
        acquisition = make_acquisition(self._acquisition(member), incumbent)
        criterion = Criterion(prospect.model, acquisition, prospect.feasibility)
        box, U = prospect.box, prospect.candidates
        if prospect.is_additive:
            U = np.concatenate([combine(criterion, box, prospect.center, rng, *ALONG), prospect.near(rng)])
        elif not box.all_listed:
            U = np.concatenate([U, prospect.near(rng)])
        U, values = maximize(criterion, box, U, rng, prospect.local.scales)
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
        criterion = Criterion(model, acquisition, self._feasibility(local))
        centers = box.snap(self._U[[region.center for region in self._regions]])
        U = candidates(box, centers, rng, n_global=self._setup.settings.candidates)
        if getattr(model, "is_additive", False) and not box.all_listed:
            U = np.concatenate([U, combine(criterion, box, centers[0], rng, *ALONG)])
        U, _ = maximize(criterion, box, U, rng, local.scales)
        return self._suggestion(member, self._first_new(U, box, local, rng), GLOBAL, local)

    def _suggestion(self, member: int, u: Array, arm: str, local: Local, region: int | None = None) -> Suggestion:
        return Suggestion(u, arm, self._models.recorded(member, local), region, local.predicted(u))

    def _acquisition(self, member: int) -> str:
        name = self._setup.acquisition
        if name == "gp_hedge":
            return PORTFOLIO[(self._first_turn + member) % len(PORTFOLIO)]
        return "EI" if name == "TS" else name

    def _first_new(self, U: Array, box: Box, local: Local, rng: np.random.Generator) -> Array:
        """Return the first point of U in the box, best first, that nobody has evaluated, evaluates, or is foreseen to."""
        taken = np.concatenate([self._U, self._pending, *(mate.u[None] for mate in self._mates)])
        index = first_new(U[:MOST_TAKEN], taken)
        self._in_corner = index is not None and bool(((U[index] == box.lower) | (U[index] == box.upper))[box.continuous].all())
        if index is None:
            whole = Box(self._setup.space, Bounds.whole(self._setup.space.d))
            return choose_new(whole, U, lambda V: -local.latent.posterior(V).mean[:, 0], taken, rng)
        u: Array = U[index]
        return u

    def _prospects(self, member: int) -> list[Prospect]:
        """Return the regions as a member sees them."""
        return [self._prospect(region, self._additive(member, self._models.of(region.number))) for region in self._regions]

    def _additive(self, member: int, fits: Fits) -> bool:
        """Tell whether a member goes by the additive process: three of four do where it is the more probable one, else one.

        Where trials fail the acquisition does not: a sum goes on beyond the border of success too surely.
        """
        limited = self._failed.any() or self._constraints is not None
        if fits.lead == -np.inf or (limited and self._arm(member) != THOMPSON):
            return False
        turn = (member + self._first_turn // self._size) % 4
        return turn > 0 if fits.lead > 0.0 else turn == 0

    def _prospect(self, region: Region, additive: bool) -> Prospect:
        key = region.number, additive
        if key not in self._seen:
            setup, center, local = self._setup, self._U[region.center], self._models.of(region.number).local(additive)
            rng, feasibility = self._rng(0, region.number), self._feasibility(local, center)
            lowest = self._lowest(local)
            self._seen[key] = Prospect(setup.space, setup.settings, region, center, local, lowest, feasibility, self._size, rng)
        return self._seen[key]

    def _imagine_pending(self, prospect: Prospect) -> None:
        """Add fantasies of the points under way that are nearer to this region than to the others: of the nearest of them."""
        if prospect.saw_pending or not len(self._pending):
            return
        prospect.saw_pending = True
        centers = self._U[[region.center for region in self._regions]]
        away = np.abs(self._pending - centers[:, None]).max(axis=2)
        own = [region.number for region in self._regions].index(prospect.number)
        mine = np.flatnonzero(away.argmin(axis=0) == own)
        prospect.imagine(self._pending[mine[np.argsort(away[own, mine], kind="stable")[:LARGEST_TEAM]]])

    def _elsewhere(self, member: int) -> Prospect:
        """Return the whole cube in the place of a region."""
        fits = self._models.of(WHOLE)
        key = WHOLE, self._additive(member, fits)
        if key not in self._seen:
            setup, region, local = self._setup, self._regions[0], fits.local(key[1])
            center, whole = self._U[region.center], Bounds.whole(setup.space.d)
            feasibility, rng = self._feasibility(local), self._rng(2)
            lowest = self._lowest(local)
            self._seen[key] = Prospect(
                setup.space, setup.settings, region, center, local, lowest, feasibility, self._size, rng, whole
            )
        return self._seen[key]

    @cached_property
    def _best(self) -> float:
        """The lowest loss that counts; of all losses where none does."""
        counted = self._score[np.isfinite(self._score)]
        return float(counted.min() if len(counted) else self._y[self._models.usable].min())

    def _feasibility(self, local: Local, center: Array | None = None) -> Feasibility | None:
        """Return the probability that an evaluation succeeds and keeps the constraints; None where nothing tells."""
        limits = None if self._constraints is None else self._constraints.limits(center)
        return joint(self._success(local, center), limits)

    def _success(self, local: Local, center: Array | None) -> Success | None:
        """Return the probability of success at a model's points: from these and failures, the nearest to a center or the last."""
        if not self._failed.any():
            return None
        space, n = self._setup.space, self._setup.settings.nearest
        failed = np.flatnonzero(self._failed)[-n:] if center is None else nearest(space, self._U, self._failed, center, n)
        rows = np.union1d(failed, local.rows)
        return fit_feasibility(space, self._U[rows], self._failed[rows], self._caution)
