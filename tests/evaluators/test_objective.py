"""The objective: whether it takes the trial's handle, and how it is called."""

import functools
import math

import pytest
from skopt.space import Real
from skopt.utils import use_named_args

from hyperspace.errors import InputError
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.objective import Objective, takes_handle

HANDLE = TrialHandle("3-2", 7, 0, None, lambda step, metrics: None, budget=9.0)


def passing_on(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def with_data(function):
    @functools.wraps(function)
    def wrapper(x):
        return function(x, [1, 2])

    return wrapper


def with_data_of_any(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args, [1, 2])

    return wrapper


def with_trial(function):
    @functools.wraps(function)
    def wrapper(x, trial):
        return function(x)

    return wrapper


class Called:
    def __init__(self, scale=1):
        self.scale = scale

    def __call__(self, x, trial):
        return 0

    @passing_on
    def method(self, x, trial):
        return 0

    def plain(self, x):
        return 0


class CalledThrough:
    @passing_on
    def __call__(self, x, trial):
        return 0


class Remembering:
    """An object that stands for a function, as joblib's and numba's do."""

    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, *args, **kwargs):
        return self.__wrapped__(*args, **kwargs)


def simple(x):
    return 0


def wanting(x, trial):
    return 0


def two(x, data):
    return 0


@pytest.mark.parametrize(
    ("objective", "takes"),
    [
        (lambda x: 0, False),
        (lambda x, trial: 0, True),
        (lambda x, handle: 0, True),
        (lambda x, trial=None: 0, True),
        (lambda x, scale=2.0: 0, False),
        (lambda x, *, trial: 0, False),
        (lambda *x: 0, False),
        (lambda: 0, False),
        (max, False),
        (math.sin, False),
        (passing_on(simple), False),
        (passing_on(wanting), True),
        (passing_on(passing_on(wanting)), True),
        (with_data(two), False),
        (with_data_of_any(two), False),
        (with_trial(simple), True),
        (passing_on(with_trial(simple)), True),
        (passing_on(with_data(wanting)), False),
        (use_named_args([Real(0.0, 1.0, name="a"), Real(0.0, 1.0, name="b")])(lambda a, b: a), False),
        (functools.partial(two, data=1), False),
        (functools.partial(wanting), True),
        (functools.partial(lambda data, x: 0, 1), False),
        (functools.partial(lambda data, x, trial: 0, 1), True),
        (functools.partial(lambda data, x, trial: 0, data=1), False),
        (functools.partial(passing_on(wanting)), True),
        (functools.lru_cache(wanting), True),
        (functools.lru_cache(two), False),
        (Called(), True),
        (Called().method, True),
        (Called().plain, False),
        (CalledThrough(), True),
        (Remembering(wanting), True),
        (Remembering(simple), False),
    ],
)
def test_who_takes_a_handle(objective, takes):
    assert takes_handle(objective) == takes


def test_a_function_that_wraps_itself_takes_no_handle():
    wrapper = passing_on(simple)
    wrapper.__wrapped__ = wrapper
    assert not takes_handle(wrapper)


def test_the_handle_is_the_last_argument_of_a_function_that_takes_it():
    assert Objective(lambda x: x)(1, handle=HANDLE) == 1
    assert Objective(lambda x, trial: (x, trial))(1, handle=HANDLE) == (1, HANDLE)
    assert Objective(lambda x, budget: (x, budget), n_arguments=2)(1, 9.0, handle=HANDLE) == (1, 9.0)
    assert Objective(lambda x, budget, trial: trial, n_arguments=2)(1, 9.0, handle=HANDLE) is HANDLE


def test_only_an_objective_with_the_handle_learns_its_budget():
    assert Objective(wanting).learns_budget
    assert not Objective(simple).learns_budget


def test_what_is_no_function_is_refused():
    Objective(simple).check()
    objective = Objective([1, 2])
    assert (objective.takes_handle, objective.name) == (False, "list")
    with pytest.raises(InputError, match=r"objective must be a function of the parameters, got \[1, 2\]"):
        objective.check()
