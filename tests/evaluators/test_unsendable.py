import ctypes
import functools
import pickle
import re
import socket
import threading

import faults
import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.unsendable import explain
from hyperspace.evaluators.worker_client import Worker
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metrics

LOCK = threading.Lock()
SPACE = check_space({"x": (0.0, 1.0)})
REST = " and cannot be sent to another process; make it within the objective, or put both into a module that the program imports"


def refusal(objective, space=SPACE):
    with pytest.raises(InputError) as refused:
        Worker(Objective(objective), Metrics(), space).await_ready()
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    assert "cannot be evaluated in a process of its own" in message
    assert "cannot be sent to another process; make it within the objective" in message
    return message


def test_what_cannot_be_sent_is_named_in_one_sentence(tmp_path):
    lock, library, generator = threading.Lock(), ctypes.CDLL(None), (x for x in [1])

    def helper():
        return lock

    class Simulation:
        def __init__(self):
            self.held = {"locks": [1, lock]}

        def run(self, parameters):
            return 0.0

    with open(tmp_path / "log", "w+") as log, socket.socket() as connection:
        assert "log, which" in refusal(lambda p: log)
        assert "is an open file" in refusal(lambda p: log)
        assert "connection, which" in refusal(lambda p: connection)
    assert "lock, which test_what_cannot_be_sent_is_named_in_one_sentence.<locals>.helper uses, is a lock" in refusal(
        lambda p: helper()
    )
    assert "Simulation.held['locks'][1] is a lock" in refusal(Simulation().run).replace(
        "test_what_cannot_be_sent_is_named_in_one_sentence.<locals>.", ""
    )
    assert "library, which" in refusal(lambda p: library)
    assert "of type generator" in refusal(lambda p: next(generator))
    assert "hyperparameters['f'] is a lock" in refusal(faults.behave, check_space({"f": [lock, max], "x": (0.0, 1.0)}))


def named(function):
    objective = Objective(function)
    objective.name = "objective"
    return objective


def told(objective, space=SPACE):
    """Return the explanation without its constant end and without this module's long names."""
    text = explain(named(objective), space, pickle.PicklingError("cannot pickle it"))
    assert text.endswith(REST)
    return re.sub(r"test_\w+\.<locals>\.", "", text.removesuffix(REST))


def test_the_way_to_the_value_at_fault_is_told():
    lock = threading.Lock()

    def of_two(parameters, other):
        return 0.0

    def with_default(parameters, other=lock):
        return 0.0

    def nested(parameters):
        return [lock for _ in range(3)]

    @functools.lru_cache
    def cached(parameters):
        return lock

    def marked(parameters):
        return 0.0

    class Holder:
        shared = lock

        def run(self, parameters):
            return 0.0

    marked.held = lock
    deep = {"a": [(1, {"b": lock})]}
    assert told(functools.partial(of_two, lock)) == "argument 0 of objective is a lock"
    assert told(functools.partial(of_two, other=lock)) == "argument other of objective is a lock"
    assert told(with_default) == "a default or attribute of with_default, which with_default uses, is a lock"
    assert told(marked) == "a default or attribute of marked, which marked uses, is a lock"
    assert told(nested) == "lock, which nested uses, is a lock"
    assert told(lambda p: [LOCK for _ in range(3)]) == "LOCK, which <lambda> uses, is a lock"
    assert told(cached) == "lock, which cached uses, is a lock"
    assert told(lambda p: deep["a"]) == "deep['a'][0][1]['b'], which <lambda> uses, is a lock"
    assert told(Holder().run) == "Holder.shared is a lock"
    assert told(lambda p: frozenset([lock])) == "lock, which <lambda> uses, is a lock"


def test_an_element_of_a_set_is_told():
    held = {threading.Lock()}
    assert told(lambda p: held) == "an element of held, which <lambda> uses, is a lock"


def test_what_is_no_lock_is_told_by_its_type_and_error():
    class Stubborn:
        def __reduce__(self):
            raise ValueError("I stay\nwhere I am")

    stubborn = Stubborn()
    assert told(lambda p: stubborn).endswith("Stubborn (ValueError: I stay)")


def test_objects_that_hold_each_other_end_the_search():
    first, second = [threading.Lock()], []
    first.append(second)
    second.append(first)
    assert told(lambda p: second) == "second[0][0], which <lambda> uses, is a lock"
    third, fourth = [], []
    third.extend([fourth, threading.Lock()])
    fourth.append(third)
    assert told(lambda p: fourth) == "fourth[0][1], which <lambda> uses, is a lock"


def test_a_category_at_fault_is_told_if_the_objective_is_not():
    space = check_space({"f": [threading.Lock(), max], "x": (0.0, 1.0)})
    assert told(faults.behave, space) == "hyperparameters['f'] is a lock"


def test_an_error_that_nothing_explains_is_told_itself():
    error = pickle.PicklingError("memory is short\nand more")
    assert explain(Objective(faults.behave), SPACE, error) == "PicklingError: memory is short"


class Mute(Exception):
    def __str__(self):
        raise ValueError("this error has no message")


def test_an_error_without_a_message_is_told_by_its_name():
    assert explain(Objective(faults.behave), SPACE, Mute()) == "Mute: <its message cannot be shown>"


class Unbound:
    """As a proxy of a web framework outside of a request: whatever is asked of it is an error."""

    def __getattribute__(self, name):
        if name in ("__class__", "__reduce_ex__"):
            return object.__getattribute__(self, name)
        raise RuntimeError("working outside of a request")

    def __reduce_ex__(self, protocol):
        raise Mute


def test_an_object_that_cannot_be_examined_is_one_sentence():
    proxy = Unbound()
    assert explain(named(lambda p: proxy), SPACE, Mute()) == "Mute: <its message cannot be shown>"
    with pytest.raises(InputError, match="cannot be evaluated in a process of its own"):
        Worker(Objective(lambda p: proxy), Metrics(), SPACE)
