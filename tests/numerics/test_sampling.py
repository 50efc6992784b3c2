"""Samplers: the Sobol sequence against scipy's, its scrambling, and the strata of all."""

import warnings

import numpy as np
import pytest
from scipy.stats import qmc

from hyperspace.numerics.sampling import SAMPLERS, latin_hypercube, sobol, uniform


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("d", [1, 2, 7, 40, 256])
@pytest.mark.parametrize(
    ("n", "skip"), [(0, 0), (1, 0), (2, 0), (3, 0), (100, 0), (512, 0), (1, 1), (300, 77), (5, 1000), (64, 64)]
)
def test_the_plain_sequence_is_scipys(d, n, skip):
    reference = qmc.Sobol(d, scramble=False)
    if skip:
        reference.fast_forward(skip)
    with warnings.catch_warnings():  # scipy warns of numbers that are no power of two
        warnings.simplefilter("ignore")
        expected = reference.random(n) if n else np.empty((0, d))
    assert np.array_equal(sobol(n, d, None, skip), expected)


def test_the_first_coordinate_is_the_radical_inverse_of_the_gray_code_up_to_the_far_end():
    for skip in (0, 1000, 2**31 - 5, 2**32 - 9):
        codes = [index ^ index >> 1 for index in range(skip, skip + 9)]
        assert sobol(9, 1, None, skip)[:, 0].tolist() == [int(f"{code:032b}"[::-1], 2) / 2**32 for code in codes]


@pytest.mark.parametrize("d", [1, 10, 300])
@pytest.mark.parametrize("cut", [1, 63, 64, 100])
def test_a_sequence_in_pieces_is_the_sequence(d, cut):
    whole = sobol(200, d, rng(3))
    assert np.array_equal(sobol(cut, d, rng(3)), whole[:cut])
    assert np.array_equal(sobol(200 - cut, d, rng(3), skip=cut), whole[cut:])


def test_equal_streams_scramble_alike_and_others_do_not():
    assert np.array_equal(sobol(8, 3, rng(1)), sobol(8, 3, rng(1)))
    assert not np.isin(sobol(8, 3, rng(1)), sobol(8, 3, rng(2))).any()
    again = rng(1)
    assert not np.isin(sobol(8, 3, again), sobol(8, 3, again)).any()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("start", [0, 1024])
def test_scrambled_points_are_a_net(seed, start):
    """Of 2^10 points, each elementary box of two coordinates holds as many as in the plain sequence: a (0, 10, 2)-net."""
    X = sobol(1024, 2, rng(seed), skip=start)
    for bits in range(11):
        cells = np.floor(X * [2**bits, 2 ** (10 - bits)]).astype(int)
        assert len(np.unique(cells, axis=0)) == 1024


@pytest.mark.parametrize("d", [5, 256])
def test_every_scrambled_coordinate_has_one_point_a_slice(d):
    assert (np.sort(np.floor(sobol(256, d, rng()) * 256), axis=0) == np.arange(256)[:, None]).all()


def test_a_scrambled_point_is_uniform():
    """The mean of the k-th point over scramblings is 1/2 and its variance 1/12, within four standard errors."""
    draws = np.stack([sobol(4, 3, rng(seed)) for seed in range(3000)])
    assert np.abs(draws.mean(axis=0) - 1 / 2).max() < 4 * np.sqrt(1 / 12 / 3000)
    assert np.abs(draws.var(axis=0) - 1 / 12).max() < 4 * np.sqrt(1 / 180 / 3000)


def test_scrambled_points_integrate_as_well_as_scipys():
    def error(points):
        return np.sqrt(np.mean([(np.prod(1 + 0.8 * (points(seed) - 0.5), axis=1).mean() - 1) ** 2 for seed in range(60)]))

    ours = error(lambda seed: sobol(256, 6, rng(seed)))
    theirs = error(lambda seed: qmc.Sobol(6, rng=seed).random(256))
    assert ours < 1.5 * theirs
    assert ours < 0.2 * error(lambda seed: uniform(256, 6, rng(seed)))


def test_coordinates_beyond_the_table_are_uniform_numbers():
    X = sobol(512, 258, rng())
    assert X.shape == (512, 258)
    assert np.abs(X[:, 256:].mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 512)
    assert np.array_equal(X[:, :256], sobol(512, 256, rng()))
    with pytest.raises(ValueError, match="256 dimensions"):
        sobol(8, 257, None)


def test_points_beyond_the_end_are_refused():
    with pytest.raises(ValueError, match=r"ends at point 2\^32"):
        sobol(2, 1, rng(), skip=2**32 - 1)


@pytest.mark.parametrize("n", [1, 2, 17, 100])
def test_a_latin_hypercube_has_one_point_a_slice(n):
    X = latin_hypercube(n, 6, rng())
    assert (np.sort(np.floor(X * n), axis=0) == np.arange(n)[:, None]).all()
    assert not np.array_equal(np.argsort(X[:, 0]), np.argsort(X[:, 1])) or n <= 2


@pytest.mark.parametrize("name", ["sobol", "lhs", "random"])
@pytest.mark.parametrize(("n", "d"), [(0, 3), (1, 1), (33, 4), (8, 300)])
def test_every_sampler_fills_the_half_open_cube_and_repeats_itself(name, n, d):
    X = SAMPLERS[name](n, d, rng(5))
    assert X.shape == (n, d)
    assert X.dtype == np.float64
    assert ((X >= 0) & (X < 1)).all()
    assert np.array_equal(X, SAMPLERS[name](n, d, rng(5)))
