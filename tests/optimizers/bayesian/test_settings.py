"""The order in which arms take turns, by their letters: G global, E exploit, T thompson, S explore."""

from collections import Counter
from dataclasses import replace

import pytest

from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM, Settings, box_settings

SETTINGS = Settings()


def arms(count: int, d: int, alone: bool = False, settings: Settings = SETTINGS) -> list[str]:
    return [settings.letter(turn, d, alone) for turn in range(count)]


def test_arms_follow_the_cycle_letter_by_letter_and_begin_again() -> None:
    settings = replace(SETTINGS, cycle="GET")
    assert arms(7, 20, settings=settings) == list("GETGETG")


@pytest.mark.parametrize(("d", "cycle"), [(1, "small_cycle"), (6, "small_cycle"), (7, "cycle"), (100, "cycle")])
def test_few_dimensions_have_a_cycle_of_their_own(d: int, cycle: str) -> None:
    wanted = getattr(SETTINGS, cycle)
    assert "".join(arms(len(wanted), d)) == wanted


@pytest.mark.parametrize("d", [2, 20])
def test_a_drive_that_is_alone_mostly_exploits_in_any_number_of_dimensions(d: int) -> None:
    assert arms(6, d, alone=True) == list("EEG") * 2


@pytest.mark.parametrize(("d", "shares"), [(20, {"G": 1, "E": 5, "T": 10}), (3, {"G": 1, "E": 7, "T": 8})])
def test_the_shares_of_a_full_team(d: int, shares: dict[str, int]) -> None:
    """A round of the largest team is one cycle, so that every round has the same shares, one global point among them."""
    for begin in (0, 16, 160):
        assert Counter(SETTINGS.letter(begin + turn, d, False) for turn in range(LARGEST_TEAM)) == shares


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16])
def test_over_some_rounds_every_member_of_any_team_has_a_turn_of_every_arm_or_its_own_alone(size: int) -> None:
    turns = [{SETTINGS.letter(size * i + member, 20, False) for i in range(64)} for member in range(size)]
    assert set().union(*turns) == set("GET")
    if size % 2:
        assert all(found == set("GET") for found in turns)


def test_a_box_has_one_arm() -> None:
    assert set(arms(12, 3, settings=box_settings("EI"))) == set(arms(12, 30, alone=True, settings=box_settings("LCB"))) == {"G"}
    assert set(arms(12, 3, settings=box_settings("TS"))) == {"S"}
    assert set(arms(12, 3, settings=box_settings("gp_hedge"))) == {"H"}
