"""What a study with an evolutionary model is planned as."""

import pytest

from hyperspace.errors import InputError
from hyperspace.optimizers import ALGORITHMS, CMA, DE, GA, SA
from hyperspace.space import check_space
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.planning import plan_study

EVOLUTION = [name for name in ALGORITHMS if name != "GRID"]
SPACE = [(0.0, 1.0)] * 6


def plan(model, recorded=None, ranks=1, **changes):
    call = {
        "hyperparameters": check_space(SPACE),
        "metrics": None,
        "maximize": False,
        "model": model,
        "acquisition": "EI",
        "strategy": "adaptive",
        "exchange": None,
        "sampler": "sobol",
        "overlap": 0.25,
        "n_iterations": 50,
        "random_state": 0,
        **dict.fromkeys(("n_samples", "n_subspaces", "n_drives", "n_calls", "x0", "y0")),
        "warm_start": (),
    }
    return plan_study(StudyArguments.check(call | changes, "f"), recorded, ranks, fresh_seed=1)


def shape(study):
    return study.strategy.name, study.exchange.name, study.partition.n_subspaces, study.n_drives


@pytest.mark.parametrize("name", EVOLUTION)
def test_an_evolutionary_model_is_one_population(name):
    study = plan(name)
    assert shape(study) == ("generations", "round", 1, 16)
    assert study.model_name == name
    under_mpi = "round" if name == "ES" else "async"  # ES selects steps, which only the drive that made them knows
    assert shape(plan(name, ranks=4)) == ("generations", under_mpi, 1, 16)
    assert shape(plan(name, ranks=20)) == ("generations", under_mpi, 1, 20)


@pytest.mark.parametrize(
    ("model", "changes", "expected"),
    [
        ("DE", {"strategy": "static"}, ("static", "none", 64, 64)),
        ("DE", {"exchange": "none"}, ("adaptive", "none", 16, 16)),
        ("ES", {"exchange": "async"}, ("adaptive", "async", 16, 16)),
        ("DE", {"exchange": "files"}, ("generations", "files", 1, 16)),
        ("DE", {"strategy": "generations", "ranks": 4}, ("generations", "round", 1, 16)),
        (["GP", "CMA", "RF"], {}, ("adaptive", "round", 16, 16)),
        ("GP", {}, ("adaptive", "round", 1, 1)),
        ("RAND", {}, ("adaptive", "round", 1, 1)),
        ("GRID", {}, ("adaptive", "round", 16, 16)),
    ],
)
def test_what_was_asked_for_otherwise_stays_as_it_is(model, changes, expected):
    assert shape(plan(model, **changes)) == expected


@pytest.mark.parametrize(
    ("model", "changes", "drives", "label"),
    [
        ("DE", {"n_drives": 16}, 16, "DE"),
        ("GA", {"n_drives": 8}, 8, "GA"),
        ("GA", {"n_drives": 3}, 3, "GA(population=9)"),
        ("DE", {"n_drives": 1}, 1, "DE(population=8)"),
        ("DE", {"n_subspaces": 4}, 16, "DE(population=8)"),
        ("SA", {"n_drives": 3}, 3, "SA"),
        (SA(population=3), {}, 3, "SA(population=3)"),
        (CMA(population=9), {"n_subspaces": 2}, 18, "CMA(population=9)"),
        (GA(population=20), {"n_drives": 4}, 4, "GA(population=20)"),
    ],
)
def test_drives_that_are_too_few_share_a_population_over_several_rounds(model, changes, drives, label):
    study = plan(model, **changes)
    assert (study.n_drives, study.model_name) == (drives, label)


def test_a_recorded_study_is_planned_as_it_was():
    for first in (plan("DE"), plan("DE", n_drives=3), plan(DE(weight=0.5), n_subspaces=2), plan("DE", exchange="none")):
        model = "DE" if first.model == "DE" or first.model.weight == DE.weight else DE(weight=0.5)
        again = plan(model, first.fingerprint(), ranks=4, n_calls=900)
        assert again.fingerprint() == first.fingerprint()


def test_a_recorded_population_in_generations_is_not_made_larger():
    first = plan("GA", strategy="generations", n_drives=4)
    assert plan("GA", first.fingerprint()).fingerprint() == first.fingerprint()


def test_steps_that_must_be_waited_for_are_refused_without_waiting():
    with pytest.raises(InputError, match="waits for each generation"):
        plan("ES", strategy="generations", exchange="async")
