"""The arguments that define a study: taken from a call by name, and checked once."""

import inspect
from dataclasses import fields

import pytest

from hyperspace import Metric, hyperdrive
from hyperspace.errors import InputError
from hyperspace.exchange.spec import ROUND
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.strategies import STATIC
from hyperspace.study.arguments import StudyArguments

DEFAULTS = {name: parameter.default for name, parameter in inspect.signature(hyperdrive).parameters.items()}
CALL = DEFAULTS | {"objective": len, "hyperparameters": [(0.0, 1.0)], "results_path": "results"}


def test_every_field_is_an_argument_of_hyperdrive_under_its_name():
    renamed = {"objective_name": "objective", "space": "hyperparameters"}
    assert {renamed.get(field.name, field.name) for field in fields(StudyArguments)} <= set(DEFAULTS)


def test_names_become_objects_and_the_rest_stays():
    call = CALL | {"strategy": "static", "exchange": "round", "model": "HYPERBAND", "warm_start": "/a", "n_samples": 3}
    arguments = StudyArguments.check(call | {"metrics": [Metric("a")]}, "len")
    assert (arguments.strategy, arguments.exchange, arguments.model) == (STATIC, ROUND, Hyperband())
    assert (arguments.objective_name, arguments.space.d, arguments.metrics.goal) == ("len", 1, "a")
    assert (arguments.warm_start, arguments.n_samples, arguments.n_calls) == (("/a",), 3, None)
    assert StudyArguments.check(CALL, "len").exchange is None


@pytest.mark.parametrize("name", ["model", "acquisition", "strategy", "exchange", "sampler"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(InputError, match=f"{name} must be one of"):
        StudyArguments.check(CALL | {name: "none such"}, "len")
