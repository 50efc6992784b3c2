"""Annealing, estimated distributions, ants and Pareto climbers, step by step: moves, steps, trails and what they begin with."""

import numpy as np
import pytest
from asktell import CONTINUOUS, Hand

from hyperspace.optimizers import ACO, EDA, PAES, SA
from hyperspace.optimizers.evolution.base import Setting
from hyperspace.optimizers.evolution.generational import FAILED
from hyperspace.optimizers.evolution.inspyred import _worth
from hyperspace.optimizers.penalty import INFEASIBLE


def setting(population=8, d=3, levels=None, seed=7):
    start = np.random.default_rng(0).random((population, d))
    return Setting(start, np.zeros(d, dtype=int) if levels is None else np.array(levels), seed)


def generations(algorithm, loss, count, where):
    """Return the generations (count, m, d) of a run on a loss, and their losses."""
    run, seen, losses = algorithm.evolve(where), [], []
    points = next(run)
    for _ in range(count):
        seen.append(points.copy())
        losses.append(np.array([loss(x) for x in points]))
        points = run.send(losses[-1])
    return np.array(seen), np.array(losses)


def bowl(x):
    return float(((x - 0.4) ** 2).sum())


ALL = [SA(), EDA(), ACO(), PAES()]


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


@pytest.mark.parametrize("algorithm", ALL, ids=lambda each: each.name)
def test_all_begin_with_the_first_generation_and_keep_their_size_and_the_box(algorithm):
    where = setting()
    points, _ = generations(algorithm, bowl, 30, where)
    np.testing.assert_array_equal(points[0], where.start)
    assert points.shape == (30, 8, 3)
    assert ((points >= 0) & (points <= 1)).all()


@pytest.mark.parametrize("algorithm", ALL, ids=lambda each: each.name)
def test_all_come_nearer(algorithm):
    _, losses = generations(algorithm, bowl, 40, setting())
    assert np.median(losses[-5:]) < 0.4 * np.median(losses[0])


@pytest.mark.parametrize("algorithm", [SA(), EDA(), PAES()], ids=lambda each: each.name)
def test_points_that_were_evaluated_in_the_place_of_members_are_what_they_learn_from(algorithm):
    run = algorithm.evolve(setting())
    points = next(run)
    for _ in range(3):
        points[:] = 0.9 + 0.001 * np.random.default_rng(0).normal(size=points.shape)
        points = run.send(np.full(8, -1.0) + 0.001 * np.arange(8))
    assert np.abs(np.median(points, axis=0) - 0.9).max() < 0.15


@pytest.mark.parametrize("algorithm", [SA(), PAES()], ids=lambda each: each.name)
def test_while_all_fail_climbers_are_sent_anywhere(algorithm):
    points, _ = generations(algorithm, lambda x: FAILED, 40, setting(4))
    moves = points[1:].reshape(-1, 3)
    assert np.abs(moves.mean(axis=0) - 0.5).max() < 0.12
    assert moves.std(axis=0).min() > 0.25


def is_a_step(child, place):
    """Return whether one coordinate differs; at an edge of the box none may."""
    return int((child != place).sum()) <= 1


def test_a_cold_chain_goes_on_from_the_best_place_and_a_hot_one_from_the_last():
    """With mutation_rate=0 one coordinate moves at a time, which tells where a step began."""
    where = setting(1, 4)
    points, losses = generations(SA(mutation_rate=0.0, temperature=0.0), bowl, 30, where)
    for i in range(1, 30):
        assert is_a_step(points[i, 0], points[np.argmin(losses[:i, 0]), 0])
    points, losses = generations(SA(mutation_rate=0.0, temperature=1e12, cooling_rate=1.0), bowl, 30, where)
    for i in range(1, 30):
        assert is_a_step(points[i, 0], points[i - 1, 0])
    assert (np.diff(losses[:, 0]) > 0).sum() > 5


def test_a_chain_cools_down():
    """A chain that stays hot wanders; one that cools by half each time settles."""
    late = [np.median(generations(SA(temperature=5.0, cooling_rate=rate), bowl, 120, setting(4))[1][-30:]) for rate in (1.0, 0.5)]
    assert late[1] < 0.05 * late[0]


def test_of_two_pareto_climbers_the_better_one_is_followed():
    """One is at the optimum and the others are far away: soon all are near it."""
    points, _ = generations(
        PAES(gaussian_stdev=0.02), bowl, 12, Setting(np.append([[0.4] * 3], np.full((7, 3), 0.95), 0), np.zeros(3), 1)
    )
    assert (np.abs(points[-1] - 0.4).max(axis=1) < 0.2).all()


@pytest.mark.parametrize("step", [0.3, 1e-3])
def test_a_distribution_is_never_narrower_than_the_least_step(step):
    points, _ = generations(EDA(least_step=step), lambda x: float(np.abs(x - 0.5).max()), 40, setting(200))
    spread = points[-1].std(axis=0)
    assert (spread > 0.6 * step).all()
    assert (spread < 2.0 * step).all()


def test_ants_stand_in_the_middle_of_levels_and_anywhere_on_a_stretch():
    points, _ = generations(ACO(), bowl, 10, setting(20, 3, levels=[7, 0, 20_000]))
    later = points[1:].reshape(-1, 3)
    np.testing.assert_allclose(np.mod(later[:, 0] * 7, 1.0), 0.5, atol=1e-9)
    assert len(np.unique(later[:, 1])) == len(np.unique(later[:, 2])) == 180


def test_ants_follow_the_trail_on_which_the_best_was_found():
    """One category of five is good: most ants come to take it; those that learn nothing take all alike."""

    def share(algorithm):
        points, _ = generations(algorithm, lambda x: float(abs(x[0] - 0.5)), 30, setting(40, 1, levels=[5]))
        return (np.abs(points[-15:] - 0.5) < 0.1).mean()

    assert share(ACO()) > 0.6
    assert share(ACO(greed=0.0, learning_rate=0.0)) == pytest.approx(0.2, abs=0.08)


def test_worth_falls_with_the_loss_and_lies_between_0_and_1():
    worth = _worth(np.array([1.0, 2.0, 3.0, FAILED, INFEASIBLE]))
    values = [worth(loss) for loss in (-1e12, 1.0, 2.0, 3.0, INFEASIBLE, FAILED)]
    assert values == sorted(values, reverse=True)
    assert 0.0 <= values[-1] < 1e-9
    assert 1.0 - 1e-9 < values[0] <= 1.0
    assert worth(2.0) == 0.5
    spread = np.std([1.0, 2.0, 3.0])
    assert worth(2.0 + spread) == pytest.approx(0.25)


@pytest.mark.parametrize("losses", [[FAILED, FAILED], [4.0, 4.0]])
def test_worth_has_a_scale_where_losses_give_none(losses):
    worth = _worth(np.array(losses))
    middle = 0.0 if losses[0] == FAILED else 4.0
    assert worth(middle) == 0.5
    assert worth(middle + 1.0) == pytest.approx(0.25)
