"""A user's own model as a surrogate: copied, asked with copies, and checked."""

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.surrogates import make_surrogate
from hyperspace.surrogates.user import UserModel, UserSurrogate

X = np.random.default_rng(0).random((20, 2))
Y = X.sum(axis=1)


class Nearest:
    """The least that a user's model can be."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], distance.min(axis=1)


class Line(Nearest):
    """One with gradients: the sum of the coordinates, a deviation of the first."""

    def predict(self, X):
        return X.sum(axis=1), 1.0 + X[:, 0]

    def predict_gradient(self, X):
        return np.ones(X.shape), np.eye(X.shape[1])[np.zeros(len(X), dtype=int)]


def test_users_model_is_copied_and_predicts():
    mine = Nearest()
    surrogate = make_surrogate(mine)
    surrogate.fit(X, Y)
    mean, std = surrogate.predict(X)
    np.testing.assert_array_equal(mean, Y)
    np.testing.assert_array_equal(std, 0.0)
    assert not hasattr(mine, "X")
    assert not surrogate.model.has_gradients


def test_users_gradients_are_used():
    model = make_surrogate(Line()).fit(X, Y)
    posterior = model.posterior(X, gradients=True)
    assert model.has_gradients
    np.testing.assert_array_equal(posterior.mean_gradient[:, 0], 1.0)
    np.testing.assert_allclose(posterior.variance_gradient[:, 0, 0], 2.0 * (1.0 + X[:, 0]))


@pytest.mark.parametrize("returned", [None, np.zeros(20), (np.zeros(20), np.zeros(19)), (np.zeros(20), np.full(20, np.nan))])
def test_wrong_predictions_are_refused(returned):
    class Wrong(Nearest):
        def predict(self, X):
            return returned

    surrogate = UserSurrogate(Wrong())
    surrogate.fit(X, Y)
    with pytest.raises(InputError, match=r"Wrong\.predict"):
        surrogate.predict(X)


@pytest.mark.parametrize("model", [object(), Nearest, 3])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(InputError, match=r"fit\(X, y\) and predict"):
        make_surrogate(model)


def test_users_model_has_one_output():
    with pytest.raises(InputError, match="one output"):
        make_surrogate(Nearest()).fit(X, np.stack([Y, Y], axis=1))


def test_gradients_of_the_variance_follow_from_those_of_the_deviation():
    class Curved(Line):
        def predict(self, X):
            return np.sin(X[:, 0]) + X[:, 1], 0.1 + X[:, 0] * X[:, 1]

        def predict_gradient(self, X):
            return np.stack([np.cos(X[:, 0]), np.ones(len(X))], axis=1), X[:, ::-1]

    model, Q = make_surrogate(Curved()).fit(X, Y), X[:5]
    posterior = model.posterior(Q, gradients=True)
    assert posterior.mean_gradient.shape == posterior.variance_gradient.shape == (5, 1, 2)
    for j, step in enumerate(1e-6 * np.eye(2)):
        above, below = model.posterior(Q + step), model.posterior(Q - step)
        np.testing.assert_allclose(posterior.mean_gradient[:, :, j], (above.mean - below.mean) / 2e-6, atol=1e-8)
        np.testing.assert_allclose(posterior.variance_gradient[:, :, j], (above.variance - below.variance) / 2e-6, atol=1e-8)


def test_a_model_that_spoils_what_it_is_given_spoils_copies():
    class Spoiling(Nearest):
        def fit(self, X, y):
            super().fit(X.copy(), y.copy())
            X[:], y[:] = np.nan, np.nan

        def predict(self, X):
            answer = super().predict(X.copy())
            X[:] = np.nan
            return answer

    points, targets = X.copy(), Y.copy()
    surrogate = make_surrogate(Spoiling())
    surrogate.fit(points, targets)
    for _ in range(2):
        np.testing.assert_array_equal(surrogate.predict(points)[0], Y)
    np.testing.assert_array_equal(points, X)
    np.testing.assert_array_equal(targets, Y)


def test_every_fit_begins_with_the_object_as_it_was_given():
    class Counting(Nearest):
        fits = 0

        def fit(self, X, y):
            super().fit(X, y)
            self.fits += 1

        def predict(self, X):
            return np.full(len(X), float(self.fits)), np.ones(len(X))

    surrogate = UserSurrogate(Counting())
    first = surrogate.fit(X, Y)
    surrogate.fit(X, Y)
    assert surrogate.predict(X[:1])[0].tolist() == first.posterior(X[:1]).mean[:, 0].tolist() == [1.0]


def test_columns_and_lists_are_taken_for_rows():
    class Columns(Nearest):
        def predict(self, X):
            mean, std = super().predict(X)
            return mean[:, None], std.tolist()

    posterior = make_surrogate(Columns()).fit(X, Y).posterior(X)
    np.testing.assert_array_equal(posterior.mean[:, 0], Y)


def test_wrong_gradients_are_refused_by_name():
    class Wrong(Line):
        def predict_gradient(self, X):
            return np.ones(len(X)), np.ones(len(X))

    model = UserModel(Wrong())
    with pytest.raises(
        InputError, match=r"Wrong\.predict_gradient\(X\) must return two arrays of shape \(20, 2\) for X \(20, 2\)"
    ):
        model.posterior(X, gradients=True)
    model.posterior(X)
