"""Knowledge of a batch: what counts as the best, which trials models of failures hold, and what is made once."""

from __future__ import annotations

import numpy as np

from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.known import Told
from hyperspace.optimizers.bayesian.model_pool import ModelPool
from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM, Settings, Setup
from hyperspace.optimizers.bayesian.state import State
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial
from hyperspace.typing import Array

SPACE = check_space([(0.0, 1.0), (0.0, 1.0)])
LIMITED = Metrics([Metric("loss"), Metric("mass", goal="constrain", upper=1.0)])
SETTINGS = Settings(nearest=8)


def loss(u: Array) -> float:
    return float(((u - 0.3) ** 2).sum())


def trials(U: Array, fails=lambda u: False, mass=lambda u: 0.0) -> list[Trial]:
    ends = [{"status": FAILED} if fails(u) else {"status": OK, "metrics": {"loss": loss(u), "mass": mass(u)}} for u in U]
    return [
        Trial(drive=0, iteration=i, x=tuple(u), fault="objective", **end) for i, (u, end) in enumerate(zip(U, ends, strict=True))
    ]


def knowledge(
    U: Array, pending: Array | None = None, domain: Bounds | None = None, n_turns: int = 4, key=(0, 0), **more
) -> Knowledge:
    known = Told(LIMITED, 2)
    rows = trials(U, **more)
    known.tell(rows, U, np.array([trial.metrics.get("loss", np.nan) for trial in rows]))
    if pending is not None:
        known.pending = pending
    setup = Setup(SPACE, SETTINGS, "GP", "EI", 5, Bounds.whole(2))
    state = State(setup, LIMITED, 2, n_turns)
    state.update(known)
    regions = state.trust_regions.regions
    models = ModelPool(setup, regions, state.trust_regions, known, 0, n_turns)
    return Knowledge(setup, state, known, models, regions, key, n_turns, domain=domain)


def points(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((n, 2))


def test_the_best_is_feasible_if_any_trial_is() -> None:
    U = points(20)
    keeps = U[:, 0] > 0.5
    best = knowledge(U, mass=lambda u: 0.0 if u[0] > 0.5 else 2.0).best
    assert best == min(loss(u) for u in U[keeps]) > min(loss(u) for u in U)
    assert knowledge(U, mass=lambda u: 2.0).best == min(loss(u) for u in U)


def test_the_lowest_mean_of_a_model_is_at_a_feasible_trial_if_any_is() -> None:
    U = points(8)
    seen = knowledge(U, mass=lambda u: 0.0 if u[0] < 0.5 else 2.0)
    local = seen.models.of(seen.setup.whole).local(False)
    assert seen.lowest(local) == local.fitted[U[local.rows][:, 0] < 0.5].min() > local.fitted.min()
    without = knowledge(U, mass=lambda u: 2.0)
    local = without.models.of(without.setup.whole).local(False)
    assert without.lowest(local) == local.fitted.min()


def test_without_failures_and_constraints_everything_is_feasible() -> None:
    seen = knowledge(points(8))
    assert seen.recent_success() is None
    assert not seen.failed.any()


def test_a_point_that_is_lost_counts_as_a_failure_without_being_one() -> None:
    seen = knowledge(points(8))
    lost = np.array([[0.9, 0.9]])
    success = seen.recent_success(lost)
    assert success is not None
    near, far = success.log_probability(np.array([[0.9, 0.9], [0.1, 0.1]]))
    assert near < far
    assert not seen.failed.any()


def test_a_region_learns_from_the_failures_near_it_and_the_whole_box_from_the_last_ones() -> None:
    near = np.array([0.3, 0.3]) + 0.02 * points(8, 1)
    far = np.array([0.9, 0.9]) + 0.02 * points(8, 2)
    U = np.concatenate([points(12), near, far])  # the near failures are the older ones
    seen = knowledge(U, fails=lambda u: (np.abs(u - 0.31) < 0.0105).all() or (u > 0.9).all())
    assert seen.failed[12:].all()
    local = seen.models.of(seen.setup.whole).local(False)
    at = np.array([[0.31, 0.31], [0.91, 0.91]])
    by_region = seen._success(local.rows, np.array([0.3, 0.3]))
    by_whole = seen._success(local.rows, None)
    assert by_region is not None
    assert by_whole is not None
    assert np.diff(by_region.log_probability(at))[0] > 0.0 > np.diff(by_whole.log_probability(at))[0]


def test_a_search_is_made_once_for_each_region_and_kind_of_model() -> None:
    seen = knowledge(points(20))
    region = seen.regions[0]
    search = seen.region_search(region, False)
    assert seen.region_search(region, False) is search
    assert seen.whole_search(False) is seen.whole_search(False) is not search
    np.testing.assert_array_equal(search.center, seen.centers[0])


def test_pending_points_go_to_the_search_of_the_nearest_region_once() -> None:
    """At most as many as a team has drives, the nearest ones."""
    first = knowledge(points(20))
    assert len(first.regions) == 2
    pending = np.clip(first.centers[0] + 0.01 * points(LARGEST_TEAM + 4, 3), 0.0, 1.0)
    seen = knowledge(points(20), pending=pending)
    searches = [seen.region_search(region, False) for region in seen.regions]
    sizes = []
    for search in searches:
        added: list[Array] = []
        real = search.add_fantasies
        search.add_fantasies = lambda U, real=real, added=added: added.append(U) or real(U)  # type: ignore[method-assign]
        seen.add_pending_fantasies(search)
        seen.add_pending_fantasies(search)
        sizes.append([len(U) for U in added])
    assert sizes == [[LARGEST_TEAM], [0]]


def test_streams_differ_by_what_they_are_for_and_by_what_is_known() -> None:
    draw = lambda seen, *key: seen.rng(*key).random()  # noqa: E731
    seen = knowledge(points(8))
    assert draw(seen, 1) == draw(knowledge(points(8)), 1)
    others = [
        draw(seen, 2),
        draw(knowledge(points(9)), 1),
        draw(knowledge(points(8), pending=points(1)), 1),
        draw(knowledge(points(8), key=(1, 0)), 1),
        draw(knowledge(points(8), key=(0, 4)), 1),
    ]
    assert len({draw(seen, 1), *others}) == 6


def test_a_team_may_have_a_domain_within_the_box() -> None:
    half = Bounds(np.array([0.0, 0.0]), np.array([0.5, 1.0]))
    assert knowledge(points(8), domain=half).domain is half
    seen = knowledge(points(8))
    assert seen.domain is seen.setup.box


def test_the_best_points_are_apart_and_feasible() -> None:
    U = np.concatenate([np.array([[0.3, 0.3], [0.305, 0.3], [0.9, 0.9]]), points(12)])
    seen = knowledge(U, mass=lambda u: 2.0 if (u == 0.9).all() else 0.0)
    found = seen.separated_best
    np.testing.assert_array_equal(found[0], [0.3, 0.3])
    assert not (found == 0.9).all(axis=1).any()
    away = np.abs(found[:, None] - found).max(axis=2)[np.triu_indices(len(found), 1)]
    assert (away >= SETTINGS.min_separation / 2).all()
