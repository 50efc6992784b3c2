"""Any surrogate on standardized targets."""

import numpy as np

from hyperspace.surrogates.base import Posterior, Surrogate
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.surrogates.standardized import Standardized
from hyperspace.surrogates.user import UserSurrogate

X = np.random.default_rng(0).random((20, 2))
Y = X.sum(axis=1)


class Nearest:
    """The least that a user's model can be."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], distance.min(axis=1)


def test_standardized_targets_are_read_on_their_own_scale():
    surrogate = Standardized(UserSurrogate(Nearest()))
    y = 1e6 + 1e3 * Y
    surrogate.fit(X, y)
    np.testing.assert_allclose(surrogate.predict(X)[0], y)
    seen = surrogate.inner.model if surrogate.inner.model is not None else surrogate.model.latent
    assert np.abs(seen.posterior(X).mean).max() < 5.0
    assert not hasattr(surrogate.model, "condition")


def test_standardized_keeps_the_state_of_the_inner_surrogate():
    inner = GP()
    surrogate = Standardized(inner)
    surrogate.fit(X, Y)
    assert surrogate.state() == inner.state() is not None
    other = Standardized(GP())
    other.restore(surrogate.state())
    assert other.state() == surrogate.state()


class Recording(Surrogate):
    """Keeps what it is fitted to."""

    def _fit(self, X, Y, noise):
        self.seen = X, Y, noise
        return self

    has_gradients = False

    def posterior(self, X, gradients=False):
        return Posterior(np.zeros((len(X), 1)), np.ones((len(X), 1)))


def test_the_inner_surrogate_sees_mean_0_and_variance_1_and_the_noise_in_the_same_unit():
    inner = Recording()
    Standardized(inner).fit(X, 1e6 + 1e3 * Y, np.full(20, 4.0))
    _, Z, noise = inner.seen
    np.testing.assert_allclose((Z.mean(), Z.std()), (0.0, 1.0), atol=1e-9)
    np.testing.assert_allclose(noise, 4.0 / (1e3 * Y.std()) ** 2 * np.ones((20, 1)))
    Standardized(inner).fit(X, Y)
    assert inner.seen[2] is None


def test_the_noise_beside_an_outlier_is_that_of_where_it_was_measured():
    """Far in the tamed tail, 1000 units away, a unit of y is a thousandth of one near the median."""
    y = np.append(Y[:-1], 1000.0 * Y.std())
    inner = Recording()
    Standardized(inner).fit(X, y, np.full(20, 1e-4))
    noise = inner.seen[2][:, 0]
    np.testing.assert_allclose(noise[:-1], noise[0])
    assert noise[-1] < 1e-4 * noise[0]


def test_predictions_of_the_mean_and_deviation_of_the_targets_are_those_of_y():
    surrogate = Standardized(Recording())
    surrogate.fit(X, 5.0 + 3.0 * Y)
    mean, std = surrogate.predict(X[:4])
    np.testing.assert_allclose(mean, (5.0 + 3.0 * Y).mean())
    np.testing.assert_allclose(std, (3.0 * Y).std())
