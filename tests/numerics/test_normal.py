"""The normal distribution in the far tails: against integrals and arithmetic of many digits."""

import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from hyperspace.numerics.normal import LARGEST, log_h, mills


def test_log_h_is_the_logarithm_of_the_integral_of_the_normal_distribution():
    for z in (-30.0, -10.0, -5.0, -1.0, -0.3, 0.0, 0.7, 5.0, 20.0):
        integral = quad(
            lambda t, z=z: math.exp(norm.logcdf(z - t) - norm.logcdf(z)), 0.0, 40.0 + z, epsabs=0.0, epsrel=1e-11, limit=200
        )[0]
        assert log_h(np.array([z]))[0] == pytest.approx(math.log(integral) + norm.logcdf(z), rel=1e-9, abs=1e-9)


def exact(z):
    """Phi/phi, h/phi and log h in arithmetic of many digits."""
    z = mpmath.mpf(z)
    Phi, phi = mpmath.erfc(-z / mpmath.sqrt(2)) / 2, mpmath.npdf(z)
    return Phi / phi, 1 + z * Phi / phi, mpmath.log(phi + z * Phi)


@pytest.mark.parametrize("z", [-1e4, -300.0, -50.001, -50.0, -49.999, -8.0, -1.0, 0.0, 0.5, 6.0, 29.999])
def test_ratios_are_exact_on_both_sides_of_the_seam(z):
    with mpmath.workdps(60):
        ratio, integral, log = (float(value) for value in exact(z))
    m, b = mills(np.array([z]))
    assert m[0] == pytest.approx(ratio, rel=1e-10)
    assert b[0] == pytest.approx(integral, rel=1e-8)
    assert log_h(np.array([z]))[0] == pytest.approx(log, rel=1e-12, abs=1e-8)


def test_log_h_is_smooth_at_the_seams():
    for seam in (-50.0, LARGEST):
        below, above = log_h(np.array([seam - 1e-7, seam + 1e-7]))
        slope = log_h(np.array([seam + 1.0])) - log_h(np.array([seam]))
        assert above - below == pytest.approx(2e-7 * slope[0], rel=0.2)


def test_log_h_is_finite_and_rises_everywhere():
    z = np.concatenate([-np.geomspace(1e150, 1.0, 500), np.linspace(-0.9, 29.0, 300), np.geomspace(LARGEST, 1e150, 500)])
    values = log_h(z)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0.0).all()
