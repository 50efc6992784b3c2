"""Attempts at a trial: what is repeated, how often, and what is left to the next run."""

import time
from types import SimpleNamespace

import pytest

from hyperspace.evaluators.base import Evaluator, Outcome
from hyperspace.execution.attempts import Attempts
from hyperspace.execution.options import RunOptions
from hyperspace.journal.stop_request import StopRequest
from hyperspace.space import check_space
from hyperspace.trials.trial import FAILED, OK, Trial

GOOD = Outcome(OK, metrics={"objective": 1.0})
WRONG = Outcome(FAILED, error="no mesh", fault="objective")
KILLED = Outcome(FAILED, error="it was killed", fault="infrastructure")
FULL = Outcome(FAILED, error="the disk is full", fault="infrastructure", again=True)


class Scripted(Evaluator):
    """Evaluator with given outcomes, each of them after one poll without an outcome."""

    def __init__(self, outcomes, held_up_by=None):
        self.outcomes, self.submitted, self.canceled, self.waits = list(outcomes), [], False, False
        self._held_up_by = held_up_by

    def submit(self, trial, parameters):
        self.submitted.append((trial.attempt, parameters))
        self.waits = True

    def poll(self):
        if self.waits or not self.outcomes:
            self.waits = False
            return None
        return self.outcomes.pop(0)

    @property
    def held_up_by(self):
        return self._held_up_by

    def wait(self, seconds):
        pass

    def cancel(self):
        self.canceled = True

    def close(self):
        pass


def run(evaluator, stop=None, **options):
    """Evaluate one trial; return the outcome, the trial, the attempts that were recorded, and the number of idle turns."""
    study = SimpleNamespace(space=check_space({"x": (0.0, 1.0)}))
    context = SimpleNamespace(options=RunOptions(**options), stop=StopRequest(None, received=lambda: stop))
    reports = SimpleNamespace(clear=lambda: None)
    restarted, idle = [], []
    attempts = Attempts(study, context, evaluator, reports, lambda trial: restarted.append(trial.attempt), lambda: idle.append(1))
    trial, outcome = attempts.evaluate(Trial(drive=0, iteration=0, x=(0.5,)))
    return outcome, trial, restarted, len(idle)


def test_a_trial_is_polled_to_its_end_and_other_work_is_done_meanwhile():
    evaluator = Scripted([GOOD])
    outcome, trial, restarted, idle = run(evaluator)
    assert (outcome, trial.attempt, restarted, idle) == (GOOD, 0, [], 1)
    assert evaluator.submitted == [(0, {"x": 0.5})]


@pytest.mark.parametrize(
    ("outcomes", "retries", "attempts", "end"),
    [
        ([WRONG], 3, 0, WRONG),
        ([KILLED, GOOD], 0, 0, KILLED),
        ([KILLED, KILLED, GOOD], 2, 2, GOOD),
        ([KILLED, KILLED, GOOD], 1, 1, KILLED),
        ([FULL, FULL, GOOD], 0, 2, GOOD),  # a shortage costs no retry
        ([FULL, KILLED, GOOD], 1, 2, GOOD),
    ],
)
def test_only_failures_that_the_objective_did_not_cause_are_repeated(outcomes, retries, attempts, end):
    outcome, trial, restarted, _ = run(Scripted(outcomes), retries=retries)
    assert (outcome, trial.attempt, restarted) == (end, attempts, list(range(1, attempts + 1)))


@pytest.mark.parametrize(("failure", "reason"), [(WRONG, "SIGTERM"), (KILLED, "SIGTERM"), (FULL, "SIGTERM")])
def test_an_evaluation_that_ends_with_the_study_is_left_to_the_next_run(failure, reason):
    assert run(Scripted([failure]), stop=reason, retries=3)[0] is None
    assert run(Scripted([GOOD]), stop=reason)[0] is GOOD


def test_an_evaluation_that_cannot_begin_is_given_up_at_the_deadline():
    evaluator = Scripted([], held_up_by="the disk is full")
    assert run(evaluator, deadline=time.monotonic() - 1.0)[0] is None
    assert evaluator.canceled
