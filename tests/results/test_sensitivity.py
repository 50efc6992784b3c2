"""Sobol indices and partial dependence, against functions whose own are known."""

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.results.sensitivity import dependence, design, find_dimension, importance, sobol_indices


def ishigami(U):
    """Ishigami and Homma 1990 with a = 7 and b = 0.1; the indices are known in closed form."""
    x = (2 * U - 1) * np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_the_estimator_gives_the_indices_of_ishigamis_function():
    rows = 1 << 14
    U = design(rows, 3, np.arange(3), np.random.default_rng(0))
    first, total = sobol_indices(ishigami(U).reshape(5, rows))
    np.testing.assert_allclose(first, [0.3139, 0.4424, 0.0], atol=0.01)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=0.01)


def test_a_constant_has_no_indices():
    np.testing.assert_array_equal(sobol_indices(np.ones((4, 8))), np.zeros((2, 2)))


def additive(p):
    """Variances over the space: 4/12 of rate's logarithm, 1/12 of shift, 0 of unused; 2/9 * 0.75^2 of kind."""
    return 2 * (np.log10(p["rate"]) + 3) / 3 + p["shift"] + 0.75 * (p["kind"] == "b") - 5


SPACE = {"rate": (1e-3, 1.0, "log-uniform"), "shift": (0.0, 1.0), "unused": (1, 5), "kind": ["a", "b", "c"]}


@pytest.fixture(scope="module")
def result():
    return hyperdrive(additive, SPACE, None, model="RAND", n_subspaces=1, n_calls=120, checkpoints=False, random_state=0)


def test_importance_of_an_additive_function_is_its_shares_of_variance(result):
    found = importance(result)
    variances = np.array([4 / 12, 1 / 12, 0.0, 2 / 9 * 0.75**2])
    shares = variances / variances.sum()
    assert found.names == ("rate", "shift", "unused", "kind")
    np.testing.assert_allclose(found.total, shares, atol=0.05)
    np.testing.assert_allclose(found.first, shares, atol=0.08)
    assert (found.total_interval[0] <= found.total).all()
    assert (found.total <= found.total_interval[1]).all()
    assert ((found.total_interval[0] - 0.02 <= shares) & (shares <= found.total_interval[1] + 0.02)).all()


def test_fewer_trials_are_less_certain(result):
    few = hyperdrive(additive, SPACE, None, model="RAND", n_subspaces=1, n_calls=8, checkpoints=False, random_state=0)
    spread = [np.diff(importance(each).total_interval, axis=0).max() for each in (few, result)]
    assert spread[0] > 2 * spread[1]


def test_dependence_on_a_number_follows_the_function(result):
    found = dependence(result, "shift")
    assert found.dimension == 1
    rest = 1.0 + 0.25 - 5  # the others' averages
    np.testing.assert_allclose(found.mean, found.u + rest, atol=0.08)
    assert ((found.lower <= found.u + rest + 0.02) & (found.u + rest - 0.02 <= found.upper)).all()


def test_dependence_on_a_category_has_a_point_for_each(result):
    found = dependence(result, 3)
    assert len(found.u) == 3
    np.testing.assert_allclose(found.mean - found.mean[0], [0.0, 0.75, 0.0], atol=0.1)


def test_of_too_many_parameters_the_least_relevant_are_left_out(monkeypatch, result):
    monkeypatch.setattr("hyperspace.results.sensitivity._POINTS", 4 * 32)  # room for two parameters
    found = importance(result)
    lengthscales = result.surrogate.latent.hyper.lengthscales
    np.testing.assert_array_equal(np.isfinite(found.total), lengthscales <= np.sort(lengthscales)[1])
    np.testing.assert_array_equal(np.isfinite(found.first_interval[0]), np.isfinite(found.total))
    assert found.total[0] == pytest.approx(importance(result).total[0], abs=0.15)


def test_the_same_seed_gives_the_same_numbers(result):
    np.testing.assert_array_equal(importance(result, seed=4).total, importance(result, seed=4).total)


@pytest.mark.parametrize("name", ["rates", 4, -1])
def test_an_unknown_parameter_is_an_error_that_names_those_there_are(result, name):
    with pytest.raises(InputError, match="rate, shift, unused, kind"):
        find_dimension(result, name)


def test_a_dependence_within_limits_is_that_of_the_clipped_objective():
    """f is u over the unit interval, so that the average of min(f, 1/2) is known at each point of it."""
    result = hyperdrive(lambda x: x[0], [(0.0, 1.0), (0.0, 1.0)], None, model="RAND", n_calls=30, checkpoints=False)
    whole, half = dependence(result, 0), dependence(result, 0, limits=(0.25, 0.5))
    np.testing.assert_allclose(whole.mean, whole.u, atol=1e-3)
    np.testing.assert_allclose(half.mean, np.clip(half.u, 0.25, 0.5), atol=1e-3)
    other = dependence(result, 1, limits=(-9.0, 0.5))
    np.testing.assert_allclose(other.mean, 0.375, atol=2e-3)  # of min(u, 1/2): 1/8 + 1/4
    np.testing.assert_array_equal(dependence(result, 0, limits=(-9.0, 9.0)).lower, whole.lower)
