import itertools

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.results.attainment import attainment, front_probability
from hyperspace.targets.dominance import non_dominated


def sample():
    Y = np.random.default_rng(0).integers(0, 5, (9, 2)).astype(float)
    Y[3] = np.inf  # a failed trial
    return Y


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_the_formulas_are_those_of_all_subsamples(n):
    Y = sample()
    targets = np.concatenate([Y[:3], [[-1.0, -1.0], [9.0, 9.0]]])
    subsamples = [list(rows) for rows in itertools.combinations(range(len(Y)), n)]
    attained = [[(Y[rows] <= target).all(axis=1).any() for target in targets] for rows in subsamples]
    np.testing.assert_allclose(attainment(Y, targets, n), np.mean(attained, axis=0), atol=1e-12)
    on_front = np.zeros(len(Y))
    for rows in subsamples:
        on_front[np.array(rows)[non_dominated(Y[rows]) & np.isfinite(Y[rows]).all(axis=1)]] += 1.0
    np.testing.assert_allclose(front_probability(Y, n), on_front / len(subsamples), atol=1e-12)


@pytest.mark.parametrize("n", [0, 10, 2.5, "3"])
def test_a_subsample_has_a_number_of_the_trials(n):
    with pytest.raises(InputError, match="from 1 to the 9 trials"):
        attainment(sample(), sample(), n)
