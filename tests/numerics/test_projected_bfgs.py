import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from hyperspace.numerics.projected_bfgs import ascend

D = 6
CURVATURE = np.geomspace(1.0, 300.0, D)
CENTER = np.linspace(0.1, 0.9, D)


def quadratic(X):
    return -((X - CENTER) ** 2 * CURVATURE).sum(axis=1), -2.0 * (X - CENTER) * CURVATURE


def starts(n, d=D):
    return np.random.default_rng(0).random((n, d))


def test_every_start_reaches_the_maximum_of_a_quadratic():
    X, values = ascend(quadratic, starts(5), np.zeros(D), np.ones(D), np.ones(D), 60, tolerance=1e-10)
    np.testing.assert_allclose(X, np.tile(CENTER, (5, 1)), atol=1e-3)
    np.testing.assert_allclose(values, 0.0, atol=1e-5)


def test_bounds_hold_and_the_free_coordinates_still_move():
    upper = np.full(D, 0.5)
    X, values = ascend(quadratic, 0.5 * starts(4), np.zeros(D), upper, np.ones(D), 80, tolerance=1e-10)
    np.testing.assert_allclose(X, np.tile(np.minimum(CENTER, upper), (4, 1)), atol=1e-3)
    assert np.all(upper >= X)
    np.testing.assert_array_equal(values, quadratic(X)[0])


def test_curved_valley():
    def function(X):
        return -np.array([rosen(x) for x in X]), -np.array([rosen_der(x) for x in X])

    X, values = ascend(function, 2.0 * starts(4, 3) - 1.0, np.full(3, -2.0), np.full(3, 2.0), np.ones(3), 200, tolerance=1e-12)
    assert np.sort(-values)[1] < 1e-6
    np.testing.assert_allclose(X[np.argmax(values)], 1.0, atol=1e-2)


def test_scales_make_up_for_units():
    units = np.geomspace(1e-3, 1e3, D)

    def function(X):
        value, gradient = quadratic(X / units)
        return value, gradient / units

    X, _ = ascend(function, starts(3) * units, 0.0 * units, units, units, 60, tolerance=1e-10)
    np.testing.assert_allclose(X / units, np.tile(CENTER, (3, 1)), atol=1e-3)


def test_no_more_evaluations_than_allowed_and_never_downhill():
    calls = []

    def function(X):
        calls.append(len(X))
        return quadratic(X)

    X0 = starts(5)
    _, values = ascend(function, X0, np.zeros(D), np.ones(D), np.ones(D), 7)
    assert len(calls) == 7
    assert np.all(values >= quadratic(X0)[0])


def test_what_has_arrived_is_not_evaluated_again():
    calls = []

    def function(X):
        calls.append(len(X))
        return quadratic(X)

    X0 = np.stack([CENTER, np.zeros(D)])
    ascend(function, X0, np.zeros(D), np.ones(D), np.ones(D), 100)
    assert calls[:2] == [2, 2]
    assert calls[-1] == 1
    assert len(calls) < 60


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_flat_and_linear_functions(slope):
    def function(X):
        return slope * X.sum(axis=1), np.full(X.shape, slope)

    X0 = starts(3)
    X, _ = ascend(function, X0, np.zeros(D), np.ones(D), np.ones(D), 50)
    np.testing.assert_allclose(X, np.ones((3, D)) if slope else X0, atol=1e-12)


def test_coordinates_of_zero_gradient_stay():
    def function(X):
        value, gradient = quadratic(X)
        return value, gradient * (np.arange(D) != 2)

    X0 = starts(3)
    X, _ = ascend(function, X0, np.zeros(D), np.ones(D), np.ones(D), 60)
    np.testing.assert_allclose(X[:, 2], X0[:, 2], atol=1e-15)
