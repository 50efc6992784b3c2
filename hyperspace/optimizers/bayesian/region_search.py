"""Search of a trust region: its box, its model, and minima of posterior samples in it.

A Thompson turn draws a posterior sample from the region's model and returns a point where the sample is low. If the box is
small relative to the lengthscales, candidates spread over it suffice. In many dimensions, or in a wide box, candidates miss
the minima. Then a gradient search starts from the best candidates and from points near the center. The sample of an additive
process needs no candidates: each coordinate of its minimum is found along its own axis. If no region improves, a posterior
sample of the whole box is minimized from the best separated trials.

Models without pathwise samples, and boxes of few points, use joint samples at the same candidates for all turns.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from hyperspace.acquisition.feasibility import Feasibility
from hyperspace.acquisition.functions import SampleCriterion
from hyperspace.acquisition.optimize import Box, gradient_search, maximize, search_axes
from hyperspace.optimizers.bayesian.models import LocalModel
from hyperspace.optimizers.bayesian.settings import Setup
from hyperspace.optimizers.bayesian.trust_regions import Region, distances
from hyperspace.space.space import Bounds
from hyperspace.surrogates.base import Model, draw
from hyperspace.typing import Array

NEAR = 100  # points around a region's center, in addition to its candidates
N_AROUND, AROUND_STD = 8, 0.15  # number of starting points around the best trial, and their standard deviation
N_PROMISING = 64  # best candidates, from which a gradient search takes its starting points
MARGIN = 1.0  # standard deviations between candidates and the feasibility border; doubled for gradient searches


class RegionSearch:
    """Region with its model and candidates.

    Args:
        setup: settings and choices of the study.
        region: the region.
        center: the best point of the region, (d,).
        local: the model of the region.
        incumbent: lowest mean of the model at a feasible trial.
        feasibility: probability of feasibility; None without failures and constraints.
        n_turns: number of turns that may request a joint sample.
        rng: generator of the candidates and of the joint samples of all turns.
        bounds: bounds of the box; None takes those of the region.
    """

    def __init__(
        self,
        setup: Setup,
        region: Region,
        center: Array,
        local: LocalModel,
        incumbent: float,
        feasibility: Feasibility | None,
        n_turns: int,
        rng: np.random.Generator,
        bounds: Bounds | None = None,
    ) -> None:
        self.number, self.center, self.local = region.number, center, local
        self._space, self._settings, self._length = setup.space, setup.settings, region.length
        self.feasibility, self._n_turns, self._rng = feasibility, n_turns, rng
        self.box = Box(setup.space, self._bounds(setup.box) if bounds is None else bounds)
        self.has_paths = hasattr(local.latent, "path") and not self.box.all_listed
        self.is_additive = getattr(local.latent, "is_additive", False) and not self.box.all_listed
        self.candidates = self._candidates(rng)
        self.model: Model = local.latent  # fantasies are added to it
        self.has_pending_fantasies = False
        self.incumbent = incumbent
        self.own_incumbent = float(local.latent.posterior(center[None]).mean[0, 0])

    def _bounds(self, box: Bounds) -> Bounds:
        """Return the region's bounds, within the box."""
        space, stretch = self._space, self._settings.stretch
        sides = np.full(space.d, self._length)
        if self.local.scales is not None:
            log_scales = np.log(self.local.scales)
            sides *= np.clip(np.exp(log_scales - log_scales.mean()), 1.0 / stretch, stretch)
        sides = np.maximum(sides, 2.0 * space.steps(self.center))  # at least one level in each direction
        sides[space.categorical] = 2.0  # categories have no neighbors
        return Bounds(np.maximum(self.center - sides / 2, box.lower), np.minimum(self.center + sides / 2, box.upper))

    def _candidates(self, rng: np.random.Generator) -> Array:
        """Return points in the box. In many dimensions and in small regions most coordinates equal the center's."""
        if self.box.all_listed:
            return self.box.listed
        space, d = self._space, self._space.d
        U = self.box.spread(self._settings.candidates, rng)
        share = np.full(d, min(1.0, self._settings.moved_coordinates / d))
        if space.categorical.any():
            share[space.categorical] *= np.clip(self._length, 1.0 / space.categorical.sum(), 1.0)
        if (share >= 1.0).all():
            return U
        moved = rng.random(U.shape) < share
        moved[np.arange(len(U)), rng.integers(d, size=len(U))] = True
        return np.where(moved, U, self.center)

    def points_near_center(self, rng: np.random.Generator) -> Array:
        """Return points around the center at several distances."""
        return self.box.move(self.center[None], NEAR, rng)

    def _draw_joint(self, U: Array) -> Array:
        """Return joint samples of the objective at U (q, d), (n_turns, q); inf where a sample of feasibility fails."""
        draws: Array = draw(self.local.latent, U, self._n_turns, self._rng)[:, :, 0]
        if self.feasibility is None:
            return draws
        excess = self.feasibility.sample(U, self._n_turns, self._rng)
        excess -= np.maximum(excess.min(axis=1, keepdims=True), 0.0)  # at least one point remains
        return np.where(excess <= 0.0, draws, np.inf)

    @cached_property
    def _joint_samples(self) -> Array:
        """Joint samples at the candidates, (n_turns, q); only at some of them if pathwise samples exist."""
        return self._draw_joint(self.candidates[: self._settings.region_candidates] if self.has_paths else self.candidates)

    def lowest_sample(self, member: int) -> float:
        """Return the minimum of a turn's joint sample, as a loss. It decides between regions."""
        return float(self.local.transform.inverse(self._joint_samples[[member]].min(axis=1))[0][0])

    def ranked_candidates(self, member: int) -> tuple[Array, float]:
        """Return the candidates sorted by a turn's joint sample, lowest first, and its minimum on the scale of the model."""
        values = self._joint_samples[member]
        return self.candidates[np.argsort(values, kind="stable")], float(values.min())

    def minimize_sample(self, target: float, rng: np.random.Generator) -> tuple[Array, float]:
        """Return points where a new posterior sample is low, lowest first, and its lowest value.

        Args:
            target: value on the scale of the model; if a candidate reaches it, no gradient search is made.
            rng: generator of the sample and of new candidates. Separate candidates keep turns independent of each other.
        """
        U = self.points_near_center(rng) if self.is_additive else self._candidates(rng)
        drawn = SampleCriterion(self.local.latent, self.feasibility, U, rng, 2.0 * MARGIN if self.is_additive else MARGIN)
        if self.is_additive:
            # Each coordinate of the minimum is found along its own axis. Candidates do not come close to it.
            U = np.concatenate([search_axes(drawn, self.box, self.center, rng), U])
        else:
            values = drawn(U)
            U = U[np.argsort(-values, kind="stable")]
            if -values.max() <= target:
                return U, -float(values.max())
            U = np.concatenate([U[:N_PROMISING], self.points_near_center(rng)])
            drawn.set_margin(U, 2.0 * MARGIN)
        U, values = maximize(drawn, self.box, U, rng, self.local.scales)
        return U, -float(values[0])

    def local_minima(self, starts: Array, rng: np.random.Generator) -> Array:
        """Return local minima of a posterior sample away from the first starting point, lowest first, (q, d).

        The gradient search starts from `starts` (k, d), low and separated points, and from points around the first of these.
        The result is empty for additive models and for boxes without continuous dimensions, where other searches do better.
        """
        if not self.has_paths or self.is_additive or not len(self.box.continuous):
            return np.empty((0, self._space.d))
        around = starts[:1] + AROUND_STD * rng.standard_normal((N_AROUND, self._space.d))
        drawn = SampleCriterion(self.local.latent, self.feasibility, starts, rng, 2.0 * MARGIN)
        U = np.concatenate([starts, self.box.snap(around)])
        U, values = gradient_search(drawn, self.box, U[np.isfinite(drawn(U))], self.local.scales)
        apart = distances(self._space, U, starts[0]) > self._settings.explore_distance
        return U[apart][np.argsort(-values[apart], kind="stable")]

    def add_fantasies(self, U: Array) -> None:
        """Add fantasies at U (q, d) with the posterior mean as value."""
        if not self.local.has_condition or not len(U):
            return
        mean = self.model.posterior(U).mean[:, 0]
        self.model = self.model.condition(U, mean)  # type: ignore[attr-defined]
        self.incumbent = min(self.incumbent, float(mean.min()))
        self.own_incumbent = min(self.own_incumbent, float(mean.min()))

    def to_latent(self, loss: float) -> float:
        """Return a loss on the scale of the model."""
        return float(self.local.transform.forward(np.array([loss]))[0])
