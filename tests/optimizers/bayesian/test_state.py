"""What follows from the ordered trials: when a model can be asked, and when a first feasible trial can be sought."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspace.optimizers.bayesian.known import Told
from hyperspace.optimizers.bayesian.settings import HEDGE, Settings, Setup
from hyperspace.optimizers.bayesian.state import State
from hyperspace.space import check_space
from hyperspace.space.space import Bounds
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, PRUNED, Trial

SPACE = check_space([(0.0, 1.0)] * 2)
LEFT = Bounds(np.zeros(2), np.array([0.5, 1.0]))
LIMITED = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=0.5)])


class Known:
    """Trials and their state."""

    def __init__(self, metrics: Metrics | None = None, box: Bounds | None = None) -> None:
        setup = Setup(SPACE, Settings(), "GP", "EI", 0, Bounds.whole(2) if box is None else box)
        self.told = Told(metrics or Metrics(), 2)
        self.state = State(setup, self.told.metrics, 2, 1)

    def tell(self, u: tuple[float, float], loss: float, **trial: object) -> State:
        ended = {"status": OK, "metrics": {"loss": loss}} | trial
        found = Trial(drive=0, iteration=len(self.told), x=u, **ended)
        self.told.tell([found], np.array([u]), np.array([loss]))
        self.state.update(self.told)
        return self.state


def test_a_model_needs_two_losses_one_of_them_in_the_box() -> None:
    known = Known(box=LEFT)
    assert not known.tell((0.8, 0.5), 1.0).is_informed
    assert not known.tell((0.9, 0.5), 2.0).is_informed
    assert known.tell((0.2, 0.5), 3.0).is_informed


def test_trials_outside_the_box_count_neither_as_best_nor_as_given() -> None:
    known = Known(box=LEFT)
    for u, loss in (((0.8, 0.5), 1.0), ((0.2, 0.5), 3.0), ((0.3, 0.1), 2.0)):
        state = known.tell(u, loss, origin="given")
    assert state.trust_regions.score.tolist() == [np.inf, 3.0, 2.0]
    assert state.trust_regions.regions[0].center == 2
    assert state.given.count == 2


@pytest.mark.parametrize("status", [PRUNED, FAILED])
def test_pruned_and_failed_trials_are_no_centers(status: str) -> None:
    known = Known()
    loss = 1.0 if status == PRUNED else np.nan
    for i in range(3):
        state = known.tell((0.1 * i, 0.5), loss, status=status, fault="objective" if status == FAILED else None)
    assert not state.is_informed


def test_a_feasible_trial_is_sought_with_models_of_constraints_or_failures() -> None:
    known = Known(LIMITED)
    assert not known.state.can_seek_feasible
    known.tell((0.1, 0.1), 1.0, metrics={"loss": 1.0, "size": 0.9})
    assert not known.state.can_seek_feasible  # a model of a constraint needs two values
    state = known.tell((0.6, 0.1), 2.0, metrics={"loss": 2.0, "size": 0.8})
    assert state.can_seek_feasible
    assert not state.is_informed
    assert known.tell((0.5, 0.9), 3.0, metrics={"loss": 3.0, "size": 0.4}).is_informed
    failing = Known()
    assert failing.tell((0.1, 0.1), np.nan, status=FAILED, fault="objective").can_seek_feasible
    assert not Known().tell((0.1, 0.1), np.nan, status=FAILED, fault="infrastructure").can_seek_feasible


def test_each_drive_has_its_own_portfolio() -> None:
    known = Known()
    record = {"gains": [0.0, 1.0, 2.0], "proposals": [[0.1, 0.1]] * 3}
    assert known.tell((0.1, 0.2), 1.0, model={HEDGE: record}).hedges == {0: record}
