import numpy as np
import pytest
from asktell import MIXED, Hand

from hyperspace.optimizers.evolution.base import Setting
from hyperspace.optimizers.evolution.binary_ga import BITGA, crossed, decode, encode
from hyperspace.space import check_space


def text(chromosome):
    return "".join("1" if bit else "0" for bit in chromosome)


def test_values_are_binary_numbers_side_by_side():
    space = check_space([(0, 7), (0, 7)])
    lengths = BITGA().lengths(space.levels.tolist())
    assert lengths == [3, 3]
    chromosome = encode(space.to_unit([(5, 3)]), lengths)
    assert text(chromosome[0]) == "101011"
    assert space.from_unit(decode(chromosome, lengths)) == [(5, 3)]


def test_every_value_has_a_chromosome():
    space = check_space([(0, 4), ["a", "b", "c"], (1, 1000, "log-uniform"), [9]])
    lengths = BITGA().lengths(space.levels.tolist())
    assert lengths == [3, 2, 10, 1]
    every = np.array([[bit == "1" for bit in f"{number:013b}"] + [False] * 3 for number in range(2**13)])
    points = space.from_unit(space.snap(decode(every, lengths)))
    assert {x[:2] for x in points} == {(a, b) for a in range(5) for b in "abc"}


def test_coding_is_inverted_to_the_last_bit():
    chromosomes = np.random.default_rng(0).random((50, 70)) < 0.5
    np.testing.assert_array_equal(encode(decode(chromosomes, [1, 16, 52, 1]), [1, 16, 52, 1]), chromosomes)
    assert text(encode(np.array([[1.0]]), [4])[0]) == "1111"


def test_one_point_crossover_takes_a_head_and_a_tail():
    rng = np.random.default_rng(0)
    children = {text(crossed(np.zeros(6, bool), np.ones(6, bool), "one-point", rng)) for _ in range(200)}
    assert children == {"011111", "001111", "000111", "000011", "000001"}


def test_uniform_crossover_takes_each_bit_from_either():
    rng = np.random.default_rng(0)
    children = [crossed(np.zeros(6, bool), np.ones(6, bool), "uniform", rng) for _ in range(500)]
    assert len({text(child) for child in children}) == 64
    assert np.mean(children) == pytest.approx(0.5, abs=0.05)


def test_without_mutation_every_bit_comes_from_a_parent_and_rates_are_rates():
    start = np.full((50, 1), 0.99)
    start[::2] = 0.01
    same = np.full((400, 1), 0.7)
    levels = np.zeros(1, dtype=int)
    run = BITGA(mutation_rate=0.0, crossover_rate=0.0).evolve(Setting(start, levels, 0))
    next(run)
    np.testing.assert_array_equal(np.unique(encode(run.send(np.zeros(50)), [16]), axis=0), np.unique(encode(start, [16]), axis=0))
    run = BITGA(mutation_rate=0.25).evolve(Setting(same, levels, 0))
    next(run)
    assert (encode(run.send(np.zeros(400)), [16]) != encode(same, [16])).mean() == pytest.approx(0.25, abs=0.02)


def test_elites_stay_parents_however_long_ago_they_were_born():
    levels = np.zeros(1, dtype=int)
    start = np.array([[0.1], [0.9]])
    options = {"population": 2, "mutation_rate": 0.0, "crossover_rate": 0.0, "tournament": 50}
    run = BITGA(elites=1, **options).evolve(Setting(start, levels, 0))
    first = next(run)
    later = [run.send(np.array([1.0, 2.0])), *(run.send(np.array([5.0, 5.0])) for _ in range(3))]
    np.testing.assert_array_equal(np.array(later), np.broadcast_to(first[0], (4, 2, 1)))


def test_mixed_spaces_work():
    hand = Hand(BITGA(crossover="uniform", bits=5), MIXED, together=6).run(6)
    assert len(hand.points) == 36
