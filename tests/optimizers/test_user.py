import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.optimizers.random import RandomOptimizer
from hyperspace.optimizers.user import UserOptimizer
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import FAILED, OK, Trial

SPACE = check_space([(0.0, 8.0), (1, 8)])
NONE = np.empty((0, 2))


class Walk:
    """A random walk that keeps its best point: the least that an ask/tell optimizer can be."""

    def setup(self, space, random_state):
        self.space, self.rng, self.told = space, np.random.default_rng(random_state), []

    def ask(self):
        return list(self.space.from_unit(self.rng.random((1, 2)))[0])

    def tell(self, x, y):
        self.told.append((x, y))


class Made(Walk):
    """The same, made from a class."""

    def __init__(self, space, random_state):
        self.setup(space, random_state)


def optimizer(model, space=SPACE, index=0, member=0):
    subspace = Partition(space)[index]
    design = Design("sobol", 2, subspace.bounds, space, subspace=index, member=member, team=2)
    return make_optimizer(model, space, subspace, design)


@pytest.mark.parametrize("model", [Walk(), Made, lambda space, random_state: Made(space, random_state)])
def test_objects_classes_and_functions(model):
    it = optimizer(model, index=3)
    assert isinstance(it, UserOptimizer)
    for i in range(20):
        u = it.ask(Key(0, 0, i), NONE).u
        assert Partition(SPACE)[3].bounds.contains(u)


def test_drives_get_copies_and_seeds_of_their_own():
    mine = Walk()
    points = [optimizer(mine, member=m).ask(Key(0, m, 0), NONE).u for m in (0, 1)]
    assert not np.array_equal(*points)
    assert not hasattr(mine, "space")


def test_recall_replays():
    first, resumed = optimizer(Walk()), optimizer(Walk())
    u = first.ask(Key(0, 0, 0), NONE).u
    trial = Trial(drive=0, iteration=0, x=SPACE.from_unit(u[None])[0], status=OK, metrics={"y": 1.0})
    resumed.recall(trial, u, Key(0, 0, 0), NONE)
    np.testing.assert_array_equal(resumed.ask(Key(0, 0, 1), NONE).u, first.ask(Key(0, 0, 1), NONE).u)


def test_it_is_told_what_lies_in_its_subspace():
    it = optimizer(Walk(), index=0)
    it.ask(Key(0, 5, 0), NONE)
    points = [(1.0, 2), (7.0, 8), (2.0, 3), (3.0, 1)]
    trials = [Trial(drive=drive, iteration=0, x=x) for drive, x in zip((5, 1, 1, 5), points, strict=True)]
    trials[2] = trials[2].finish(FAILED, fault="objective")
    it.tell(trials, SPACE.to_unit(points), np.array([1.0, 2.0, np.nan, np.nan]))
    # The second lies elsewhere, the third is another drive's failure.
    assert it._inner.told == [([1.0, 2], 1.0), ([3.0, 1], np.inf)]


def test_points_are_dicts_where_the_space_has_names():
    space = check_space({"a": (0.0, 8.0), "b": (1, 8), "c": 3})

    class Dicts(Walk):
        def ask(self):
            return dict(zip(self.space.names, super().ask(), strict=True))

    it = optimizer(Dicts(), space=space)
    u = it.ask(Key(0, 0, 0), NONE).u
    x = space.from_unit(u[None])[0]
    it.tell([Trial(drive=0, iteration=0, x=x, status=OK)], u[None], np.array([1.0]))
    assert it._inner.told == [({"a": x[0], "b": x[1]}, 1.0)]


@pytest.mark.parametrize("asked", [[9.0, 2], [1.0], None, "ab"])
def test_points_outside_its_space_are_refused(asked):
    class Wrong(Walk):
        def ask(self):
            return asked

    with pytest.raises(InputError, match=r"Wrong\.ask\(\) returned a point outside its space"):
        optimizer(Wrong()).ask(Key(0, 0, 0), NONE)


@pytest.mark.parametrize("model", [object(), 3, None, lambda space, random_state: object()])
def test_what_is_no_optimizer_is_refused(model):
    with pytest.raises(InputError, match=r"ask\(\) and tell\(x, y\)"):
        optimizer(model)


def test_random_search_is_the_design_and_then_independent_points():
    it = optimizer("RAND", index=2)
    assert isinstance(it, RandomOptimizer)
    suggestions = [it.ask(Key(0, 0, i), NONE) for i in range(6)]
    assert [s.arm for s in suggestions] == ["design"] * 2 + ["random"] * 4
    points = np.array([s.u for s in suggestions])
    assert Partition(SPACE)[2].bounds.contains(points).all()
    np.testing.assert_allclose(SPACE.snap(points), points, atol=1e-12)
    it.tell([Trial(drive=0, iteration=0, x=(1.0, 1), status=OK)], points[:1], np.zeros(1))
    it.recall(Trial(drive=0, iteration=5, x=(1.0, 1)), points[5], Key(0, 0, 5), NONE)
    np.testing.assert_array_equal(it.ask(Key(0, 0, 3), NONE).u, points[3])
