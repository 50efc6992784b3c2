"""Algorithms that know of losses alone see what breaks a constraint behind all that keeps them."""

import math

import numpy as np

from hyperspace.optimizers.base import AskTell
from hyperspace.optimizers.penalty import penalized
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

GOALS = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=1.0)])


class Listener(AskTell):
    def __init__(self):
        self.heard = []

    def ask(self, key, pending):
        raise NotImplementedError

    def tell(self, trials, U, y):
        self.heard += list(y)


def hear(graded):
    listener = Listener()
    outcomes = [(5.0, 0.5), (1.0, 1.5), (0.0, 1e300), (2.0, 3.0), (1e200, 0.0)]
    trials = [
        Trial(drive=0, iteration=i, x=(), status=OK, metrics={"loss": loss, "size": size})
        for i, (loss, size) in enumerate(outcomes)
    ]
    trials.append(Trial(drive=0, iteration=9, x=(), status=FAILED))
    y = np.array([loss for loss, _ in outcomes] + [math.nan])
    penalized(listener, GOALS, graded).tell(trials, np.zeros((6, 1)), y)
    return listener.heard


def test_feasible_ones_come_first_then_the_least_violation_then_failures():
    heard = hear(graded=True)
    assert heard[0] == 5.0
    assert math.isnan(heard[5])
    assert np.argsort(heard[:5]).tolist() == [0, 4, 1, 3, 2]
    assert np.isfinite(heard[:5]).all()


def test_an_optimizer_of_the_users_hears_of_them_as_failures():
    assert np.isnan(hear(graded=False)).tolist() == [False, True, True, True, False, True]


def test_without_constraints_nothing_stands_between():
    listener = Listener()
    assert penalized(listener, Metrics()) is listener
    assert penalized(listener, None) is listener
