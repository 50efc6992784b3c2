"""Leave-one-out predictions against brute force, and calibration against what is known to be right and wrong."""

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.results.diagnostics import LeaveOneOut, by_subspace, expected_coverage, leave_one_out, normal_quantiles
from hyperspace.surrogates.gp.posterior import ExactGP, Hyperparameters
from hyperspace.surrogates.input_encoding import Features


def objective(p):
    if p["units"] == 4:
        raise RuntimeError("no")
    return 3 + np.sin(6 * p["rate"]) + p["units"] / 10 + (p["kind"] == "b") * p["rate"]


SPACE = {"rate": (0.0, 1.0), "units": (1, 6), "kind": ["a", "b", "c"]}


@pytest.fixture(scope="module", params=[False, True], ids=["minimize", "maximize"])
def result(request):
    return hyperdrive(
        objective, SPACE, None, model="RAND", n_calls=40, n_subspaces=4, maximize=request.param, checkpoints=False, random_state=3
    )


def test_leave_one_out_is_what_refits_without_the_point_predict():
    rng = np.random.default_rng(0)
    X, z = rng.random((25, 3)), rng.standard_normal(25)
    features = Features(3)
    hyper = Hyperparameters(np.array([0.3, 0.7, 2.0]), 1.7, 0.02, 0.4)
    known = rng.random(25) * 0.1
    mean, variance = ExactGP(features, hyper, X, z, known).leave_one_out()
    for i in range(25):
        kept = np.arange(25) != i
        posterior = ExactGP(features, hyper, X[kept], z[kept], known[kept]).posterior(X[i : i + 1])
        assert mean[i] == pytest.approx(posterior.mean[0, 0], abs=1e-8)
        assert variance[i] == pytest.approx(posterior.variance[0, 0] + hyper.noise + known[i], rel=1e-8)


def test_predictions_are_in_the_objectives_own_scale(result):
    whole = leave_one_out(result)
    assert len(whole) == len(result.x_iters)
    np.testing.assert_allclose(np.sort(whole.actual), np.sort(result.func_vals))
    assert ((whole.lower <= whole.predicted) & (whole.predicted <= whole.upper)).all()
    assert whole.correlation > 0.8
    assert whole.error < 0.5 * np.abs(whole.actual - np.median(whole.actual)).mean()
    z = np.abs(whole.residuals)
    inside = (whole.lower <= whole.actual) & (whole.actual <= whole.upper)
    np.testing.assert_array_equal(inside[z < 1.95], True)
    np.testing.assert_array_equal(inside[z > 1.97], False)


def test_each_subspace_has_the_trials_that_lie_in_its_box(result):
    parts = by_subspace(result)
    assert set(parts) == {0, 1, 2, 3}
    assert sum(map(len, parts.values())) >= len(result.x_iters)  # boxes overlap
    for index, part in parts.items():
        space = result.partition[index].space
        assert all(trial.x[j] in dimension for trial in part.trials for j, dimension in enumerate(space.dimensions))
    for index, own in enumerate(result.subspaces):
        assert len(parts[index]) >= len(own.x_iters)  # random search stays at home


def made_of(residuals):
    n = len(residuals)
    zeros = np.zeros(n)
    return LeaveOneOut((), np.zeros((n, 1)), zeros, zeros, zeros, zeros, residuals)


def test_coverage_tells_right_from_overconfident_and_timid():
    levels = np.array([0.1, 0.5, 0.9])
    right = normal_quantiles(4000)
    np.testing.assert_allclose(made_of(right).coverage(levels), levels, atol=0.002)
    low, high = expected_coverage(levels, 4000)
    assert (made_of(3 * right).coverage(levels) < low).all()
    assert (made_of(right / 3).coverage(levels) > high).all()


def test_without_trials_nothing_is_claimed():
    empty = made_of(np.empty(0))
    assert np.isnan(empty.coverage(np.array([0.5]))).all()
    assert np.isnan([empty.error, empty.correlation]).all()


def test_a_study_of_two_trials_has_no_model():
    short = hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, model="RAND", n_calls=2, checkpoints=False)
    with pytest.raises(StudyError, match="3 trials that ended well; there are 2"):
        leave_one_out(short)


@pytest.mark.parametrize("n", [10, 40])
def test_a_prediction_that_is_independent_of_the_outcome_seldom_beats_chance(n):
    rng = np.random.default_rng(0)

    def beats(slope):
        actual = rng.normal(size=n)
        predicted = slope * actual + rng.normal(size=n)
        return LeaveOneOut((), np.empty((n, 1)), actual, predicted, predicted, predicted, predicted).beats_chance

    assert 0.03 < np.mean([beats(0.0) for _ in range(2000)]) < 0.07
    assert np.mean([beats(3.0) for _ in range(200)]) > 0.95
    nothing = np.zeros(2)
    assert not LeaveOneOut((), np.empty((2, 1)), nothing, nothing, nothing, nothing, nothing).beats_chance
