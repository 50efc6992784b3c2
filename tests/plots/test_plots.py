"""What every plot promises: it draws into the axes that it is given, also a study with too little data."""

import numpy as np
import pytest
from drawn import labeled, limited, made_of, trial
from matplotlib import pyplot

from hyperspace import plots

EVERY = [
    plots.plot_convergence,
    lambda result, ax: plots.plot_regret(result, 0.0, ax=ax),
    plots.plot_partition,
    plots.plot_parallel,
    plots.plot_importance,
    plots.plot_dependence,
    plots.plot_gantt,
    plots.plot_predictions,
    plots.plot_calibration,
]


@pytest.mark.parametrize("plot", EVERY)
def test_each_draws_into_the_axes_it_is_given_and_returns_them(result, plot):
    figure, ax = pyplot.subplots()
    there = pyplot.get_fignums()
    assert plot(result, ax=ax) is ax
    figure.canvas.draw()
    assert pyplot.get_fignums() == there


@pytest.mark.parametrize("plot", [*EVERY[:4], plots.plot_gantt])
def test_a_study_without_a_value_yet_is_drawn_too(plot):
    trials = [trial(0, 0, status="failed", error="no", started=1.0), trial(1, 0, status="running", started=1.5)]
    for some in ([], trials):
        plot(made_of(some), ax=pyplot.figure().gca()).figure.canvas.draw()


LEGENDS = [
    *(plots.plot_convergence, plots.plot_importance, plots.plot_predictions, plots.plot_calibration, plots.plot_gantt),
    *(plots.plot_dependence, plots.plot_partition, plots.plot_parallel),
]


@pytest.mark.parametrize("plot", LEGENDS)
def test_a_legend_covers_nothing_and_is_not_cut_off(result, plot):
    ax = plot(result)
    ax.figure.canvas.draw()
    legend, axes, figure = ax.get_legend().get_window_extent(), ax.get_window_extent(), ax.figure.bbox
    assert legend.y0 >= axes.y1 - 1 or legend.y1 <= axes.y0 + 1
    assert figure.x0 <= legend.x0
    assert legend.x1 <= figure.x1 + 1
    assert axes.width > 0.5 * figure.width  # the legend does not take the axes' room


def test_infeasible_trials_are_marked_and_counted_and_make_no_line():
    study = limited((5.0, 0.0), (1.0, 2.0), (4.0, 1.0), (-1e6, 3.0))
    ax = plots.plot_convergence(study)
    np.testing.assert_array_equal(labeled(ax, "best so far").get_ydata(), [5, 5, 4, 4])
    np.testing.assert_array_equal(labeled(ax, "trials").get_offsets()[:, 1], [5, 4])
    np.testing.assert_array_equal(labeled(ax, "infeasible").get_offsets()[:, 1], [1, -1e6])
    assert ax.get_ylim()[0] > 3.0  # the infeasible value does not flatten the axis
    assert "below this axis (2)" in ax.get_legend_handles_labels()[1]
    ax = plots.plot_partition(study)
    assert "infeasible (2)" in ax.get_legend_handles_labels()[1]
    assert len(labeled(ax, "infeasible").get_offsets()) == 2
    assert "infeasible (2)" in plots.plot_parallel(study).get_legend_handles_labels()[1]


def test_a_study_without_a_feasible_trial_is_drawn_too():
    study = limited((5.0, 2.0), (1.0, 2.0))
    for plot in (plots.plot_convergence, plots.plot_partition, plots.plot_parallel):
        ax = plot(study)
        ax.figure.canvas.draw()
        assert "infeasible (2)" in ax.get_legend_handles_labels()[1]
