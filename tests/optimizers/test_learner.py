import json

import numpy as np
import pytest

from hyperspace.optimizers.learner import Learner, distance_to
from hyperspace.space.space import Bounds
from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.user import UserSurrogate

RNG = np.random.default_rng(0)
U = RNG.random((60, 2))
Y = np.sin(5.0 * U[:, 0]) + U[:, 1] ** 2
Q = RNG.random((20, 2))


class Counted(GP):
    """Counts its fits."""

    fits = 0

    def _fit(self, X, Y, noise):
        self.fits += 1
        return super()._fit(X, Y, noise)


class Mean:
    """A user's model that cannot be extended."""

    def fit(self, X, y):
        self.y, self.n = y, len(y)

    def predict(self, X):
        return np.full(len(X), self.y.mean()), np.full(len(X), 1.0 / self.n)


class Counter(Surrogate):
    """A surrogate whose fits depend on how many came before, and that cannot rebuild a model without a fit."""

    def __init__(self):
        self.count = 0

    def _fit(self, X, Y, noise):
        self.count += 1
        return UserSurrogate(Mean())._fit(X, Y + 100.0 * self.count * (np.arange(len(Y)) == 0)[:, None], noise)

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


def learner(surrogate=None, bounds=None, **options):
    return Learner(GP() if surrogate is None else surrogate, Bounds.whole(2) if bounds is None else bounds, **options)


def predictions(model):
    posterior = model.posterior(Q)
    return np.stack([posterior.mean, posterior.variance])


def test_nothing_is_learned_from_nothing():
    assert learner().update() == (None, None)


def test_fits_come_when_the_data_have_grown_by_a_tenth():
    surrogate = Counted()
    it = learner(surrogate)
    fitted_at = []
    for n in range(1, 61):
        it.tell(U[n - 1 : n], Y[n - 1 : n])
        model, record = it.update()
        assert len(model.latent) == n
        if record is not None:
            fitted_at.append(n)
    assert fitted_at == [*range(1, 12), 13, 15, 17, 19, 21, 24, 27, 30, 33, 37, 41, 46, 51, 57]
    assert surrogate.fits == len(fitted_at)


def test_between_fits_the_model_is_extended_by_every_point():
    it = learner()
    it.tell(U[:50], Y[:50])
    it.update()
    it.tell(U[50:54], Y[50:54])
    model, record = it.update()
    assert record is None
    rebuilt = it.surrogate.rebuild(U[:54], Y[:54, None])
    np.testing.assert_allclose(predictions(model), predictions(rebuilt), atol=1e-8)
    np.testing.assert_array_equal(it.rows, np.arange(54))


@pytest.mark.parametrize("surrogate", [GP, lambda: Standardized(UserSurrogate(Mean())), lambda: Standardized(Counter())])
@pytest.mark.parametrize("stop", [12, 14, 30])
def test_recalled_records_restore_the_model_bit_for_bit(surrogate, stop):
    uninterrupted = learner(surrogate())
    resumed = learner(surrogate())
    for n in range(1, 36):
        uninterrupted.tell(U[n - 1 : n], Y[n - 1 : n])
        model, record = uninterrupted.update()
        resumed.tell(U[n - 1 : n], Y[n - 1 : n])
        if n < stop:
            if record is not None:
                resumed.recall(json.loads(json.dumps(record)))
            continue
        again, same_record = resumed.update()
        np.testing.assert_array_equal(predictions(again), predictions(model))
        assert same_record == record


def test_of_many_points_the_nearest_to_the_box_are_used():
    bounds = Bounds(np.array([0.0, 0.0]), np.array([0.3, 1.0]))
    it = learner(bounds=bounds, max_rows=20)
    it.tell(U[:50], Y[:50])
    it.update()
    distance = distance_to(bounds, U[:50])
    assert distance[it.rows].max() <= np.delete(distance, it.rows).min()
    assert len(it.rows) == 20
    reach = distance[it.rows].max()
    near, far = np.array([[0.2, 0.5]]), np.array([[min(0.31 + 2.0 * reach, 1.0), 0.5]])
    it.tell(far, np.zeros(1))
    assert len(it.update()[0].latent) == 20
    it.tell(near, np.zeros(1))
    assert len(it.update()[0].latent) == 21


def test_of_many_points_in_the_box_the_nearest_to_the_best_are_used():
    it = learner(max_rows=20)
    it.tell(U[:50], Y[:50])
    it.update()
    best = U[np.argmin(Y[:50])]
    distance = np.linalg.norm(U[:50] - best, axis=1)
    np.testing.assert_array_equal(it.rows, np.sort(np.argsort(distance)[:20]))


def test_the_size_of_the_model_stays_bounded():
    it = learner(max_rows=20)
    rng = np.random.default_rng(1)
    for _ in range(60):
        X = rng.random((3, 2))
        it.tell(X, X.sum(axis=1))
        assert len(it.update()[0].latent) <= 24


def test_points_under_way_are_believed_without_a_trace():
    for surrogate in (GP(), Standardized(UserSurrogate(Mean())), Standardized(Counter())):
        it = learner(surrogate)
        it.tell(U[:30], Y[:30])
        model, _ = it.update()
        state = json.dumps(surrogate.state())
        pending = np.array([[0.1, 0.9], [0.8, 0.2]])
        believed = it.with_fantasies(model, pending)
        assert np.all(believed.posterior(pending).variance < model.latent.posterior(pending).variance)
        assert json.dumps(surrogate.state()) == state
        assert it.update()[0] is model


def test_distance_to_a_box():
    bounds = Bounds(np.array([0.2, 0.2]), np.array([0.5, 1.0]))
    np.testing.assert_allclose(distance_to(bounds, np.array([[0.3, 0.4], [0.1, 0.15], [0.9, 0.0]])), [0.0, 0.1, 0.4])
