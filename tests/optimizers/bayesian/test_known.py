"""Trials as the engine reads them: an archive and an optimizer's own list say the same."""

import numpy as np

from hyperspace.optimizers.bayesian.known import Known, Told
from hyperspace.space import check_space
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import FAILED, OK, Trial

SPACE = check_space([(0.0, 10.0), ["a", "b"]])


def trials(n):
    ends = [{"status": FAILED} if i == 1 else {"status": OK, "metrics": {"objective": float(i)}} for i in range(n)]
    return [Trial(drive=0, iteration=i, x=(float(i), "ab"[i % 2]), **end) for i, end in enumerate(ends)]


def content(known: Known):
    return len(known), [trial.key for trial in known.trials], known.U, known.y, known.pending


def test_what_was_told_in_parts_is_read_as_from_an_archive():
    archive, told = Archive(SPACE.to_unit, Metrics(), 2), Told(Metrics(), 2)
    rows = trials(40)  # more than the first room of a growing array
    for first, last in ((0, 1), (1, 3), (3, 3), (3, 40)):
        archive.extend(rows[first:last])
        told.tell(rows[first:last], archive.U[first:last], archive.y[first:last])
        for one, other in zip(content(archive), content(told), strict=True):
            np.testing.assert_array_equal(one, other)
    assert np.isnan(told.y[1])


def test_before_the_first_trial_the_columns_are_empty():
    told = Told(Metrics(), 3)
    assert (len(told), told.U.shape, told.y.shape, told.pending.shape) == (0, (0, 3), (0,), (0, 3))
