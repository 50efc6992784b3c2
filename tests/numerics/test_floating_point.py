"""Our own computing does not depend on what the user's program has set."""

import warnings

import numpy as np
import pytest

from hyperspace.numerics import floating_point
from hyperspace.numerics.floating_point import own_numerics, users_numerics


@pytest.fixture
def raising(monkeypatch):
    monkeypatch.setattr(floating_point, "warnings_may_raise", False)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.usefixtures("raising")
def test_nothing_raises_within_and_all_does_in_the_users_code(capsys):
    with own_numerics(), own_numerics():
        np.float64(1.0) / np.float64(0.0)
        warnings.warn("of a library", DeprecationWarning, stacklevel=1)
        with users_numerics():
            with pytest.raises(FloatingPointError):
                np.float64(1.0) / np.float64(0.0)
            with pytest.raises(DeprecationWarning):
                warnings.warn("of the user's code", DeprecationWarning, stacklevel=1)
            with own_numerics():
                np.float64(1.0) / np.float64(0.0)
        np.float64(1.0) / np.float64(0.0)
    assert np.geterr()["divide"] == "raise"
    with pytest.raises(DeprecationWarning):
        warnings.warn("afterwards", DeprecationWarning, stacklevel=1)


def test_what_the_users_code_sets_stays_set():
    with np.errstate():
        with own_numerics():
            with users_numerics():
                np.seterr(under="raise")
            assert np.geterr()["under"] == "ignore"
            with users_numerics():
                assert np.geterr()["under"] == "raise"
        assert np.geterr()["under"] == "raise"


PROGRAM = """
import sys, warnings
import numpy as np
np.seterr(all="raise")
from hyperspace import Optimizer, hyperdrive, load_results
def objective(x):
    assert np.geterr()["under"] == "raise" and any(entry[0] == "error" for entry in warnings.filters)
    return 1e-300 * (x[0] - 0.3) ** 2 + 1e200 * x[1] ** 40
if __name__ == "__main__":
    for model in sys.argv[1:]:
        result = hyperdrive(objective, [(1e-9, 1.0, "log-uniform"), (0.0, 1.0)], model, n_calls=24, model=model)
        print(set(result.trials["status"]), np.geterr()["under"])
    load_results(model).table()
    result.surrogate.predict(np.full((1, 2), 0.5))
    optimizer = Optimizer([(0.0, 1.0)])
    for _ in range(8):
        x = optimizer.ask()
        optimizer.tell(x, 1e-300 * x[0])
"""


@pytest.mark.parametrize("option", [{"PYTHONWARNINGS": "error"}, {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"}])
def test_a_study_ends_well_where_warnings_are_errors(python, option):
    program = PROGRAM.replace("assert ", "assert_ = ") if "PYTHONOPTIMIZE" in option else PROGRAM
    assert python(program, "RF", "GP", **option).stdout.splitlines() == ["{'ok'} raise"] * 2
