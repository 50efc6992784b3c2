"""Hyperband: brackets, what is promoted when, and the optimizer that asks; studies of it are in tests/api/test_hyperbelt.py."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.design import Design
from hyperspace.optimizers.hyperband import Hyperband, HyperbandOptimizer, Job, Ladder
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.trial import FAILED, OK, PRUNED, Trial

SPACE = check_space([(0.0, 1.0), (1, 9)])


# --- brackets -----------------------------------------------------------------------------------------------------------------


def test_the_brackets_are_those_of_the_papers_table_1():
    assert Hyperband(81, 3).brackets() == {
        4: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        3: [(27, 3), (9, 9), (3, 27), (1, 81)],
        2: [(9, 9), (3, 27), (1, 81)],
        1: [(6, 27), (2, 81)],
        0: [(5, 81)],
    }
    assert Hyperband(81, 3).evaluations() == 187


def test_budgets_that_are_no_powers_of_eta():
    assert Hyperband(100, 3).brackets()[4] == [(81, 1), (27, 4), (9, 11), (3, 33), (1, 100)]
    assert Hyperband(1.0, 2, 0.2).brackets()[2] == [(4, 0.25), (2, 0.5), (1, 1.0)]
    assert Hyperband(7, 3, 5).brackets() == {0: [(1, 7)]}
    assert Hyperband(243, 3).brackets().keys() == {5, 4, 3, 2, 1, 0}  # the logarithm of 243 to 3 is rounded to less than 5


def test_whole_budgets_are_rounded_and_never_below_the_least():
    rungs = Hyperband(10, 3, 2).brackets()[1]
    assert [(rung.size, rung.budget) for rung in rungs] == [(3, 3), (1, 10)]
    assert all(type(rung.budget) is int for rung in rungs)
    assert Hyperband(4, 3, 3).brackets() == {0: [(1, 4)]}
    assert [rung.budget for rung in Hyperband(10.0, 3).brackets()[2]] == pytest.approx([10 / 9, 10 / 3, 10])


@pytest.mark.parametrize("hyperband", [Hyperband(), Hyperband(9), Hyperband(100, 4, 3), Hyperband(1.0, 2, 1e-3)])
def test_every_bracket_ends_with_the_whole_budget_and_keeps_one_of_eta(hyperband):
    for s, rungs in hyperband.brackets().items():
        assert len(rungs) == s + 1
        assert rungs[-1].budget == hyperband.max_budget
        assert rungs[0].budget >= hyperband.min_budget
        assert [rung.size for rung in rungs[:-1]] == [hyperband.eta * rung.size for rung in rungs[1:]]
    assert hyperband.evaluations() == sum(rung.size for rungs in hyperband.brackets().values() for rung in rungs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1}, "eta must be a whole number of at least 2, got 1"),
        ({"eta": 3.0}, "eta must be a whole number"),
        ({"eta": True}, "eta must be a whole number"),
        ({"min_budget": 0}, "0 < min_budget <= max_budget was expected, got min_budget=0, max_budget=81"),
        ({"min_budget": 82}, "min_budget=82"),
        ({"max_budget": math.inf}, "max_budget=inf"),
        ({"max_budget": math.nan}, "max_budget=nan"),
        ({"max_budget": "81"}, "max_budget='81'"),
        ({"min_budget": True}, "min_budget=True"),
    ],
)
def test_wrong_numbers_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Hyperband(**options)


def test_its_label_says_all_that_makes_it_another_study():
    assert Hyperband(27, 3, 1).label == "Hyperband(max_budget=27, eta=3, min_budget=1)"
    assert len({Hyperband(27).label, Hyperband(27.0).label, Hyperband(27, 4).label, Hyperband(27, min_budget=2).label}) == 4


# --- the ladder ---------------------------------------------------------------------------------------------------------------


def loss_of(config):
    """Return a loss that is better for some names than for others, in no order of theirs."""
    return float(np.random.default_rng(int(config)).random())


def climb(ladder, hands, rounds, loss=loss_of):
    """Work a ladder in rounds of `hands` evaluations each; return the jobs."""
    jobs = []
    for _ in range(rounds):
        taken = [ladder.take(ladder.next_in_rounds(), str(len(jobs) + hand)) for hand in range(hands)]
        for job in taken:
            ladder.finish(job, 0, np.array([loss(job.config)]), loss(job.config))
        jobs += taken
    return jobs


@pytest.mark.parametrize("hands", [1, 3, 7])
def test_rungs_in_rounds_are_successive_halving(hands):
    """Against the algorithm written out: of each rung the best of eta are evaluated with the next budget."""
    hyperband = Hyperband(9)
    jobs = climb(Ladder(hyperband), hands, hyperband.rounds(hands, 2))
    for loop in (0, 1):
        for s, rungs in hyperband.brackets().items():
            mine = [[job for job in jobs if (job.loop, job.bracket, job.rung) == (loop, s, i)] for i in range(s + 1)]
            assert [(len(rung), rung[0].budget) for rung in mine] == rungs
            for below, above in pairwise(mine):
                best = sorted((job.config for job in below), key=loss_of)[: len(above)]
                assert {job.config for job in above} == set(best)


def test_rounds_counts_until_the_last_evaluation_of_the_loops():
    for hands, loops in ((1, 1), (1, 2), (4, 1), (5, 3)):
        hyperband = Hyperband(9)
        count = hyperband.rounds(hands, loops)
        early, done = Ladder(hyperband), Ladder(hyperband)
        climb(early, hands, count - 1)
        climb(done, hands, count)
        assert not early.complete(loops)
        assert done.complete(loops)


def test_what_failed_is_not_promoted_and_leaves_its_place_to_others():
    failing = {str(number) for number in range(7)}
    hyperband = Hyperband(9)
    ladder = Ladder(hyperband)
    jobs = climb(ladder, 9, 4, lambda config: math.inf if config in failing else loss_of(config))
    promoted = [job for job in jobs if (job.loop, job.bracket) == (0, 2) and job.rung == 1]
    assert {job.config for job in promoted} == {"7", "8"}  # the best three of nine, of which two ended well
    assert all(job.config not in failing for job in jobs if job.rung > 0)


def test_a_bracket_in_which_all_failed_is_closed():
    ladder = Ladder(Hyperband(3))
    jobs = climb(ladder, 1, 6, lambda config: math.inf)
    assert [(job.loop, job.bracket, job.rung) for job in jobs[:5]] == [(0, 1, 0)] * 3 + [(0, 0, 0)] * 2
    assert ladder.complete(1)


def test_of_equal_losses_the_one_that_began_first_is_promoted():
    jobs = climb(Ladder(Hyperband(3)), 3, 2, lambda config: 1.0)
    assert next(job.config for job in jobs if job.rung == 1) == "0"


def test_evaluations_under_way_hold_their_rung_open_and_others_begin_what_follows():
    ladder = Ladder(Hyperband(3))
    first = [ladder.take(ladder.next_in_rounds(), str(number)) for number in range(3)]
    for job in first[:2]:
        ladder.finish(job, 0, np.zeros(1), 1.0)
    assert (ladder.next_in_rounds().bracket, ladder.next_in_rounds().rung) == (0, 0)
    ladder.finish(first[2], 0, np.full(1, 0.5), 0.0)
    job = ladder.next_in_rounds()
    assert (job.bracket, job.rung, job.config, job.budget) == (1, 1, "2", 3)
    assert ladder.point(job).tolist() == [0.5]


def test_promotion_at_once_takes_the_best_third_of_what_is_known():
    ladder = Ladder(Hyperband(9, 3))
    losses = {0: 0.5, 1: 0.1, 2: 0.9, 3: 0.2, 4: math.inf, 5: 0.3}
    jobs = []
    for number, loss in losses.items():
        job = ladder.take(ladder.next_at_once(drive=7), str(number))
        assert (job.bracket, job.rung) == (2, 0)
        ladder.finish(job, number % 2, np.array([loss]), loss)
        jobs.append(job)
    # Of six two are promoted, 1 and 3, both of drive 1; whom they do not belong to begins something new.
    assert ladder.next_at_once(drive=0).rung == 0
    for expected in ("1", "3"):
        job = ladder.take(ladder.next_at_once(drive=1), "new")
        assert (job.config, job.rung, job.budget) == (expected, 1, 3)
        assert ladder.point(job) == losses[int(expected)]
    assert ladder.next_at_once(drive=1).rung == 0


def test_promotion_at_once_takes_the_largest_budget_first():
    ladder = Ladder(Hyperband(9))
    for number in range(6):
        ladder.finish(Job(0, 2, 0, 1, str(number)), 0, np.zeros(1), float(number))
    for number in (0, 4, 5):  # "1" waits for its promotion, too
        ladder.finish(Job(0, 2, 1, 3, str(number)), 0, np.zeros(1), float(number))
    job = ladder.next_at_once(drive=0)
    assert (job.rung, job.config, job.budget) == (2, "0", 9)


def test_failures_are_not_promoted_at_once_though_they_count_as_evaluations():
    ladder = Ladder(Hyperband(9))
    for number, loss in enumerate([math.inf, math.inf, math.inf]):
        ladder.finish(Job(0, 2, 0, 1, str(number)), 0, np.zeros(1), loss)
    assert ladder.next_at_once(drive=0).rung == 0


# --- the optimizer ------------------------------------------------------------------------------------------------------------


def optimizer(asynchronous=False, index=0, max_budget=3):
    part = Partition(SPACE, 2)[index]
    return HyperbandOptimizer(Ladder(Hyperband(max_budget)), SPACE, part, asynchronous), part


def asked(made, iteration, drive=0):
    return made.ask(Key(5, drive, iteration), np.empty((0, 2)))


def told(made, suggestion, loss, drive=0, status=OK, subspace=0):
    model = json.loads(json.dumps(suggestion.model))
    (x,) = SPACE.from_unit(suggestion.u[None])
    trial = Trial(drive=drive, iteration=0, x=x, status=status, model=model, subspace=subspace)
    made.tell([trial], suggestion.u[None].copy(), np.array([loss]))
    return trial


@pytest.mark.parametrize("index", [0, 1])
def test_new_configurations_are_uniform_on_levels_of_the_subspace(index):
    made, part = optimizer(index=index, max_budget=81)
    U = np.array([asked(made, i).u for i in range(81)])
    assert part.bounds.contains(U).all()
    np.testing.assert_array_equal(SPACE.snap(U), U)
    assert len(np.unique(U[:, 0])) == 81


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_best_is_asked_for_again_with_the_next_budget(asynchronous):
    made, _ = optimizer(asynchronous)
    first = [asked(made, i) for i in range(3)]
    assert [(suggestion.arm, suggestion.model["budget"]) for suggestion in first] == [("random", 1)] * 3
    for suggestion, loss in zip(first, (3.0, 1.0, 2.0), strict=True):
        told(made, suggestion, loss)
    again = asked(made, 3)
    assert (again.arm, again.model["budget"], again.model["rung"]) == ("promotion", 3, 1)
    np.testing.assert_array_equal(again.u, first[1].u)
    assert again.model["config"] == first[1].model["config"]


@pytest.mark.parametrize(("status", "loss"), [(FAILED, math.nan), (PRUNED, 0.0), (OK, math.inf)])
def test_only_what_ended_well_is_promoted(status, loss):
    made, _ = optimizer()
    first = [asked(made, i) for i in range(3)]
    told(made, first[0], loss, status=status)
    told(made, first[1], 2.0)
    told(made, first[2], 1.0)
    assert asked(made, 3).model["config"] == first[2].model["config"]


def test_trials_of_other_subspaces_and_without_a_budget_teach_nothing():
    made, _ = optimizer()
    first = [asked(made, i) for i in range(3)]
    for suggestion in first:
        told(made, suggestion, 1.0, subspace=1)
    plain = Trial(drive=0, iteration=0, x=(0.5, 2), status=OK)
    made.tell([plain], SPACE.to_unit([plain.x]), np.zeros(1))
    made.recall(plain, SPACE.to_unit([plain.x])[0], Key(5, 0, 0), np.empty((0, 2)))
    assert asked(made, 3).arm == "random"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_recalled_cannot_be_told_from_what_was_asked(asynchronous):
    through, resumed = optimizer(asynchronous)[0], optimizer(asynchronous)[0]
    for i in range(9):
        suggestion = asked(through, i)
        trial = told(through, suggestion, float(np.sin(7.0 * i)))
        resumed.recall(trial, suggestion.u, Key(5, 0, i), np.empty((0, 2)))
        told(resumed, suggestion, float(np.sin(7.0 * i)))
    one, other = asked(through, 9), asked(resumed, 9)
    assert one.model == other.model
    np.testing.assert_array_equal(one.u, other.u)


def test_drives_promote_what_they_evaluated_themselves():
    made, _ = optimizer(asynchronous=True)
    first = [asked(made, 0, drive) for drive in range(3)]
    for drive, loss in enumerate((3.0, 1.0, 2.0)):
        told(made, first[drive], loss, drive)
    assert [asked(made, 1, drive).arm for drive in (0, 2, 1)] == ["random", "random", "promotion"]


def test_the_optimizer_of_a_team_works_in_rounds_and_that_of_a_drive_at_once():
    part = Partition(SPACE, 1)[0]
    design = Design("sobol", 2, part.bounds, SPACE)
    names = [
        asked(Hyperband(3).optimizer(SPACE, part, design, 0, together), 4, drive=6).model["config"] for together in (3, None)
    ]
    assert names == ["4", "6-4"]
