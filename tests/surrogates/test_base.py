"""The base of the surrogates: shapes, checks, and draws from models that cannot draw."""

import numpy as np
import pytest

from hyperspace.surrogates.base import Model, Posterior, Surrogate, draw

X = np.random.default_rng(0).random((6, 2))


class Constant:
    """A model of m outputs: the same mean and variance everywhere."""

    has_gradients = False

    def __init__(self, mean, variance):
        self._mean, self._variance = mean, variance

    def posterior(self, X, gradients=False):
        self.asked = X
        return Posterior(np.tile(self._mean, (len(X), 1)), np.tile(self._variance, (len(X), 1)))


class Means(Surrogate):
    """Learns the mean and the variance of each output; keeps what it was given."""

    def _fit(self, X, Y, noise):
        self.given = X, Y, noise
        return Constant(Y.mean(axis=0), Y.var(axis=0))


def test_a_row_of_outputs_is_learned_as_a_column_and_predicted_as_a_row():
    surrogate, y = Means(), np.arange(6.0)
    model = surrogate.fit(X, y, noise=np.full(6, 0.1))
    assert surrogate.model is model
    assert surrogate.given[1].tolist() == [[value] for value in y]
    assert surrogate.given[2].shape == (6, 1)
    mean, std = surrogate.predict(X)
    assert mean.tolist() == [2.5] * 6
    np.testing.assert_allclose(std, y.std())


@pytest.mark.parametrize("m", [1, 3])
def test_a_matrix_of_outputs_is_predicted_as_a_matrix(m):
    surrogate, Y = Means(), np.random.default_rng(1).random((6, m))
    surrogate.fit(X, Y, noise=0.1 * Y)
    np.testing.assert_array_equal(surrogate.given[2], 0.1 * Y)
    mean, std = surrogate.predict(X[:4])
    np.testing.assert_allclose(mean, np.tile(Y.mean(axis=0), (4, 1)))
    np.testing.assert_allclose(std, np.tile(Y.std(axis=0), (4, 1)))
    surrogate.fit(X, Y[:, 0])
    assert surrogate.predict(X)[0].shape == (6,)


def test_lists_of_integers_and_single_points_are_taken():
    surrogate = Means()
    surrogate.fit([[0, 1], [1, 0]], [1, 3])
    assert [part.dtype for part in surrogate.given[:2]] == [float, float]
    assert surrogate.given[2] is None
    mean, std = surrogate.predict([0, 1])
    assert (mean.tolist(), std.tolist()) == ([2.0], [1.0])
    assert surrogate.model.asked.shape == (1, 2)


@pytest.mark.parametrize(
    ("points", "y", "message"),
    [
        (X, np.ones(5), r"X \(n, d\) and Y \(n,\) or \(n, m\) with n >= 1, got \(6, 2\) and \(5,\)"),
        (X[0], np.ones(2), r"got \(2,\) and"),
        (np.empty((0, 2)), np.empty((0, 1)), "n >= 1"),
        (np.empty((0, 2)), [], "n >= 1"),
        (X, np.ones((6, 1, 1)), r"and \(6, 1, 1\)"),
        (X, 1.0, r"and \(\)"),
        (X, [1.0, np.nan, 1.0, 1.0, 1.0, 1.0], "finite X and Y; leave failed trials out"),
        (X, [1.0, np.inf, 1.0, 1.0, 1.0, 1.0], "finite"),
        (np.where(X.min() < X, X, np.nan), np.ones(6), "finite"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_and_the_model_stays(points, y, message):
    surrogate = Means()
    before = surrogate.fit(X, np.arange(6.0))
    with pytest.raises(ValueError, match=message):
        surrogate.fit(points, y)
    assert surrogate.model is before
    assert surrogate.predict(X)[0].shape == (6,)


def test_no_prediction_before_a_fit():
    with pytest.raises(RuntimeError, match="predict comes after fit"):
        Means().predict(X)


def test_a_surrogate_that_keeps_no_state_starts_afresh_and_is_rebuilt_by_a_fit():
    surrogate = Means()
    assert surrogate.state() is None
    surrogate.restore({})
    assert not surrogate.state_is_complete
    Y = np.arange(6.0)[:, None]
    assert surrogate.rebuild(X, Y).posterior(X).mean[0, 0] == 2.5
    assert surrogate.model is None  # it is no fit of the study's own


def test_the_deviation_is_the_root_of_the_variance():
    np.testing.assert_allclose(Posterior(np.zeros((1, 2)), np.array([[4.0, 0.0]])).std, [[2.0, 0.0]])


def test_a_model_without_draws_of_its_own_is_drawn_from_point_by_point():
    model = Constant(np.array([1.0, -5.0]), np.array([0.25, 0.0]))
    draws = draw(model, X, 5000, np.random.default_rng(0))
    assert draws.shape == (5000, 6, 2)
    np.testing.assert_array_equal(draws[:, :, 1], -5.0)
    np.testing.assert_allclose(draws[:, :, 0].mean(axis=0), 1.0, atol=5 * 0.5 / np.sqrt(5000))
    np.testing.assert_allclose(np.cov(draws[:, :, 0].T), 0.25 * np.eye(6), atol=0.03)
    assert isinstance(model, Model)


def test_a_model_with_draws_of_its_own_is_asked():
    class Drawing(Constant):
        def sample(self, X, k, rng):
            return [[[rng.random()]] * len(X)] * k

    draws = draw(Drawing(np.zeros(1), np.ones(1)), X, 3, np.random.default_rng(0))
    assert draws.shape == (3, 6, 1)
    assert (draws == np.random.default_rng(0).random()).all()
