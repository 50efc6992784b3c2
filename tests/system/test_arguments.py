import copy
import inspect
import pickle

import pytest

import hyperspace
from hyperspace import Categorical, Integer, Metric, Optimizer, Real, hyperbelt, hyperdrive
from hyperspace.cluster.slurm import SlurmJob
from hyperspace.errors import ArgumentError, InputError
from hyperspace.evaluators.command import Command
from hyperspace.optimizers import ALGORITHMS, Hyperband, grid
from hyperspace.pruning import HalvingRule, MedianRule
from hyperspace.stopping import NoProgress, TargetValue, TimeLimit
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.surrogates.networks.dngo import DNN
from hyperspace.surrogates.networks.ensemble import DeepEnsemble
from hyperspace.system.arguments import check_names


def algorithm(name):
    from hyperspace import optimizers

    return getattr(optimizers, name)


PUBLIC = [
    *(getattr(hyperspace, name) for name in ("evolutionary_search", "grid_search", "random_search")),
    *(hyperdrive, hyperbelt, Optimizer, Metric, Real, Integer, Categorical),
    *(SlurmJob, Command, MedianRule, HalvingRule, NoProgress, TargetValue, TimeLimit, GP, DNN, DeepEnsemble),
    *(algorithm(name) for name in ALGORITHMS),
    Hyperband,
]


@pytest.mark.parametrize("function", PUBLIC, ids=lambda function: function.__name__)
def test_a_misspelled_argument_is_named_with_the_nearest(function):
    parameters = inspect.signature(function).parameters
    name = next(name for name in reversed(parameters) if parameters[name].kind is not inspect.Parameter.VAR_KEYWORD)
    with pytest.raises(ArgumentError) as caught:
        function(**{f"{name}_": 1})
    assert str(caught.value) == f"{function.__name__} has no argument '{name}_'; did you mean {name}?"


@pytest.mark.parametrize(
    ("function", "argument", "advice"),
    [
        (hyperdrive, "n_iteration", "did you mean n_iterations?"),
        (hyperdrive, "n_trials", "did you mean n_calls?"),  # Optuna's
        (hyperdrive, "seed", "did you mean random_state?"),
        (hyperbelt, "n_trials", "did you mean n_calls?"),
        (Optimizer, "acq_func", "did you mean acquisition?"),  # scikit-optimize's
        (Metric, "qqq", "its arguments are name, goal, lower, upper, threshold"),
        (Real, "Prior", "did you mean prior?"),
        (Metric, "direction", "did you mean goal?"),  # Optuna's
        (hyperdrive, "n_jobs", "or use hyperspace run --workers N"),
    ],
)
def test_what_is_meant(function, argument, advice):
    with pytest.raises(TypeError, match=r"^\w+ has no argument '\w+'; ") as caught:
        function(**{argument: 1})
    assert str(caught.value).endswith(advice)
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Optimizer([(0.0, 1.0)]).ask(n_points=2), "Optimizer.ask has no argument 'n_points'; did you mean n?"),
        (lambda: Optimizer([(0.0, 1.0)]).tell([0.5], value=2), "Optimizer.tell has no argument 'value'; did you mean y?"),
        (lambda: hyperspace.load_results(path="study"), "load_results has no argument 'path'; did you mean results_path?"),
    ],
)
def test_methods(call, told):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == told


def test_an_argument_that_is_given_is_not_meant():
    with pytest.raises(ArgumentError, match=r"Real has no argument 'log'; did you mean prior\?"):
        Real(0.1, 1.0, log=True)
    with pytest.raises(ArgumentError, match=r"Real has no argument 'lo'; its arguments are low, high"):
        Real(0.1, high=1.0, lo=0.2)


def test_an_argument_that_another_function_would_take_is_refused_in_its_own_words():
    with pytest.raises(InputError, match="hyperbelt does not take x0="):
        hyperbelt(lambda x, budget: 0.0, [(0.0, 1.0)], None, x0=[0.5])


def test_the_signature_is_that_of_the_original():
    parameters = inspect.signature(hyperdrive).parameters
    assert [*parameters][:5] == ["objective", "hyperparameters", "results_path", "model", "n_iterations"]
    assert parameters["overlap"].default == 0.25
    assert [*inspect.signature(Real).parameters][:3] == ["low", "high", "prior"]
    assert str(inspect.signature(Metric)).startswith("(name: 'str', goal: 'str' = 'minimize'")
    assert hyperdrive.__doc__.startswith("Find the global optimum")
    assert grid.GRID.__init__.__wrapped__ is not None


def test_what_is_right_goes_through():
    @check_names()
    def both(a, /, b, *, c=3):
        return a, b, c

    assert both(1, 2) == (1, 2, 3)
    assert both(1, b=2, c=4) == (1, 2, 4)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        both(1)
    with pytest.raises(ArgumentError, match="both has no argument 'a'"):
        both(a=1, b=2)


def test_a_class_with_the_check_is_copied_and_pickled():
    real = Real(0.0, 1.0, name="x")
    assert pickle.loads(pickle.dumps(real)) == copy.deepcopy(real) == real


def test_a_subclass_is_named_itself():
    class Mine(Real):
        pass

    with pytest.raises(ArgumentError, match="Mine has no argument 'lows'; did you mean low"):
        Mine(lows=1, high=2)
