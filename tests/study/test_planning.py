"""From what was asked for to a study: every default that is decided, what a record decides, and what is refused."""

import math

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.exchange.spec import EXCHANGES
from hyperspace.optimizers import CMA
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.space import check_space
from hyperspace.strategies import STRATEGIES
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.checks import check_exchange
from hyperspace.study.planning import (
    LARGEST_STATIC_PARTITION,
    plan_drives,
    plan_loops,
    plan_samples,
    plan_study,
    plan_subspaces,
    plan_team,
    shares_one_model,
)
from hyperspace.trials.metrics import Metric
from hyperspace.trials.records import trial_record
from hyperspace.trials.trial import OK, Trial

SPACE = [(0.0, 1.0)] * 5
FRESH = 1234  # the seed of a study that draws one
OWN = object.__new__(type("Own", (), {"ask": lambda self: [0.5] * 5, "tell": lambda self, x, y: None}))


def planned(ranks=1, recorded=None, d=5, n_drives_now=None, taken=(), **changes):
    call = {
        "hyperparameters": check_space(SPACE[:d]),
        "metrics": None,
        "maximize": False,
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
    return plan_study(StudyArguments.check(call | changes, "f"), recorded, ranks, FRESH, taken, n_drives_now)


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


# --- strategy, exchange and how far to go -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "strategy", "exchange"),
    [
        ({}, "adaptive", "round"),
        ({"ranks": 2}, "adaptive", "async"),
        ({"strategy": "static"}, "static", "none"),
        ({"strategy": "static", "ranks": 8}, "static", "none"),
        ({"strategy": "generations", "model": "PSO"}, "generations", "round"),
        ({"strategy": "generations", "model": "PSO", "ranks": 8}, "generations", "round"),
        ({"strategy": "generations", "model": OWN, "ranks": 8}, "generations", "round"),
        ({"model": "PSO"}, "generations", "round"),
        ({"model": "PSO", "ranks": 2}, "generations", "async"),
        ({"model": "HYPERBAND"}, "halving", "round"),
        ({"model": "HYPERBAND", "ranks": 2}, "halving", "async"),
        ({"model": Hyperband(9), "strategy": "halving", "ranks": 2}, "halving", "async"),
        ({"model": OWN}, "adaptive", "round"),
    ],
)
def test_strategy_and_exchange_where_they_are_left_open(changes, strategy, exchange):
    study = planned(**changes)
    assert (study.strategy.name, study.exchange.name) == (strategy, exchange)


@pytest.mark.parametrize("exchange", ["none", "round", "async", "files"])
@pytest.mark.parametrize("strategy", ["static", "adaptive"])
@pytest.mark.parametrize("ranks", [1, 3])
def test_what_was_asked_for_is_done(strategy, exchange, ranks):
    study = planned(ranks, strategy=strategy, exchange=exchange)
    assert (study.strategy.name, study.exchange.name) == (strategy, exchange)


def test_n_calls_comes_before_n_iterations():
    study = planned(n_iterations=10, n_calls=7)
    assert (study.n_iterations, study.n_calls, study.planned) == (None, 7, 7)
    study = planned(n_iterations=10, n_drives=4)
    assert (study.n_iterations, study.n_calls, study.planned) == (10, None, 40)
    assert planned(n_calls=np.int64(3), n_iterations="unread").n_calls == 3


def test_iterations_of_halving_are_loops_where_halving_was_asked_for_and_evaluations_elsewhere():
    hyperband = Hyperband(9)  # 20 evaluations a loop
    rounds = planned(model=hyperband, strategy="halving", exchange="round", n_subspaces=2, n_drives=4, n_iterations=3)
    assert (rounds.n_iterations, rounds.n_calls) == (hyperband.rounds(2, 3), None)
    at_once = planned(model=hyperband, strategy="halving", exchange="async", n_subspaces=2, n_drives=4, n_iterations=3)
    assert (at_once.n_iterations, at_once.n_calls) == (None, 3 * 20 * 2)
    by_default = planned(model=hyperband, n_subspaces=2, n_drives=4, n_iterations=3)
    assert (by_default.strategy.name, by_default.n_iterations, by_default.n_calls) == ("halving", 3, None)
    by_calls = planned(model=hyperband, strategy="halving", n_subspaces=2, n_calls=11)
    assert (by_calls.n_iterations, by_calls.n_calls) == (None, 11)


def test_a_seed_that_was_left_open_is_drawn_for_a_new_study_and_kept():
    assert planned(random_state=None).seed == FRESH
    assert planned(random_state=0).seed == 0
    recorded = planned(random_state=77).fingerprint()
    assert planned(1, recorded, random_state=None).seed == 77
    assert planned(1, recorded, random_state=78).seed == 78  # which is refused later, as another study


def test_names_and_labels_stand_for_models():
    assert planned(model=["GP", CMA(sigma=0.1)]).model_name == "GP, CMA(sigma=0.1)"
    assert planned(model=OWN).model_name == "Own"
    study = planned(model="HYPERBAND")
    assert isinstance(study.model, Hyperband)
    assert study.model_name == Hyperband().label
    assert planned().model_name == planned().model == "GP"


def test_a_population_that_was_asked_for_decides_the_number_of_drives():
    assert layout(model=CMA(population=9)) == (9, 1)
    assert layout(model=CMA(population=9), n_subspaces=2) == (18, 2)
    assert layout(model="CMA") == (16, 1)
    assert layout(40, model="CMA") == (40, 1)
    assert layout(model="CMA", strategy="generations", ranks=3) == (16, 1)


# --- x0, y0 and warm starts ---------------------------------------------------------------------------------------------------

POINT, OTHER = (0.1,) * 5, (0.9,) * 5


def test_points_without_answers_are_evaluated_first_and_those_with_answers_are_given():
    study = planned(x0=[list(POINT), list(OTHER)])
    assert (study.first, study.given) == ((POINT, OTHER), ())
    study = planned(x0=[list(POINT), list(OTHER)], y0=[1.0, 2.0])
    assert study.first == ()
    assert [(trial.x, trial.iteration, trial.origin) for trial in study.given] == [(POINT, 0, "given"), (OTHER, 1, "given")]


def test_evaluations_of_other_studies_follow_those_that_were_given():
    other = Trial(drive=-1, iteration=9, x=OTHER, status=OK, metrics={"error": 3.0}, origin="given")
    taken = [trial_record(other, check_space(SPACE))]
    study = planned(taken=taken, x0=[list(POINT)], y0=[{"error": 1.0}])
    assert [(trial.x, trial.iteration, trial.metrics["error"]) for trial in study.given] == [(POINT, 0, 1.0), (OTHER, 1, 3.0)]
    assert study.metrics.goal == "error"


def test_a_record_keeps_what_the_call_does_not_say_again():
    taken = [trial_record(Trial(drive=-1, iteration=0, x=OTHER, status=OK, metrics={"objective": 3.0}), check_space(SPACE))]
    first = planned(x0=[list(POINT)], y0=[1.0], taken=taken)
    recorded = first.fingerprint()
    for again in (planned(1, recorded), planned(1, recorded, x0=[list(POINT)], y0=[1.0], warm_start=("other",))):
        assert [trial.x for trial in again.given] == [POINT, OTHER]
        assert again.identity == first.identity
    assert [trial.x for trial in planned(1, recorded, x0=[list(POINT)], y0=[1.0]).given] == [POINT]


def test_first_points_are_kept_too():
    recorded = planned(x0=[list(POINT), list(OTHER)]).fingerprint()
    assert planned(1, recorded).first == (POINT, OTHER)
    assert planned(1, recorded, x0=[list(OTHER)]).first == (OTHER,)


def test_a_study_goes_on_with_what_was_decided_when_it_was_created():
    created = planned(n_drives=8, n_subspaces=2, n_samples=3, random_state=5, strategy="static")
    again = planned(1, created.fingerprint(), random_state=None, strategy="static")
    assert (again.n_drives, again.partition.n_subspaces, again.n_samples, again.seed) == (8, 2, 3, 5)
    assert again.identity == created.identity
    other = planned(1, created.fingerprint(), n_drives=4, n_samples=7, n_subspaces=4, strategy="static")
    assert (other.n_drives, other.partition.n_subspaces, other.n_samples) == (4, 4, 7)


def test_a_record_over_another_space_decides_nothing():
    """It is about to be refused, for the space and not for what follows from it."""
    recorded = planned(d=4, n_drives=8, n_samples=3, random_state=5, x0=[[0.1] * 4]).fingerprint()
    study, fresh = planned(1, recorded, random_state=None), planned(random_state=None)
    assert study.fingerprint() == fresh.fingerprint()


# --- what is refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "gp"}, "model must be one of"),
        ({"model": []}, "at least one model"),
        ({"strategy": "dynamic"}, "strategy must be one of 'static', 'adaptive', 'generations', 'halving', got 'dynamic'"),
        ({"exchange": "mpi"}, "exchange must be one of 'none', 'round', 'async', 'files', got 'mpi'"),
        ({"exchange": None, "acquisition": "UCB"}, "acquisition must be one of"),
        ({"sampler": "halton"}, "sampler must be one of"),
        ({"n_calls": 0}, "n_calls must be a whole number of at least 1, got 0"),
        ({"n_iterations": 0}, "n_iterations must be a whole number of at least 1"),
        ({"n_samples": 0}, "n_samples must be a whole number of at least 1"),
        ({"n_drives": 2**20 + 1}, "n_drives must be at most 1048576"),
        ({"n_subspaces": 3}, "n_subspaces"),
        ({"n_subspaces": 64}, "n_subspaces"),
        ({"overlap": 1.5}, "overlap"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0"),
        ({"random_state": 2**4096 + 1}, r"random_state must be at most 2\^4096"),
        ({"random_state": 0.5}, "random_state"),
        ({"y0": [1.0]}, "y0 goes with x0"),
        ({"x0": [[0.5] * 5], "y0": [1.0, 2.0]}, "x0 has 1 points and y0 2 values"),
        ({"x0": [[2.0] * 5]}, "dimension 0"),
        ({"model": ["GP", "RF"], "strategy": "generations"}, "a list of models gives each drive one of its own"),
        ({"model": "GP", "strategy": "generations", "exchange": "async"}, "waits for each generation"),
        ({"model": "GP", "strategy": "halving"}, "go together"),
        ({"model": Hyperband(), "strategy": "static"}, "go together"),
        ({"model": Hyperband(), "exchange": "none"}, 'which exchange="none" hides'),
        ({"model": Hyperband(), "x0": [[0.5] * 5]}, "it takes no x0 to be evaluated first"),
    ],
)
def test_what_cannot_be_planned_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        planned(**changes)


def test_answers_that_lack_the_declared_goal_are_refused_by_number():
    with pytest.raises(InputError, match=r"y0\[1\]"):
        planned(x0=[list(POINT), list(OTHER)], y0=[{"a": 1.0}, {"b": 1.0}], metrics=[Metric("a")])


# --- the parts by themselves --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchange", "ranks", "drives"),
    [
        (None, 1, 1),
        (None, 16, 16),
        (None, 17, None),
        ("async", 5, 5),
        ("files", 1, None),
        ("files", 5, 5),
        ("round", 5, None),
        ("none", 5, None),
    ],
)
def test_a_team_has_a_drive_a_rank_where_that_is_no_promise(exchange, ranks, drives):
    assert plan_team(check_exchange(exchange), ranks) == drives


@pytest.mark.parametrize(
    ("d", "ranks", "n_drives", "subspaces"),
    [
        (10, 1, None, 16),  # four dimensions at least, where there are as many
        (3, 1, None, 8),
        (10, 17, None, 32),
        (10, 1000, None, 1024),
        (10, 1, 12, 4),
        (10, 1, 5, 1),
        (10, 1, 1024, 16),
    ],
)
def test_an_adaptive_study_splits_few_dimensions(d, ranks, n_drives, subspaces):
    assert (
        plan_subspaces(None, STRATEGIES["adaptive"], check_space([(0.0, 1.0)] * d), 0.25, ranks, n_drives).n_subspaces
        == subspaces
    )


def test_other_strategies_split_all_dimensions_or_none():
    space = check_space([(0.0, 1.0)] * 6)
    assert plan_subspaces(None, STRATEGIES["static"], space, 0.25, 1).n_subspaces == 64
    assert plan_subspaces(None, STRATEGIES["halving"], space, 0.25, 1).n_subspaces == 64
    assert plan_subspaces(None, STRATEGIES["generations"], space, 0.25, 1).n_subspaces == 1
    assert plan_subspaces(8, STRATEGIES["generations"], space, 0.5, 1).overlap == 0.5


@pytest.mark.parametrize("strategy", ["static", "halving"])
def test_a_static_partition_has_an_end(strategy):
    limit = int(math.log2(LARGEST_STATIC_PARTITION))
    large = check_space([(0.0, 1.0)] * (limit + 1))
    assert plan_subspaces(2**limit, STRATEGIES[strategy], large, 0.25, 1).n_subspaces == LARGEST_STATIC_PARTITION
    with pytest.raises(InputError, match=r'works all 2\^13 subspaces of 13 dimensions.*Set n_subspaces.*strategy="adaptive"'):
        plan_subspaces(None, STRATEGIES[strategy], large, 0.25, 1)
    assert plan_subspaces(2 ** (limit + 1), STRATEGIES["adaptive"], large, 0.25, 1).n_subspaces == 2 ** (limit + 1)


def test_drives_are_the_least_multiple_of_the_subspaces_with_one_for_each_rank():
    for n_subspaces in (1, 2, 8):
        for ranks in range(1, 20):
            drives = plan_drives(None, n_subspaces, ranks)
            assert drives == min(n for n in range(n_subspaces, 100, n_subspaces) if n >= ranks)
    assert plan_drives(6, 2, 100) == 6


@pytest.mark.parametrize(
    ("strategy", "exchange", "is_team", "d", "n_drives", "expected"),
    [
        ("static", "none", False, 1, 8, 3),
        ("static", "none", False, 5, 8, 6),
        ("static", "none", False, 40, 8, 10),
        ("static", "round", False, 5, 2, 5),
        ("static", "round", False, 5, 100, 2),
        ("adaptive", "round", True, 6, 1, 8),
        ("adaptive", "round", True, 6, 3, 3),
        ("adaptive", "round", True, 6, 15, 1),
        ("adaptive", "round", True, 6, 16, 2),
        ("adaptive", "async", True, 6, 16, 1),
        ("adaptive", "files", True, 6, 2, 4),
        ("adaptive", "none", True, 6, 2, 6),
        ("adaptive", "round", False, 6, 2, 6),
    ],
)
def test_samples_of_the_design_a_drive(strategy, exchange, is_team, d, n_drives, expected):
    assert plan_samples(None, STRATEGIES[strategy], EXCHANGES[exchange], is_team, d, n_drives) == expected
    assert plan_samples(99, STRATEGIES[strategy], EXCHANGES[exchange], is_team, d, n_drives) == 99


def test_which_models_make_the_drives_one_team():
    class Surrogate:
        def fit(self, X, y):
            pass

        def predict(self, X):
            pass

    assert all(map(shares_one_model, ["GP", "RF", "DNN", "RAND", Surrogate()]))
    assert not any(map(shares_one_model, ["CMA", CMA(), OWN, ("GP", "RF"), Hyperband(), Surrogate]))


def test_loops_are_counted_in_rounds_or_in_evaluations():
    hyperband = Hyperband(9)  # 20 evaluations
    assert plan_loops(hyperband, 2, 3, 12, EXCHANGES["round"]) == (hyperband.rounds(4, 2), None)
    for exchange in ("async", "files"):
        assert plan_loops(hyperband, 2, 3, 12, EXCHANGES[exchange]) == (2, 2 * 20 * 3)
