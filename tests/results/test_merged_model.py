"""The merged surrogate: which trials it is fitted to, and that it speaks in the objective's own scale."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import qmc

from hyperspace.errors import StudyError
from hyperspace.results.merged_model import Merged
from hyperspace.space import check_space
from hyperspace.testing.problems import problem
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import OK, Trial

SPACE = check_space({"x": (0.0, 1.0), "rate": (1e-3, 1.0, "log-uniform")})


def trials(values, **more):
    """Trials on a spiral; None for a failed one."""
    return [
        Trial(
            drive=i % 3,
            iteration=i // 3,
            x=((0.618 * i) % 1.0, 10 ** (-3 * ((0.755 * i) % 1.0))),
            status="failed" if value is None else "ok",
            metrics={} if value is None else {"objective": value},
            **more,
        )
        for i, value in enumerate(values)
    ]


def bowl(x, rate):
    return (x - 0.3) ** 2 + (np.log10(rate) + 1) ** 2


def with_values(count, sign=1.0):
    return [replace(trial, metrics={"objective": sign * bowl(*trial.x)}) for trial in trials([0.0] * count)]


def test_only_what_ended_well_is_in_it():
    merged = Merged(trials([1.0, None, 3.0, 4.0, None]), SPACE, Metrics())
    assert [trial.metrics["objective"] for trial in merged.trials] == [1.0, 3.0, 4.0]
    np.testing.assert_array_equal(merged.values, [1.0, 3.0, 4.0])
    np.testing.assert_allclose(merged.U, SPACE.to_unit([trial.x for trial in merged.trials]))


def test_less_than_three_trials_are_too_few():
    with pytest.raises(StudyError, match="needs 3 trials that ended well; there are 2"):
        Merged(trials([1.0, None, 2.0]), SPACE, Metrics())
    with pytest.raises(StudyError, match="there are 0"):
        Merged([], SPACE, Metrics())


def test_of_several_budgets_the_largest_counts():
    small, large = trials([9.0] * 5, model={"budget": 1}), trials([1.0, 2.0, 3.0], model={"budget": 9})
    assert sorted(Merged([*small, *large], SPACE, Metrics()).values) == [1.0, 2.0, 3.0]
    with pytest.raises(StudyError, match="there are 2"):
        Merged([*small, *large[:2]], SPACE, Metrics())


def test_of_very_many_trials_the_best_and_an_even_selection_are_taken(monkeypatch):
    monkeypatch.setattr("hyperspace.results.merged_model.MOST", 10)
    values = [5.0 + i / 100 for i in range(100)]
    values[37] = 0.0
    merged = Merged(trials(values), SPACE, Metrics())
    assert merged.values.min() == 0.0
    assert len(merged.trials) == 11
    assert (merged.values[0], merged.values[-1]) == (values[0], values[-1])
    assert len(Merged(trials(values[:10]), SPACE, Metrics()).trials) == 10


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_it_predicts_in_the_objectives_scale(sign):
    merged = Merged(with_values(40, sign), SPACE, Metrics(maximize=sign < 0))
    U = np.random.default_rng(0).random((20, 2))
    truth = sign * np.array([bowl(*x) for x in SPACE.from_unit(U)])
    mean, std = merged.predict(U)
    np.testing.assert_allclose(mean, truth, atol=0.1)
    assert (std > 0).all()
    assert merged.sign == sign
    np.testing.assert_array_equal(merged.y, sign * merged.values)
    draws = merged.sample(U, 400, np.random.default_rng(1))
    assert draws.shape == (400, 20)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_latent_values_are_those_of_the_trials(sign):
    merged = Merged(with_values(12, sign), SPACE, Metrics(maximize=sign < 0))
    np.testing.assert_allclose(merged.value_of(merged.latent.z), merged.values, rtol=1e-6, atol=1e-9)
    up = sign * merged.value_of(np.linspace(-1.0, 1.0, 9))
    assert (np.diff(up) > 0).all()


def test_the_goal_among_several_metrics_is_modeled():
    some = [Trial(drive=0, iteration=i, x=(i / 5, 0.1), status="ok", metrics={"size": 9.0, "score": float(i)}) for i in range(5)]
    merged = Merged(some, SPACE, Metrics([Metric("score", goal="maximize"), Metric("size", goal="observe")]))
    np.testing.assert_array_equal(merged.values, range(5))


def merged(function, bounds, n, sign=1.0):
    """Return the model of n trials, and its error relative to the standard deviation of the function, at other points."""
    space = check_space(bounds)
    trials = [
        Trial(drive=0, iteration=i, x=x, status=OK, metrics={"loss": sign * function(x)})
        for i, x in enumerate(space.from_unit(qmc.Sobol(space.d, seed=0).random(n)))
    ]
    model = Merged(trials, space, Metrics(maximize=sign < 0))
    U = qmc.Sobol(space.d, seed=1).random(1024)
    actual = np.array([sign * function(x) for x in space.from_unit(U)])
    mean, _ = model.predict(U)
    return model, float(np.sqrt(np.mean((mean - actual) ** 2)) / actual.std())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_function_that_is_mostly_flat_is_learned_everywhere(sign):
    """With the targets of the search, whose tail is compressed, the error was 2.2 times the function's standard deviation."""
    model, error = merged(lambda x: x[0] * np.exp(-(x[0] ** 2) - x[1] ** 2), [(-3.0, 3.0)] * 2, 128, sign)
    assert error < 0.1
    assert model.transform.power is None


def test_a_heavy_tail_is_still_compressed():
    rosenbrock = problem("rosenbrock", 4)
    model, error = merged(rosenbrock, list(rosenbrock.bounds), 128)
    assert error < 0.1
    assert model.transform.power is not None


def test_an_affine_transform_needs_no_second_fit():
    model, error = merged(lambda x: (x[0] - 0.3) ** 2, [(0.0, 1.0)], 16)
    assert error < 0.01
    assert not model.is_noisy
    assert model.noise_at(np.array([0.5])) < 1e-3
