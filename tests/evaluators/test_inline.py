import functools
import math

import pytest
from skopt.space import Real
from skopt.utils import use_named_args

from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import InlineEvaluator, takes_handle
from hyperspace.metrics import AmbiguousMetrics, Metrics
from hyperspace.trial import Trial

TRIAL = Trial(drive=3, iteration=2, x=(0.5,))


def evaluate(objective, parameters=(0.5,)):
    reports = []
    handle = TrialHandle("3-2", 7, 0, None, lambda step, metrics: reports.append((step, metrics)))
    evaluator = InlineEvaluator(objective, Metrics(), lambda trial: handle)
    evaluator.submit(TRIAL, list(parameters))
    outcome = evaluator.poll()
    assert evaluator.poll() is None  # an outcome comes once
    return outcome, reports


def test_a_value_is_an_outcome():
    outcome, _ = evaluate(lambda x: 2 * x[0])
    assert (outcome.status, outcome.metrics, outcome.error) == ("ok", {"objective": 1.0}, None)
    assert outcome.seconds >= 0


def test_what_is_raised_is_recorded_with_its_traceback():
    def broken(x):
        raise ZeroDivisionError("no mesh")

    outcome, _ = evaluate(broken)
    assert (outcome.status, outcome.fault, outcome.metrics) == ("failed", "objective", {})
    assert "in broken" in outcome.error
    assert "ZeroDivisionError: no mesh" in outcome.error


@pytest.mark.parametrize("returned", [None, "1.0", float("nan"), float("inf"), [None]])
def test_a_wrong_answer_is_a_failed_trial(returned):
    outcome, _ = evaluate(lambda x: returned)
    assert outcome.status == "failed"
    assert "the objective returned" in outcome.error or "one number" in outcome.error


def test_leaving_the_program_is_a_failed_trial():
    outcome, _ = evaluate(lambda x: exit(3))
    assert (outcome.status, outcome.error) == ("failed", "the objective called sys.exit(3)")


def test_an_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(interrupted)


def test_metrics_without_a_goal_are_fatal():
    outcome, _ = evaluate(lambda x: {"a": 1.0, "b": 2.0})
    assert outcome.status == "failed"
    assert isinstance(outcome.fatal, AmbiguousMetrics)


def test_a_second_argument_is_the_handle():
    def reports(x, trial):
        trial.report(1, 0.5)
        trial.report(2, {"loss": 0.25, "accuracy": 1})
        return trial.seed

    outcome, reported = evaluate(reports)
    assert outcome.metrics == {"objective": 7.0}
    assert reported == [(1, {"objective": 0.5}), (2, {"loss": 0.25, "accuracy": 1.0})]


def test_a_scratch_folder_needs_a_study_with_files():
    outcome, _ = evaluate(lambda x, trial: trial.folder)
    assert "a scratch folder needs checkpoints=True" in outcome.error


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


def test_an_objective_of_named_arguments_is_evaluated():
    objective = use_named_args([Real(0.0, 1.0, name="a"), Real(0.0, 1.0, name="b")])(lambda a, b: a + b)
    outcome, _ = evaluate(objective, [0.25, 0.5])
    assert outcome.metrics == {"objective": 0.75}
