"""The search for a first trial that keeps the constraints: two ways in turn, around what is known, under way and foreseen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hyperspace.acquisition.constraint_models import FEASIBILITY, ConstraintModels
from hyperspace.space import check_space
from hyperspace.strategies.adaptive.config import Settings, Setup
from hyperspace.strategies.adaptive.feasible_search import FeasibleSearch
from hyperspace.strategies.adaptive.trust_regions import TrustRegionState
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
        self.constraints = ConstraintModels(self.space, self.metrics)
        self.first_turn = first_turn
        rng = np.random.default_rng(0)
        while len(self.archive) < n:
            u = self.space.snap(rng.random((1, 2)))[0]
            if away(u) < 0.2:
                continue
            ended = {"status": FAILED} if fails(u) else {"status": OK, "metrics": {"loss": 1.0, "away": away(u)}}
            x = self.space.from_unit(u[None])[0]
            self.archive.extend([Trial(drive=0, iteration=len(self.archive), x=x, **ended)])
        self.fold = TrustRegionState(self.space, Settings(), 2, SIZE)
        self.fold.update(self.archive)
        self.constraints.tell(self.archive.trials, self.archive.U)

    def opened(self, foresees: bool = True, team: int = 0, seed: int = 0) -> FeasibleSearch:
        setup = Setup(self.space, Settings(), "GP", "EI", seed)
        return FeasibleSearch(setup, team, self.first_turn, self.fold, self.constraints, self.archive, foresees)


def answers(search: FeasibleSearch, members: range | list[int] = range(SIZE)) -> Array:
    return np.array([search.answer(member).u for member in members])


@pytest.mark.parametrize("first_turn", [0, 1])
def test_it_leads_to_where_the_constraint_is_kept(first_turn: int) -> None:
    search = Search(first_turn=first_turn)
    found = answers(search.opened())
    assert min(away(u) for u in search.archive.U) > 0.2
    assert away(found[0]) < 0.1
    assert np.median([away(u) for u in found]) < 0.15
    suggestion = search.opened().answer(0)
    assert (suggestion.arm, suggestion.region, suggestion.model, suggestion.predicted) == (FEASIBILITY, None, None, None)


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
    failed, distances = search.archive.U[search.fold.failed], []
    for known in (list(search.fold.failed), []):
        search.fold.failed = known
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
