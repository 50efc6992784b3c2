"""Settings that a strategy depends on, and the table of strategies."""

import numpy as np
import pytest
from studies import planned

from hyperspace.exchange.spec import EXCHANGES
from hyperspace.strategies import STRATEGIES
from hyperspace.strategies.base import Strategy

SPACE = {"rate": (1e-4, 1.0, "log-uniform"), "kind": ["a", "b"]}
POINTS = [[0.01, "a"], [1.0, "b"], [1e-4, "b"]]


def test_the_first_points_are_in_the_unit_cube_and_go_to_the_founders_in_turn():
    study = planned(SPACE, n_drives=2, n_subspaces=2, x0=POINTS, exchange="round")
    first = study.first_points
    np.testing.assert_array_equal(first.of(0, 0).u, study.space.to_unit([(0.01, "a")])[0])
    np.testing.assert_array_equal(first.of(1, 0).u, study.space.to_unit([(1.0, "b")])[0])
    np.testing.assert_array_equal(first.of(0, 1).u, study.space.to_unit([(1e-4, "b")])[0])
    assert first.of(1, 1) is None


def test_drives_that_joined_later_get_no_first_points():
    study = planned(SPACE, n_drives=2, n_subspaces=1, x0=POINTS, exchange="async")
    assert study.founders == 2
    assert [study.first_points.of(drive, 0) is not None for drive in range(4)] == [True, True, False, False]


def test_without_points_of_the_user_there_are_none():
    first = planned(SPACE, n_drives=2).first_points
    assert first.of(0, 0) is None
    assert first.of_drives(range(2)) == []


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_properties_of_a_strategy_are_those_of_the_one_that_it_makes(name):
    spec = STRATEGIES[name]
    assert spec.name == name
    assert {spec.exchange, spec.exchange_of_ranks} <= set(EXCHANGES.values())
    model = {"generations": "GA", "halving": "HYPERBAND"}.get(name, "GP")
    options = {"model": model, "strategy": name, "n_drives": 4, "n_subspaces": 2}
    study = planned([(0.0, 1.0)] * 2, **options, exchange=spec.exchange.name)
    strategy = spec.make(study)
    assert isinstance(strategy, Strategy)
    homes = [strategy.home(drive) for drive in range(4)]
    assert set(homes) == {0, 1}
    boxes = [strategy.searched(drive) for drive in range(4)]
    stays = all(np.array_equal(box.lower, study.partition[home].bounds.lower) for box, home in zip(boxes, homes, strict=True))
    assert stays or not spec.works_every_subspace
