"""The models of a region: the user's, and an additive one beside it where that is plausible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hyperspace.optimizers.bayesian.models import MOST_ADDITIVE, IncrementalModel, RegionModels
from hyperspace.optimizers.bayesian.settings import WHOLE, Settings, Setup, box_settings
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.typing import Array


def separable(U: Array) -> Array:
    return (np.cos(14.0 * U) + U).sum(axis=1)


def entangled(U: Array) -> Array:
    """A hole at one point, which no sum of functions of one coordinate tells from a groove along each axis."""
    return -np.exp(-8.0 * ((U - 0.4) ** 2).sum(axis=1))


def fits(function: Any, n: int = 80, d: int = 4, model: str = "GP", record: Mapping[str, Any] | None = None) -> RegionModels:
    space = check_space([(0.0, 1.0)] * d)
    U = np.random.default_rng(0).random((n, d))
    stale = record is None or n >= Settings().lag * record["n"]
    setup = Setup(space, Settings(), model, "EI", 0, Bounds.whole(space.d))
    return RegionModels(setup, 0, WHOLE, np.arange(n), U, function(U), record, stale)


def compared(function: Any, **options: Any) -> RegionModels:
    """Return the models after a member compared them."""
    return fits(function, record=json.loads(json.dumps(fits(function, **options).refit())), **options)


def test_the_additive_process_leads_on_a_sum_and_predicts_it_better() -> None:
    assert fits(separable).lead == -np.inf
    found = compared(separable)
    assert found.lead > 0.0
    Q = np.random.default_rng(1).random((500, 4))
    errors = []
    for additive in (False, True):
        local = found.local(additive)
        predicted = local.transform.inverse(local.latent.posterior(Q).mean[:, 0])[0]
        errors.append(np.sqrt(np.mean((predicted - separable(Q)) ** 2)))
    assert errors[1] < 0.2 * errors[0]


def test_a_prediction_is_a_loss_or_nothing() -> None:
    local = fits(lambda U: U.sum(axis=1)).local(False)
    u = np.full(4, 0.3)
    mean = local.latent.posterior(u[None]).mean[:, 0]
    assert local.predicted(u) == local.transform.inverse(mean)[0][0]
    assert local.predicted(u) == pytest.approx(1.2, abs=0.01)
    assert replace(local, transform=replace(local.transform, center=np.inf)).predicted(u) is None


def test_it_is_left_out_where_it_is_far_behind() -> None:
    assert compared(entangled).lead == -np.inf


@pytest.mark.parametrize(("model", "d"), [("RF", 4), ("GP", 1), ("GP", MOST_ADDITIVE + 1)])
def test_other_models_one_dimension_and_very_many_have_none(model: str, d: int) -> None:
    found = fits(separable, n=30, d=d, model=model)
    assert "additive" not in (found.refit() or {})


def test_a_record_gives_the_same_models_without_a_fit() -> None:
    first = compared(separable)
    again = compared(separable)
    assert again.record is None
    assert again.lead == first.lead
    Q = np.random.default_rng(1).random((20, 4))
    for additive in (False, True):
        a, b = (found.local(additive).latent.posterior(Q) for found in (first, again))
        np.testing.assert_array_equal(a.mean, b.mean)
        np.testing.assert_array_equal(a.variance, b.variance)


def test_it_is_tried_again_after_some_fits() -> None:
    record, idle = fits(entangled, n=40).refit(), []
    for n in (42, 44, 46, 48, 50, 50):
        assert record is not None
        idle.append(record["additive"]["idle"])
        record = fits(entangled, n=n, record=record).refit()
    assert idle == [0, 1, 2, 3, 4, 0]


def test_it_is_not_fitted_anew_before_the_archive_has_grown() -> None:
    first = fits(separable).refit()
    assert first is not None
    later = fits(separable, n=84, record=first).refit()
    assert later is not None
    assert later["surrogate"] != first["surrogate"]
    assert later["additive"] == first["additive"]


class Mean:
    """A user's model that cannot be extended: the mean, more certain with more points."""

    def fit(self, X: Array, y: Array) -> None:
        self.y = y

    def predict(self, X: Array) -> tuple[Array, Array]:
        return np.full(len(X), self.y.mean()), np.full(len(X), 1.0 / len(self.y))


U = np.random.default_rng(3).random((40, 2))
Y = np.sin(5.0 * U[:, 0]) + U[:, 1] ** 2
QUERY = np.random.default_rng(4).random((20, 2))


def box_models(model: Any, n: int, record: Mapping[str, Any] | None, extended: IncrementalModel | None) -> RegionModels:
    space = check_space([(0.0, 1.0)] * 2)
    setup = Setup(space, box_settings("EI"), model, "EI", 0, Bounds.whole(2))
    stale = record is None or n >= 1.1 * record["n"]
    return RegionModels(setup, 0, WHOLE, np.arange(n), U[:n], Y[:n], record, stale, extended)


def predictions(models: RegionModels) -> Array:
    posterior = models.local(False).latent.posterior(QUERY)
    return np.stack([posterior.mean, posterior.variance])


def test_an_extended_model_is_the_one_that_is_factorized_anew() -> None:
    record = box_models("GP", 30, None, IncrementalModel()).refit()
    for n in (31, 32):
        extended, anew = (predictions(box_models("GP", n, record, kept)) for kept in (IncrementalModel(), None))
        np.testing.assert_allclose(extended, anew, atol=1e-8)


@pytest.mark.parametrize("model", ["GP", "RF", Mean()])
def test_a_model_that_was_kept_is_bit_for_bit_that_of_a_resumed_run(model: Any) -> None:
    """Whatever the number of questions in between: a resumed run extends the recorded fit by the same rows, one by one."""
    kept, record = IncrementalModel(), None
    for n in (*range(2, 30), 33, 34):
        models = box_models(model, n, record, kept)
        resumed = box_models(model, n, None if record is None else json.loads(json.dumps(record)), IncrementalModel())
        np.testing.assert_array_equal(predictions(models), predictions(resumed))
        record = models.record or record


def test_fits_come_when_the_data_have_grown_by_a_tenth() -> None:
    kept, record, fitted_at = IncrementalModel(), None, []
    for n in range(1, 41):
        models = box_models("GP", n, record, kept)
        if models.record is not None:
            record = models.record
            fitted_at.append(n)
    assert fitted_at == [*range(1, 12), 13, 15, 17, 19, 21, 24, 27, 30, 33, 37]


@pytest.mark.parametrize("model", ["GP", "RF", Mean()])
def test_fantasies_lower_the_variance_and_leave_no_trace(model: Any) -> None:
    local = box_models(model, 30, None, None).local(False)
    before = local.latent.posterior(QUERY).variance
    pending = np.array([[0.1, 0.9], [0.8, 0.2]])
    believed = local.with_fantasies(pending)
    assert np.all(believed.posterior(pending).variance <= local.latent.posterior(pending).variance)
    np.testing.assert_array_equal(local.latent.posterior(QUERY).variance, before)
    if model != "RF":
        assert np.all(believed.posterior(pending).variance < local.latent.posterior(pending).variance)
