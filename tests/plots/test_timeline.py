"""The timeline: a bar for each evaluation, without the pauses."""

import pytest
from drawn import labeled, made_of, of, told, trial
from matplotlib.collections import PolyCollection

from hyperspace import plots


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


def test_an_empty_study_has_no_rows():
    ax = plots.plot_gantt(made_of([]))
    assert of(ax, PolyCollection) == []
    assert ax.get_xlim()[0] == 0.0


@pytest.mark.parametrize(
    ("seconds", "unit", "length"), [(60.0, "seconds", 60), (600.0, "minutes", 10), (36000.0, "hours", 10), (864000.0, "days", 10)]
)
def test_times_have_the_unit_that_suits_them(seconds, unit, length):
    ax = plots.plot_gantt(made_of([trial(0, 0, 1.0, started=10.0, seconds=seconds)]))
    assert ax.get_xlabel() == f"{unit} since the start"
    assert ax.get_xlim()[1] == pytest.approx(length)


def test_ranks_are_named_with_their_machines_if_there_are_several():
    trials = [trial(rank, 0, 1.0, started=1.0, rank=rank, host=f"node{rank}.example.org") for rank in range(2)]
    names = [label.get_text() for label in plots.plot_gantt(made_of(trials)).get_yticklabels()]
    assert names == ["rank 0, node0.examp…", "rank 1, node1.examp…"]


def test_many_ranks_have_numbers_instead_of_names():
    trials = [trial(rank, 0, 1.0, started=1.0, rank=2 * rank) for rank in range(40)]
    ax = plots.plot_gantt(made_of(trials))
    assert ax.get_ylabel() == "rank"
    assert len(ax.texts) == 0
    assert [ax.yaxis.get_major_formatter()(row, None) for row in (0.0, 39.0, 40.0, -1.0)] == ["0", "78", "", ""]
    assert ax.get_ylim() == (39.6, -0.6)


def test_a_few_evaluations_have_no_stragglers():
    """The median of fewer than five durations says little."""
    for count, outlined in ((3, 0), (4, 1)):
        trials = [trial(0, i, 1.0, started=1.0 + 10.0 * i) for i in range(count)]
        trials.append(trial(0, count, 1.0, started=1.0 + 10.0 * count, seconds=9.0))
        ax = plots.plot_gantt(made_of(trials))
        assert sum("the median" in text for text in told(ax)) == outlined


def test_each_status_has_a_color_of_its_own_and_a_name():
    statuses = ("ok", "failed", "timeout", "pruned")
    trials = [trial(0, i, 1.0, status=status, started=1.0 + 2.0 * i) for i, status in enumerate(statuses)]
    ax = plots.plot_gantt(made_of(trials))
    assert told(ax) == ["ended well", "failed", "timed out", "pruned"]
    assert len({tuple(bars.get_facecolor()[0]) for bars in of(ax, PolyCollection)}) == 4
