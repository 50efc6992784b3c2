"""Predictions and their calibration: the figures of the diagnostics."""

import numpy as np
import pytest
from drawn import in_order, labeled, of, told
from matplotlib.collections import LineCollection, PathCollection, PolyCollection

from hyperspace import plots
from hyperspace.errors import StudyError
from hyperspace.results.diagnostics import LeaveOneOut, leave_one_out, normal_quantiles


def test_predictions_and_calibration_show_the_diagnostics(result):
    found = leave_one_out(result)
    ax = plots.plot_predictions(result, found=found)
    dots = np.concatenate([collection.get_offsets() for collection in of(ax, PathCollection)])
    np.testing.assert_array_equal(np.sort(dots[:, 0]), np.sort(found.actual))
    np.testing.assert_array_equal(np.sort(dots[:, 1]), np.sort(found.predicted))
    ax = plots.plot_calibration(result, found=found)
    line = labeled(ax, f"{len(found)} trials")
    np.testing.assert_array_equal(line.get_ydata(), found.coverage(np.asarray(line.get_xdata())))


def found_predictions(actual, predicted, half=1.0, residuals=None):
    actual, predicted = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    residuals = actual - predicted if residuals is None else residuals
    return LeaveOneOut((), np.zeros((len(actual), 2)), actual, predicted, predicted - half, predicted + half, residuals)


def test_trials_outside_of_their_intervals_are_counted_apart():
    found = found_predictions([1.0, 2.0, 9.0, -3.0], [1.5, 2.0, 3.0, 0.0])
    ax = plots.plot_predictions(in_order(1.0), found=found)
    assert told(ax) == ["inside its 95 % interval (2)", "outside (2)"]
    np.testing.assert_array_equal(labeled(ax, "outside").get_offsets(), [[9.0, 3.0], [-3.0, 0.0]])
    segments = np.concatenate([lines.get_segments() for lines in of(ax, LineCollection)])
    np.testing.assert_array_equal(np.sort(segments[:, :, 0].mean(axis=1)), [-3, 1, 2, 9])
    np.testing.assert_allclose(np.ptp(segments[:, :, 1], axis=1), 2.0)


def test_many_trials_have_no_intervals():
    found = found_predictions(np.arange(301.0), np.arange(301.0))
    assert of(plots.plot_predictions(in_order(1.0), found=found), LineCollection) == []


@pytest.mark.parametrize("maximize", [False, True])
def test_a_bad_outlier_does_not_flatten_the_predictions(maximize):
    sign = -1.0 if maximize else 1.0
    actual = sign * np.array([*np.linspace(-1.0, 1.0, 99), 1e9])
    ax = plots.plot_predictions(in_order(1.0, maximize=maximize), found=found_predictions(actual, actual))
    assert np.abs(ax.get_xlim()).max() < 2.0
    assert ax.get_xlim() == ax.get_ylim()
    assert min(sign * end for end in ax.get_xlim()) < -1.0  # the good end is visible


def test_positive_values_of_a_wide_range_are_on_logarithmic_axes():
    values = np.logspace(-3, 3, 20)
    ax = plots.plot_predictions(in_order(1.0), found=found_predictions(values, values, half=0.0))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    # An interval that reaches below 0 has no place there.
    ax = plots.plot_predictions(in_order(1.0), found=found_predictions(values, values, half=1.0))
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")


def test_residuals_of_a_right_model_are_on_the_diagonal_and_within_the_band():
    found = found_predictions(np.zeros(400), np.zeros(400), residuals=normal_quantiles(400))
    ax = plots.plot_calibration(in_order(1.0), found=found)
    line = labeled(ax, "400 trials")
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata(), atol=0.01)
    (band,) = of(ax, PolyCollection)
    corners = band.get_paths()[0].vertices
    middle = corners[np.abs(corners[:, 0] - 0.5) < 1e-9, 1]
    np.testing.assert_allclose([middle.min(), middle.max()], [0.451, 0.549], atol=1e-3)  # 1.96 sqrt(0.25 / 400)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.0, 1.0), (0.0, 1.0))


def test_too_few_trials_are_an_error():
    for plot in (plots.plot_predictions, plots.plot_calibration):
        with pytest.raises(StudyError, match="needs 3 trials that ended well; there are 2"):
            plot(in_order(1.0, 2.0, None))
