"""Callbacks: what can be called with a trial, and several as one."""

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.pruning import MedianRule
from hyperspace.trials.callbacks import as_one
from hyperspace.trials.trial import Trial

TRIAL = Trial(drive=0, iteration=0, x=(0.5,))


class Saver:
    """A callback with a state of its own."""

    def __init__(self):
        self.seen = []

    def __call__(self, trial):
        self.seen.append(trial)


@pytest.mark.parametrize("wrap", [lambda callback: callback, lambda callback: [print, callback], lambda callback: (callback,)])
@pytest.mark.parametrize(
    ("callback", "told"),
    [
        (MedianRule, r"MedianRule is a pruning rule, no callback; pass it as pruner=MedianRule\(\)"),
        (MedianRule(), r"MedianRule is a pruning rule, no callback; pass it as pruner=MedianRule\(\)"),
        (dict, "the class dict; pass an object of it"),
        (Saver, r"the class Saver; pass an object of it, Saver\(\.\.\.\)"),
        (lambda: None, "cannot be called with one argument"),
        (
            lambda study, trial: None,
            r"called as callback\(trial\), and <lambda>\(study, trial\) cannot be called with one argument",
        ),
        (lambda *, trial: None, "cannot be called with one argument"),
        (3, "callback must be a function of a trial, or a list of such functions, got 3"),
        ("print", "callback must be a function of a trial"),
        ({1: print}, "callback must be a function of a trial"),
    ],
)
def test_what_cannot_be_called_with_a_trial_is_refused(callback, told, wrap):
    with pytest.raises(InputError, match=told):
        as_one(wrap(callback))


@pytest.mark.parametrize(
    "callback",
    [print, repr, min, lambda *trials: None, lambda trial, more=1: None, lambda trial, **more: None, Saver(), [].append],
)
def test_what_can_is_taken_as_it_is(callback):
    assert as_one(callback) is callback


def test_nothing_is_no_callback():
    assert as_one(None) is None
    assert as_one([]) is None
    assert as_one(()) is None


@pytest.mark.parametrize(
    ("answers", "ends"),
    [
        ([None], False),
        ([False, 1, "yes", [True]], False),
        ([True], True),
        ([np.True_], True),
        ([None, True], True),
        ([True, None], True),
        ([np.False_, None], False),
    ],
)
def test_several_are_called_in_order_whatever_one_of_them_says(answers, ends):
    called = []

    def made(number):
        def callback(trial):
            called.append((number, trial))
            return answers[number]

        return callback

    together = as_one([made(number) for number in range(len(answers))])
    assert together(TRIAL) is ends
    assert called == [(number, TRIAL) for number in range(len(answers))]


def test_a_list_that_changes_afterwards_changes_nothing():
    first, second = Saver(), Saver()
    callbacks = [first]
    together = as_one(callbacks)
    callbacks.append(second)
    together(TRIAL)
    assert (first.seen, second.seen) == ([TRIAL], [])


SPACE = [(0.0, 1.0), (0.0, 1.0)]


@pytest.mark.parametrize(
    ("callback", "told"), [(MedianRule, "is a pruning rule"), (lambda: None, "cannot be called"), ([3], "must be a function")]
)
def test_a_study_refuses_it_at_the_call(callback, told):
    with pytest.raises(InputError, match=told):
        hyperdrive(lambda x: x[0], SPACE, None, n_calls=1, checkpoints=False, callback=callback)


def test_a_study_calls_every_callback_of_a_list_and_ends_with_the_first_true(tmp_path):
    seen = {"one": [], "two": []}
    callbacks = [lambda trial: seen["one"].append(trial) or len(seen["one"]) == 5, lambda trial: seen["two"].append(trial)]
    options = {"n_drives": 4, "n_subspaces": 4, "model": "RAND"}
    result = hyperdrive(lambda x: x[0], SPACE, tmp_path, n_calls=40, callback=callbacks, **options)
    assert result.ended_by == "the callback"
    assert len(seen["one"]) == len(seen["two"]) == result.nfev
    assert hyperdrive(lambda x: x[0], SPACE, tmp_path / "none", n_calls=4, callback=[], **options).nfev == 4
