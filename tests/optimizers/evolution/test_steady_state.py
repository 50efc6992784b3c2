import numpy as np
import pytest
from asktell import CONTINUOUS, MIXED, bowl

from hyperspace.optimizers import ALGORITHMS, make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.optimizers.evolution.steady_state import SteadyState
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import FAILED, OK, Trial

STEADY = [name for name in ALGORITHMS if name not in ("GRID", "ES")]
NOTHING = np.empty((0, 1))


class Script:
    """An algorithm that proposes what it is given, and keeps what it is told and where."""

    def __init__(self, *generations):
        self.generations, self.told = generations, []

    def evolve(self, given):
        self.given = given
        for generation in self.generations:
            points = np.array(generation)[:, None]
            losses = yield points
            self.told.append((points[:, 0].tolist(), losses.tolist()))


def steady(script, member=0):
    space = check_space([(0.0, 1.0)])
    return SteadyState("script", script.evolve, space, Partition(space, 1)[0], member)


def ask(optimizer, pending=NOTHING):
    suggestion = optimizer.ask(Key(0, 0, 0), pending)
    return suggestion.u[0], suggestion.arm


def tell(optimizer, u, loss, drive=0, **changes):
    fields = {"drive": drive, "iteration": 0, "x": (u,), "status": OK if np.isfinite(loss) else FAILED} | changes
    optimizer.tell([Trial(**fields)], np.array([[u]]), np.array([loss]))


def test_a_drive_begins_with_its_own_member_and_goes_on_with_the_next():
    optimizer = steady(Script([0.1, 0.2, 0.3]), member=1)
    assert [ask(optimizer)[0] for _ in range(3)] == [0.2, 0.3, 0.1]
    assert ask(optimizer)[1] == "random"


def test_as_many_evaluations_as_members_are_the_next_generation_whoever_made_them():
    script = Script([0.1, 0.2], [0.3, 0.4], [0.5, 0.6])
    optimizer = steady(script)
    assert ask(optimizer)[0] == 0.1
    for u, drive in ((0.7, 1), (0.8, 3), (0.1, 0)):
        tell(optimizer, u, 10 * u, drive)
    assert ask(optimizer)[0] == 0.3
    assert script.told == [([0.8, 0.7], [8.0, 7.0])]  # both at the place of drives 1 and 3: the first stays there
    tell(optimizer, 0.9, 9.0, 1)
    assert ask(optimizer)[0] == 0.5
    assert script.told[1] == ([0.1, 0.9], [1.0, 9.0])


def test_what_is_under_way_or_known_is_not_proposed_again():
    optimizer = steady(Script([0.1, 0.2, 0.3, 0.4]))
    tell(optimizer, 0.2, 1.0)
    assert ask(optimizer, np.array([[0.1]]))[0] == 0.3


def test_failures_of_the_objective_count_and_those_of_the_machine_do_not():
    script = Script([0.1, 0.2], [0.3, 0.4])
    optimizer = steady(script)
    ask(optimizer)
    tell(optimizer, 0.1, np.nan, 0, fault="objective")
    tell(optimizer, 0.2, np.nan, 1, fault="infrastructure")
    assert ask(optimizer)[0] == 0.2
    assert script.told == []
    tell(optimizer, 0.2, 2.0, 1)
    assert ask(optimizer)[0] == 0.3
    assert script.told == [([0.1, 0.2], [1e100, 2.0])]


def test_given_points_are_passed_on_best_first():
    script = Script([0.4])
    optimizer = steady(script)
    for u, loss in ((0.25, 3.0), (0.5, 1.0)):
        tell(optimizer, u, loss, -1, origin="given")
    ask(optimizer)
    np.testing.assert_allclose(script.given, [[0.5], [0.25]])


class Team:
    """Drives that ask in an order drawn at random, each with an optimizer of its own that is told all trials."""

    def __init__(self, model, dimensions, size=8):
        self.space = check_space(dimensions)
        whole = Partition(self.space, 1)[0]
        design = Design("sobol", size, whole.bounds, self.space, seed=1)
        self.optimizers = [
            make_optimizer(model, self.space, whole, design, seed=1, together=size, member=member) for member in range(size)
        ]
        self.told, self.trials, self.losses = [0] * size, [], []

    def run(self, count, loss=bowl):
        order = np.random.default_rng(0)
        for _ in range(count):
            drive = int(order.integers(len(self.optimizers)))
            new = self.trials[self.told[drive] :]
            optimizer = self.optimizers[drive]
            optimizer.tell(new, self.space.to_unit([t.x for t in new]), np.array(self.losses[self.told[drive] :]))
            self.told[drive] = len(self.trials)
            u = optimizer.ask(Key(1, drive, len(self.trials)), np.empty((0, self.space.d))).u
            x = self.space.from_unit(u[None])[0]
            assert self.space.check_point(x) == x
            self.losses.append(loss(self.space.to_unit([x])[0]))
            self.trials.append(Trial(drive=drive, iteration=len(self.trials), x=x, status=OK))
        return self


@pytest.mark.parametrize("model", STEADY)
def test_a_team_that_waits_for_nobody_improves(model):
    team = Team(model, CONTINUOUS).run(240)
    assert len({trial.x for trial in team.trials}) == 240
    assert np.median(team.losses[-80:]) < np.median(team.losses[:80])


@pytest.mark.parametrize("model", STEADY)
def test_levels_are_held_and_all_failures_are_survived(model):
    team = Team(model, MIXED).run(60, lambda u: float("nan"))
    assert len(team.trials) == 60
