"""Random search: the design, then uniform points that follow from the key alone."""

import numpy as np
import pytest
from asktell import CONTINUOUS, MIXED

from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.optimizers.random import RandomOptimizer
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import OK, Trial


def made(dimensions, index=0, subspaces=2, n_points=4):
    space = check_space(dimensions)
    bounds = Partition(space, subspaces)[index].bounds
    design = Design("sobol", n_points, bounds, space, seed=1)
    return RandomOptimizer(space, bounds, design), design, bounds, space


def nothing(space):
    return np.empty((0, space.d))


def test_the_points_of_the_design_come_first():
    optimizer, design, _, space = made(MIXED)
    asked = [optimizer.ask(Key(1, 0, i), nothing(space)) for i in range(6)]
    assert [suggestion.arm for suggestion in asked] == ["design"] * 4 + ["random"] * 2
    for i in range(4):
        np.testing.assert_array_equal(asked[i].u, design.point(i))


@pytest.mark.parametrize("index", [0, 1])
def test_what_follows_is_uniform_in_the_box(index):
    optimizer, _, bounds, space = made(CONTINUOUS, index)
    U = np.array([optimizer.ask(Key(1, 0, i), nothing(space)).u for i in range(4, 2004)])
    assert bounds.contains(U).all()
    unit = (U - bounds.lower) / (bounds.upper - bounds.lower)
    assert np.abs(unit.mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 2000)
    assert np.abs(unit.var(axis=0) - 1 / 12).max() < 4 * np.sqrt(1 / 180 / 2000)
    assert np.abs(np.corrcoef(unit.T)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(2000)


def test_points_lie_on_levels_of_the_subspace():
    optimizer, _, bounds, space = made(MIXED, 1)
    U = np.array([optimizer.ask(Key(1, 0, i), nothing(space)).u for i in range(4, 60)])
    np.testing.assert_array_equal(space.snap(U), U)
    assert bounds.contains(U).all()


def test_nothing_that_is_known_or_under_way_changes_an_answer():
    one, _, _, space = made(CONTINUOUS)
    other = made(CONTINUOUS)[0]
    trial = Trial(drive=0, iteration=0, x=(0.0, 1.0, 0.5), status=OK, metrics={"y": 1.0})
    u = space.to_unit([trial.x])
    other.tell([trial], u, np.ones(1))
    other.recall(trial, u[0], Key(1, 0, 0), nothing(space))
    for i in (0, 3, 4, 9):
        np.testing.assert_array_equal(one.ask(Key(1, 0, i), nothing(space)).u, other.ask(Key(1, 0, i), u).u)


def test_another_drive_or_seed_draws_other_points():
    optimizer, _, _, space = made(CONTINUOUS)
    drawn = [optimizer.ask(key, nothing(space)).u for key in (Key(1, 0, 5), Key(1, 1, 5), Key(2, 0, 5), Key(1, 0, 6))]
    assert len({u.tobytes() for u in drawn}) == 4
