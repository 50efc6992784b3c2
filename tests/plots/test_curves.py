"""Learning curves: what each evaluation reported, which were pruned, and the best one."""

import numpy as np
import pytest
from drawn import labeled, made_of, of, told, trial
from matplotlib.collections import LineCollection, PathCollection

from hyperspace import plots
from hyperspace.errors import StudyError


def curve(iteration, values, status="ok", first=1):
    reports = tuple((first + step, value) for step, value in enumerate(values))
    return trial(0, iteration, values[-1] if status == "ok" else None, status=status, started=float(iteration), reports=reports)


def test_each_status_has_its_curves_with_their_number():
    trials = [
        curve(0, [4.0, 3.0]),
        curve(1, [5.0, 1.0]),
        curve(2, [9.0, 8.0, 7.0], status="pruned"),
        curve(3, [2.0], status="failed"),
        curve(4, [6.0], status="timeout"),
        curve(5, [3.0], status="running"),
        trial(0, 6, 0.5, started=6.0),  # reported nothing
    ]
    ax = plots.plot_curves(made_of(trials))
    assert [text for text in told(ax) if "axis" not in text] == ["ended well (2)", "pruned (1)", "failed (2)", "running (1)"]
    segments = labeled(ax, "ended well").get_segments()
    np.testing.assert_array_equal(segments, [[[1, 4], [2, 3]], [[1, 5], [2, 1]]])
    ends = [dots.get_offsets().tolist() for dots in of(ax, PathCollection) if not str(dots.get_label()).startswith(("a", "b"))]
    assert ends == [[[3, 7]], [[1, 2], [1, 6]], [[1, 3]]]  # of all that did not end well


def test_the_best_one_is_on_top_if_it_reported():
    ax = plots.plot_curves(made_of([curve(0, [4.0, 3.0]), curve(1, [5.0, 1.0])]))
    np.testing.assert_array_equal(labeled(ax, "best, 1").get_ydata(), [5.0, 1.0])
    ax = plots.plot_curves(made_of([curve(0, [4.0, 3.0]), trial(0, 1, 1.0, started=1.0)]))
    assert not any(text.startswith("best") for text in told(ax))


def test_curves_that_end_beyond_the_axes_are_counted():
    trials = [curve(i, [3.0, 2.0 + i / 20]) for i in range(20)] + [curve(20, [3.0, 1e9])]
    ax = plots.plot_curves(made_of(trials))
    assert ax.get_ylim()[1] < 10.0
    assert "above this axis (1)" in told(ax)


def test_of_many_curves_a_selection_is_drawn_and_all_are_counted(monkeypatch):
    monkeypatch.setattr("hyperspace.plots.curves._MOST", 5)
    ax = plots.plot_curves(made_of([curve(i, [float(i)]) for i in range(40)]))
    assert len(of(ax, LineCollection)[0].get_segments()) == 5
    assert "ended well (40)" in told(ax)


@pytest.mark.parametrize(("first", "values", "ends"), [(3, [1.0], (2.5, 3.5)), (0, [1.0] * 11, (-0.2, 10.2))])
def test_the_axis_has_all_steps(first, values, ends):
    ax = plots.plot_curves(made_of([curve(0, values, first=first)]))
    assert ax.get_xlim() == pytest.approx(ends)
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_a_study_that_reports_nothing_is_an_error():
    with pytest.raises(StudyError, match=r"does that by trial\.report\(step, value\)"):
        plots.plot_curves(made_of([trial(0, 0, 1.0)]))
