"""Axes in the terms of the search space, limits of values, and the rest that all plots share."""

import numpy as np
import pytest
from drawn import labeled, limited, told, trial
from matplotlib import pyplot

from hyperspace import Categorical, Integer
from hyperspace.errors import InputError
from hyperspace.plots import style
from hyperspace.space import check_space


def test_a_place_on_an_axis_is_the_value():
    space = check_space({"rate": (1e-4, 1.0, "log-uniform"), "units": Integer(2, 64, prior="log-uniform"), "kind": ["a", "b"]})
    for dimension, values in zip(space.dimensions, ([1e-4, 0.01, 1.0], [2, 9, 64], ["a", "b"]), strict=True):
        expected = values if not isinstance(values[0], str) else [0, 1]
        np.testing.assert_allclose(style.place(dimension, dimension.to_unit(values)), expected)


def test_ticks_of_integers_are_integers():
    ticks, labels = style.ticks_of(check_space([(1, 3)]).dimensions[0])
    assert (ticks, labels) == ([1.0, 2.0, 3.0], ["1", "2", "3"])
    ticks, labels = style.ticks_of(Integer(1, 1000, prior="log-uniform"))
    assert labels == ["1", "10", "100", "1000"]


def test_integers_far_from_zero_count_from_their_lower_end():
    far = Integer(2**60, 2**60 + 3)
    assert (style.origin(far), style.origin(Integer(1, 8)), style.origin(Integer(-(10**9) - 3, -(10**9)))) == (
        2**60,
        0,
        -(10**9) - 3,
    )
    assert style.origin(check_space([(1e9, 1e9 + 1)]).dimensions[0]) == 0
    np.testing.assert_allclose(style.place(far, far.to_unit([2**60, 2**60 + 3])), [0, 3])
    ax = pyplot.figure().gca()
    style.mark_axis(ax.xaxis, far, "n")
    assert ax.get_xlabel().replace("\n", " ") == f"n (+ {2**60})"
    assert style.ticks_of(far) == ([0.0, 1.0, 2.0, 3.0], ["0", "1", "2", "3"])


def test_many_categories_have_a_label_each_few():
    ticks, names = style.ticks_of(Categorical([f"c{i}" for i in range(100)]))
    assert ticks == [float(i) for i in range(0, 100, 5)]
    assert names[1] == "c5"


def test_a_logarithmic_axis_of_less_than_two_decades_has_ticks_within_a_decade():
    narrow, wide = check_space([(1.0, 20.0, "log-uniform"), (1e-4, 1.0, "log-uniform")]).dimensions
    assert style.ticks_of(narrow)[1] == ["1", "2", "5", "10", "20"]
    assert style.ticks_of(wide)[1] == ["0.0001", "0.001", "0.01", "0.1", "1"]


def test_two_neighboring_integers_are_both_ticks():
    assert style.ticks_of(Integer(3, 4))[0] == [3.0, 4.0]


def test_the_best_so_far_skips_what_is_missing():
    values = np.array([np.nan, 2.0, np.nan, 3.0, 1.0])
    np.testing.assert_array_equal(style.best_so_far(values, False), [np.nan, 2, 2, 2, 1])
    np.testing.assert_array_equal(style.best_so_far(values, True), [np.nan, 2, 2, 3, 3])
    assert len(style.best_so_far(np.empty(0), False)) == 0


@pytest.mark.parametrize(
    ("values", "fits"),
    [([1.0, 101.0], True), ([1.0, 100.0], False), ([0.0, 1e9], False), ([-1.0, 1e9], False), ([], False), ([np.nan], False)],
)
def test_a_logarithmic_axis_needs_positive_values_of_more_than_two_decades(values, fits):
    assert style.fits_log(values) == fits
    assert style.fits_log([*values, np.nan, np.inf]) == fits


def limits_for(values, maximize=False, within=None):
    ax = pyplot.figure().gca()
    style.fit_values(ax, np.array(values, dtype=float), maximize, None if within is None else np.array(within))
    return (*ax.get_ylim(), ax.get_yscale())


def test_the_value_axis_has_room_around_equal_values():
    assert limits_for([5.0, 5.0]) == (4.5, 5.5, "linear")
    assert limits_for([0.0]) == (-1.0, 1.0, "linear")


def test_the_value_axis_leaves_the_worst_out_and_never_what_must_be_visible():
    bulk = list(np.linspace(0.0, 1.0, 21))
    assert limits_for([*bulk, 1e6])[:2] == pytest.approx((-0.06, 1.06))
    assert limits_for([*bulk, -1e6])[0] < -1e6  # the best value
    assert limits_for([*bulk, -1e6], maximize=True)[:2] == pytest.approx((-0.06, 1.06))
    assert limits_for([*bulk, 1e6], within=[50.0])[1] > 50.0
    assert limits_for([*bulk, np.nan, np.inf])[:2] == pytest.approx((-0.06, 1.06))


def test_a_logarithmic_value_axis_ignores_what_is_far_off_in_decades():
    bulk = list(np.logspace(0, 3, 30))
    low, high, scale = limits_for([*bulk, 1e40])
    assert (scale, low < 1.0, 1e3 < high < 1e4) == ("log", True, True)
    assert limits_for([*bulk, 1e40], maximize=True)[1] > 1e40


def test_without_values_the_axis_stays_as_it_is():
    assert limits_for([np.nan]) == (0.0, 1.0, "linear")


def test_usual_values_are_limits_only_where_there_is_an_outlier():
    bulk = np.linspace(0.0, 1.0, 101)  # quartiles 0.25 and 0.75
    assert style.usual_values(bulk, False) is None
    assert style.usual_values(np.array([*bulk, np.nan]), False) is None
    assert style.usual_values(np.array([-1e150, *bulk]), False) is None  # a good value is no outlier
    assert style.usual_values(np.empty(0), False) is None
    low, high = style.usual_values(np.array([*bulk, 1e150]), False)
    assert (low, high) == pytest.approx((-1.25, 2.25), abs=0.05)
    low, high = style.usual_values(np.array([-1e150, *bulk]), True)
    assert (low, high) == pytest.approx((-1.25, 2.25), abs=0.05)
    assert style.usual_values(np.array([-50.0, *bulk, 1e150]), False)[0] == -50.0
    assert style.usual_values(np.array([0.0] * 90 + [1.0] * 10), False) is None  # nothing is usual beside a constant


def test_colors_go_from_the_best_value_to_the_quantile_of_80_percent():
    values = np.arange(11.0)
    colors, norm = style.good_colors(values, False)
    assert (norm.vmin, norm.vmax) == (0.0, 8.0)
    other, reversed_norm = style.good_colors(values, True)
    assert (reversed_norm.vmin, reversed_norm.vmax) == (2.0, 10.0)
    assert colors(0.0) == other(1.0)  # the best one
    norm = style.good_colors(np.array([3.0, 3.0]), False)[1]
    assert (norm.vmin, norm.vmax) == (3.0, 4.0)


def test_a_selection_has_the_first_and_the_last():
    assert style.thinned([1, 2], 5) == [1, 2]
    assert style.thinned(range(100), 3) == [0, 49, 99]
    assert len(set(style.thinned(range(1000), 99))) == 99


def test_an_unknown_choice_names_all():
    style.check_choice("kind", "a", ["a", "b"])
    with pytest.raises(InputError, match="kind must be one of 'a', 'b', got 'c'"):
        style.check_choice("kind", "c", ["a", "b"])


def test_points_beyond_the_axes_are_counted_at_their_edges():
    ax = pyplot.figure().gca()
    ax.set_ylim(0.0, 1.0)
    style.mark_outside(ax, np.arange(5.0), np.array([0.5, 2.0, -1.0, 3.0, 1.0]))
    assert told(ax) == ["above this axis (2)", "below this axis (1)"]
    np.testing.assert_array_equal(labeled(ax, "above this axis").get_offsets(), [[1, 0.985], [3, 0.985]])
    np.testing.assert_array_equal(labeled(ax, "below this axis").get_offsets(), [[2, 0.015]])


def test_what_cannot_be_the_best_is_grouped_by_its_reason():
    study = limited((5.0, 0.0), (1.0, 2.0))
    trials = [*study.all_trials, trial(0, 5, status="timeout", error="late"), trial(0, 6, 1.0, status="pruned")]
    groups = {label: rows.tolist() for label, _, rows in style.without_value(trials, study.goals)}
    assert groups == {
        "failed": [False, False, True, False],
        "pruned": [False, False, False, True],
        "infeasible": [False, True, False, False],
    }
    assert style.without_value([], study.goals) == []


def test_a_legend_across_the_figure_keeps_the_axes_wide():
    figure, ax = pyplot.subplots(figsize=(5.0, 4.0), layout="constrained")
    style.legend_across(ax)
    assert ax.get_legend() is None  # nothing is labeled
    for number in range(4):
        ax.plot([0, 1], [0, number], label=f"a line with a rather long name {number}")
    style.legend_across(ax)
    figure.canvas.draw()
    assert ax.get_window_extent().width > 0.85 * figure.bbox.width
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1
