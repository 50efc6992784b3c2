import numpy as np
import pytest

import hyperspace.surrogates
from hyperspace.errors import InputError
from hyperspace.surrogates import SURROGATES, make_surrogate
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


class Line(Nearest):
    """One with gradients: the sum of the coordinates, a deviation of the first."""

    def predict(self, X):
        return X.sum(axis=1), 1.0 + X[:, 0]

    def predict_gradient(self, X):
        return np.ones(X.shape), np.eye(X.shape[1])[np.zeros(len(X), dtype=int)]


def test_a_surrogate_is_returned_as_it_is():
    surrogate = GP()
    assert make_surrogate(surrogate) is surrogate


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"GP.*DNN.*GBRT.*got 'gp'"):
        make_surrogate("gp")


@pytest.mark.parametrize("name", ["DNN", "ENSEMBLE"])
def test_a_missing_library_is_named_with_what_to_install(name, monkeypatch):
    def import_module(module):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(hyperspace.surrogates, "import_module", import_module)
    with pytest.raises(InputError, match=rf'model="{name}" needs torch, .* pip install "\.\[dnn\]"'):
        make_surrogate(name)


def test_a_missing_module_of_the_package_itself_is_no_input_error(monkeypatch):
    def import_module(module):
        raise ModuleNotFoundError(module, name="hyperspace.surrogates.gp.surrogate")

    monkeypatch.setattr(hyperspace.surrogates, "import_module", import_module)
    with pytest.raises(ModuleNotFoundError):
        make_surrogate("GP")


def test_options_reach_the_class():
    assert make_surrogate("GP", warp=False).warp is False
    assert set(SURROGATES) == {"GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT"}


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
