"""Failures by kind."""

import pytest

from hyperspace.evaluators.trial_output import STDERR_FOLLOWS
from hyperspace.results.failure_kinds import failure_kinds, message
from hyperspace.trials.trial import Trial


def failed(error, number=0):
    return Trial(drive=0, iteration=number, x=(), started=float(number)).finish("failed", error=error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "no message"),
        ("Traceback (most recent call last):\n  File x\nValueError: too many", "ValueError: too many"),
        ("'drag' is inf", "'drag' is inf"),
        (f"'drag' is inf\n{STDERR_FOLLOWS}\nwarning: overflow in step 3", "'drag' is inf"),
        (
            f"the command ended with exit code 3\n{STDERR_FOLLOWS}\nmesh\nno mesh: cell 12",
            "the command ended with exit code 3: no mesh: cell 12",
        ),
    ],
)
def test_a_failure_is_named_by_its_cause(error, told):
    assert message(failed(error)) == told


def test_messages_that_differ_in_numbers_are_one_kind():
    trials = [failed("cell 12 of 40", 2), failed("no license", 1), failed("cell 7 of 40", 0)]
    first, second = failure_kinds(trials)
    assert (len(first.trials), first.first.iteration, first.last.iteration) == (2, 0, 2)
    assert message(second.first) == "no license"
