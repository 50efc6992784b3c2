import io
import linecache
import sys
import warnings

import numpy as np
import pytest

from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.receiving import Received, make_cached, make_cached_property, read_parts, set_cached
from hyperspace.evaluators.sending import Payload
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metric, Metrics


def stream(*parts):
    return io.BufferedReader(io.BytesIO(b"".join(parts)))


def test_parts_come_in_their_sizes_and_only_some_may_be_changed():
    source = stream(b"first", b"", b"third", b"rest")
    first, second, third = read_parts(source, [5, 0, 5], [True, False])
    assert [bytes(part) for part in (first, second, third)] == [b"first", b"", b"third"]
    assert [part.readonly for part in (first, second, third)] == [True, False, True]
    assert source.read() == b"rest"


@pytest.mark.parametrize("data", [b"", b"firs", b"firstsecon"])
def test_a_rank_that_has_closed_its_end_before_is_an_end(data):
    with pytest.raises(EOFError):
        read_parts(stream(data), [5, 6], [True])


@pytest.fixture
def receive(monkeypatch):
    """Receive an objective in this process: the main module and the filters of warnings are restored."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run(objective, space, metrics=None):
        payload = Payload(Objective(objective), Metrics() if metrics is None else metrics, space)
        data = stream(*payload.parts)
        return payload, Received(read_parts(data, [len(part) for part in payload.parts], payload.writable))

    with warnings.catch_warnings(), np.errstate():
        yield run


def test_an_objective_arrives_with_its_data_and_metrics(receive):
    weights = np.arange(4.0)
    metrics = Metrics([Metric("gain", goal="maximize")])
    _, received = receive(lambda p, trial: weights @ weights + p["x"], check_space({"x": (0.0, 1.0)}), metrics)
    assert received.objective.function({"x": 1.0}, None) == 15.0
    assert received.objective.takes_handle is True
    assert [metric.name for metric in received.metrics.declared] == ["gain"]
    assert sys.modules["__main__"].__dict__.keys() >= {"__name__"}


def test_objects_of_the_payload_are_the_same_in_every_message(receive):
    def relu(x):
        return max(x, 0.0)

    class Wide:
        width = 512

    space = check_space({"f": [relu, abs], "net": [Wide, "narrow"], "x": (0.0, 1.0)})
    payload, received = receive(lambda p, trial: (relu, Wide), space)
    messages = [received.load(stream(payload.dumps({"f": relu, "net": Wide, "x": 0.5}))) for _ in range(2)]
    assert messages[0]["f"] is messages[1]["f"] is not relu
    assert received.objective.function(None, None) == (messages[0]["f"], messages[0]["net"])
    assert (messages[0]["net"].width, messages[0]["x"]) == (512, 0.5)


def test_several_messages_follow_each_other(receive):
    payload, received = receive(lambda p, trial: 0.0, check_space({"x": (0.0, 1.0)}))
    source = stream(payload.dumps({"trial": 1}), payload.dumps(None), payload.dumps("pruned at step 2"))
    assert [received.load(source) for _ in range(3)] == [{"trial": 1}, None, "pruned at step 2"]
    with pytest.raises(EOFError):
        received.load(source)


def test_lines_of_a_notebooks_cell_come_along_for_tracebacks(receive, monkeypatch):
    text = "def objective(p, trial):\n    raise ValueError('no mesh')\n"
    monkeypatch.setitem(linecache.cache, "<cell 7>", (len(text), None, text.splitlines(True), "<cell 7>"))
    cell = {"__name__": "__main__"}
    exec(compile(text, "<cell 7>", "exec"), cell)
    payload, _ = receive(cell["objective"], check_space({"x": (0.0, 1.0)}))
    del linecache.cache["<cell 7>"]  # as in another process
    Received(read_parts(stream(*payload.parts), [len(part) for part in payload.parts], payload.writable))
    assert linecache.getline("<cell 7>", 2) == "    raise ValueError('no mesh')\n"


def test_a_cached_function_is_made_in_two_steps_since_it_may_call_itself():
    cached = make_cached(2, True)

    def fibonacci(n):
        return n if n < 2 else cached(n - 1) + cached(n - 2)

    set_cached(cached, (fibonacci, {"__doc__": "Fibonacci numbers", "limit": 7}))
    assert cached(20) == 6765
    assert (cached.cache_info().maxsize, cached.limit, cached.__doc__) == (2, 7, "Fibonacci numbers")
    assert cached.cache_parameters() == {"maxsize": 2, "typed": True}


def test_a_cached_property_is_computed_once_under_its_name():
    counted = []

    class Model:
        pass

    Model.twice = make_cached_property(lambda self: counted.append(1) or 2.0, "twice")  # as cloudpickle makes a class
    model = Model()
    assert (model.twice, model.twice, len(counted)) == (2.0, 2.0, 1)
    assert vars(model) == {"twice": 2.0}
