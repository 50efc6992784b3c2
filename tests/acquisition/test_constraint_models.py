"""Models of constrained metrics are a function of the trials alone, and lead to where the constraints are kept."""

import numpy as np
import pytest

from hyperspace.acquisition.constraint_models import FEWEST, MOST, ConstraintModels, n_learned_from, toward_feasible
from hyperspace.acquisition.optimize import Box
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

SPACE = check_space([(0.0, 1.0), (0.0, 1.0)])
WHOLE = Bounds.whole(2)
GOALS = Metrics([Metric("loss"), Metric("distance", goal="constrain", upper=0.05), Metric("load", goal="constrain", lower=1e5)])


def metrics(u):
    return {"loss": u[0], "distance": float(np.hypot(u[0] - 0.7, u[1] - 0.3)), "load": 1e6 * (1.0 - u[0])}


def trials(U, status=OK):
    return [Trial(drive=0, iteration=i, x=tuple(u), status=status, metrics=metrics(u)) for i, u in enumerate(U)]


def told(U, batch):
    models = ConstraintModels(SPACE, GOALS)
    for first in range(0, len(U), batch):
        models.tell(trials(U[first : first + batch]), U[first : first + batch])
        models.limits()
    return models


@pytest.mark.parametrize("n", [11, MOST + 30])
def test_how_often_they_were_asked_and_in_what_batches_they_were_told_changes_nothing(n):
    rng = np.random.default_rng(0)
    U, Q = rng.random((n, 2)), rng.random((5, 2))
    at_once = told(U, n).limits(U[3]).log_probability(Q)
    assert told(U, max(n // 3, 1)).limits(U[3]).log_probability(Q).tolist() == at_once.tolist()


def test_too_few_and_failed_trials_give_no_model():
    models = ConstraintModels(SPACE, GOALS)
    models.tell(trials(np.full((5, 2), 0.5), FAILED), np.full((5, 2), 0.5))
    assert models.limits() is None
    assert models.least_violating(WHOLE).shape == (0, 2)


def test_hyperparameters_are_learned_at_numbers_that_grow():
    numbers = [n_learned_from(n) for n in range(FEWEST, 200)]
    assert numbers == sorted(numbers)
    assert all(number <= n <= 1.2 * number + 1 for n, number in zip(range(FEWEST, 200), numbers, strict=True))


def test_violations_of_metrics_of_unlike_size_count_alike():
    U = np.array([[0.7, 0.4], [0.95, 0.3], [0.7, 0.31]])
    models = told(U, 3)
    assert models.violations()[2] == 0.0
    assert 0.1 < models.violations()[1] / models.violations()[0] < 10.0
    assert models.least_violating(WHOLE, 1).tolist() == [[0.7, 0.31]]
    assert models.least_violating(Bounds(np.zeros(2), np.array([1.0, 0.305])), 2).tolist() == [[0.95, 0.3]]


@pytest.mark.parametrize("drawn", [False, True])
def test_both_ways_lead_to_a_small_feasible_part(drawn):
    rng = np.random.default_rng(1)
    U = rng.random((8, 2))
    box, points = Box(SPACE, WHOLE), []
    for turn in range(12):
        models = told(U, len(U))
        u = toward_feasible(models, box, None, np.empty((0, 2)), drawn, np.random.default_rng(turn))[:1]
        points.append(GOALS.violation(metrics(u[0])))
        U = np.concatenate([U, u])
    assert min(points) == 0.0
