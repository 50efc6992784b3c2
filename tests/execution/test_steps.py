"""The steps of a trial without a loop: what is asked and started now can be told later, by another process."""

import inspect

import pytest

from hyperspace import hyperdrive
from hyperspace.evaluators.base import Outcome
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.opening import study_record
from hyperspace.execution.steps import TrialSteps
from hyperspace.journal import StudyFolder, open_journal
from hyperspace.results.loading import read_trials
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.planning import plan_study
from hyperspace.trials.archive import Archive
from hyperspace.trials.trial import FAILED, OK, TrialKey

CALL = {name: parameter.default for name, parameter in inspect.signature(hyperdrive).parameters.items()}


@pytest.fixture
def study():
    call = CALL | {"hyperparameters": {"a": (0.0, 1.0), "b": ["x", "y"]}, "model": "RAND", "n_drives": 1}
    return plan_study(StudyArguments.check(call, "f"), None, ranks=1, fresh_seed=1)


@pytest.fixture
def opened(study, tmp_path):
    """Open the study's only journal; the function returns its steps and a function that asks for the trial of an iteration."""
    journals = []

    def open_again():
        folder = StudyFolder(tmp_path)
        folder.write_study(study_record(study))
        reader = folder.read_journals(study.space, [0], study.identity).get(0)
        journals.append(open_journal(folder, study.identity, 0, study.space, reader, len(journals), check=lambda: None))
        recorded = {} if reader is None else reader.trials
        steps = TrialSteps(study, SerialRanks(), {0: journals[-1]}, recorded, folder.scratch)
        strategy, archive = study.strategy.make(study), Archive(study.space.to_unit, study.metrics, study.space.d)
        return steps, lambda i: steps.ask(TrialKey(i, 0), lambda: strategy.ask(0, i, archive), strategy.home(0))

    yield open_again
    for journal in journals:
        journal.close()


def test_a_told_trial_is_on_disk(study, opened, tmp_path):
    steps, ask = opened()
    trial = ask(0)
    steps.start(trial)
    told = steps.tell(trial, Outcome(OK, metrics={"objective": 0.5}, seconds=3.0))
    (read,) = read_trials(StudyFolder(tmp_path), study.space, study.identity)
    assert (told.status, told.seconds, told.x) == (OK, 3.0, trial.x)
    assert (read.key, read.x, read.metrics, read.rank) == (trial.key, trial.x, {"objective": 0.5}, 0)


def test_what_was_asked_and_not_told_is_asked_again_at_the_same_point_by_the_next_process(opened):
    steps, ask = opened()
    trial = ask(0)
    steps.start(trial)
    steps, ask = opened()
    again = ask(0)
    assert (again.x, again.attempt) == (trial.x, 1)
    steps.start(again)
    assert steps.tell(again, Outcome(OK, metrics={"objective": 0.25})).attempt == 1


def test_any_number_of_trials_may_be_open_and_told_in_any_order(study, opened, tmp_path):
    steps, ask = opened()
    trials = [ask(i) for i in range(3)]
    for trial in trials:
        steps.start(trial)
    for trial in reversed(trials):
        steps.tell(trial, Outcome(OK, metrics={"objective": float(trial.iteration)}))
    read = read_trials(StudyFolder(tmp_path), study.space, study.identity)
    assert {trial.iteration: trial.metrics["objective"] for trial in read} == {0: 0.0, 1: 1.0, 2: 2.0}


def test_a_failure_is_told_and_asked_again(opened):
    steps, ask = opened()
    trial = ask(0)
    steps.start(trial)
    failed = steps.tell(trial, Outcome(FAILED, error="no mesh", fault="objective"))
    assert (failed.status, failed.error) == (FAILED, "no mesh")
    again = steps.ask_again(failed)
    assert (again.x, again.status, again.retry, again.error) == (trial.x, "running", 1, None)
