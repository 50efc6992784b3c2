"""The points that a team of drives evaluates next, worked out one after the other, each in sight of those before it.

Three arms take turns (`Settings.arm`):
    global     the acquisition over the whole cube, under a model of all trials (of many: the best half, and others drawn)
    exploit    the acquisition in a region; points of the team before it count as if they had come out as expected ("believer");
               in the next best region where the first one has been worked out
    thompson   the minimum of a posterior sample at candidates in a region (Thompson 1933; Eriksson et al. 2019)
Which region an exploit or thompson turn works is decided by a sample, too: the one whose sample has the lower minimum, on the
scale of the losses. That is Thompson sampling among regions. A thompson turn whose sample promises no gain there is spent
on the minimum of a sample over the whole cube instead ("explore"): the region is too wide for its candidates, and shrinks for
the failure, or it has been worked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace import streams
from hyperspace.acquisition import PORTFOLIO, Criterion, Feasibility, make_acquisition
from hyperspace.maximiser import Box, candidates, choose_new, first_new, maximise
from hyperspace.optimizers.base import Suggestion
from hyperspace.space import Bounds, Space
from hyperspace.strategies.local import WHOLE, Local, fit_feasibility, fit_local, fresh_surrogate, refit
from hyperspace.strategies.regions import Fold, Region, nearest
from hyperspace.strategies.settings import EXPLOIT, EXPLORE, GLOBAL, LARGEST_TEAM, THOMPSON, Settings
from hyperspace.surrogates.base import Model, Surrogate, draw
from hyperspace.trial import Archive, Array

LOCAL_CANDIDATES = 100  # points around a region's centre, beside its candidates
MOST_PENDING = 64  # points under way that the global arm takes account of
MOST_TAKEN = 256  # candidates that are looked at for one that is new; beyond it nearly all are taken


@dataclass(frozen=True, slots=True)
class Setup:
    """What is the same for all rounds: space, settings, the user's choice of model and acquisition, the seed."""

    space: Space
    settings: Settings
    model: Any
    acquisition: str
    seed: int


class Prospect:
    """A region as a team sees it: model, box, candidates, and samples of the objective at them."""

    def __init__(
        self,
        setup: Setup,
        region: Region,
        centre: Array,
        local: Local,
        feasibility: Feasibility | None,
        n_draws: int,
        rng: np.random.Generator,
        bounds: Bounds | None = None,
    ) -> None:
        self.number, self.centre, self.local = region.number, centre, local
        self.box = Box(setup.space, self._bounds(setup, region.side) if bounds is None else bounds)
        self.candidates = self._candidates(setup, region.side, rng)
        self._feasibility, self._n_draws, self._rng = feasibility, n_draws, rng
        n_scouts = len(self.candidates) if self.box.all_listed else setup.settings.scouts
        self.scouts = self._sample(self.candidates[:n_scouts])
        self.model: Model = local.latent  # grows by fantasies
        self.saw_pending = False
        self.incumbent = float(local.fitted.min())
        self.own_incumbent = float(local.latent.posterior(centre[None]).mean[0, 0])

    def _bounds(self, setup: Setup, side: float) -> Bounds:
        space, stretch = setup.space, setup.settings.stretch
        sides = np.full(space.d, side)
        if self.local.scales is not None:
            log_scales = np.log(self.local.scales)
            sides *= np.clip(np.exp(log_scales - log_scales.mean()), 1.0 / stretch, stretch)
        discrete = space.levels > 0
        sides[discrete] = np.maximum(sides[discrete], 2.0 / space.levels[discrete])  # one level up and down at least
        sides[space.categorical] = 2.0  # categories have no neighbours
        return Bounds(np.maximum(self.centre - sides / 2, 0.0), np.minimum(self.centre + sides / 2, 1.0))

    def _candidates(self, setup: Setup, side: float, rng: np.random.Generator) -> Array:
        """Return points in the box; in many dimensions, or near the end, most coordinates stay the centre's."""
        if self.box.all_listed:
            return self.box.listed
        space, d = setup.space, setup.space.d
        U = self.box.spread(setup.settings.candidates, rng)
        share = np.full(d, min(1.0, setup.settings.moved / d))
        if space.categorical.any():
            share[space.categorical] *= np.clip(side, 1.0 / space.categorical.sum(), 1.0)
        if (share >= 1.0).all():
            return U
        moved = rng.random(U.shape) < share
        moved[np.arange(len(U)), rng.integers(d, size=len(U))] = True
        return np.where(moved, U, self.centre)

    def _sample(self, U: Array) -> Array:
        """Return samples of the objective at U (q, d), (n_draws, q); where a sample of feasibility fails they are inf."""
        draws: Array = draw(self.local.latent, U, self._n_draws, self._rng)[:, :, 0]
        feasibility = self._feasibility
        if feasibility is None:
            return draws
        failure = draw(feasibility.model, U, self._n_draws, self._rng)[:, :, 0]
        if feasibility.caution:
            failure += feasibility.caution * np.sqrt(feasibility.model.posterior(U).variance[:, 0])
        failure -= np.maximum(failure.min(axis=1, keepdims=True), feasibility.threshold)  # one candidate is left at least
        return np.where(failure <= 0.0, draws, np.inf)

    @cached_property
    def draws(self) -> Array:
        """Samples of the objective at all candidates, (n_draws, q)."""
        return self.scouts if self.scouts.shape[1] == len(self.candidates) else self._sample(self.candidates)

    def ranked(self, turn: int) -> Array:
        """Return the candidates in the order of a sample, the lowest first."""
        ranked: Array = self.candidates[np.argsort(self.draws[turn], kind="stable")]
        return ranked

    def lowest(self, turn: int) -> float:
        """Return the minimum of a sample at a few candidates, as a loss: enough to tell regions apart, and cheap."""
        return float(self.local.transform.inverse(self.scouts[[turn]].min(axis=1))[0][0])

    def gain(self, turn: int, best: float) -> float:
        """Return by how much a sample's minimum is below the loss `best`, on the scale of the model: its data have variance 1."""
        return float(self.local.transform.forward(np.array([best]))[0] - self.draws[turn].min())

    def imagine(self, U: Array) -> None:
        """Add the fantasies that the values at U (q, d) come out as expected."""
        if not self.local.has_condition or not len(U):
            return
        mean = self.model.posterior(U).mean[:, 0]
        self.model = self.model.condition(U, mean)  # type: ignore[attr-defined]
        self.incumbent = min(self.incumbent, float(mean.min()))
        self.own_incumbent = min(self.own_incumbent, float(mean.min()))


class Round:
    """A team's next points, given one state of the archive. Computed when asked for, in the order of turns, and kept.

    Args:
        setup: of the strategy.
        team: number of the team.
        first_turn: number of the round's first turn since the study began.
        size: number of turns.
        fold: what follows from the trials known.
        archive: the trials.
        regions: those of this team.
        shares: whether these regions belong to another team too, which then does the exploiting.
        domain: box of the global arm.
        foresees: whether the mates ask with this same archive, so that their answers can be worked out here.
    """

    def __init__(
        self,
        setup: Setup,
        team: int,
        first_turn: int,
        size: int,
        fold: Fold,
        archive: Archive,
        regions: tuple[Region, ...],
        shares: bool,
        domain: Bounds,
        foresees: bool = True,
    ) -> None:
        self._setup, self._team, self._first_turn, self._size = setup, team, first_turn, size
        self._regions, self._shares, self._domain = regions, shares, domain
        self._mates_known = foresees
        self._records = fold.records
        self._n = len(archive)
        self._U, self._y, self._score = archive.U, archive.y, fold.score.copy()
        self._usable = np.isfinite(self._y)
        self._failed = np.zeros(self._n, dtype=bool)
        self._failed[fold.failed] = True
        self._caution = fold.caution
        self._pending = archive.pending
        self._locals: dict[int, Local] = {}
        self._answers: dict[int, Suggestion] = {}
        self._mates: list[Suggestion] = []  # the answers that the one being worked out takes account of

    def answer(self, member: int) -> Suggestion:
        """Return the answer for the team's drive of this number, from 0."""
        if member not in self._answers:
            mates = [self.answer(mate) for mate in range(member) if self._foresees(member, mate)]
            self._mates = mates
            self._answers[member] = self._work(member)
        return self._answers[member]

    def _arm(self, member: int) -> str:
        return self._setup.settings.arm(self._first_turn + member, self._setup.space.d)

    def _foresees(self, member: int, mate: int) -> bool:
        """Tell whether a member has to know a mate's answer: those of the same arm, and all where all dimensions are discrete.

        This is what keeps a suggestion cheap where every drive has a rank of its own: a sample needs no acquisition maximised.
        """
        alike = bool((self._setup.space.levels > 0).all()) or self._arm(member) == self._arm(mate)
        return alike and self._mates_known

    def _rng(self, *key: int) -> np.random.Generator:
        return streams.stream(self._setup.seed, streams.STRATEGY, self._team, self._first_turn, self._n, len(self._pending), *key)

    def _work(self, member: int) -> Suggestion:
        arm, rng = self._arm(member), self._rng(1, member)
        if arm == GLOBAL:
            return self._global(member, rng)
        prospect = min(self._prospects, key=lambda prospect: prospect.lowest(member))
        if arm == EXPLOIT and self._can_exploit(prospect):
            return self._exploit(member, prospect, rng)
        arm = THOMPSON
        source = prospect
        if prospect.gain(member, self._best) < self._setup.settings.promise:
            arm, source = EXPLORE, self._elsewhere
        u = self._first_new(source.ranked(member), source.local, rng)
        return Suggestion(u, arm, self._recorded(member, source.local), prospect.number)

    def _can_exploit(self, prospect: Prospect) -> bool:
        """Tell whether the acquisition would give another point than the last time."""
        if self._setup.acquisition == "TS" or self._shares:
            return False
        used = any(mate.region == prospect.number and mate.arm == EXPLOIT for mate in self._mates)
        return prospect.local.has_condition or not used

    def _exploit(self, member: int, prospect: Prospect, rng: np.random.Generator) -> Suggestion:
        self._imagine_pending(prospect)
        U, value = self._maximised(member, prospect, prospect.incumbent, rng)
        others = [other for other in self._prospects if other is not prospect and other.local.has_condition]
        if value < self._setup.settings.worked_out and others:
            # The region is worked out: go on in the next best one, judged by what was found there, not by the best of all.
            prospect = min(others, key=lambda other: other.lowest(member))
            self._imagine_pending(prospect)
            U, _ = self._maximised(member, prospect, prospect.own_incumbent, rng)
        u = self._first_new(U, prospect.local, rng)
        prospect.imagine(u[None])
        return Suggestion(u, EXPLOIT, self._recorded(member, prospect.local), prospect.number)

    def _maximised(self, member: int, prospect: Prospect, incumbent: float, rng: np.random.Generator) -> tuple[Array, float]:
        """Return points of a region by the acquisition, best first, and the value of the best."""
        acquisition = make_acquisition(self._acquisition(member), incumbent)
        criterion = Criterion(prospect.model, acquisition, self._feasibility(prospect.local))
        box, U = prospect.box, prospect.candidates
        if not box.all_listed:
            U = np.concatenate([U, box.move(prospect.centre[None], LOCAL_CANDIDATES, rng)])
        U, values = maximise(criterion, box, U, rng, prospect.local.scales)
        return U, float(values[0])

    def _global(self, member: int, rng: np.random.Generator) -> Suggestion:
        local, box = self._whole, Box(self._setup.space, self._domain)
        model = local.latent
        inside = (self._pending >= self._domain.lower) & (self._pending <= self._domain.upper)
        pending = self._pending[inside.all(axis=1)][:MOST_PENDING]
        if len(pending) and local.has_condition:
            model = model.condition(pending, model.posterior(pending).mean[:, 0])  # type: ignore[attr-defined]
        acquisition = make_acquisition(self._acquisition(member), float(local.fitted.min()))
        criterion = Criterion(model, acquisition, self._feasibility(local))
        centres = box.snap(self._U[[region.centre for region in self._regions]])
        U = candidates(box, centres, rng, n_global=self._setup.settings.candidates)
        U, _ = maximise(criterion, box, U, rng, local.scales)
        return Suggestion(self._first_new(U, local, rng), GLOBAL, self._recorded(member, local))

    def _acquisition(self, member: int) -> str:
        name = self._setup.acquisition
        if name == "gp_hedge":
            return PORTFOLIO[(self._first_turn + member) % len(PORTFOLIO)]
        return "EI" if name == "TS" else name

    def _first_new(self, U: Array, local: Local, rng: np.random.Generator) -> Array:
        """Return the first point of U, best first, that nobody has evaluated, evaluates, or is foreseen to."""
        taken = np.concatenate([self._U, self._pending, *(mate.u[None] for mate in self._mates)])
        index = first_new(U[:MOST_TAKEN], taken)
        if index is None:
            whole = Box(self._setup.space, Bounds.whole(self._setup.space.d))
            return choose_new(whole, U, lambda V: -local.latent.posterior(V).mean[:, 0], taken, rng)
        u: Array = U[index]
        return u

    @cached_property
    def _prospects(self) -> list[Prospect]:
        setup, prospects = self._setup, []
        for region in self._regions:
            centre = self._U[region.centre]
            local = self._fit(region.number, self._near_rows(region))
            rng = self._rng(0, region.number)
            prospects.append(Prospect(setup, region, centre, local, self._feasibility(local), self._size, rng))
        return prospects

    def _imagine_pending(self, prospect: Prospect) -> None:
        """Add fantasies of the points under way that are nearer to this region than to the others: of the nearest of them."""
        if prospect.saw_pending or not len(self._pending):
            return
        prospect.saw_pending = True
        away = np.array([np.abs(self._pending - other.centre).max(axis=1) for other in self._prospects])
        own = self._prospects.index(prospect)
        mine = np.flatnonzero(away.argmin(axis=0) == own)
        prospect.imagine(self._pending[mine[np.argsort(away[own, mine], kind="stable")[:LARGEST_TEAM]]])

    @cached_property
    def _elsewhere(self) -> Prospect:
        """The whole cube in the place of a region."""
        region, local = self._regions[0], self._whole
        rng, whole = self._rng(2), Bounds.whole(self._setup.space.d)
        centre = self._U[region.centre]
        return Prospect(self._setup, region, centre, local, self._feasibility(local), self._size, rng, whole)

    @cached_property
    def _best(self) -> float:
        """The lowest loss that counts; of all losses where none does."""
        counted = self._score[np.isfinite(self._score)]
        return float(counted.min() if len(counted) else self._y[self._usable].min())

    @cached_property
    def _whole(self) -> Local:
        """The model of the whole space."""
        return self._fit(WHOLE, self._spread_rows())

    def _spread_rows(self) -> NDArray[np.intp]:
        """Return usable trials, half of them the best ones and half drawn from the others; all if there are few."""
        rows, n = np.flatnonzero(self._usable), self._setup.settings.nearest
        if len(rows) <= n:
            return rows
        order = rows[np.argsort(self._score[rows], kind="stable")]
        others = np.sort(order[n // 2 :])
        drawn = streams.stream(self._setup.seed, streams.STRATEGY).permutation(len(others))[: n - n // 2]
        return np.sort(np.concatenate([order[: n // 2], others[drawn]]))

    def _fit(self, number: int, rows: NDArray[np.intp]) -> Local:
        """Return the model of the trials `rows`; as long as these are all, regions and the whole space have one model."""
        number = WHOLE if len(rows) == np.count_nonzero(self._usable) else number
        if number not in self._locals:
            lag, record = self._setup.settings.lag, self._records.get(number)
            if record is None and self._records:
                record = max(self._records.values(), key=lambda other: other["n"])
            self._locals[number] = fit_local(self._surrogate(number), number, rows, self._U, self._y, record, lag)
        return self._locals[number]

    def _surrogate(self, number: int) -> Surrogate:
        setup = self._setup
        return fresh_surrogate(setup.model, streams.seed_of(setup.seed, streams.STRATEGY, number + 1), setup.space)

    def _recorded(self, member: int, local: Local) -> Mapping[str, Any] | None:
        """Return what a member's trial records: a fit that all had to make, or the next fit of the region whose turn it has."""
        if local.record is not None:
            return local.record
        regions = {region.number: region for region in self._regions}
        numbers = [WHOLE] if np.count_nonzero(self._usable) <= self._setup.settings.nearest else [WHOLE, *sorted(regions)]
        turn = (self._first_turn // self._size + member) % self._size
        if turn >= len(numbers):
            return None
        number, settings = numbers[turn], self._setup.settings
        record = self._records.get(number)
        if record is None or not settings.growth * record["n"] <= self._n < settings.lag * record["n"]:
            return None
        rows = self._spread_rows() if number == WHOLE else self._near_rows(regions[number])
        return refit(self._surrogate(number), number, rows, self._U, self._y, record)

    def _near_rows(self, region: Region) -> NDArray[np.intp]:
        """Return the usable trials nearest to a region's centre."""
        setup = self._setup
        return nearest(setup.space, self._U, self._usable, self._U[region.centre], setup.settings.nearest)

    def _feasibility(self, local: Local) -> Feasibility | None:
        """Return the probability of success near a model's points: all failures there, and as many other points."""
        if not self._failed.any():
            return None
        failed = np.flatnonzero(self._failed)[-self._setup.settings.nearest :]
        rows = np.union1d(failed, local.rows)
        return fit_feasibility(self._setup.space, self._U[rows], self._failed[rows], self._caution)
