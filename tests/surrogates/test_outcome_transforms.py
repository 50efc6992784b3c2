import json

import numpy as np
import pytest
from scipy.stats import yeojohnson, yeojohnson_llf

from hyperspace.surrogates.outcome_transforms import Transform

RNG = np.random.default_rng(0)
SAMPLES = {
    "normal": RNG.normal(size=60),
    "skewed": np.exp(2.0 * RNG.normal(size=60)),
    "left": -np.exp(2.0 * RNG.normal(size=60)),
    "few": np.array([3.0, -1.0, 2.5]),
    "one": np.array([7.0]),
    "constant": np.full(9, -4.0),
    "mostly constant": np.r_[np.zeros(20), 1.0],
    "outlier above": np.r_[RNG.normal(size=30), 1e30],
    "outlier below": np.r_[RNG.normal(size=30), -1e30],
    "huge": 1e307 * RNG.normal(size=20),
    "tiny": 1e-300 * RNG.normal(size=20),
    "offset": 1e9 + RNG.normal(size=20),
}


@pytest.mark.parametrize("warped", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_targets_are_standardized_in_order_and_invertible(name, warped):
    y = SAMPLES[name]
    transform = Transform.fit(y, warped)
    z = transform.forward(y)
    assert np.isfinite(z).all()
    assert abs(z.mean()) < 1e-6
    assert z.std() == pytest.approx(1.0, rel=1e-6) or np.ptp(y) == 0.0
    assert np.all(np.diff(z[np.argsort(y)]) >= 0.0)
    # What is inverted is a z of a few units: beside an outlier of 1e30 the others are equal to rounding.
    np.testing.assert_allclose(transform.inverse(z)[0], y, atol=1e-6 * np.ptp(y), rtol=1e-9)


@pytest.mark.parametrize("name", ["normal", "skewed", "left", "offset"])
def test_power_is_the_most_likely_one(name):
    y = SAMPLES[name]
    transform = Transform.fit(y, warped=True)
    r = (y - transform.center) / transform.scale
    t = np.where(r > 10.0, 10.0 + np.log1p(np.maximum(r - 10.0, 0.0)), r)
    best = max(np.arange(-2.0, 4.05, 0.1), key=lambda power: yeojohnson_llf(power, t))
    assert transform.power == pytest.approx(best, abs=1e-9)
    g = yeojohnson(t, transform.power)
    np.testing.assert_allclose(transform.forward(y), (g - g.mean()) / g.std(), atol=1e-9)


@pytest.mark.parametrize("warped", [False, True])
@pytest.mark.parametrize("name", ["normal", "skewed", "left", "outlier above"])
def test_slopes_are_those_of_finite_differences(name, warped):
    y = SAMPLES[name]
    transform = Transform.fit(y, warped)
    step = 1e-6 * (1.0 + np.abs(y))
    numeric = (transform.forward(y + step) - transform.forward(y - step)) / (2 * step)
    np.testing.assert_allclose(transform.slope(y), numeric, rtol=1e-4)
    assert transform.log_jacobian(y) == pytest.approx(np.log(numeric).sum(), rel=1e-5)
    z = transform.forward(y[np.abs(y) < 1e6])
    numeric = (transform.inverse(z + 1e-6)[0] - transform.inverse(z - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(transform.inverse(z)[1], numeric, rtol=1e-4)


def test_inverse_stays_within_the_widened_range_of_the_data_and_is_flat_beyond():
    transform = Transform.fit(SAMPLES["skewed"], warped=True)
    y, slope = transform.inverse(np.array([-1e9, 1e9]))
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(slope, 0.0)
    assert y[0] < SAMPLES["skewed"].min()
    assert y[1] > SAMPLES["skewed"].max()


def test_bad_tail_is_tamed_and_the_rest_is_a_straight_line():
    y = SAMPLES["outlier above"]
    z = Transform.fit(y).forward(y)
    others = y[:-1]
    slopes = np.diff(np.sort(z[:-1])) / np.diff(np.sort(others))
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-6)
    assert np.ptp(z[:-1]) > 0.1  # plain standardization would leave 1e-30
    assert Transform.fit(others).affine
    assert not Transform.fit(y).affine


@pytest.mark.parametrize("name", SAMPLES)
def test_transform_survives_json_exactly(name):
    transform = Transform.fit(SAMPLES[name], warped=True)
    assert Transform.load(json.loads(json.dumps(transform.dump(), allow_nan=False))) == transform


@pytest.mark.parametrize("value", [0.0, -5.0, 1e6])
def test_equal_outputs_are_not_warped(value):
    transform = Transform.fit(np.full(9, value), warped=True)
    assert transform.power is None
    assert transform.forward(np.array([value])) == [0.0]


def test_without_robustness_values_are_standardized_by_mean_and_deviation():
    y = np.concatenate([np.linspace(0.0, 1e-6, 100), [5.0, -5.0]])  # a function that is flat nearly everywhere
    transform = Transform.fit(y, robust=False)
    assert transform.affine
    np.testing.assert_allclose(transform.forward(y), (y - y.mean()) / y.std(), atol=1e-12)
    np.testing.assert_allclose(transform.inverse(transform.forward(y))[0], y, atol=1e-12)
    assert not Transform.fit(y).affine
    constant = Transform.fit(np.full(4, 3.0), robust=False)
    np.testing.assert_allclose(constant.forward(np.full(4, 3.0)), 0.0)
