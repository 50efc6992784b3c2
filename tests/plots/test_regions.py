"""The partition: its halves, its trials, and the subspace that holds the best."""

import numpy as np
import pytest
from drawn import SPACE, labeled, of, told
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle

from hyperspace import Integer, plots
from hyperspace.errors import InputError
from hyperspace.plots.regions import is_spread, offsets, spread, winning_subspace
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


def test_the_partition_shows_trials_halves_and_the_winner(result):
    ax = plots.plot_partition(result, ("rate", "units"))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    np.testing.assert_allclose(ax.get_xlim(), (1e-4, 1.0))
    np.testing.assert_allclose(ax.get_ylim(), (0.5, 8.5))
    halves = Partition(check_space(SPACE), 4)
    edges = sorted({line.get_xdata()[0] for line in ax.get_lines() if len(set(line.get_xdata())) == 1})
    np.testing.assert_allclose(edges, [halves[1].space.dimensions[0].low, halves[0].space.dimensions[0].high])
    (frame,) = [patch for patch in of(ax, Rectangle) if str(patch.get_label()).startswith("subspace")]
    winner = winning_subspace(result)
    assert frame.get_label() == f"subspace {winner.index}, whose box holds the best"
    low, high = winner.space.dimensions[0].bounds
    np.testing.assert_allclose([frame.get_x(), frame.get_x() + frame.get_width()], [low, high])
    dots = next(c for c in of(ax, PathCollection) if len(c.get_offsets()) == len(result.x_iters))
    np.testing.assert_array_equal(np.sort(dots.get_array()), np.sort(result.func_vals))
    np.testing.assert_allclose(np.sort(dots.get_offsets()[:, 0]), np.sort([x[0] for x in result.x_iters]))
    np.testing.assert_array_equal(np.sort(np.rint(dots.get_offsets()[:, 1])), np.sort([x[1] for x in result.x_iters]))
    best = dots.get_offsets()[-1]  # the best one lies on top
    np.testing.assert_allclose(best[0], result.x[0])
    assert len(labeled(ax, "failed").get_offsets()) == 64 - len(result.x_iters)


def test_categories_are_labeled_and_no_formula(result):
    ax = plots.plot_partition(result, ("kind", "rate"))
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", r"\$b\$", "<c>"]
    np.testing.assert_array_equal(ax.get_xticks(), [0, 1, 2])


def test_the_winner_is_a_subspace_that_holds_the_best():
    space = check_space([(0.0, 1.0), (0.0, 1.0)])
    for x, home in [((0.9, 0.1), 0), ((0.9, 0.1), 3), ((0.9, 0.9), 3), ((0.5, 0.5), 2)]:
        best = Trial(drive=home, iteration=0, x=x, status="ok", metrics={"objective": 1.0}, subspace=home)
        winner = winning_subspace(Result([best], space, Metrics(), Partition(space)))
        assert winner.bounds.contains(space.to_unit([x])[0])
        if Partition(space)[home].bounds.contains(space.to_unit([x])[0]):
            assert winner.index == home


def test_the_same_dimension_twice_is_an_error(result):
    with pytest.raises(InputError, match="two different"):
        plots.plot_partition(result, ("rate", 0))


@pytest.mark.parametrize("dimensions", ["C", ("rate",), 0, ("rate", "units", "kind")])
def test_plot_partition_takes_two_dimensions(result, dimensions):
    with pytest.raises(InputError, match="takes two dimensions"):
        plots.plot_partition(result, dimensions)


def study_of(*trials, space=((0.0, 1.0),) * 3):
    space = check_space(list(space))
    return Result(trials, space, Metrics(), Partition(space))


def ok(iteration, x, value, **more):
    return Trial(drive=0, iteration=iteration, x=x, status="ok", metrics={"objective": value}, **more)


def test_trials_outside_of_the_best_ones_box_are_faint():
    study = study_of(ok(0, (0.1, 0.1, 0.1), 1.0), ok(1, (0.9, 0.9, 0.2), 2.0), ok(2, (0.1, 0.1, 0.9), 3.0))
    ax = plots.plot_partition(study, (0, 1))
    dots = next(c for c in of(ax, PathCollection) if len(c.get_offsets()) == 3)
    np.testing.assert_array_equal(dots.get_array(), [3.0, 2.0, 1.0])  # the best on top
    np.testing.assert_array_equal(dots.get_alpha(), [0.3, 0.9, 0.9])
    assert "outside of it in other parameters" in told(ax)
    inside = study_of(ok(0, (0.1, 0.1), 1.0), ok(1, (0.9, 0.9), 2.0), space=((0.0, 1.0),) * 2)
    assert "outside of it in other parameters" not in told(plots.plot_partition(inside))


def test_a_space_that_is_not_split_has_no_halves_and_no_outline():
    space = check_space([(0.0, 1.0), (0.0, 1.0)])
    ax = plots.plot_partition(Result([ok(0, (0.1, 0.2), 1.0)], space, Metrics(), Partition(space, 1)))
    assert ax.get_lines() == []
    assert told(ax) == ["best, 1"]


def test_a_dimension_of_one_value_is_not_split():
    ax = plots.plot_partition(study_of(ok(0, (0.1, 3), 1.0), space=((0.0, 1.0), [3])))
    assert [line.get_xdata()[0] == line.get_xdata()[1] for line in ax.get_lines()] == [True, True]


def test_equal_values_need_no_color_bar():
    same = study_of(ok(0, (0.1, 0.2, 0.3), 1.0), ok(1, (0.2, 0.2, 0.3), 1.0))
    other = study_of(ok(0, (0.1, 0.2, 0.3), 1.0), ok(1, (0.2, 0.2, 0.3), 2.0))
    assert len(plots.plot_partition(same).figure.axes) == 1
    assert len(plots.plot_partition(other).figure.axes) == 2


def test_what_runs_is_a_ring():
    ax = plots.plot_partition(study_of(Trial(drive=0, iteration=0, x=(0.25, 0.75, 0.5), status="running")))
    np.testing.assert_array_equal(labeled(ax, "running").get_offsets(), [[0.25, 0.75]])
    assert told(ax) == ["running"]


def test_the_best_one_may_be_given_or_missing():
    space = check_space([(0.0, 1.0), (0.0, 1.0)])
    given = Trial(drive=-1, iteration=0, x=(0.9, 0.9), status="ok", metrics={"objective": 1.0}, origin="given")
    assert winning_subspace(Result([given], space, Metrics(), Partition(space))).index == 3
    assert winning_subspace(Result([], space, Metrics(), Partition(space))) is None


def test_levels_are_spread_where_they_are_few_and_even():
    space = check_space({"n": (1, 32), "many": (1, 33), "kind": ["a", "b"], "rate": (0.0, 1.0)})
    assert [is_spread(dimension) for dimension in space.dimensions] == [True, False, True, False]
    assert not is_spread(Integer(1, 32, prior="log-uniform"))  # its levels have different widths


def test_trials_of_one_level_stay_apart_and_at_their_level():
    trials = [ok(i, (1 + i % 3, "ab"[i % 2]), 1.0) for i in range(60)]
    study = study_of(*trials, space=((1, 3), ["a", "b"]))
    for j, levels in enumerate(([1, 2, 3], [0, 1])):
        at = spread(study, j)
        expected = [levels[i % len(levels)] for i in range(60)]
        assert (np.abs(at - expected) <= 0.3 + 1e-9).all()
        assert len(set(at.tolist())) == 60


def test_offsets_are_even():
    for j in (0, 1, 5):
        apart = np.sort(offsets(100, j))
        assert apart[0] >= -0.5
        assert apart[-1] < 0.5
        assert np.diff(apart).max() < 0.04
