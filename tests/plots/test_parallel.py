"""Parallel coordinates: a line for each trial, with the best on top."""

import numpy as np
import pytest
from drawn import labeled, of, told
from matplotlib.collections import LineCollection

from hyperspace import plots
from hyperspace.errors import InputError
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


def test_parallel_coordinates_have_a_line_a_trial_with_the_best_on_top(result):
    ax = plots.plot_parallel(result)
    lines = [collection for collection in of(ax, LineCollection) if len(collection.get_segments()) > 8]  # the others mark levels
    failed, well = sorted(lines, key=lambda collection: collection.get_array() is not None)
    assert len(well.get_segments()) == len(result.x_iters)
    assert len(failed.get_segments()) == 64 - len(result.x_iters)
    assert all(len(segment) == 3 for segment in failed.get_segments())
    assert well.get_array()[-1] == result.fun
    heights = np.array([segment[:, 1] for segment in well.get_segments()])
    assert ((heights >= 0) & (heights <= 1)).all()
    rates = result.search_space.dimensions[0].to_unit([x[0] for x in result.x_iters])
    np.testing.assert_allclose(np.sort(heights[:, 0]), np.sort(rates))
    assert heights[-1, -1] == (1.0 if result.maximize else 0.0)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["rate", "units", "kind", "objective"]


def test_parallel_coordinates_of_chosen_parameters(result):
    ax = plots.plot_parallel(result, ["kind", 0])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["kind", "rate", "objective"]
    well = next(collection for collection in of(ax, LineCollection) if collection.get_array() is not None)
    rates = result.search_space.dimensions[0].to_unit([x[0] for x in result.x_iters])
    np.testing.assert_allclose(np.sort([segment[1, 1] for segment in well.get_segments()]), np.sort(rates))


def test_lines_of_one_level_stay_within_its_bar():
    space = check_space({"kind": ["a", "b"], "n": (1, 3)})
    trials = [
        Trial(drive=0, iteration=i, x=("ab"[i % 2], 1 + i % 3), status="ok", metrics={"objective": float(i)}) for i in range(40)
    ]
    ax = plots.plot_parallel(Result(trials, space, Metrics(), Partition(space)))
    well = next(collection for collection in of(ax, LineCollection) if len(collection.get_segments()) == 40)
    heights = np.array([segment[0, 1] for segment in well.get_segments()])
    assert (np.abs(np.where(heights < 0.5, heights - 0.25, heights - 0.75)) <= 0.5 * 0.3 / 2 + 1e-9).all()


def study_of(values, space=((0.0, 1.0), (0.0, 1.0)), maximize=False):
    """A study with these values; None for a failed trial."""
    space = check_space(list(space))
    trials = [
        Trial(
            drive=0,
            iteration=i,
            x=(i / 1000,) * space.d,
            status="failed" if value is None else "ok",
            metrics={} if value is None else {"objective": value},
        )
        for i, value in enumerate(values)
    ]
    return Result(trials, space, Metrics(maximize=maximize), Partition(space, 1))


def lines_of(ax):
    """The lines of trials with a value, and of those without."""
    collections = of(ax, LineCollection)
    valued = [collection for collection in collections if collection.get_array() is not None]
    return valued, [collection for collection in collections if collection.get_array() is None]


def test_of_many_trials_the_best_are_drawn_and_a_selection_of_the_others(monkeypatch):
    monkeypatch.setattr("hyperspace.plots.parallel._MOST", 30)
    values = np.random.default_rng(0).permutation(200).astype(float)
    (well,), (failed,) = lines_of(plots.plot_parallel(study_of([*values, *[None] * 50])))
    drawn = sorted(well.get_array().tolist())
    assert len(drawn) == 30
    assert drawn[:10] == list(range(10))
    assert drawn[-1] == 199
    assert len(failed.get_segments()) == 10


def test_at_most_twenty_axes_unless_they_are_chosen():
    study = study_of([1.0, 2.0], space=[(0.0, 1.0)] * 24)
    names = [label.get_text() for label in plots.plot_parallel(study).get_xticklabels()]
    assert names == [*(f"x{j}" for j in range(20)), "objective"]
    assert len(plots.plot_parallel(study, range(24)).get_xticklabels()) == 25
    with pytest.raises(InputError, match="from 0 to 23"):
        plots.plot_parallel(study, [24])


@pytest.mark.parametrize("maximize", [False, True])
def test_the_last_axis_says_which_end_holds_all_worse_values(maximize):
    ax = plots.plot_parallel(study_of([0.0, 1.0, 2.0, 3.0, 4.0], maximize=maximize))
    last = {text.get_text(): text.get_position()[1] for text in ax.texts if text.get_position()[0] > 2.0}
    # The colors end at the quantile of 80 % (20 %).
    worst = "≤ 0.8" if maximize else "≥ 3.2"
    assert last[worst] == (0.0 if maximize else 1.0)
    assert last["4" if maximize else "0"] == (1.0 if maximize else 0.0)
    assert sum(text.startswith(("≤", "≥")) for text in last) == 1


def test_equal_values_have_one_mark():
    ax = plots.plot_parallel(study_of([2.0, 2.0]))
    assert [text.get_text() for text in ax.texts if text.get_position()[0] > 2.0] == ["2"]


def test_the_best_line_ends_at_its_value_and_failures_before_the_last_axis():
    ax = plots.plot_parallel(study_of([3.0, 1.0, None]))
    best = labeled(ax, "best, 1")
    np.testing.assert_allclose(best.get_ydata(), [0.001, 0.001, 0.0])
    (well,), (failed,) = lines_of(ax)
    assert {len(segment) for segment in well.get_segments()} == {3}
    np.testing.assert_allclose(failed.get_segments(), [[[0.0, 0.002], [1.0, 0.002]]])
    assert told(ax) == ["failed (1)", "best, 1"]
