"""The models of a round: which trials each is of, which record it starts from, and who fits anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hyperspace.optimizers.bayesian.known import Told
from hyperspace.optimizers.bayesian.model_pool import ModelPool, distance_to
from hyperspace.optimizers.bayesian.settings import WHOLE, Settings, Setup, box_settings
from hyperspace.optimizers.bayesian.state import State
from hyperspace.optimizers.bayesian.trust_regions import TrustRegionState
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import FAILED, OK, Trial
from hyperspace.typing import Array

SPACE = check_space([(0.0, 1.0)] * 2)
SETTINGS = Settings(nearest=12, nearest_noisy=20)
NEAR, FAR = (0.1, 0.1), (0.9, 0.9)


def loss(x: tuple[float, ...]) -> float:
    """Two holes, the deeper one near the origin."""
    return min(sum((v - a) ** 2 for v, a in zip(x, hole, strict=True)) + b for hole, b in ((NEAR, 0.0), (FAR, 0.1)))


def fitted_state() -> Mapping[str, Any]:
    """Return what the fit of some Gaussian process leaves behind."""
    surrogate = GP(space=SPACE)
    U = np.random.default_rng(1).random((12, 2))
    surrogate.fit(U, np.array([loss(tuple(u)) for u in U]))
    return surrogate.state() or {}


STATE = fitted_state()


class Mean:
    """A user's model, which has no state."""

    def fit(self, X: Array, y: Array) -> None:
        self.mean = y.mean()

    def predict(self, X: Array) -> tuple[Array, Array]:
        return np.full(len(X), self.mean), np.ones(len(X))


class Pool:
    """An archive of random trials, some of them failed, and the models of a round of four drives."""

    def __init__(self, n: int = 40, failed: int = 5, model: Any = "GP", settings: Settings = SETTINGS) -> None:
        self.setup = Setup(SPACE, settings, model, "EI", 0, Bounds.whole(SPACE.d))
        self.archive = Archive(SPACE.to_unit, Metrics(), 2)
        self.fold = TrustRegionState(self.setup, 2, 4)
        rng = np.random.default_rng(0)
        for number in range(n):
            x = tuple(rng.random(2).tolist())
            ended = {"status": FAILED} if number % 8 == 7 and failed else {"status": OK, "metrics": {"objective": loss(x)}}
            self.archive.extend([Trial(drive=number % 4, iteration=number // 4, x=x, **ended)])
        self.fold.update(self.archive)

    def record(self, number: int, n: int, **more: Any) -> None:
        """Let a trial of the past have recorded a fit."""
        self.fold.records[number] = {"region": number, "n": n, "surrogate": STATE, **more}

    def models(self, first_turn: int = 0, size: int = 4, ahead: Mapping[int, Mapping[str, Any]] | None = None) -> ModelPool:
        return ModelPool(self.setup, self.fold.regions, self.fold, self.archive, first_turn, size, ahead)


def rows(models: ModelPool, number: int) -> list[int]:
    return models.of(number).local(False).rows.tolist()


def test_few_trials_have_one_model_of_all_that_have_a_loss() -> None:
    pool = Pool(12)
    models = pool.models()
    assert models.of(0) is models.of(1) is models.of(WHOLE)
    assert rows(models, 0) == [row for row in range(12) if row % 8 != 7]


@pytest.mark.parametrize(("noisy", "n"), [(False, 12), (True, 20)])
def test_a_region_has_those_nearest_to_its_center_and_more_where_there_is_noise(noisy: bool, n: int) -> None:
    pool = Pool()
    pool.record(WHOLE, 40)
    for region in pool.fold.regions:
        pool.record(region.number, 40, noisy=noisy)
    models = pool.models()
    usable = np.flatnonzero(np.isfinite(pool.archive.y))
    assert len(pool.fold.regions) == 2
    for region in pool.fold.regions:
        away = np.abs(pool.archive.U[usable] - pool.archive.U[region.center]).max(axis=1)
        assert rows(models, region.number) == sorted(usable[np.argsort(away, kind="stable")[:n]].tolist())


def test_the_model_of_the_whole_space_has_the_best_half_and_others_that_are_drawn_once_and_for_all() -> None:
    pool = Pool()
    found = rows(pool.models(), WHOLE)
    usable = np.flatnonzero(np.isfinite(pool.archive.y))
    best = set(usable[np.argsort(pool.archive.y[usable])[:6]].tolist())
    assert len(set(found)) == len(found) == 12
    assert found == sorted(found)
    assert best <= set(found) <= set(usable.tolist())
    assert rows(pool.models(first_turn=8), WHOLE) == found
    worst = usable[np.argsort(pool.archive.y[usable])[-15:]]
    assert set(found) & set(worst.tolist())  # a model of the best alone would not know where it is bad


def test_models_are_built_once() -> None:
    models = Pool().models()
    assert models.of(0) is models.of(0)
    assert models.of(0) is not models.of(1)


def test_without_a_record_all_fit_and_one_with_a_record_serves_until_the_archive_has_grown() -> None:
    pool = Pool()
    assert pool.models().of(0).record is not None
    pool.record(0, 40)
    assert pool.models().of(0).record is None
    pool.record(0, 35)  # 40 trials are 1.14 times as many
    assert pool.models().of(0).record is None
    pool.record(0, 34)
    assert pool.models().of(0).record is not None


def test_a_region_without_a_record_of_its_own_starts_from_the_latest_one_of_another() -> None:
    pool = Pool()
    pool.record(WHOLE, 30)
    pool.record(1, 40)
    assert pool.models().of(0).record is None
    del pool.fold.records[1]
    pool.record(WHOLE, 30)
    assert pool.models().of(0).record is not None


def recorded(models: ModelPool, size: int) -> list[int | None]:
    """Return the region of the fit that each member's trial records."""
    local = models.of(0).local(False)
    found = [models.recorded(member, local) for member in range(size)]
    return [None if record is None else record["region"] for record in found]


@pytest.mark.parametrize("first_turn", [0, 4, 8])
def test_each_region_is_fitted_by_one_member_and_they_take_turns(first_turn: int) -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 37)  # grown by more than growth, by less than lag
    found = recorded(pool.models(first_turn), 4)
    numbers = [WHOLE, 0, 1, None]
    shift = first_turn // 4
    assert found == numbers[shift:] + numbers[:shift]


def test_nobody_fits_what_was_fitted_a_moment_ago() -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 39)
    assert recorded(pool.models(), 4) == [None] * 4


def test_a_team_of_one_takes_all_regions_in_turn() -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 37)
    assert [recorded(pool.models(first_turn, 1), 1) for first_turn in range(4)] == [[WHOLE], [0], [1], [WHOLE]]


def test_a_fit_that_all_had_to_make_is_recorded_by_all() -> None:
    found = recorded(Pool().models(), 4)
    assert found == [0] * 4


def test_a_model_without_a_state_records_nothing() -> None:
    assert recorded(Pool(model=Mean()).models(), 4) == [None] * 4


# --- ahead --------------------------------------------------------------------------------------------------------------------


def test_what_lags_is_fitted_ahead_and_what_was_made_ahead_serves_without_another_fit() -> None:
    pool = Pool()
    for number in (WHOLE, 0):
        pool.record(number, 39)
    pool.record(1, 30)
    made = pool.models().fit_ahead(3)
    assert set(made) == {1}
    assert made[1]["n"] == 40
    models = pool.models(ahead=made)
    assert [models.of(number).record for number in (WHOLE, 0, 1)] == [None] * 3


def test_a_member_whose_turn_it_is_fits_ahead_and_its_trial_records_that() -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 37)
    assert [set(pool.models().fit_ahead(member)) for member in range(4)] == [{WHOLE}, {0}, {1}, set()]
    made = pool.models().fit_ahead(1)
    assert recorded(pool.models(ahead=made), 4) == [None, 0, None, None]


def test_a_later_fit_on_record_comes_before_one_made_ahead() -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 40)
    old = {0: {"region": 0, "n": 20, "surrogate": STATE}}
    assert recorded(pool.models(ahead=old), 4) == [None] * 4
    assert pool.models(ahead=old).fit_ahead(3) == {}


def test_one_that_has_thought_ahead_bears_with_an_older_record() -> None:
    pool = Pool()
    for number in (WHOLE, 0, 1):
        pool.record(number, 14)  # 40 trials are 2.9 times as many
    assert pool.models(ahead={}).of(0).record is None
    pool.record(0, 13)
    assert pool.models(ahead={}).of(0).record is not None


def test_of_many_trials_a_box_takes_its_own_and_then_the_nearest() -> None:
    """Half of the best in the box and a random half of its others, if it has enough; else all of them and the nearest outside."""
    space, U = check_space([(0.0, 1.0)] * 2), np.random.default_rng(0).random((60, 2))
    y = U.sum(axis=1)
    for upper in (0.3, 0.8):
        box = Bounds(np.zeros(2), np.array([upper, 1.0]))
        setup = Setup(space, replace(box_settings("EI"), nearest=20), "GP", "EI", 0, box)
        told = Told(Metrics(), 2)
        told.tell([Trial(drive=0, iteration=i, x=tuple(u), status=OK, metrics={"y": 0.0}) for i, u in enumerate(U)], U, y)
        state = State(setup, told.metrics, 4, 1)
        state.update(told)
        taken = ModelPool(setup, (), state.trust_regions, told, 0, 1).of(WHOLE).local(False).rows
        inside, away = np.flatnonzero(box.contains(U)), np.maximum(U[:, 0] - upper, 0.0)
        assert len(taken) == 20
        if len(inside) > 20:
            assert set(taken) <= set(inside)
            assert set(inside[np.argsort(y[inside])[:10]]) <= set(taken)
        else:
            assert set(inside) <= set(taken)
            assert away[taken].max() <= np.delete(away, taken).min()


def test_distance_to_a_box() -> None:
    bounds = Bounds(np.array([0.2, 0.2]), np.array([0.5, 1.0]))
    np.testing.assert_allclose(distance_to(bounds, np.array([[0.3, 0.4], [0.1, 0.15], [0.9, 0.0]])), [0.0, 0.1, 0.4])
