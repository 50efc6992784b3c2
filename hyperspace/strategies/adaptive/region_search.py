"""A trust region as a team sees it in a round: its box, its model, and what functions drawn from the model promise there.

A Thompson turn draws a function from the region's model and takes a point where it is low. Candidates, points spread over the
box, find such a point while the box is small beside what the model knows; in many dimensions, or in a wide box, they soon miss
every valley. So functions are climbed down as well, from the best candidates and from points near the center. A function drawn
from an additive process needs no candidates: its minimum has the coordinates of those along the axes. Where a region promises
nothing, functions drawn over the whole cube are climbed down from the best trials that are apart: those are its valleys.

Models without paths, and boxes of few points, have joint draws at the same candidates for all turns instead.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from hyperspace.acquisition.feasibility import Feasibility
from hyperspace.acquisition.functions import DrawnMinimum
from hyperspace.acquisition.optimize import Box, climb, combine, maximize
from hyperspace.space.space import Bounds, Space
from hyperspace.strategies.adaptive.config import Settings
from hyperspace.strategies.adaptive.local_model import Local
from hyperspace.strategies.adaptive.trust_regions import Region, distances
from hyperspace.surrogates.base import Model, draw
from hyperspace.typing import Array

NEAR = 100  # points around a region's center, beside its candidates
BESIDE, AROUND = 8, 0.15  # points around the best trial from which valleys are looked for, too, and how far they are from it
PROMISING = 64  # candidates among which a climb looks for its starts
OFF = 1.0  # standard deviations that candidates stay off the border of success; twice that for a climb, which mostly ends there


class Prospect:
    """A region, its model and its candidates.

    Args:
        space: the search space.
        settings: of the strategy.
        region: the region.
        center: its best point, (d,).
        local: its model.
        incumbent: the model's lowest mean at a trial that counts.
        feasibility: probability of success there; None where nothing has failed.
        n_turns: turns that may ask for a draw.
        rng: of candidates, and of what all turns share.
        bounds: of the box; None: the region's.
    """

    def __init__(
        self,
        space: Space,
        settings: Settings,
        region: Region,
        center: Array,
        local: Local,
        incumbent: float,
        feasibility: Feasibility | None,
        n_turns: int,
        rng: np.random.Generator,
        bounds: Bounds | None = None,
    ) -> None:
        self.number, self.center, self.local = region.number, center, local
        self._space, self._settings, self._side = space, settings, region.side
        self.feasibility, self._n_turns, self._rng = feasibility, n_turns, rng
        self.box = Box(space, self._bounds(region.side) if bounds is None else bounds)
        self.has_paths = hasattr(local.latent, "path") and not self.box.all_listed
        self.is_additive = getattr(local.latent, "is_additive", False) and not self.box.all_listed
        self.candidates = self._candidates(rng)
        self.model: Model = local.latent  # grows by fantasies
        self.saw_pending = False
        self.incumbent = incumbent
        self.own_incumbent = float(local.latent.posterior(center[None]).mean[0, 0])

    def _bounds(self, side: float) -> Bounds:
        space, stretch = self._space, self._settings.stretch
        sides = np.full(space.d, side)
        if self.local.scales is not None:
            log_scales = np.log(self.local.scales)
            sides *= np.clip(np.exp(log_scales - log_scales.mean()), 1.0 / stretch, stretch)
        sides = np.maximum(sides, 2.0 * space.steps(self.center))  # one level up and down at least
        sides[space.categorical] = 2.0  # categories have no neighbors
        return Bounds(np.maximum(self.center - sides / 2, 0.0), np.minimum(self.center + sides / 2, 1.0))

    def _candidates(self, rng: np.random.Generator) -> Array:
        """Return points in the box; in many dimensions, or near the end, most coordinates stay the center's."""
        if self.box.all_listed:
            return self.box.listed
        space, d = self._space, self._space.d
        U = self.box.spread(self._settings.candidates, rng)
        share = np.full(d, min(1.0, self._settings.moved / d))
        if space.categorical.any():
            share[space.categorical] *= np.clip(self._side, 1.0 / space.categorical.sum(), 1.0)
        if (share >= 1.0).all():
            return U
        moved = rng.random(U.shape) < share
        moved[np.arange(len(U)), rng.integers(d, size=len(U))] = True
        return np.where(moved, U, self.center)

    def near(self, rng: np.random.Generator) -> Array:
        """Return points around the center, at several distances."""
        return self.box.move(self.center[None], NEAR, rng)

    def _sample(self, U: Array) -> Array:
        """Return joint draws of the objective at U (q, d), (n_turns, q); where a draw of feasibility fails they are inf."""
        draws: Array = draw(self.local.latent, U, self._n_turns, self._rng)[:, :, 0]
        if self.feasibility is None:
            return draws
        excess = self.feasibility.sample(U, self._n_turns, self._rng)
        excess -= np.maximum(excess.min(axis=1, keepdims=True), 0.0)  # one point is left at least
        return np.where(excess <= 0.0, draws, np.inf)

    @cached_property
    def _draws(self) -> Array:
        """Joint draws at the candidates, (n_turns, q); where paths say more, at a few."""
        return self._sample(self.candidates[: self._settings.scouts] if self.has_paths else self.candidates)

    def lowest(self, turn: int) -> float:
        """Return the minimum of a joint draw, as a loss: it tells regions apart."""
        return float(self.local.transform.inverse(self._draws[[turn]].min(axis=1))[0][0])

    def ranked(self, turn: int) -> tuple[Array, float]:
        """Return the candidates in the order of a joint draw, the lowest first, and its minimum, on the scale of the model."""
        values = self._draws[turn]
        return self.candidates[np.argsort(values, kind="stable")], float(values.min())

    def search(self, target: float, rng: np.random.Generator) -> tuple[Array, float]:
        """Return points where a function drawn from the model is low, the lowest first, and its lowest value.

        Args:
            target: what is low enough, on the scale of the model, not to climb down from the best candidates.
            rng: of the draw; candidates are spread anew, so that turns need not know of each other.
        """
        U = self.near(rng) if self.is_additive else self._candidates(rng)
        drawn = DrawnMinimum(self.local.latent, self.feasibility, U, rng, 2.0 * OFF if self.is_additive else OFF)
        if self.is_additive:
            # Its minimum is put together from those along the axes, which no candidates come near to.
            U = np.concatenate([combine(drawn, self.box, self.center, rng), U])
        else:
            values = drawn(U)
            U = U[np.argsort(-values, kind="stable")]
            if -values.max() <= target:
                return U, -float(values.max())
            U = np.concatenate([U[:PROMISING], self.near(rng)])
            drawn.keep_off(U, 2.0 * OFF)
        U, values = maximize(drawn, self.box, U, rng, self.local.scales)
        return U, -float(values[0])

    def valleys(self, starts: Array, rng: np.random.Generator) -> Array:
        """Return minima of a function drawn from the model, the lowest first, that are not where the first start is; (q, d).

        They are climbed down to from `starts` (k, d), points that are low and apart, and from points around the first of these.
        None are looked for where there are better ways: of a sum, and in boxes of levels alone.
        """
        if not self.has_paths or self.is_additive or not len(self.box.continuous):
            return np.empty((0, self._space.d))
        around = starts[:1] + AROUND * rng.standard_normal((BESIDE, self._space.d))
        drawn = DrawnMinimum(self.local.latent, self.feasibility, starts, rng, 2.0 * OFF)
        U = np.concatenate([starts, self.box.snap(around)])
        U, values = climb(drawn, self.box, U[np.isfinite(drawn(U))], self.local.scales)
        apart = distances(self._space, U, starts[0]) > self._settings.valley
        return U[apart][np.argsort(-values[apart], kind="stable")]

    def imagine(self, U: Array) -> None:
        """Add the fantasies that the values at U (q, d) come out as expected."""
        if not self.local.has_condition or not len(U):
            return
        mean = self.model.posterior(U).mean[:, 0]
        self.model = self.model.condition(U, mean)  # type: ignore[attr-defined]
        self.incumbent = min(self.incumbent, float(mean.min()))
        self.own_incumbent = min(self.own_incumbent, float(mean.min()))

    def latent_of(self, loss: float) -> float:
        """Return a loss on the scale of the model."""
        return float(self.local.transform.forward(np.array([loss]))[0])
