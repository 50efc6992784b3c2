"""Labels: short, distinct, and as many as fit."""

import pytest
from drawn import made_of, trial
from matplotlib import pyplot

from hyperspace import Categorical, plots
from hyperspace.plots import labels
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


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


def test_labels_are_one_printable_line_and_no_formula():
    assert labels.text("a\x1b[2J\n\tb  $x$") == labels.text("a\x1b[2J b $x$")
    assert "\x1b" not in labels.text("\x1b[2J")
    assert labels.text(17.0) == "17.0"
    assert labels.text("abcdef", longest=4) == "abc…"


def test_a_wrapped_label_has_as_many_lines_as_it_may():
    assert labels.wrapped("one two three four", 8) == "one two\nthree f…"
    assert labels.wrapped("one two three four", 8, lines=3) == "one two\nthree\nfour"
    assert labels.wrapped("unbreakable" * 3, 8) == "unbreak…"
    assert labels.wrapped("") == ""


def test_labels_of_equal_values_may_be_equal():
    assert labels.distinct(["a", "a"]) == ["a", "a"]
    assert labels.distinct([]) == []
    long = "w" * 30
    assert len(set(labels.distinct([f"{long}a", f"{long}a", f"{long}b"]))) == 2


def test_values_that_differ_in_their_middle_have_labels_that_differ():
    values = [f"{'a' * 20}{i}{'b' * 20}" for i in range(3)]
    assert labels.distinct(values) == ["…0", "…1", "…2"]
    assert labels.distinct(["x" * 70, "x" * 80])[0].startswith("0: ")  # one is the beginning of the other


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (-1234.5, "-1234"), (999.9, "1e3"), (99999.4, "99999"), (1e5, "1e5"), (-1.5e-7, "-1.5e-7")]
)
def test_a_number_has_three_digits_or_all_before_the_point(value, shown):
    assert labels.number(value) == shown


def test_ticks_have_the_same_number_of_decimals_and_a_zero_without_a_sign():
    plain = labels.Plain()
    assert plain.format_ticks([-1e-20, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert plain.format_ticks([-2.25, -1.5]) == ["−2.25", "−1.50"]
    assert plain.format_ticks([-1e-9, 2e-9]) == ["−1e−9", "2e−9"]
    assert plain.format_ticks([]) == []
    assert plain.format_ticks([0.0]) == ["0"]


def test_a_legend_has_the_columns_that_fit():
    names = ["short", "a much longer name of a study", "short"]
    assert labels.legend_columns(names, 1e4, 5, 8.0) == 3
    assert labels.legend_columns(names, 1e4, 2, 8.0) == 2
    assert labels.legend_columns(names, 50.0, 5, 8.0) == 1
    assert labels.legend_columns([], 100.0, 5, 8.0) == 1
    wide = [labels.width_of(name, 8.0) + 4.6 * 8.0 for name in names]
    assert labels.legend_columns(names, sum(wide) + 0.1, 5, 8.0) == 3
    assert labels.legend_columns(names, sum(wide) - 0.1, 5, 8.0) < 3


def test_ticks_are_level_then_turned_then_fewer():
    names = ["category"] * 10
    assert labels.fitting_ticks(names, 1000.0, 8.0) == (1, 18, 0.0)
    assert labels.fitting_ticks(names, 200.0, 8.0) == (1, 14, 35.0)
    assert labels.fitting_ticks(names, 110.0, 8.0) == (1, 14, 90.0)
    step, _, turn = labels.fitting_ticks(names, 40.0, 8.0)
    assert (step, turn) == (3, 90.0)
    assert step * 40.0 / 10 >= 8.0  # the labels that are left have room for their height
    assert labels.fitting_ticks([], 100.0, 8.0) == (1, 18, 0.0)


def test_the_width_of_a_label_is_that_of_its_longest_line():
    assert labels.width_of("a longer line\nb", 8.0) == labels.width_of("a longer line", 8.0) > labels.width_of("b", 8.0)
    assert labels.width_of("$x^2$", 8.0) == pytest.approx(labels.width_of("$x^2$", 16.0) / 2, rel=0.05)
