"""The animation: a GIF whose last frame has all trials."""

import numpy as np
import pytest
from drawn import made_of, of, trial
from matplotlib import pyplot
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle
from PIL import Image

from hyperspace import plots
from hyperspace.errors import InputError
from hyperspace.plots.animation import _draw_background, _Frames


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


def test_the_background_may_be_the_objective_itself():
    study = made_of([trial(0, i, float(i), started=float(i), x=(i / 4, 0.5)) for i in range(3)])
    ax = pyplot.figure().gca()
    _draw_background(ax, study, lambda x: 10.0 * x[0] + x[1])
    u = (np.arange(120) + 0.5) / 120
    np.testing.assert_allclose(ax.images[0].get_array(), 10.0 * u[None] + u[:, None])
    assert ax.figure.axes[1].get_ylabel() == "objective"
    ax = pyplot.figure().gca()
    _draw_background(ax, study, None)
    corner = study.surrogate.predict(np.array([[u[0], u[0]], [u[1], u[0]]]))[0]
    np.testing.assert_allclose(ax.images[0].get_array()[0, :2], corner)
    assert ax.figure.axes[1].get_ylabel() == "objective, by the surrogate at the end"


def test_too_few_trials_for_a_surrogate_have_no_background():
    ax = pyplot.figure().gca()
    _draw_background(ax, made_of([trial(0, i, float(i), started=float(i)) for i in range(2)]), None)
    assert len(ax.images) == 0


def test_failures_are_crosses_and_given_trials_are_left_out(tmp_path):
    trials = [
        trial(-1, 0, -9.0, origin="given"),
        trial(0, 0, 2.0, started=1.0, x=(0.25, 0.25)),
        trial(1, 0, status="failed", error="no", started=1.0, x=(0.75, 0.25)),
        trial(1, 1, 3.0, started=2.0, x=(0.5, 0.75)),
        trial(0, 1, status="running", started=3.0),
    ]
    ax = plots.animate_search(made_of(trials), tmp_path / "search.gif", fps=1)
    past, bad = of(ax, PathCollection)
    np.testing.assert_array_equal(past.get_offsets(), [[0.25, 0.25], [0.5, 0.75]])
    np.testing.assert_array_equal(bad.get_offsets(), [[0.75, 0.25]])
    assert ax.get_title(loc="left") == "3 of 3 evaluations, best 2"
    heads = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert sorted((float(x), float(y)) for x, y in (line.get_xydata()[0] for line in heads)) == [(0.25, 0.25), (0.5, 0.75)]


def test_the_star_is_the_best_so_far_and_waits_for_the_first_value(tmp_path):
    study = made_of(
        [trial(0, 0, status="failed", error="no", started=1.0)]
        + [trial(0, i, value, started=1.0 + i, x=(i / 4, 0.5)) for i, value in ((1, 1.0), (2, 3.0), (3, 2.0))],
        maximize=True,
    )
    ax = pyplot.figure().gca()
    frames = _Frames(ax, study, list(study.all_trials))
    stars = []
    for count in (1, 2, 3, 4):
        frames.show(count)
        (star,) = [line for line in ax.get_lines() if line.get_marker() == "*"]
        stars.append(list(star.get_xdata()))
    assert stars == [[], [0.25], [0.5], [0.5]]
    assert ax.get_title(loc="left") == "4 of 4 evaluations, best 3"
    (trail,) = [line for line in ax.get_lines() if line.get_marker() == "None"]
    np.testing.assert_array_equal(trail.get_xdata(), [0.25, 0.5, 0.75])  # the last three


def test_many_evaluations_share_frames(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.plots.animation._FRAMES", 3)
    study = made_of([trial(0, i, status="failed", error="no", started=float(i), x=(i / 40, 0.5)) for i in range(40)])
    plots.animate_search(study, tmp_path / "search.gif", fps=1)
    with Image.open(tmp_path / "search.gif") as gif:
        assert gif.n_frames == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no/search.gif", r"there is no folder '.*no'; create it, or name another file"),
        ("folder.gif", "it is a folder; name a file in it"),
        ("search.png", r"an animation is written as GIF, got .*; name a file that ends in \.gif"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_drawn(tmp_path, name, told):
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(InputError, match=told):
        plots.animate_search(made_of([trial(0, 0, 1.0)]), tmp_path / name)
    assert pyplot.get_fignums() == []
