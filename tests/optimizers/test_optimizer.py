from decimal import Decimal

import numpy as np
import pytest

from hyperspace import Metric, Optimizer
from hyperspace.errors import InputError
from hyperspace.testing.problems import problem

SPACE = [(-5.0, 10.0), (1, 15), ["a", "b"]]
NAMED = {"rate": (1e-3, 1.0, "log-uniform"), "layers": (1, 4), "kind": ["relu", "tanh"], "epochs": 10}


def value(x):
    return float(np.sin(x[0]) + (x[1] - 4) ** 2 + (x[2] == "b"))


def test_a_loop_of_ask_and_tell_finds_the_minimum():
    function = problem("branin")
    regrets = []
    for seed in range(5):
        opt = Optimizer(function.dimensions, random_state=seed)
        for _ in range(30):
            x = opt.ask()
            opt.tell(x, function(x))
        assert function(opt.x) == opt.fun
        regrets.append(opt.fun - function.minimum)
    assert np.median(regrets) < 0.02


def test_mixed_spaces():
    found = []
    for seed in range(5):
        opt = Optimizer(SPACE, random_state=seed)
        for _ in range(25):
            x = opt.ask()
            assert -5.0 <= x[0] <= 10.0
            assert type(x[1]) is int
            assert x[2] in ("a", "b")
            opt.tell(x, value(x))
        found.append(opt.fun)
    assert np.median(found) == pytest.approx(-1.0, abs=0.01)


def test_named_spaces_give_dicts_with_the_constants():
    opt = Optimizer(NAMED)
    for _ in range(12):
        x = opt.ask()
        assert list(x) == list(NAMED)
        assert x["epochs"] == 10
        opt.tell(x, (np.log10(x["rate"]) + 2) ** 2 + x["layers"])
    assert opt.x["layers"] == 1


@pytest.mark.parametrize("model", ["GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT", "RAND"])
def test_every_model_name(model):
    if model in ("DNN", "ENSEMBLE"):
        pytest.importorskip("torch")
    opt = Optimizer(SPACE, model=model, n_samples=4)
    for _ in range(6):
        x = opt.ask()
        opt.tell(x, value(x))
    a, b = opt.ask(n=2)
    assert a != b
    assert opt.fun < np.inf


def test_several_points_at_once_differ_and_so_do_points_asked_for_one_after_the_other():
    opt = Optimizer(SPACE, n_samples=5)
    first = opt.ask(n=4) + [opt.ask() for _ in range(4)]
    assert len({tuple(x) for x in first}) == 8
    opt.tell(first, [value(x) for x in first])
    batch = opt.ask(n=4)
    assert len({tuple(x) for x in batch + first}) == 12


def test_same_seed_same_points_and_another_seed_others():
    def run(seed):
        opt = Optimizer(SPACE, random_state=seed)
        points = []
        for _ in range(10):
            points.append(opt.ask())
            opt.tell(points[-1], value(points[-1]))
        return points

    assert run(3) == run(3)
    assert run(3) != run(4)


@pytest.mark.parametrize("failed", [None, float("nan"), float("inf")])
def test_a_failed_evaluation_is_told_and_not_taken_as_a_number(failed):
    opt = Optimizer([(0.0, 1.0)], n_samples=3)
    for i in range(8):
        x = opt.ask()
        opt.tell(x, failed if i % 2 else x[0])
    assert np.isfinite(opt.fun)
    assert opt.fun == opt.x[0]


def test_everything_failing_is_survived():
    opt = Optimizer([(0.0, 1.0), (0.0, 1.0)], n_samples=3)
    points = []
    for _ in range(8):
        points.append(tuple(opt.ask()))
        opt.tell(points[-1], None)
    assert len(set(points)) == 8
    assert opt.x is None
    assert opt.fun == np.inf


def test_points_that_were_not_asked_for_can_be_told():
    opt = Optimizer([(0.0, 1.0)], n_samples=1)
    opt.tell([[0.1], [0.5], [0.9]], np.array([1.0, 0.0, 1.0]))
    assert opt.x == [0.5]
    opt.ask()
    assert opt.ask()[0] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([2.0], 1.0, "from 0.0 to 1.0"),
        ([0.5, 0.5], 1.0, "list of 1 values"),
        ([[0.5], [0.6]], [1.0], "2 points and 1 values"),
    ],
)
def test_wrong_answers_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        Optimizer([(0.0, 1.0)]).tell(x, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "XGB"}, "model must be one of"),
        ({"acquisition": "UCB"}, "acquisition must be one of"),
        ({"sampler": "grid"}, "sampler must be one of"),
        ({"n_samples": 0}, "n_samples must be a whole number of at least 1"),
        ({"random_state": -1}, "non-negative integer"),
        ({"random_state": "x"}, "non-negative integer"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Optimizer([(0.0, 1.0)], **arguments)


def test_ask_for_no_point_is_refused():
    with pytest.raises(InputError, match="whole number from 1"):
        Optimizer([(0.0, 1.0)]).ask(n=0)


LIMITED = [Metric("gain", goal="maximize"), Metric("size", goal="constrain", upper=0.5)]


def limited(x):
    return {"gain": x[0] + x[1], "size": x[0]}


@pytest.mark.parametrize("model", ["GP", "RF"])
@pytest.mark.parametrize("acquisition", ["EI", "TS", "gp_hedge"])
def test_constraints_are_kept(model, acquisition):
    opt = Optimizer([(0.0, 1.0)] * 2, model=model, acquisition=acquisition, metrics=LIMITED, random_state=1)
    sizes = []
    for _ in range(20):
        x = opt.ask()
        sizes.append(x[0])
        opt.tell(x, limited(x))
    assert sum(size <= 0.5 for size in sizes[5:]) >= 9
    assert opt.x[0] <= 0.5
    assert opt.fun == opt.x[0] + opt.x[1] > 1.3


def test_a_small_feasible_part_is_found_also_by_several_at_a_time():
    opt = Optimizer([(0.0, 1.0)] * 2, metrics=[Metric("loss"), Metric("c", goal="constrain", upper=0.04)], random_state=2)
    for _ in range(10):
        points = opt.ask(4)
        opt.tell(points, [{"loss": x[0], "c": float(np.hypot(x[0] - 0.731, x[1] - 0.318))} for x in points])
    assert opt.x is not None
    assert opt.fun == opt.x[0] < 0.7


def test_before_anything_is_feasible_there_is_no_best():
    opt = Optimizer([(0.0, 1.0)] * 2, metrics=LIMITED)
    opt.tell([0.9, 0.9], limited([0.9, 0.9]))
    assert opt.x is None
    assert opt.fun == -np.inf
    opt.tell([0.1, 0.9], limited([0.1, 0.9]))
    assert (opt.x, opt.fun) == ([0.1, 0.9], 1.0)


def test_what_tell_takes_is_what_an_objective_may_return():
    opt = Optimizer([(0.0, 1.0)] * 2)
    opt.tell([0.5, 0.5], {"loss": 2.0, "seconds": 1.0})
    assert opt.fun == 2.0
    opt = Optimizer([(0.0, 1.0)] * 2, metrics=LIMITED)
    opt.tell([0.5, 0.5], None)
    opt.tell([0.5, 0.6], {"gain": np.nan, "size": 0.1})
    opt.tell([0.5, 0.7], {"gain": 1.0, "size": np.nan})
    assert opt.x is None
    with pytest.raises(InputError, match="must return the metric 'size'"):
        opt.tell([0.5, 0.8], {"gain": 1.0})
    with pytest.raises(InputError, match="a dict with the metrics 'gain', 'size' was expected"):
        opt.tell([0.5, 0.8], 1.0)
    with pytest.raises(InputError, match="metrics="):
        Optimizer([(0.0, 1.0)], metrics=[Metric("a"), "b"])


def test_points_that_were_not_asked_for_count_towards_the_design():
    def arms(points):
        opt = Optimizer([(0.0, 1.0)] * 2, n_samples=6)
        for u in points:
            opt.tell([u, u], u)
        opt.ask(6)
        return [suggestion.arm for suggestion in opt._pending]

    assert arms([]) == ["design"] * 6
    assert arms([0.1, 0.3, 0.3, 0.7]) == ["design"] * 3 + ["EI"] * 3
    assert arms(np.linspace(0.0, 1.0, 30)) == ["EI"] * 6


def test_a_failed_point_that_was_not_asked_for_takes_nothing_off_the_design():
    opt = Optimizer([(0.0, 1.0)] * 2, n_samples=6)
    opt.tell([0.5, 0.5], None)
    opt.ask(6)
    assert [suggestion.arm for suggestion in opt._pending] == ["design"] * 6


@pytest.mark.parametrize("n", [1.5, True, "3", -1, 10**400])
def test_ask_takes_a_whole_number(n):
    with pytest.raises(InputError, match="whole number from 1"):
        Optimizer(SPACE).ask(n)


def test_ask_takes_the_integers_of_numpy():
    assert len(Optimizer(SPACE).ask(np.int64(2))) == 2


@pytest.mark.parametrize("y", [10**400, "a"])
def test_what_is_no_value_is_refused(y):
    with pytest.raises(InputError, match="tell expects a number"):
        Optimizer(SPACE).tell([0.5, 3, "a"], y)


def test_another_value_of_a_constant_is_refused():
    opt = Optimizer(NAMED)
    with pytest.raises(InputError, match="epochs is the constant 10 in this space, and the point has 20"):
        opt.tell(opt.ask() | {"epochs": 20}, 1.0)
    opt.tell(opt.ask() | {"epochs": 10.0}, 1.0)


@pytest.mark.parametrize(
    "dimension", [(0.0, 5e-324), (5e-324, 1e-310, "log-uniform"), (5e-324, 1.7e308, "log-uniform"), (1e308, 1.7e308)]
)
def test_the_smallest_and_largest_doubles_are_searched(dimension):
    opt = Optimizer([dimension, (0.0, 1.0)])
    for _ in range(8):
        x = opt.ask()
        assert dimension[0] <= x[0] <= dimension[1]
        opt.tell(x, x[1])


class _NoFloat:
    def __float__(self):
        raise RuntimeError("not I")


@pytest.mark.parametrize(
    "value", ["1", np.array("1"), _NoFloat(), {"loss": 10**400}, {"loss": _NoFloat()}, {"loss": Decimal("sNaN")}]
)
def test_what_is_no_number_is_told_as_an_input_error(value):
    with pytest.raises(InputError, match="number"):
        Optimizer([(0.0, 1.0)]).tell([0.5], value)


@pytest.mark.parametrize("argument", [{"acquisition": np.array(["EI", "PI"])}, {"sampler": ["sobol"]}, {"n_samples": 10**9}])
def test_an_argument_of_another_kind_is_an_input_error(argument):
    with pytest.raises(InputError, match=next(iter(argument))):
        Optimizer([(0.0, 1.0)], **argument)


def test_it_shows_itself_and_what_it_was_told():
    opt = Optimizer({"x": (0.0, 1.0)}, random_state=1)
    assert repr(opt) == "Optimizer(told=0, pending=0)"
    first, second = opt.ask(2)
    opt.tell(first, 2.0)
    assert repr(opt) == f"Optimizer(told=1, pending=1, fun=2.0, x={first!r})"
    opt.tell(second, None)
    opt.tell({"x": 0.25}, {"objective": 1.0})
    assert opt.history == [(first, 2.0), (second, None), ({"x": 0.25}, 1.0)]


def test_a_lost_point_is_forgotten():
    opt = Optimizer([(0.0, 1.0)], random_state=1)
    x = opt.ask()
    opt.forget(x)
    assert "pending=0" in repr(opt)
    for wrong in (x, [0.123]):
        with pytest.raises(InputError, match="not told yet"):
            opt.forget(wrong)


def test_a_seed_may_be_drawn():
    questions = {tuple(Optimizer([(0.0, 1.0)], random_state=None).ask()) for _ in range(3)}
    assert len(questions) > 1


def test_what_was_saved_goes_on_as_if_it_had_not_been():
    import pickle

    opt = Optimizer([(0.0, 1.0), (1, 9)], random_state=3)
    for _ in range(7):
        x = opt.ask()
        opt.tell(x, x[0] + x[1])
    loaded = pickle.loads(pickle.dumps(opt))
    assert loaded.history == opt.history
    assert [loaded.ask() for _ in range(2)] == [opt.ask() for _ in range(2)]


def test_maximize_is_the_same_search_turned_around():
    least, most = Optimizer([(0.0, 1.0)]), Optimizer([(0.0, 1.0)], maximize=True)
    assert most.fun == -np.inf
    for _ in range(12):
        x = least.ask()
        assert most.ask() == x
        least.tell(x, (x[0] - 0.3) ** 2)
        most.tell(x, -((x[0] - 0.3) ** 2))
    assert most.x == least.x
    assert most.fun == -least.fun
    assert most.history[0][1] == -least.history[0][1]
    with pytest.raises(InputError, match="maximize must be True or False, got 'yes'"):
        Optimizer([(0.0, 1.0)], maximize="yes")
    with pytest.raises(InputError, match='write goal="maximize"'):
        Optimizer([(0.0, 1.0)], metrics=[Metric("loss")], maximize=True)


def test_a_number_where_metrics_are_declared_is_refused_by_what_is_missing():
    optimizer = Optimizer([(0.0, 1.0)], metrics=[Metric("loss"), Metric("size", goal="constrain", upper=1.0)])
    with pytest.raises(InputError, match=r"^a plain number is not enough: a dict with the metrics 'loss', 'size' was expected$"):
        optimizer.tell(optimizer.ask(), 0.5)
