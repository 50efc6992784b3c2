"""Importance and dependence: the figures of the sensitivity analysis, in the parameters' own values."""

import numpy as np
import pytest
from drawn import in_order, labeled, made_of, of, told, trial
from matplotlib.collections import LineCollection, PolyCollection

from hyperspace import plots
from hyperspace.errors import InputError
from hyperspace.plots import labels, style
from hyperspace.results.sensitivity import Importance, dependence, importance


def test_importance_is_ordered_and_has_intervals(result):
    found = importance(result)
    ax = plots.plot_importance(result, found=found)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [found.names[j] for j in np.argsort(found.total)[::-1]]
    widths = [bar.get_width() for bar in ax.containers[0]]
    np.testing.assert_array_equal(widths, np.sort(found.total)[::-1])
    (lines,) = of(ax, LineCollection)
    for segment, j in zip(lines.get_segments(), np.argsort(found.total)[::-1], strict=True):
        np.testing.assert_allclose(segment[:, 0], found.total_interval[:, j])


@pytest.mark.parametrize(("name", "n"), [("rate", 33), ("units", 8), ("kind", 3)])
def test_dependence_is_drawn_in_the_parameters_own_values(result, name, n):
    ax = plots.plot_dependence(result, name)
    curve = max((line for line in ax.get_lines()), key=lambda line: (len(line.get_xdata()) == n, line.get_zorder()))
    assert len(curve.get_xdata()) == n
    assert (ax.get_xscale() == "log") == (name == "rate")
    if name == "units":
        np.testing.assert_allclose(curve.get_xdata(), np.arange(1, 9))
        assert np.argmin(curve.get_ydata()) in (2, 3, 4)


def found_importance(total, first=None):
    total = np.asarray(total)
    first = total / 2 if first is None else np.asarray(first)
    names = tuple(f"p{j}" for j in range(len(total)))
    return Importance(names, first, total, np.stack([first, first]), np.stack([total - 0.1, total + 0.1]))


def test_parameters_without_a_figure_are_left_out():
    ax = plots.plot_importance(in_order(1.0), found=found_importance([0.2, np.nan, 0.7]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["p2", "p0"]
    np.testing.assert_allclose([bar.get_width() for bar in ax.containers[0]], [0.7, 0.2])


def test_at_most_twenty_parameters_are_drawn():
    total = np.linspace(0.1, 0.9, 30)
    ax = plots.plot_importance(in_order(1.0), found=found_importance(total))
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"p{j}" for j in range(29, 9, -1)]


def test_the_part_of_a_parameter_alone_is_never_above_that_with_others():
    """Both are medians of samples, so that the first may come out larger."""
    ax = plots.plot_importance(in_order(1.0), found=found_importance([0.5, 0.4], first=[0.6, 0.1]))
    np.testing.assert_allclose([bar.get_width() for bar in ax.containers[1]], [0.5, 0.1])


def test_the_best_trial_and_at_most_200_trials_are_marked():
    trials = [trial(0, i, abs(i - 30.0), x=(i / 300, 0.5)) for i in range(300)]
    ax = plots.plot_dependence(made_of(trials), "x0")
    np.testing.assert_allclose(labeled(ax, "best trial").get_xdata(), [0.1, 0.1])
    (rug,) = [line for line in ax.get_lines() if line.get_marker() == "|"]
    assert len(rug.get_xdata()) == 200
    assert (rug.get_xdata()[0], rug.get_xdata()[-1]) == (0.0, 299 / 300)


def bowl(count, *diverged, sign=1.0):
    """Trials of a bowl with its minimum at 0.3; those in `diverged` gave 1e150."""
    values = [1e150 if i in diverged else (i / count - 0.3) ** 2 for i in range(count)]
    return [trial(0, i, sign * value, x=(i / count, (7 * i % count) / count)) for i, value in enumerate(values)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_diverged_trials_do_not_flatten_a_dependence_and_are_told(sign):
    study = made_of(bowl(40, 37, 39, sign=sign), maximize=sign < 0)
    ax = plots.plot_dependence(study, 0)
    curve = max(ax.get_lines(), key=lambda line: len(line.get_xdata()) == 33)
    x, y = np.asarray(curve.get_xdata()), sign * np.asarray(curve.get_ydata())
    assert np.abs(ax.get_ylim()).max() < 2.0
    assert abs(x[np.argmin(y)] - 0.3) < 0.1
    assert y[0] - y.min() > 0.05  # the shape of the good trials is visible
    limits = style.usual_values(study.func_vals, study.maximize)
    end, side = (labels.number(limits[0]), "below") if sign < 0 else (labels.number(limits[1]), "above")
    assert f"values {side} {end} count as {end}" in told(ax)
    (band,) = of(ax, PolyCollection)
    edge = sign * band.get_paths()[0].vertices[:, 1]
    assert edge.max() <= max(np.abs(limits)) + 1e-9


def test_without_outliers_a_dependence_is_that_of_all_values():
    study = made_of(bowl(40))
    ax = plots.plot_dependence(study, 0)
    np.testing.assert_array_equal(
        max(ax.get_lines(), key=lambda line: len(line.get_xdata()) == 33).get_ydata(), dependence(study, 0).mean
    )
    assert not any("count as" in text for text in told(ax))


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(InputError, match="one of x0, x1, got 'rate'"):
        plots.plot_dependence(in_order(1.0, 2.0, 3.0), "rate")
