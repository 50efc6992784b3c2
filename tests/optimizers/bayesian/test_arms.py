"""The arms. First the search for a first feasible trial: two ways in turn, around what is known, pending and foreseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hyperspace.optimizers.base import Key
from hyperspace.optimizers.bayesian.arms import ARMS, FEASIBILITY
from hyperspace.optimizers.bayesian.batch import Batch
from hyperspace.optimizers.bayesian.knowledge import Knowledge
from hyperspace.optimizers.bayesian.model_pool import ModelPool
from hyperspace.optimizers.bayesian.optimizer import BayesOptimizer
from hyperspace.optimizers.bayesian.settings import Settings, Setup, box_settings
from hyperspace.optimizers.bayesian.state import State
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial
from hyperspace.typing import Array

PLACE = np.array([0.75, 0.3])
CONTINUOUS = [(0.0, 1.0), (0.0, 1.0)]
SIZE = 6


def away(u: Array) -> float:
    return float(np.hypot(*(u - PLACE)))


class Search:
    """An archive of trials none of which keeps the constraint, and a team's search."""

    def __init__(
        self, dimensions: list = CONTINUOUS, n: int = 24, fails: Callable[[Array], bool] = lambda u: False, first_turn: int = 0
    ) -> None:
        self.space = check_space(dimensions)
        self.metrics = Metrics([Metric("loss"), Metric("away", goal="constrain", upper=0.05)])
        self.archive = Archive(self.space.to_unit, self.metrics, 2)
        self.first_turn = first_turn
        rng = np.random.default_rng(0)
        while len(self.archive) < n:
            u = self.space.snap(rng.random((1, 2)))[0]
            if away(u) < 0.2:
                continue
            ended = {"status": FAILED} if fails(u) else {"status": OK, "metrics": {"loss": 1.0, "away": away(u)}}
            x = self.space.from_unit(u[None])[0]
            self.archive.extend([Trial(drive=0, iteration=len(self.archive), x=x, **ended)])
        self.state = State(self.setup(), self.metrics, 2, SIZE)
        self.state.update(self.archive)

    def setup(self, seed: int = 0) -> Setup:
        return Setup(self.space, Settings(), "GP", "EI", seed, Bounds.whole(2))

    def opened(self, foresees: bool = True, team: int = 0, seed: int = 0) -> Batch:
        setup, first = self.setup(seed), self.first_turn
        models = ModelPool(setup, (), self.state.trust_regions, self.archive, first, SIZE)
        known = Knowledge(setup, self.state, self.archive, models, (), (team, first), SIZE)
        return Batch(known, first, SIZE, foresees)


def answers(search: Batch, members: range | list[int] = range(SIZE)) -> Array:
    return np.array([search.answer(member).u for member in members])


@pytest.mark.parametrize("first_turn", [0, 1])
def test_it_leads_to_where_the_constraint_is_kept(first_turn: int) -> None:
    search = Search(first_turn=first_turn)
    found = answers(search.opened())
    assert min(away(u) for u in search.archive.U) > 0.2
    assert away(found[0]) < 0.1
    assert np.median([away(u) for u in found]) < 0.15
    suggestion = search.opened().answer(0)
    assert (suggestion.arm, suggestion.region, suggestion.model, suggestion.predicted) == (FEASIBILITY.name, None, None, None)


def test_answers_do_not_depend_on_the_order_of_questions() -> None:
    search = Search()
    expected = answers(search.opened())
    np.testing.assert_array_equal(answers(search.opened(), [5, 2, 0]), expected[[5, 2, 0]])
    opened = search.opened()
    assert opened.answer(1) is opened.answer(1)


def test_mates_do_not_meet() -> None:
    found = answers(Search().opened())
    between = np.abs(found[:, None] - found).max(axis=2)[np.triu_indices(SIZE, 1)]
    assert between.min() > 1e-3


def test_without_foresight_a_member_answers_as_if_it_were_alone() -> None:
    """Of two members of the same way the second would go elsewhere if it knew of the first."""
    search = Search()
    alone, knowing = (answers(search.opened(foresees)) for foresees in (False, True))
    np.testing.assert_array_equal(alone[0], knowing[0])
    assert np.abs(alone[2:] - knowing[2:]).max() > 1e-6


def test_points_under_way_are_taken_account_of() -> None:
    search = Search()
    first = search.opened().answer(0).u
    running = Trial(drive=9, iteration=0, x=search.space.from_unit(first[None])[0])
    search.archive.extend([running])
    again = search.opened().answer(0).u
    assert np.abs(again - first).max() > 1e-3


def test_it_keeps_off_what_has_failed() -> None:
    """With the same models of the constraint, and the failures known or not."""
    search = Search(fails=lambda u: u[1] < 0.4)
    failed, distances = search.archive.U[search.state.trust_regions.failed], []
    for known in (list(search.state.trust_regions.failed), []):
        search.state.trust_regions.failed = known
        distances.append(np.mean([np.abs(u - failed).max(axis=1).min() for u in answers(search.opened())]))
    assert distances[0] > 1.4 * distances[1]


def test_no_point_of_a_discrete_space_comes_twice() -> None:
    search = Search([(1, 4), (1, 4)], n=8)
    known = {u.tobytes() for u in search.archive.U}
    found = answers(search.opened())
    np.testing.assert_allclose(search.space.snap(found), found)
    assert len({u.tobytes() for u in found}) == SIZE
    if len(known) + SIZE <= 16:
        assert not {u.tobytes() for u in found} & known


def test_teams_rounds_and_seeds_have_random_numbers_of_their_own() -> None:
    search = Search()
    drawn = [search.opened().answer(1).u, search.opened(team=1).answer(1).u, search.opened(seed=1).answer(1).u]
    assert len({u.tobytes() for u in drawn}) == 3


def test_without_constraints_the_most_probable_success_is_next() -> None:
    """All evaluations on the left failed, and none has succeeded yet."""
    space = check_space(CONTINUOUS)
    optimizer = BayesOptimizer(space, Bounds.whole(2), "GP", Design("sobol", 1, Bounds.whole(2), space))
    U = np.random.default_rng(0).random((8, 2)) * [0.4, 1.0]
    lost = [Trial(drive=0, iteration=i, x=tuple(u), status=FAILED, fault="objective") for i, u in enumerate(U)]
    optimizer.tell(lost, U, np.full(8, np.nan))
    suggestion = optimizer.ask(Key(0, 0, 8), np.empty((0, 2)))
    assert suggestion.arm == FEASIBILITY.name
    assert np.abs(U - suggestion.u).max(axis=1).min() > 0.2


def tell(optimizer: BayesOptimizer, first: int, U: Array, y: Array, **trial: object) -> None:
    """Tell trials that ended well, numbered from `first`."""
    pairs = enumerate(zip(U, y, strict=True), start=first)
    trials = [Trial(drive=0, iteration=i, x=tuple(u), status=OK, metrics={"y": v}, **trial) for i, (u, v) in pairs]
    optimizer.tell(trials, U, y)


def known_bowl(acquisition: str, **settings: object) -> BayesOptimizer:
    space = check_space(CONTINUOUS)
    chosen = replace(box_settings(acquisition), **settings)
    design = Design("sobol", 1, Bounds.whole(2), space)
    optimizer = BayesOptimizer(space, Bounds.whole(2), "GP", design, acquisition, settings=chosen)
    U = np.random.default_rng(0).random((14, 2))
    y = ((U - 0.4) ** 2).sum(axis=1)
    tell(optimizer, 0, U, y)
    return optimizer


@pytest.mark.parametrize("letter", sorted(ARMS))
def test_every_arm_finds_the_minimum_of_a_bowl(letter: str) -> None:
    """Each alone, in a box: a new arm is held by this test as soon as it has a letter."""
    cycles = dict.fromkeys(("cycle", "small_cycle", "sequential_cycle"), letter)
    optimizer = known_bowl("EI", **cycles)
    best = np.inf
    for i in range(14, 26):
        u = optimizer.ask(Key(0, 0, i), np.empty((0, 2))).u
        y = float(((u - 0.4) ** 2).sum())
        best = min(best, y)
        tell(optimizer, i, u[None], np.array([y]), origin="asked")
    assert best < 1e-3


@pytest.mark.parametrize("letter", sorted(ARMS))
def test_every_arm_keeps_to_its_box(letter: str) -> None:
    space = check_space(CONTINUOUS)
    box = Bounds(np.array([0.5, 0.2]), np.array([1.0, 0.8]))
    cycles = dict.fromkeys(("cycle", "small_cycle", "sequential_cycle"), letter)
    settings = replace(box_settings("EI"), **cycles)
    optimizer = BayesOptimizer(space, box, "GP", Design("sobol", 1, box, space), settings=settings)
    rng = np.random.default_rng(0)
    U = np.concatenate([rng.random((10, 2)), box.lower + rng.random((6, 2)) * (box.upper - box.lower)])
    y = U.sum(axis=1)  # better outside
    tell(optimizer, 0, U, y)
    assert all(box.contains(optimizer.ask(Key(0, 0, i), np.empty((0, 2))).u) for i in range(16, 20))


def test_a_hedge_draws_by_the_gains_of_earlier_proposals() -> None:
    """Proposals where the model's mean is low gain, and after enough of them the one with the most is always drawn."""
    optimizer = known_bowl("gp_hedge")
    good, bad = [0.4, 0.4], [0.95, 0.95]
    record = {"gains": [-50.0, 0.0, -50.0], "proposals": [bad, good, bad]}
    tell(optimizer, 14, np.array([[0.9, 0.1]]), np.array([0.34]), model={"hedge": record})
    suggestion = optimizer.ask(Key(0, 0, 15), np.empty((0, 2)))
    found = suggestion.model["hedge"]
    assert suggestion.u.tolist() == found["proposals"][1]
    assert found["gains"][1] > 0.0 > -49.0 > max(found["gains"][0], found["gains"][2])
