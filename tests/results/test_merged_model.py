import numpy as np
import pytest
from scipy.stats import qmc

from hyperspace.results.merged_model import Merged
from hyperspace.space.space import check_space
from hyperspace.testing.problems import problem
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial


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
