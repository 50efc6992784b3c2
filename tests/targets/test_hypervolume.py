import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from targets_data import cells, losses, sphere

from hyperspace.targets.hypervolume import contributions, hypervolume


@given(losses(), st.integers(2, 7))
def test_hypervolume_is_the_number_of_cells(drawn, end):
    Y, m = drawn
    r = np.full(m, float(end))
    assert hypervolume(Y, r) == cells(Y, r)


@given(losses())
def test_a_contribution_is_the_volume_that_is_lost_without_the_point(drawn):
    Y, m = drawn
    r = np.full(m, 6.0)
    lost = [cells(Y, r) - cells(np.delete(Y, row, axis=0), r) for row in range(len(Y))]
    assert contributions(Y, r).tolist() == lost


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_hypervolume_and_contributions_are_those_of_moocore(m):
    Y = np.concatenate([sphere(30, m), np.random.default_rng(1).random((20, m))])
    r = np.linspace(0.8, 1.1, m)
    assert hypervolume(Y, r) == pytest.approx(moocore.hypervolume(Y, ref=r), rel=1e-12)
    shares = moocore.hv_contributions(Y, ref=r, ignore_dominated=False)
    np.testing.assert_allclose(contributions(Y, r), shares, rtol=1e-8, atol=1e-12)
