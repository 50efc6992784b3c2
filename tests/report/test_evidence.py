"""The data of the report: what the surrogate says, where there are enough trials for one."""

import numpy as np
from pages import evidence_of

from hyperspace import hyperdrive


def test_the_surrogate_is_asked_once_and_orders_the_parameters(tmp_path):
    hyperdrive(lambda x: x[0] + 9 * x[2], [(0.0, 1.0)] * 3, tmp_path, model="RAND", n_calls=20)
    evidence = evidence_of(tmp_path, modeled=True)
    assert evidence.by_importance[:2] == [2, 0]
    assert (np.argmax(evidence.importance.total), len(evidence.predictions)) == (2, 20)
    assert evidence.description is evidence.overview.description


def test_too_few_trials_leave_the_parameters_in_their_order(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)] * 3, tmp_path, model="RAND", n_calls=2)
    evidence = evidence_of(tmp_path, modeled=True)
    assert (evidence.predictions, evidence.importance) == (None, None)
    assert evidence.by_importance == [0, 1, 2]
