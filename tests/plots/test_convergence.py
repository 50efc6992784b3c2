"""Convergence and regret: the lines, the trials beside them, and an axis that outliers do not flatten."""

import math

import numpy as np
import pytest
from drawn import in_order, labeled, made_of, of, told, trial
from matplotlib.collections import PathCollection, PolyCollection

from hyperspace import plots
from hyperspace.errors import InputError


def test_convergence_is_the_best_so_far_in_the_order_of_the_ends(result):
    ax = plots.plot_convergence(result)
    line = labeled(ax, "best so far")
    ended = sorted(result.all_trials, key=lambda trial: trial.started + trial.seconds)
    values = [trial.metrics.get("objective", -math.inf if result.maximize else math.inf) for trial in ended]
    better = np.maximum if result.maximize else np.minimum
    expected = better.accumulate(values)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 65))
    assert line.get_drawstyle() == "steps-post"  # a value holds from its own evaluation on
    np.testing.assert_array_equal(line.get_ydata(), np.where(np.isinf(expected), np.nan, expected))
    dots = labeled(ax, "trials").get_offsets()
    np.testing.assert_array_equal(np.sort(dots[:, 1]), np.sort(result.func_vals))
    crosses = labeled(ax, "failed").get_offsets()
    assert [int(x) - 1 for x, _ in crosses] == [row for row, trial in enumerate(ended) if trial.status == "failed"]


def test_convergence_by_subspace_has_a_line_each_and_the_winner_stands_out(result):
    ax = plots.plot_convergence(result, subspaces=True)
    lines = [line for line in ax.get_lines() if line.get_label() != "best so far"]
    assert len(lines) == 4
    ends = [line.get_ydata()[-1] for line in lines]
    assert ends == [own.fun for own in result.subspaces]
    (winner,) = [line for line in lines if "which found the best" in line.get_label()]
    assert winner.get_ydata()[-1] == result.fun
    with pytest.raises(InputError, match="single Result"):
        plots.plot_convergence([result, result], subspaces=True)


def test_several_studies_are_a_median_and_quartiles():
    def study(*values):
        return made_of([trial(0, i, float(value), started=float(i)) for i, value in enumerate(values)])

    ax = plots.plot_convergence({"one": [study(4, 2, 3), study(8, 6, 1), study(6, 5, 4, 0)], "other": study(9, 8, 7)})
    one = labeled(ax, "one (median and quartiles of 3)")
    np.testing.assert_array_equal(one.get_ydata(), [6, 5, 2])  # as far as all of them go
    np.testing.assert_array_equal(labeled(ax, "other").get_ydata(), [9, 8, 7])
    (band,) = of(ax, PolyCollection)
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1.5, 7.0)


def test_what_breaks_a_constraint_or_had_a_small_budget_is_no_best():
    trials = [
        trial(0, 0, 5.0, started=0.0, model={"budget": 9}),
        trial(0, 1, 1.0, started=2.0, model={"budget": 3}),
        trial(0, 2, 4.0, started=4.0, model={"budget": 9}),
    ]
    line = labeled(plots.plot_convergence(made_of(trials)), "best so far")
    np.testing.assert_array_equal(line.get_ydata(), [5, 5, 4])


def test_regret_is_the_distance_from_the_optimum(result):
    optimum = 99.0 if result.maximize else -99.0
    ax = plots.plot_regret(result, optimum)
    assert ax.get_yscale() == "log"
    assert ax.get_lines()[0].get_ydata()[-1] == pytest.approx(abs(result.fun - optimum))


def test_studies_that_want_opposite_things_are_not_compared():
    with pytest.raises(InputError, match="minimize and others maximize"):
        plots.plot_convergence([made_of([trial(0, 0, 1.0)]), made_of([trial(0, 0, 1.0)], maximize=True)])
    with pytest.raises(InputError, match="got none"):
        plots.plot_convergence({})
    with pytest.raises(InputError, match="load_results"):
        plots.plot_convergence(["results"])


@pytest.mark.parametrize("shift", [0.0, -5.0])
def test_a_value_far_off_does_not_flatten_the_others_and_is_told(shift):
    values = [1.0 + i / 20 + shift for i in range(20)] + [1e9]
    ax = plots.plot_convergence(made_of([trial(0, i, value, started=float(i)) for i, value in enumerate(values)]))
    low, high = ax.get_ylim()
    assert low < 1.0 + shift < 1.95 + shift < high < 3.0 + shift
    assert ax.get_yscale() == "linear"
    assert len(ax.texts) == 0
    np.testing.assert_array_equal(labeled(ax, "above this axis").get_offsets()[:, 0], [21])


def test_a_study_of_failures_only_says_so_and_shows_them():
    ax = plots.plot_convergence(made_of([trial(0, i, status="failed", error="no", started=float(i)) for i in range(5)]))
    assert [text.get_text() for text in ax.texts] == ["no trial has ended well so far"]
    assert len(labeled(ax, "failed").get_offsets()) == 5
    assert ax.get_xlim()[0] < 1 < 5 < ax.get_xlim()[1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_evaluations_are_counted_in_whole_numbers(n):
    ax = plots.plot_convergence(made_of([trial(0, i, 1.0, started=float(i)) for i in range(n)]))
    ax.figure.canvas.draw()
    assert all(tick.is_integer() for tick in ax.get_xticks())


def test_given_trials_come_first_and_lines_of_subspaces_leave_them_out():
    given = trial(-1, 0, 3.0, started=99.0, origin="given")
    asked = [trial(0, 0, 4.0, started=0.0, subspace=0), trial(1, 0, 5.0, started=1.0, subspace=1)]
    ax = plots.plot_convergence(made_of([*asked, given]), subspaces=True)
    np.testing.assert_array_equal(labeled(ax, "trials").get_offsets()[:, 1], [3.0, 4.0, 5.0])
    lines = [line for line in ax.get_lines() if line.get_label() != "best so far"]
    np.testing.assert_array_equal([line.get_ydata() for line in lines], [[np.nan, 4.0, 4.0], [np.nan, np.nan, 5.0]])
    assert not any("which found the best" in text for text in told(ax))  # the best one was given


def test_trials_with_a_smaller_budget_are_told_apart():
    trials = [trial(0, i, 5.0 - i, started=float(i), model={"budget": budget}) for i, budget in enumerate((9, 3, 9))]
    ax = plots.plot_convergence(made_of(trials))
    np.testing.assert_array_equal(labeled(ax, "trials").get_offsets(), [[1, 5], [3, 3]])
    np.testing.assert_array_equal(labeled(ax, "smaller budget").get_offsets(), [[2, 4]])


def test_single_trials_may_be_left_out():
    ax = plots.plot_convergence(in_order(3.0, None, 2.0), trials=False)
    assert told(ax) == ["best so far"]
    assert of(ax, PathCollection) == []


def test_what_was_pruned_and_what_failed_stand_at_the_edge_with_their_counts():
    trials = [
        trial(0, 0, 2.0, status="pruned"),
        trial(0, 1, 1.0, started=1.0),
        trial(0, 2, status="failed", error="no", started=2.0),
    ]
    ax = plots.plot_convergence(made_of(trials))
    assert told(ax) == ["trials", "failed (1)", "pruned (1)", "best so far"]
    assert [int(labeled(ax, label).get_offsets()[0][0]) for label in ("pruned", "trials", "failed")] == [1, 2, 3]
    assert labeled(ax, "best so far").get_ydata()[-1] == 1.0


def test_a_median_begins_where_all_studies_have_a_value():
    ax = plots.plot_convergence({"seeds": [in_order(None, 4.0, 3.0), in_order(2.0, 1.0, 0.5)], "none": in_order(None, None)})
    line = labeled(ax, "seeds (median and quartiles of 2)")
    np.testing.assert_array_equal(line.get_xdata(), [2, 3])
    np.testing.assert_array_equal(line.get_ydata(), [2.5, 1.75])
    assert told(ax) == ["seeds (median and quartiles of 2)"]


@pytest.mark.parametrize(("last", "scale"), [(1e-3, "log"), (0.5, "linear"), (-1.0, "linear")])
def test_compared_studies_have_a_logarithmic_axis_if_their_values_need_one(last, scale):
    assert plots.plot_convergence({"a": in_order(9.0, 8.0), "b": in_order(9.0, last)}).get_yscale() == scale


def test_values_far_below_are_those_that_do_not_count_if_the_largest_is_best():
    values = [1.0 + i / 20 for i in range(20)] + [-1e9]
    ax = plots.plot_convergence(in_order(*values, maximize=True))
    assert 0.0 < ax.get_ylim()[0] < 1.0
    assert "below this axis (1)" in told(ax)


def test_the_regret_of_the_optimum_itself_is_tiny_and_not_zero():
    ax = plots.plot_regret({"a": in_order(3.0, 2.0)}, optimum=2.0)
    np.testing.assert_allclose(labeled(ax, "a").get_ydata(), [1.0, 1e-12])
    ax = plots.plot_regret(in_order(1.0, 2.0, maximize=True), optimum=4.0)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), [3.0, 2.0])


def test_an_empty_group_is_an_error():
    with pytest.raises(InputError, match="got none"):
        plots.plot_regret({"one": in_order(1.0), "other": []}, optimum=0.0)
