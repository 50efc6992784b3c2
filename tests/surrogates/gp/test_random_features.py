"""Draws from the prior as sums of waves: their variances, scales and derivatives, alone and by dimension."""

import numpy as np
import pytest

from hyperspace.surrogates.gp.kernels import matern52, squared_exponential
from hyperspace.surrogates.gp.random_features import FEW_POINTS, SQRT5, AdditiveFourierFeatures, FourierFeatures

COLUMNS = [slice(0, 1), slice(1, 2), slice(2, 4)]  # the third dimension has two features
COUNTS = np.array([8, 16, 40])
VARIANCES = np.array([0.2, 0.0, 3.0])


def points(n, p, seed=0):
    return 3.0 * np.random.default_rng(seed).random((n, p))


def axis_waves(seed=0):
    return AdditiveFourierFeatures.draw(4, COLUMNS, COUNTS, VARIANCES, np.random.default_rng(seed))


@pytest.mark.parametrize(("options", "kernel"), [({}, lambda s: matern52(s)[0]), ({"degrees": np.inf}, squared_exponential)])
def test_the_spectral_density_belongs_to_the_kernel(options, kernel):
    """The mean of cos(w . h) over frequencies w is the kernel at distance h (Bochner), whatever the direction."""
    waves = FourierFeatures.draw(3, 200_000, 1.0, np.random.default_rng(0), **options)
    for size in (0.5, 2.0, 5.0):
        for direction in (np.eye(3)[0], np.ones(3) / np.sqrt(3)):
            found = np.cos(size * direction @ waves.frequencies).mean()
            assert found == pytest.approx(float(kernel(np.array([size**2]))[0]), abs=0.006)


def test_a_sum_of_waves_has_the_variance_that_was_asked_for():
    rng = np.random.default_rng(0)
    values = np.array([FourierFeatures.draw(2, 64, 2.5, rng)(np.array([[0.3, 1.0]]))[0] for _ in range(4000)])
    assert values.var() == pytest.approx(2.5, rel=0.1)
    assert abs(values.mean()) < 4 * np.sqrt(2.5 / 4000)


def test_the_value_is_the_sum_written_out():
    waves, A = FourierFeatures.draw(2, 5, 1.0, np.random.default_rng(0)), points(3, 2)
    expected = [
        sum(a * np.cos(row @ w + b) for w, b, a in zip(waves.frequencies.T, waves.phases, waves.amplitudes, strict=True))
        for row in A
    ]
    np.testing.assert_allclose(waves(A), expected, rtol=1e-12)


def test_shorter_waves_are_the_same_ones_nearer_together():
    waves, A = FourierFeatures.draw(2, 32, 1.0, np.random.default_rng(0)), points(8, 2)
    np.testing.assert_allclose(waves.shortened(4.0)(A / 4.0), waves(A), atol=1e-12)


def test_waves_beside_others_add_up():
    rng = np.random.default_rng(0)
    one, other, A = FourierFeatures.draw(2, 32, 1.0, rng), FourierFeatures.draw(2, 8, 0.1, rng), points(8, 2)
    np.testing.assert_allclose(one.joined(other)(A), one(A) + other(A), atol=1e-12)
    np.testing.assert_allclose(one.joined(other).gradient(A)[1], one.gradient(A)[1] + other.gradient(A)[1], atol=1e-12)


@pytest.mark.parametrize("waves", [FourierFeatures.draw(4, 64, 1.3, np.random.default_rng(3)), axis_waves(3)])
def test_gradients_are_those_of_finite_differences(waves):
    A = points(6, 4)
    values, gradients = waves.gradient(A)
    np.testing.assert_allclose(values, waves(A), atol=1e-12)
    for j, step in enumerate(1e-6 * np.eye(4)):
        np.testing.assert_allclose(gradients[:, j], (waves(A + step) - waves(A - step)) / 2e-6, atol=1e-7)


@pytest.mark.parametrize("lengthscale", [1.0, 0.05])
def test_many_points_are_worked_out_in_single_precision_and_lose_little(lengthscale):
    waves = FourierFeatures.draw(5, 256, 1.0, np.random.default_rng(0))
    A = SQRT5 * np.random.default_rng(1).random((400, 5)) / lengthscale
    exact = np.concatenate([waves(A[i : i + FEW_POINTS]) for i in range(0, 400, FEW_POINTS)])
    found = waves(A)
    assert found.dtype == np.float64
    assert np.abs(found - exact).max() < 1e-5


def test_a_wave_of_a_dimension_does_not_depend_on_the_others():
    drawn = axis_waves()
    assert [(part, row.stop - row.start) for part, row in drawn.parts] == list(zip(COLUMNS, COUNTS, strict=True))
    for part, row in drawn.parts:
        others = np.delete(drawn.cosines.frequencies[:, row], np.arange(4)[part], axis=0)
        assert (others == 0.0).all()
        assert (drawn.cosines.frequencies[part, row] != 0.0).all()


def test_every_dimension_has_the_variance_of_its_own():
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(3000):
        frequencies, phases, amplitudes = (drawn := AdditiveFourierFeatures.draw(4, COLUMNS, COUNTS, VARIANCES, rng)).cosines
        parts.append([float(np.cos(phases[row]) @ amplitudes[row]) for _, row in drawn.parts])
        assert frequencies.shape == (4, COUNTS.sum())
    np.testing.assert_allclose(np.var(parts, axis=0), VARIANCES, rtol=0.12, atol=1e-15)


@pytest.mark.parametrize("shared", [0.1, 0.9])
def test_points_that_share_coordinates_are_worked_out_as_any_others(shared):
    drawn, rng = axis_waves(), np.random.default_rng(1)
    A = points(80, 4)
    A = np.where(rng.random((80, 4)) < shared, A[0], A)
    one_by_one = np.concatenate([drawn(A[i : i + 1]) for i in range(80)])
    np.testing.assert_allclose(drawn(A), one_by_one, rtol=0, atol=2e-5)


def test_equal_streams_draw_equal_functions():
    A = points(4, 4)
    assert np.array_equal(axis_waves(1)(A), axis_waves(1)(A))
    assert not np.array_equal(axis_waves(1)(A), axis_waves(2)(A))
