"""What every optimizer promises, whichever it is."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from asktell import CONTINUOUS, MIXED, Hand, bowl, partly_failing

from hyperspace.optimizers import ALGORITHMS, BITGA, DE, ES, PSO, SA
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.testing.problems import problem
from hyperspace.trials.trial import OK, Trial

WITH_OPTIONS = [PSO(neighborhood_size=3), DE(variant="DE/rand/1/bin"), ES(population=6, parents=2), SA(population=3)]
WITH_OPTIONS += [BITGA(bits=5, crossover="uniform")]
ALL = ["GP", "RAND", *ALGORITHMS, *WITH_OPTIONS]
REPEATING = [Hyperband(9)]  # what it promotes it evaluates again, with a larger budget


_FOLDER = Path(__file__).parent


def name(model):
    return model if isinstance(model, str) else model.label


@pytest.mark.parametrize("model", [*ALL, *REPEATING], ids=name)
@pytest.mark.parametrize("index", [0, 3])
def test_bounds_and_types_are_held(model, index):
    hand = Hand(model, MIXED, partly_failing, subspaces=4, index=index).run(25)
    for suggestion, x in zip(hand.suggestions, hand.points, strict=True):
        assert hand.subspace.bounds.contains(suggestion.u)
        np.testing.assert_allclose(hand.space.snap(suggestion.u), suggestion.u, rtol=0, atol=1e-9)
        assert hand.subspace.space.check_point(x) == x
        assert [type(value) for value in x] == [float, int, str, int]


@pytest.mark.parametrize("model", [*ALL, *REPEATING], ids=name)
@pytest.mark.parametrize("together", [None, 8])
def test_a_resumed_run_goes_on_as_if_uninterrupted(model, together):
    steps, interruptions = (24, (0, 7, 8, 19)) if together is None else (4, (1, 3))
    uninterrupted = Hand(model, MIXED, partly_failing, together=together).run(steps)
    resumed = Hand(model, MIXED, partly_failing, together=together)
    for step in range(steps):
        if step in interruptions:
            resumed.restart()
        resumed.step()
    assert resumed.points == uninterrupted.points
    assert [trial.arm for trial in resumed.trials] == [trial.arm for trial in uninterrupted.trials]


def every_trial():
    """Return the points of all optimizers, in a form that shows every bit."""
    return {name(model): repr(Hand(model, CONTINUOUS, partly_failing).run(20).points) for model in [*ALL, *REPEATING]}


def test_the_same_seed_gives_the_same_trials_in_another_process(python):
    program = f"""
        import importlib.util, json, sys
        sys.path.insert(0, {str(_FOLDER.parent)!r})
        spec = importlib.util.spec_from_file_location("contract", {str(_FOLDER / "test_optimizers.py")!r})
        contract = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(contract)
        print(json.dumps(contract.every_trial()))
    """
    assert json.loads(python(program, PYTHONHASHSEED="5").stdout) == every_trial()


@pytest.mark.parametrize("model", [model for model in [*ALL, *REPEATING] if name(model) != "GRID"], ids=name)
def test_another_seed_gives_other_trials(model):
    assert Hand(model, CONTINUOUS, seed=1).run(12).points != Hand(model, CONTINUOUS, seed=2).run(12).points


@pytest.mark.parametrize("model", [*ALL, *REPEATING], ids=name)
def test_failures_are_survived(model):
    hand = Hand(model, CONTINUOUS, lambda u: float("nan")).run(12)
    hand.loss = partly_failing
    hand.run(15)
    assert np.isfinite(hand.losses).any()
    assert model in REPEATING or len(set(hand.points)) == len(hand.points)


@pytest.mark.parametrize("model", ALL, ids=name)
def test_several_questions_may_be_open_at_the_same_time(model):
    hand = Hand(model, CONTINUOUS, partly_failing)
    hand.together = 13  # the optimizer itself was told of no such thing
    hand.run(3)
    assert len(set(hand.points)) == len(hand.points)


@pytest.mark.parametrize("model", ALL, ids=name)
def test_trials_of_other_drives_are_taken_up(model):
    hand = Hand(model, CONTINUOUS)
    rng = np.random.default_rng(0)
    for iteration in range(15):
        hand.step()
        x = hand.space.from_unit(rng.random((1, 3)))[0]
        u = hand.space.to_unit([x])
        other = Trial(drive=1, iteration=iteration, x=x, status=OK, metrics={"y": bowl(u[0])})
        hand.optimizer.tell([other], u, np.array([bowl(u[0])]))
    assert len(set(hand.points)) == 15


@pytest.mark.parametrize("model", ALL, ids=name)
def test_a_space_with_few_points_is_exhausted_and_no_error(model):
    hand = Hand(model, [(0, 1), ["a", "b", "c"], [7]], partly_failing).run(15)
    if model != "RAND":
        assert len(set(hand.points)) == 6


@pytest.mark.parametrize("model", [*ALL, *REPEATING], ids=name)
def test_the_global_generators_are_left_alone(model):
    before = repr(np.random.get_state()), random.getstate()  # noqa: NPY002
    Hand(model, CONTINUOUS, together=8).run(3)
    assert (repr(np.random.get_state()), random.getstate()) == before  # noqa: NPY002


@pytest.fixture(scope="module")
def by_random_search():
    return np.median([best_of("RAND", seed) for seed in range(5)])


@pytest.mark.parametrize("model", [*ALGORITHMS, PSO(neighborhood_size=5)], ids=name)
def test_every_algorithm_beats_random_search(model, by_random_search):
    assert np.median([best_of(model, seed) for seed in range(5)]) < by_random_search


def best_of(model, seed):
    """Return the best of 16 x 50 evaluations of Styblinski and Tang's function in four dimensions."""
    function = problem("styblinski_tang", 4)
    lower, upper = function.lower, function.upper
    hand = Hand(model, function.dimensions, lambda u: function(lower + (upper - lower) * u), seed=seed, together=16)
    return hand.run(50).losses.min()
