"""What the pictures hold: the data that were drawn, not how they look."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.patches import Rectangle
from PIL import Image

from hyperspace import Categorical, Integer, Metric, hyperdrive, plots
from hyperspace.errors import InputError
from hyperspace.plots import labels, style
from hyperspace.plots.regions import winning_subspace
from hyperspace.results import Result
from hyperspace.results.diagnostics import leave_one_out
from hyperspace.results.sensitivity import importance
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

mpl.use("Agg")
SPACE = {"rate": (1e-4, 1.0, "log-uniform"), "units": (1, 8), "kind": ["a", "$b$", "<c>"], "fixed": 7}


def objective(p):
    if p["units"] == 8:
        raise RuntimeError("too many")
    return 2.0 + math.log10(p["rate"]) / 4 + (p["units"] - 4) ** 2 / 10 + (p["kind"] == "a")


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module", params=[False, True], ids=["minimize", "maximize"])
def result(request):
    options = {"model": "RAND", "n_calls": 64, "n_subspaces": 4, "checkpoints": False, "random_state": 5}
    return hyperdrive(objective, SPACE, None, maximize=request.param, **options)


@pytest.fixture(scope="module")
def plane():
    function = lambda x: (x[0] - 0.3) ** 2 + (x[1] + 0.2) ** 2  # noqa: E731
    return hyperdrive(function, [(0.0, 1.0), (-1.0, 1.0)], None, strategy="static", n_iterations=3, checkpoints=False)


def made_of(trials, space=((0.0, 1.0), (0.0, 1.0)), maximize=False, metrics=None):
    space = check_space(list(space))
    return Result(trials, space, Metrics(metrics, maximize=maximize), Partition(space))


def trial(drive, iteration, value=None, status="ok", started=0.0, seconds=1.0, **more):
    metrics = {} if value is None else {"objective": value}
    seconds = None if status == "running" else seconds
    return Trial(
        drive=drive, iteration=iteration, x=(0.5, 0.5), status=status, metrics=metrics, started=started, seconds=seconds, **more
    )


def labeled(ax, label):
    """What was drawn under a label."""
    handles, told = ax.get_legend_handles_labels()
    return handles[[text.partition(" (")[0] if "quartiles" not in text else text for text in told].index(label)]


def of(ax, kind):
    return [child for child in ax.get_children() if isinstance(child, kind)]


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


def test_convergence_is_the_best_so_far_in_the_order_of_the_ends(result):
    ax = plots.plot_convergence(result)
    line = labeled(ax, "best so far")
    ended = sorted(result.all_trials, key=lambda trial: trial.started + trial.seconds)
    values = [trial.metrics.get("objective", -math.inf if result.maximize else math.inf) for trial in ended]
    better = np.maximum if result.maximize else np.minimum
    expected = better.accumulate(values)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 65))
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


def test_gantt_has_a_bar_an_evaluation_and_leaves_pauses_out():
    trials = [
        trial(0, 0, 1.0, started=100.0, seconds=10.0, rank=0),
        trial(1, 0, 1.0, started=100.0, seconds=4.0, rank=1),
        trial(1, 1, started=105.0, seconds=5.0, rank=1, status="failed", error="no", suggest_seconds=1.0),
        trial(0, 1, 1.0, started=5000.0, seconds=10.0, rank=0),
        trial(1, 2, 1.0, started=5000.0, seconds=10.0, rank=1),
    ]
    ax = plots.plot_gantt(made_of(trials))
    well = [path.vertices[:2, 0].tolist() for path in labeled(ax, "ended well").get_paths()]
    assert well == [[0, 10], [0, 4], [10, 20], [10, 20]]
    assert [path.vertices[:2, 0].tolist() for path in labeled(ax, "failed").get_paths()] == [[5, 10]]
    assert [path.vertices[:2, 0].tolist() for path in labeled(ax, "proposing").get_paths()] == [[4, 5]]
    assert labeled(ax, "pause").get_xdata()[0] == 10
    assert {"100%", "95%"} <= {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rank 0", "rank 1"]


def test_gantt_outlines_stragglers_and_shows_what_runs():
    trials = [trial(0, i, 1.0, started=10.0 + 2 * i, seconds=1.0) for i in range(6)]
    trials += [trial(1, 0, 1.0, started=10.0, seconds=9.0, rank=1), trial(1, 1, started=19.5, status="running", rank=1)]
    ax = plots.plot_gantt(made_of(trials))
    assert len(labeled(ax, "over 3 × the median").get_paths()) == 1
    assert len(labeled(ax, "running").get_paths()) == 1


def test_predictions_and_calibration_show_the_diagnostics(result):
    found = leave_one_out(result)
    ax = plots.plot_predictions(result, found=found)
    dots = np.concatenate([collection.get_offsets() for collection in of(ax, PathCollection)])
    np.testing.assert_array_equal(np.sort(dots[:, 0]), np.sort(found.actual))
    np.testing.assert_array_equal(np.sort(dots[:, 1]), np.sort(found.predicted))
    ax = plots.plot_calibration(result, found=found)
    line = labeled(ax, f"{len(found)} trials")
    np.testing.assert_array_equal(line.get_ydata(), found.coverage(np.asarray(line.get_xdata())))


def test_the_animation_is_a_gif_that_ends_with_all_trials(plane, tmp_path):
    ax = plots.animate_search(plane, tmp_path / "search.gif", fps=4)
    with Image.open(tmp_path / "search.gif") as gif:
        assert gif.format == "GIF"
        assert 6 <= gif.n_frames <= 12 + 4  # equal frames are stored once
    past = of(ax, PathCollection)[0]
    np.testing.assert_allclose(np.sort(past.get_offsets(), axis=0), np.sort(plane.x_iters, axis=0))
    assert ax.get_title(loc="left").startswith("12 of 12 evaluations")
    assert len([patch for patch in of(ax, Rectangle) if not patch.get_fill()]) == 4


def test_the_animation_needs_two_dimensions_and_a_trial(result, tmp_path):
    with pytest.raises(InputError, match="two dimensions, this one has 3"):
        plots.animate_search(result, tmp_path / "search.gif")
    with pytest.raises(InputError, match="nothing to animate"):
        plots.animate_search(made_of([]), tmp_path / "search.gif")


def test_a_place_on_an_axis_is_the_value():
    space = check_space({"rate": (1e-4, 1.0, "log-uniform"), "units": Integer(2, 64, prior="log-uniform"), "kind": ["a", "b"]})
    for dimension, values in zip(space.dimensions, ([1e-4, 0.01, 1.0], [2, 9, 64], ["a", "b"]), strict=True):
        expected = values if not isinstance(values[0], str) else [0, 1]
        np.testing.assert_allclose(style.place(dimension, dimension.to_unit(values)), expected)


def test_numbers_and_labels_are_short():
    shown = [labels.number(value) for value in (0.001, 1e-5, 12345.0, 1.5, 1000.0, 1234567.0)]
    assert shown == ["0.001", "1e-5", "12345", "1.5", "1000", "1.23e6"]
    assert labels.text("a" * 40) == "a" * 17 + "…"
    assert labels.text("cost\n in $") == r"cost in \$"
    assert labels.wrapped("the_rate_of_the_second_stage", 15) == "the_rate_of_\nthe_second_sta…"
    assert labels.wrapped("short", 15) == "short"


def test_long_categories_that_differ_at_the_end_have_labels_that_differ():
    names = [f"algebraic multigrid with smoother number {i} and a coarse level" for i in range(14)]
    told = labels.distinct(names)
    assert len(set(told)) == 14
    assert all(len(text) <= 18 for text in told)
    assert labels.distinct(["a", "bb"]) == ["a", "bb"]
    assert len(set(labels.distinct(["x" * 70, "x" * 80]))) == 2


def test_ticks_of_values_tell_each_other_apart_without_an_offset():
    plain = labels.Plain()
    assert plain.format_ticks([1.0, 1.00002, 1.00004]) == ["1.00000", "1.00002", "1.00004"]
    assert plain.format_ticks([-0.5, 0.0, 0.5]) == ["−0.5", "0.0", "0.5"]
    assert plain.format_ticks([0.0, 1e9]) == ["0", "1e9"]
    ax = plots.plot_convergence(made_of([trial(0, i, 1e9 + i, started=float(i)) for i in range(5)]))
    ax.figure.canvas.draw()
    assert ax.yaxis.get_offset_text().get_text() == ""


def test_ticks_of_integers_are_integers():
    ticks, labels = style.ticks_of(check_space([(1, 3)]).dimensions[0])
    assert (ticks, labels) == ([1.0, 2.0, 3.0], ["1", "2", "3"])
    ticks, labels = style.ticks_of(Integer(1, 1000, prior="log-uniform"))
    assert labels == ["1", "10", "100", "1000"]


def test_parallel_coordinates_of_chosen_parameters(result):
    ax = plots.plot_parallel(result, ["kind", 0])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["kind", "rate", "objective"]
    well = next(collection for collection in of(ax, LineCollection) if collection.get_array() is not None)
    rates = result.search_space.dimensions[0].to_unit([x[0] for x in result.x_iters])
    np.testing.assert_allclose(np.sort([segment[1, 1] for segment in well.get_segments()]), np.sort(rates))


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


def overlapping(texts):
    """Pairs of texts whose boxes overlap, both along their own line where they are turned alike."""
    boxes = [(text.get_text(), text.get_rotation(), text.get_window_extent()) for text in texts if text.get_text()]
    boxes = [(told, box if turn in (0.0, 90.0) else None) for told, turn, box in boxes]
    return [
        (a, b)
        for i, (a, one) in enumerate(boxes)
        for b, other in boxes[i + 1 :]
        if one is not None and other is not None and one.overlaps(other)
    ]


@pytest.mark.parametrize("n", [2, 5, 14, 20])
@pytest.mark.parametrize("length", [3, 12, 60])
def test_labels_of_categories_do_not_overlap(n, length):
    names = [f"{i}{'w' * length}" for i in range(n)]
    space = check_space({"kind": Categorical(names), "rate": (1e-5, 1.0, "log-uniform")})
    trials = [
        Trial(
            drive=0,
            iteration=i,
            x=(names[i % n], 0.1),
            status="ok",
            metrics={"objective": float(i)},
            started=float(i),
            seconds=1.0,
        )
        for i in range(6)
    ]
    study = Result(trials, space, Metrics(), Partition(space))
    for pair in (("kind", "rate"), ("rate", "kind")):
        figure = pyplot.figure(figsize=(4.0, 3.4), layout="constrained")
        ax = plots.plot_partition(study, pair, ax=figure.gca())
        figure.canvas.draw()
        for told in (ax.get_xticklabels(), ax.get_yticklabels()):
            assert overlapping(told) == []
            assert all(text.get_window_extent().x0 >= -1 for text in told)


LIMITED = [Metric("cost"), Metric("weight", goal="constrain", upper=1.0)]


def limited(*pairs):
    ended = {"status": "ok", "seconds": 1.0}
    trials = [
        Trial(drive=0, iteration=i, x=(0.5, 0.5), metrics={"cost": cost, "weight": weight}, started=1.0 * i, **ended)
        for i, (cost, weight) in enumerate(pairs)
    ]
    return made_of(trials, metrics=LIMITED)


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


@pytest.mark.parametrize("n", [0, 1, 2])
def test_evaluations_are_counted_in_whole_numbers(n):
    ax = plots.plot_convergence(made_of([trial(0, i, 1.0, started=float(i)) for i in range(n)]))
    ax.figure.canvas.draw()
    assert all(tick.is_integer() for tick in ax.get_xticks())


def test_lines_of_one_level_stay_within_its_bar():
    space = check_space({"kind": ["a", "b"], "n": (1, 3)})
    trials = [
        Trial(drive=0, iteration=i, x=("ab"[i % 2], 1 + i % 3), status="ok", metrics={"objective": float(i)}) for i in range(40)
    ]
    ax = plots.plot_parallel(Result(trials, space, Metrics(), Partition(space)))
    well = next(collection for collection in of(ax, LineCollection) if len(collection.get_segments()) == 40)
    heights = np.array([segment[0, 1] for segment in well.get_segments()])
    assert (np.abs(np.where(heights < 0.5, heights - 0.25, heights - 0.75)) <= 0.5 * 0.3 / 2 + 1e-9).all()


@pytest.mark.parametrize("dimensions", ["C", ("rate",), 0, ("rate", "units", "kind")])
def test_plot_partition_takes_two_dimensions(result, dimensions):
    with pytest.raises(InputError, match="takes two dimensions"):
        plots.plot_partition(result, dimensions)
