"""A team's points of one round: which arm takes which turn, what each knows of the others, and that none come twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from hyperspace.optimizers.base import FIRST, Suggestion
from hyperspace.optimizers.bayesian.arms import ARMS
from hyperspace.optimizers.bayesian.batch import Batch
from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.model_pool import ModelPool
from hyperspace.optimizers.bayesian.settings import Settings, Setup
from hyperspace.optimizers.bayesian.state import State
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import FAILED, OK, Trial
from hyperspace.typing import Array

GLOBAL, EXPLOIT, THOMPSON, EXPLORE = (ARMS[letter].name for letter in "GETS")
LEAN = Settings(candidates=96, nearest=40)
CONTINUOUS = [(0.0, 1.0)] * 3
SIZE = 8


def bowl(U: Array) -> Array:
    return ((U - 0.4) ** 2).sum(axis=1)


class Team:
    """An archive of random trials and a team's round."""

    def __init__(
        self,
        dimensions: Any = CONTINUOUS,
        loss: Callable[[Array], Array] = bowl,
        n: int = 24,
        settings: Settings = LEAN,
        acquisition: str = "EI",
        fails: Callable[[Array], bool] = lambda u: False,
    ) -> None:
        self.space = check_space(dimensions)
        self.setup = Setup(self.space, settings, "GP", acquisition, 0, Bounds.whole(self.space.d))
        self.archive = Archive(self.space.to_unit, Metrics(), self.space.d)
        self.state = State(self.setup, self.archive.metrics, 2, SIZE)
        U = self.space.snap(np.random.default_rng(0).random((n, self.space.d)))
        for number, (u, y) in enumerate(zip(U, loss(U), strict=True)):
            ended = {"status": FAILED} if fails(u) else {"status": OK, "metrics": {"objective": float(y)}}
            self.archive.extend([Trial(drive=0, iteration=number, x=self.space.from_unit(u[None])[0], **ended)])
        self.state.update(self.archive)

    def under_way(self, U: Array) -> None:
        self.archive.extend(
            Trial(drive=100 + number, iteration=0, x=x) for number, x in enumerate(self.space.from_unit(np.array(U)))
        )

    def round(
        self,
        first_turn: int = 0,
        size: int = SIZE,
        foresees: bool = True,
        shares: bool = False,
        domain: Bounds | None = None,
        wanted: Mapping[int, Suggestion] | None = None,
    ) -> Batch:
        regions = self.state.trust_regions.regions
        models = ModelPool(self.setup, regions, self.state.trust_regions, self.archive, first_turn, size)
        known = Knowledge(self.setup, self.state, self.archive, models, regions, (0, first_turn), size, shares, domain)
        return Batch(known, first_turn, size, foresees, wanted)


def arms(made: Batch, size: int = SIZE) -> list[str]:
    return [made.answer(member).arm for member in range(size)]


@pytest.mark.parametrize("first_turn", [0, 5])
def test_arms_take_the_turns_of_the_cycle(first_turn: int) -> None:
    """A Thompson turn that promises nothing explores instead."""
    made = Team().round(first_turn)
    planned = [ARMS[LEAN.letter(first_turn + member, 3, False)].name for member in range(SIZE)]
    for arm, turn in zip(arms(made), planned, strict=True):
        assert arm == turn or (arm, turn) == (EXPLORE, THOMPSON)
    assert {EXPLOIT, THOMPSON} <= set(arms(made))


def test_a_drive_that_is_alone_takes_the_cycle_of_its_own() -> None:
    team = Team()
    assert [team.round(turn, 1).answer(0).arm for turn in range(3)] == [EXPLOIT, EXPLOIT, GLOBAL]
    assert team.round(0, foresees=False).answer(0).arm == EXPLOIT  # its mates ask for themselves, and none is at work
    team.under_way(np.full((1, 3), 0.9))
    assert team.round(0, foresees=False).answer(0).arm == GLOBAL


def test_points_are_new_on_levels_and_say_what_they_are() -> None:
    team = Team([(0.0, 1.0), (1, 9), ["a", "b", "c"]])
    made = team.round()
    suggestions = [made.answer(member) for member in range(SIZE)]
    U = np.array([suggestion.u for suggestion in suggestions])
    np.testing.assert_allclose(team.space.snap(U), U, rtol=0, atol=1e-12)
    taken = np.concatenate([team.archive.U, U])
    assert len(np.unique(np.round(taken, 9), axis=0)) == len(np.unique(np.round(team.archive.U, 9), axis=0)) + SIZE
    numbers = {region.number for region in team.state.trust_regions.regions}
    for suggestion in suggestions:
        assert (suggestion.region is None) == (suggestion.arm == GLOBAL)
        assert suggestion.region is None or suggestion.region in numbers
        assert suggestion.predicted is not None


def test_a_prediction_is_the_loss_that_the_model_expects() -> None:
    team = Team(n=36)
    made = team.round()
    for member in range(SIZE):
        suggestion = made.answer(member)
        assert suggestion.predicted == pytest.approx(bowl(suggestion.u[None])[0], abs=0.02)


@pytest.mark.parametrize("dimensions", [CONTINUOUS, [(1, 9), ["a", "b", "c"], (1, 5)]])
def test_answers_do_not_depend_on_who_asked_first_or_at_all(dimensions: Any) -> None:
    team = Team(dimensions)
    made = team.round()
    expected = [made.answer(member).u.tolist() for member in range(SIZE)]
    for order in ([7, 3, 0, 5], [4]):
        again = team.round()
        found = {member: again.answer(member).u.tolist() for member in order}
        assert found == {member: expected[member] for member in order}
    assert made.answer(2) is made.answer(2)


def test_small_discrete_spaces_are_exhausted_by_a_team() -> None:
    team = Team([(1, 4), (1, 4)], n=6)
    made = team.round()
    points = {made.answer(member).u.tobytes() for member in range(SIZE)}
    assert len(points) == SIZE
    assert not points & {u.tobytes() for u in team.archive.U}


def test_mates_do_not_meet_in_a_corner() -> None:
    """The minimum of a slope is a corner, where all would go."""
    team = Team(loss=lambda U: U.sum(axis=1))
    made = team.round()
    U = np.array([made.answer(member).u for member in range(SIZE)])
    assert len(np.unique(np.round(U, 6), axis=0)) == SIZE
    assert (U.max(axis=1) < 1e-6).sum() <= 1


@pytest.mark.parametrize("foresees", [True, False])
def test_points_under_way_are_left_to_others(foresees: bool) -> None:
    team = Team([(1, 4), (1, 4)], n=6)
    known = {u.tobytes() for u in team.archive.U}
    points = team.space.to_unit([(a, b) for a in range(1, 5) for b in range(1, 5)])
    free = np.array([u for u in points if u.tobytes() not in known])
    team.under_way(free[:-1])
    made = team.round(foresees=foresees)
    for member in range(1 if foresees else SIZE):  # who does not foresee the others takes it, too
        assert made.answer(member).u.tolist() == free[-1].tolist()


def test_points_that_were_asked_for_otherwise_are_answers_as_they_are() -> None:
    wanted = Suggestion(np.array([0.42, 0.4, 0.4]), FIRST)
    made = Team().round(wanted={1: wanted})
    assert made.answer(1) is wanted
    assert made.answer(3).arm == EXPLOIT
    assert np.abs(made.answer(3).u - wanted.u).max() > 1e-6


def test_regions_of_another_team_are_not_exploited() -> None:
    own, lent = (set(arms(Team().round(shares=shares))) for shares in (False, True))
    assert EXPLOIT in own
    assert EXPLOIT not in lent


def test_thompson_sampling_alone_exploits_by_samples() -> None:
    assert EXPLOIT not in arms(Team(acquisition="TS").round())
    assert EXPLOIT in arms(Team(acquisition="gp_hedge").round())


def test_the_global_arm_keeps_to_its_domain() -> None:
    domain = Bounds(np.array([0.6, 0.0, 0.0]), np.array([1.0, 0.3, 1.0]))
    suggestion = Team().round(domain=domain).answer(0)
    assert suggestion.arm == GLOBAL
    assert domain.contains(suggestion.u[None])[0]


def test_what_fails_is_avoided() -> None:
    """The bowl's own minimum fails: turns keep off, where they go there if nothing fails."""

    def inside(team: Team) -> int:
        made = team.round()
        return sum(bool(bowl(made.answer(member).u[None])[0] < 0.05) for member in range(SIZE))

    assert inside(Team(n=60)) >= 4
    assert inside(Team(n=60, fails=lambda u: bool(bowl(u[None])[0] < 0.1))) <= 1


def test_losses_that_are_all_alike_give_a_round_nevertheless() -> None:
    made = Team(loss=lambda U: np.zeros(len(U))).round()
    U = np.array([made.answer(member).u for member in range(SIZE)])
    assert len(np.unique(np.round(U, 6), axis=0)) == SIZE
