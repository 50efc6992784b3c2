"""Tests of hyperspace.study.planning: how many drives and subspaces a new study has."""

import pytest

from hyperspace.errors import InputError
from hyperspace.space import check_space
from hyperspace.study.planning import Wanted, plan_study
from hyperspace.trials.metrics import Metrics

SPACE = [(0.0, 1.0)] * 5
OWN = object.__new__(type("Own", (), {"ask": lambda self: [0.5] * 5, "tell": lambda self, x, y: None}))


def planned(ranks=1, recorded=None, d=5, n_drives_now=None, **changes):
    wanted = {
        "objective_name": "f",
        "space": check_space(SPACE[:d]),
        "metrics": Metrics(),
        "model": "GP",
        "acquisition": "EI",
        "strategy": "adaptive",
        "exchange": None,
        "sampler": "sobol",
        "n_samples": None,
        "n_subspaces": None,
        "n_drives": None,
        "overlap": 0.25,
        "n_iterations": 10,
        "n_calls": None,
        "x0": None,
        "y0": None,
        "warm_start": (),
        "random_state": 0,
    }
    return plan_study(Wanted(**wanted | changes), recorded, ranks, 1, n_drives_now=n_drives_now)


def layout(*args, **changes):
    study = planned(*args, **changes)
    return study.n_drives, study.partition.n_subspaces


@pytest.mark.parametrize(
    ("ranks", "expected"), [(1, (1, 1)), (2, (2, 2)), (3, (3, 1)), (4, (4, 4)), (6, (6, 2)), (12, (12, 4)), (16, (16, 16))]
)
def test_each_rank_has_a_drive(ranks, expected):
    assert layout(ranks) == expected


def test_beyond_one_team_the_subspaces_have_equally_many():
    assert layout(17) == (32, 32)
    assert layout(100) == (128, 32)  # five dimensions make 32


def test_few_dimensions_make_few_subspaces():
    assert layout(16, d=2) == (16, 4)


@pytest.mark.parametrize(("n_drives", "n_subspaces"), [(1, 1), (4, 4), (6, 2), (16, 16), (48, 16)])
def test_the_number_of_drives_asked_for_decides_how_many_subspaces(n_drives, n_subspaces):
    assert layout(n_drives=n_drives) == (n_drives, n_subspaces)


def test_both_asked_for():
    assert layout(n_drives=8, n_subspaces=2) == (8, 2)
    assert layout(ranks=3, n_subspaces=4) == (4, 4)
    with pytest.raises(InputError, match="multiple of the 4 subspaces, got 6"):
        planned(n_drives=6, n_subspaces=4)


@pytest.mark.parametrize("n_drives", [0, -1, 1.5, "4", True])
def test_no_number_of_drives(n_drives):
    with pytest.raises(InputError, match="n_drives"):
        planned(n_drives=n_drives)


@pytest.mark.parametrize("model", [["GP", "CMA"], OWN])
def test_drives_of_algorithms_of_their_own_divide_the_space(model):
    assert layout(model=model) == (16, 16)


def test_through_files_nobody_knows_how_many_will_come():
    assert layout(exchange="files") == (16, 16)


@pytest.mark.parametrize("exchange", ["round", "none"])
def test_equal_arguments_make_equal_drives_on_any_number_of_ranks(exchange):
    assert layout(1, exchange=exchange) == layout(4, exchange=exchange) == (16, 16)


def test_workers_that_are_expected_have_a_drive_each():
    assert layout(4, exchange="files") == (4, 4)


def test_ranks_without_a_drive_get_one_when_a_study_goes_on():
    created = planned(1)
    grown = planned(4, created.fingerprint())
    assert (grown.n_drives, grown.founders, grown.partition.n_subspaces, grown.n_samples) == (4, 1, 1, created.n_samples)
    assert grown.fingerprint() == created.fingerprint()
    assert grown.identity == created.identity
    again = planned(2, created.fingerprint(), n_drives_now=4)
    assert (again.n_drives, again.founders) == (4, 1)


def test_a_number_of_drives_that_was_asked_for_stays():
    created = planned(1, n_drives=2)
    assert planned(4, created.fingerprint(), n_drives=2).n_drives == 2
    assert planned(4, created.fingerprint(), exchange="round").n_drives == 2  # rounds are the same on any number of ranks


def test_the_published_method_works_every_subspace():
    assert layout(strategy="static") == (32, 32)


def test_a_study_goes_on_with_the_drives_that_it_has():
    recorded = planned(4).fingerprint()
    assert layout(1, recorded) == layout(2, recorded) == (4, 4)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ranks": 1}, 7),
        ({"ranks": 4}, 2),
        ({"ranks": 16}, 1),
        ({"exchange": "round"}, 2),
        ({"exchange": "files"}, 1),
        ({"strategy": "static"}, 6),
        ({"model": ["GP", "CMA"]}, 2),
        ({"n_samples": 3}, 3),
    ],
)
def test_the_initial_design_is_dealt_out(changes, expected):
    assert planned(**changes).n_samples == expected
