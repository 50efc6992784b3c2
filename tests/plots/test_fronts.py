"""What the pictures of several goals hold."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection

from hyperspace import Metric, Result, plots, random_search
from hyperspace.errors import InputError
from hyperspace.results.attainment import attainment
from hyperspace.targets.dominance import non_dominated_ranks
from hyperspace.targets.hypervolume import hypervolume
from hyperspace.trials.trial import Trial

mpl.use("Agg")
TWO = [Metric("gain", goal="maximize"), Metric("cost", threshold=9.0), Metric("size", goal="constrain", upper=0.9)]
THREE = [Metric("u"), Metric("v"), Metric("w", goal="maximize")]


def objective(p):
    a, b = p["a"], p["b"]
    return {"gain": a - 0.3 * b, "cost": 10.0 * a * a + b, "size": a, "u": a * a + b, "v": (1 - a) ** 2 + b, "w": a - b}


def study(metrics, n=40, seed=0):
    space = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    return random_search(objective, space, None, n_calls=n, metrics=metrics, checkpoints=False, random_state=seed)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def two():
    return study(TWO)


@pytest.fixture(scope="module")
def three():
    return study(THREE)


def drawn(ax):
    """The points of each label, without the number of them."""
    return {
        text.partition(" (")[0]: np.asarray(handle.get_offsets())
        for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)
        if hasattr(handle, "get_offsets")
    }


def test_the_front_the_others_and_the_infeasible_are_drawn(two):
    ax = plots.plot_front(two)
    points = drawn(ax)
    front = two.front[["gain", "cost"]].to_numpy()
    assert sorted(map(tuple, points["on the front"])) == sorted(map(tuple, front))
    infeasible = [(t.metrics["gain"], t.metrics["cost"]) for t in two.all_trials if t.metrics["size"] > 0.9]
    assert sorted(map(tuple, points["infeasible"])) == sorted(infeasible)
    assert sum(map(len, points.values())) == 40
    assert ax.get_xlabel() == "gain (more is better)"
    assert any(list(line.get_ydata()) == [9.0, 9.0] for line in ax.get_lines())  # the threshold
    steps = next(line for line in ax.get_lines() if len(line.get_xdata()) == 2 * len(front) - 1)
    assert steps.get_xdata()[0] == front[:, 0].max()


def test_running_trials_are_counted(two):
    running = Trial(drive=9, iteration=0, x=(0.5, 0.5), started=1.0)
    result = Result([*two.all_trials, running], two.search_space, two.goals, two.partition)
    assert "running (1)" in plots.plot_front(result).get_legend_handles_labels()[1]
    assert plots.plot_parallel(result) is not None


def test_three_goals_are_a_matrix_of_pairs_or_one_of_them(three):
    figure = plots.plot_front(three).figure
    assert [ax.get_visible() for ax in figure.axes] == [True, False, True, True]
    ax = plots.plot_front(three, "w", "u")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w (more is better)", "u (less is better)")
    with pytest.raises(InputError, match="ax= holds one pair"):
        plots.plot_front(three, ax=ax)
    with pytest.raises(InputError, match="the goals are 'u', 'v', 'w'; got 'speed'"):
        plots.plot_front(three, "speed")


@pytest.mark.parametrize("name", ["two", "three"])
def test_the_hypervolume_never_falls_and_ends_at_that_of_the_front(name, request):
    result = request.getfixturevalue(name)
    (line,) = plots.plot_hypervolume(result).get_lines()
    curve = np.asarray(line.get_ydata())
    assert (np.diff(curve) >= 0.0).all()
    assert curve[-1] == pytest.approx(result.hypervolume)


def test_several_studies_share_a_reference():
    one, other = study(THREE, 20), study(THREE, 30, seed=1)
    lines = plots.plot_hypervolume({"one": one, "other": other}).get_lines()
    r = np.max([result.goals_reached.reference() for result in (one, other)], axis=0)
    for result, line in zip((one, other), lines, strict=True):
        assert line.get_ydata()[-1] == pytest.approx(hypervolume(result.goals_reached.Y, r))
    with pytest.raises(InputError, match="compare studies that want the same"):
        plots.plot_hypervolume([one, study(TWO, 5)])


def test_attainment_colors_are_probabilities(two):
    ax = plots.plot_attainment(two, n=4)
    reached = two.goals_reached
    Y = np.where(reached.usable[:, None], reached.Y, np.inf)
    expected = attainment(Y, Y[reached.usable], 4)
    np.testing.assert_allclose(np.sort(ax.collections[0].get_array()), np.sort(expected))


def test_parallel_coordinates_have_an_axis_for_each_goal_and_colors_by_rank(three):
    ax = plots.plot_parallel(three)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "u", "v", "w"]
    (lines,) = (child for child in ax.get_children() if isinstance(child, LineCollection) and child.get_array() is not None)
    assert sorted(lines.get_array()) == sorted(non_dominated_ranks(three.goals_reached.Y))
    assert all(len(segment) == 5 for segment in lines.get_segments())


def test_the_plots_of_one_goal_advise_that_of_several(two):
    for draw in (plots.plot_convergence, lambda result: plots.plot_regret(result, 0.0)):
        with pytest.raises(InputError, match="plot_hypervolume shows the progress of several"):
            draw(two)


def test_one_goal_has_no_picture_of_a_front():
    result = study([Metric("cost")], 5)
    for draw in (plots.plot_front, plots.plot_hypervolume, plots.plot_attainment):
        with pytest.raises(InputError, match="one goal, whose front is the best trial"):
            draw(result)


def test_without_a_feasible_trial_the_pictures_say_so():
    result = study([Metric("gain"), Metric("cost"), Metric("size", goal="constrain", upper=-1.0)], 8)
    for draw in (plots.plot_front, plots.plot_hypervolume, plots.plot_attainment, plots.plot_parallel):
        draw(result).figure.canvas.draw()


@pytest.mark.parametrize("draw", [plots.plot_front, plots.plot_attainment])
def test_the_other_axis_is_never_the_same_goal(two, draw):
    ax = draw(two, y=TWO[0].name)
    assert TWO[1].name in ax.get_xlabel()
    assert TWO[0].name in ax.get_ylabel()
