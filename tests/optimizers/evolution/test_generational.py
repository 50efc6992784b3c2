"""Generations as ask/tell: who is handed out when, what stands for a member, and what the algorithm is told."""

import numpy as np
import pytest
from asktell import CONTINUOUS, Hand

from hyperspace.optimizers.base import Key
from hyperspace.optimizers.evolution.generational import FAILED, SAME, STALE, Generational, point_key
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


def wrapped(script, dimension=(0.0, 1.0), index=None, wanted=()):
    space = check_space([dimension])
    part = Partition(space, 1)[0] if index is None else Partition(space, 2)[index]
    return Generational("script", script.evolve, space, part, wanted)


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


def test_an_algorithm_that_repeats_itself_does_not_hang():
    optimizer = wrapped(Script(*[[0.1]] * 100))
    ask(optimizer)
    tell(optimizer, 0.1, 1.0)
    assert ask(optimizer)[1] == "random"


def test_points_that_others_evaluate_first_are_not_handed_out_and_are_waited_for():
    script = Script([0.1, 0.2, 0.3], [0.4])
    optimizer = wrapped(script, wanted=[np.array([0.2])])
    assert [ask(optimizer)[0] for _ in range(2)] == [0.1, 0.3]
    tell(optimizer, 0.1, 1.0)
    tell(optimizer, 0.3, 3.0)
    assert ask(optimizer)[1] == "random"
    tell(optimizer, 0.2, 2.0, drive=4)
    assert ask(optimizer) == (0.4, "script")
    np.testing.assert_allclose(script.told, [[1.0, 2.0, 3.0]])


def test_losses_beyond_a_failure_are_as_bad_as_one():
    script = Script([0.1, 0.2], [0.3])
    optimizer = wrapped(script)
    ask(optimizer), ask(optimizer)
    tell(optimizer, 0.1, 1e200)
    tell(optimizer, 0.2, -1e200)
    ask(optimizer)
    np.testing.assert_array_equal(script.told, [[FAILED, -FAILED]])


def test_points_outside_of_the_subspace_are_not_known():
    script = Script([0.0, 1.0], [0.5])
    optimizer = wrapped(script, index=0)  # the lower half, which ends at 5/8
    for u in (0.7, 0.9):
        tell(optimizer, u, -1.0, drive=1, origin="given")
    assert [ask(optimizer)[0] for _ in range(2)] == [0.0, 0.625]
    assert len(script.given) == 0


def test_members_beyond_the_box_are_moved_to_its_edge():
    optimizer = wrapped(Script([-3.0, 7.0, 0.5]), index=1)
    assert [ask(optimizer)[0] for _ in range(3)] == pytest.approx([0.375, 1.0, 0.6875])


def test_members_move_to_levels_and_keep_their_own_place():
    """Small steps of the algorithm can add up: it is not told of the move."""
    script = Script([0.26, 0.3, 0.74], [0.9])
    optimizer = wrapped(script, dimension=(0, 3))
    assert [ask(optimizer)[0] for _ in range(2)] == [0.375, 0.625]  # 0.26 and 0.3 are one level
    for u in (0.375, 0.625):
        tell(optimizer, u, u)
    assert ask(optimizer)[0] == 0.875
    np.testing.assert_allclose(script.told, [[0.375, 0.375, 0.625]])


@pytest.mark.parametrize("dimension", [(0, 1), ["a", "b"]])
def test_where_all_points_are_known_the_algorithm_is_left_alone(dimension):
    script = Script([0.1, 0.9], [0.1, 0.9])
    optimizer = wrapped(script, dimension)
    for _ in range(2):
        u, arm = ask(optimizer)
        assert arm == "script"
        tell(optimizer, u, 1.0)
    assert ask(optimizer)[1] == "random"
    assert script.told == []


def test_some_generations_without_a_new_point_are_followed_by_an_immigrant_and_the_next_ones():
    optimizer = wrapped(script := Script(*[[0.1]] * (STALE + 1), [0.6]))
    ask(optimizer)
    tell(optimizer, 0.1, 1.0)
    u, arm = ask(optimizer)
    assert arm == "random"
    assert 0.0 < u < 1.0
    assert len(script.told) == STALE
    assert ask(optimizer) == (0.6, "script")


def test_immigrants_follow_from_the_question_alone():
    key, others = Key(3, 1, 9), [Key(3, 1, 8), Key(3, 2, 9), Key(4, 1, 9)]

    def immigrant(key):
        optimizer = wrapped(Script([0.1]))
        ask(optimizer)
        return optimizer.ask(key, NOTHING).u[0]

    assert immigrant(key) == immigrant(key)
    assert len({immigrant(each) for each in [key, *others]}) == 4


def test_an_answer_reaches_a_member_through_the_users_scale():
    """A point comes back from the user's scale with rounding errors; it is the same one."""
    script = Script([0.3, 0.7], [0.5])
    optimizer = wrapped(script, (1e-5, 1e3, "log-uniform"))
    space = check_space([(1e-5, 1e3, "log-uniform")])
    for _ in range(2):
        u = optimizer.ask(Key(0, 0, 0), NOTHING).u
        (x,) = space.from_unit(u[None])
        tell(optimizer, space.to_unit([x])[0, 0] + 0.5 * SAME, 1.0)
    assert ask(optimizer)[1] == "script"


def test_points_are_told_apart_beyond_rounding():
    assert point_key(np.array([0.1 + 0.2, 0.0])) == point_key(np.array([0.3, -0.0])) == point_key(np.array([0.3, -1e-12]))
    assert point_key(np.array([0.3, 0.0])) != point_key(np.array([0.3 + 2e-9, 0.0]))
    assert point_key(np.array([0.1, 0.2])) != point_key(np.array([0.2, 0.1]))
