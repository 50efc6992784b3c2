import sys

import numpy as np
import pytest
from asktell import CONTINUOUS, Hand

from hyperspace import optimizers
from hyperspace.errors import InputError
from hyperspace.optimizers import ACO, ALGORITHMS, BITGA, CMA, DE, EDA, ES, GA, GRID, PAES, PSO, SA
from hyperspace.optimizers.evolution.base import Setting
from hyperspace.optimizers.evolution.generations import FAILED, Generational
from hyperspace.optimizers.evolution.pymoo import ring
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import FAILED as ENDED_BADLY
from hyperspace.trials.trial import OK, Trial

NOTHING = np.empty((0, 1))


class Script:
    """An algorithm that proposes what it is given, and keeps what it is told."""

    def __init__(self, *generations):
        self.generations, self.told = generations, []

    def evolve(self, given):
        self.given = given
        for generation in self.generations:
            self.told.append((yield np.array(generation)[:, None]))


def wrapped(script, dimension=(0.0, 1.0)):
    space = check_space([dimension])
    return Generational("script", script.evolve, space, Partition(space, 1)[0])


def tell(optimizer, u, y, **changes):
    fields = {"drive": 0, "iteration": 0, "x": (u,), "status": OK if np.isfinite(y) else ENDED_BADLY} | changes
    optimizer.tell([Trial(**fields)], np.array([[u]]), np.array([y]))


def ask(optimizer, iteration=0):
    suggestion = optimizer.ask(Hand("RAND", CONTINUOUS).key(iteration), NOTHING)
    return suggestion.u[0], suggestion.arm


def test_members_are_handed_out_in_order_and_told_in_any():
    script = Script([0.1, 0.2, 0.3], [0.4])
    optimizer = wrapped(script)
    assert [ask(optimizer)[0] for _ in range(3)] == [0.1, 0.2, 0.3]
    for u in (0.3, 0.1, 0.2):
        tell(optimizer, u, 10 * u)
    assert ask(optimizer) == (0.4, "script")
    np.testing.assert_allclose(script.told, [[1.0, 2.0, 3.0]])


def test_an_immigrant_stands_in_while_a_generation_is_under_way():
    optimizer = wrapped(Script([0.1, 0.2], [0.4]))
    assert [ask(optimizer)[1] for _ in range(3)] == ["script", "script", "random"]
    tell(optimizer, 0.1, 1.0)
    assert ask(optimizer)[1] == "random"
    tell(optimizer, 0.2, 1.0)
    assert ask(optimizer) == (0.4, "script")


def test_a_point_on_record_is_not_evaluated_again():
    script = Script([0.1, 0.1, 0.2], [0.2, 0.7], [0.5])
    optimizer = wrapped(script)
    tell(optimizer, 0.7, 7.0, drive=3)
    assert [ask(optimizer)[0] for _ in range(2)] == [0.1, 0.2]
    tell(optimizer, 0.1, 1.0)
    tell(optimizer, 0.2, 2.0)
    assert ask(optimizer) == (0.5, "script")
    np.testing.assert_allclose(np.concatenate(script.told), [1.0, 1.0, 2.0, 2.0, 7.0])


def test_a_failure_is_worse_than_every_loss_and_one_of_the_machine_is_tried_again():
    script = Script([0.1, 0.2], [0.1, 0.2], [0.5])
    optimizer = wrapped(script)
    ask(optimizer), ask(optimizer)
    tell(optimizer, 0.1, np.nan, fault="objective")
    tell(optimizer, 0.2, np.nan, fault="infrastructure")
    assert ask(optimizer)[0] == 0.2
    np.testing.assert_array_equal(script.told, [[FAILED, FAILED]])


def test_points_on_record_stand_for_members_that_another_machine_would_place_elsewhere():
    script = Script([0.1, 0.2], [0.4])
    optimizer = wrapped(script)
    key = Hand("RAND", CONTINUOUS).key(0)
    for u in (0.11, 0.22):
        optimizer.recall(Trial(drive=0, iteration=0, x=(u,)), np.array([u]), key, NOTHING)
    tell(optimizer, 0.11, 1.0)
    tell(optimizer, 0.22, 2.0)
    assert ask(optimizer) == (0.4, "script")
    np.testing.assert_allclose(script.told, [[1.0, 2.0]])


def test_given_points_are_passed_on_best_first():
    script = Script([0.4])
    optimizer = wrapped(script)
    for u, loss in ((0.25, 3.0), (0.5, 1.0), (0.75, np.nan)):
        tell(optimizer, u, loss, origin="given", fault="objective", drive=-1)
    tell(optimizer, 0.9, 0.0, drive=7)
    assert ask(optimizer)[0] == 0.4
    np.testing.assert_allclose(script.given, [[0.5], [0.25], [0.75]])


@pytest.mark.parametrize("model", ["GA", "CMA", "SA", "EDA", "ACO", "PSO", "DE", "ES", BITGA()])
def test_a_search_begins_with_given_points(model):
    hand = Hand(model, CONTINUOUS, subspaces=2)
    best, second = hand.space.from_unit(np.array([[0.2, 0.3, 0.3], [0.25, 0.3, 0.35]]))
    values = {"origin": "given", "status": OK, "drive": -1}
    given = [Trial(iteration=i, x=x, metrics={"y": y}, **values) for i, (x, y) in enumerate([(second, -4.0), (best, -5.0)])]
    hand.tell(given)
    hand.run(40)
    distances = np.abs(hand.space.to_unit(hand.points) - [0.2, 0.3, 0.3]).max(axis=1)
    assert distances.min() > 1e-9  # what is known is not evaluated again
    other = Hand(model, CONTINUOUS, subspaces=2).run(40)
    without = np.abs(other.space.to_unit(other.points) - [0.2, 0.3, 0.3]).max(axis=1)
    assert np.sort(distances)[4] < np.sort(without)[4]


def test_an_algorithm_that_repeats_itself_does_not_hang():
    optimizer = wrapped(Script(*[[0.1]] * 100))
    ask(optimizer)
    tell(optimizer, 0.1, 1.0)
    assert ask(optimizer)[1] == "random"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_name_stands_for_the_defaults(name):
    made = getattr(optimizers, name)()
    assert made.label == name
    assert Hand(made, CONTINUOUS).run(6).points == Hand(name, CONTINUOUS).run(6).points


def test_the_label_shows_the_options_that_were_set():
    assert PSO(neighborhood_size=5, population=None).label == "PSO(neighborhood_size=5)"
    assert GRID(points=7).label == "GRID(points=7)"


def test_an_unknown_algorithm_is_an_attribute_error():
    with pytest.raises(AttributeError, match="GAS"):
        optimizers.GAS  # noqa: B018


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DE(population=3), "population of at least 5"),
        (lambda: CMA(population=True), "population"),
        (lambda: DE(variant="rand/1/bin"), "DE/rand/1/bin"),
        (lambda: PSO(neighborhood_size=0), "neighborhood_size"),
        (lambda: ES(parents=4, population=6), "half the population"),
        (lambda: GRID(points=1), "at least 2"),
        (lambda: ACO(stretches=0), "stretch"),
        (lambda: BITGA(crossover="two-point"), "one-point, uniform"),
        (lambda: BITGA(bits=0), "bits"),
        (lambda: BITGA(elites=-1), "elites"),
        (lambda: Hand("DE", CONTINUOUS, together=4), "population of at least 5"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_missing_library_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(InputError, match=r"CMA needs cma.*pip install \"\.\[evolve\]\""):
        Hand("CMA", CONTINUOUS)


def test_options_reach_the_algorithm():
    for default, other in [
        (PSO(), PSO(neighborhood_size=3)),
        (PSO(), PSO(inertia=0.4)),
        (GA(), GA(mutation_rate=0.9)),
        (DE(), DE(weight=0.9)),
        (ES(), ES(parents=3)),
        (ES(parents=3), ES(parents=3, gamma=None)),
        (CMA(), CMA(sigma=0.1)),
        (SA(), SA(gaussian_stdev=0.01)),
        (EDA(), EDA(num_elites=0)),
        (PAES(), PAES(mutation_rate=1.0)),
        (ACO(), ACO(stretches=4)),
    ]:
        assert Hand(default, CONTINUOUS, together=7).run(5).points != Hand(other, CONTINUOUS, together=7).run(5).points


def test_particles_of_a_ring_see_those_beside_them():
    np.testing.assert_array_equal(ring(5, 3), [[4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]])
    np.testing.assert_array_equal(np.sort(ring(3, 5), axis=1), [[0, 1, 2]] * 3)


def test_the_grid_of_pareto_climbers_is_their_own():
    """inspyred keeps it on a function; two runs that take turns must go as they go alone."""
    from inspyred.ec.archivers import adaptive_grid_archiver

    alone = [Hand("PAES", CONTINUOUS, seed=seed, together=3).run(8).points for seed in (1, 2)]
    turns = [Hand("PAES", CONTINUOUS, seed=seed, together=3) for seed in (1, 2)]
    for _ in range(8):
        for hand in turns:
            hand.step()
    assert [hand.points for hand in turns] == alone
    assert "grid_population" not in vars(adaptive_grid_archiver)


def test_a_converged_cma_begins_elsewhere():
    hand = Hand("CMA", [(0.0, 1.0), (0.0, 1.0)], lambda u: float(((u - 0.3) ** 2).sum()), together=8).run(150)
    values = np.array(hand.points)
    assert np.abs(values[800:] - 0.3).max() > 0.2
    assert np.abs(values[300:400] - 0.3).max() < 0.01


def test_an_estimated_distribution_narrows_by_its_standard_deviation():
    start = np.random.default_rng(0).random((4000, 1))
    run = EDA(num_elites=0).evolve(Setting(start, np.zeros(1, dtype=int), 0))
    children = run.send(np.abs(next(run)[:, 0] - 0.5))  # the better half lies in the middle half of the unit interval
    assert children.std() == pytest.approx(0.5 / np.sqrt(12), rel=0.05)


@pytest.mark.parametrize("model", ["SA", "PAES"])
def test_climbers_shorten_their_steps_where_few_are_taken(model):
    hand = Hand(model, [(0.0, 1.0)] * 3, lambda u: float(((u - 0.4) ** 2).sum()), together=8).run(60)
    assert hand.losses.min() < 1e-4


def test_climbers_still_change_levels_when_their_steps_are_short():
    hand = Hand("PAES", [(0.0, 1.0), (0, 9)], lambda u: float(abs(u[0] - 0.4) + abs(u[1] - 0.45)), together=8).run(40)
    assert len({x[1] for x in hand.points[-80:]}) > 1


def test_ants_come_nearer_to_the_best_place_than_a_stretch_is_wide():
    hand = Hand("ACO", [(0.0, 1.0)] * 2, lambda u: float(np.abs(u - 0.4321).max()), together=8).run(40)
    assert hand.losses.min() < 0.005
