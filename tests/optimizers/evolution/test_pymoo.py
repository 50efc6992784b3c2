"""GA, PSO, DE, ES and NSGA-II: what they begin with, learn from and are told in the place of members."""

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.optimizers import DE, ES, GA, NSGA2, PSO
from hyperspace.optimizers.evolution.base import Setting
from hyperspace.optimizers.evolution.pymoo import ring

ALL = [GA(), NSGA2(), PSO(), PSO(neighborhood_size=3), DE(), ES()]


def setting(population=10, d=3, seed=7):
    return Setting(np.random.default_rng(0).random((population, d)), np.zeros(d, dtype=int), seed)


def generations(algorithm, loss, count, where):
    """Return the generations of a run on a loss, and their losses."""
    run, seen, losses = algorithm.evolve(where), [], []
    points = next(run)
    for _ in range(count):
        seen.append(points.copy())
        losses.append(np.array([loss(x) for x in points]))
        points = run.send(losses[-1])
    return seen, losses


def bowl(x):
    return float(((x - 0.4) ** 2).sum())


@pytest.mark.parametrize("algorithm", ALL, ids=lambda each: each.label)
def test_all_begin_with_the_first_generation_stay_in_the_box_and_come_nearer(algorithm):
    where = setting()
    points, losses = generations(algorithm, bowl, 30, where)
    np.testing.assert_array_equal(points[0], where.start)
    assert all(len(generation) == 10 for generation in points)
    assert all(((generation >= 0) & (generation <= 1)).all() for generation in points)
    assert np.median(np.concatenate(losses[-5:])) < 0.2 * np.median(losses[0])


@pytest.mark.parametrize("algorithm", ALL, ids=lambda each: each.label)
def test_the_same_seed_gives_the_same_run_and_another_one_another(algorithm):
    first, again, other = (generations(algorithm, bowl, 4, setting(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("algorithm", [each for each in ALL if not each.waits], ids=lambda each: each.label)
def test_points_that_were_evaluated_in_the_place_of_members_are_what_they_learn_from(algorithm):
    run = algorithm.evolve(setting())
    points = next(run)
    for _ in range(3):
        points[:] = 0.9 + 0.001 * np.random.default_rng(0).normal(size=points.shape)
        points = run.send(np.full(10, -1.0) + 0.001 * np.arange(10))
    assert np.abs(np.median(points, axis=0) - 0.9).max() < 0.1


def test_particles_that_were_moved_go_on_the_way_that_they_have_gone():
    """With no pull to any best, a particle goes on by half of its last step, at most max_velocity in a coordinate.

    pymoo moves the best particle on top of that, which is the first one here.
    """
    run = PSO(inertia=0.5, cognitive_rate=0.0, social_rate=0.0, adaptive=False, max_velocity=0.2).evolve(setting(2, 2))
    points = next(run)
    points[:] = 0.4
    points = run.send(np.array([1.0, 2.0]))
    points[:] = 0.5, 0.65
    points = run.send(np.array([1.0, 2.0]))
    np.testing.assert_allclose(points[1], [0.55, 0.75], atol=1e-9)


def test_particles_of_a_ring_see_those_beside_them():
    np.testing.assert_array_equal(ring(5, 3), [[4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]])
    np.testing.assert_array_equal(np.sort(ring(3, 5), axis=1), [[0, 1, 2]] * 3)


def test_a_swarm_on_a_ring_spreads_the_news_of_the_best_more_slowly():
    """One particle knows a good place: on a ring of three only those beside it are drawn there at once."""
    start = np.full((9, 1), 0.1)
    start[0] = 0.9
    options = {"inertia": 0.0, "cognitive_rate": 0.0, "social_rate": 2.0, "adaptive": False, "max_velocity": 1.0}

    def drawn(**more):
        run = PSO(**options, **more).evolve(Setting(start, np.zeros(1, dtype=int), 3))
        next(run)
        points = run.send(np.append([0.0], np.ones(8)))
        return (1 + np.flatnonzero(points[1:, 0] != start[1:, 0])).tolist()  # pymoo moves the best one, too

    assert drawn(neighborhood_size=3) == [1, 8]
    assert drawn() == list(range(1, 9))
    assert drawn(neighborhood_size=9) == list(range(1, 9))


@pytest.mark.parametrize(("options", "parents"), [({}, 2), ({"parents": 5}, 5)])
def test_an_evolution_strategy_keeps_a_seventh_as_parents_unless_it_is_told(options, parents):
    assert ES(**options).algorithm(setting(14)).pop_size == parents


@pytest.mark.parametrize("variant", ["rand/1/bin", "DE/rand/bin", "DE/rand/one/bin", "", "DE/rand/1/bin/x"])
def test_a_variant_of_differential_evolution_has_four_parts(variant):
    with pytest.raises(InputError, match=r'DE needs a variant such as "DE/rand/1/bin", got'):
        DE(variant=variant)


def test_an_algorithm_without_new_children_yields_an_empty_generation_and_goes_on():
    """All parents are one point and nothing mutates: there is no child that is new."""
    run = GA(mutation_rate=0.0).evolve(Setting(np.full((4, 2), 0.5), np.zeros(2, dtype=int), 0))
    points = next(run)
    for _ in range(3):
        points = run.send(np.zeros(len(points)))
        assert points.shape == (0, 2)
