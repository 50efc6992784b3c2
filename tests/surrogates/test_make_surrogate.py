import numpy as np
import pytest

import hyperspace.surrogates
from hyperspace.errors import InputError
from hyperspace.surrogates import SURROGATES, make_surrogate
from hyperspace.surrogates.gp.surrogate import GP

X = np.random.default_rng(0).random((20, 2))
Y = X.sum(axis=1)


class Nearest:
    """The least that a user's model can be."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], distance.min(axis=1)


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
