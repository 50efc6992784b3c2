"""Animation of a two-dimensional study: the positions of its drives over time, as a GIF."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from hyperspace.errors import InputError
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.plots import labels, style
from hyperspace.results.activity import evaluation
from hyperspace.results.merged_model import FEWEST
from hyperspace.results.result import Result
from hyperspace.system.paths import expanded
from hyperspace.system.whole_file import check_output, told_as_unwritable
from hyperspace.trials.incumbent import contenders
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array

_GRID = 120
_FRAMES = 120
_RECENT = 3  # number of evaluations in the trail of a drive


@own_numerics()
def animate_search(
    result: Result,
    path: str | os.PathLike[str],
    ax: Axes | None = None,
    function: Callable[[list[Any]], float] | None = None,
    fps: int = 8,
) -> Axes:
    """Write a GIF of a two-dimensional study: the trials in the order of their ends, and the positions of the drives.

    The background is the objective: `function` if it is given, else the final merged surrogate. A drive is a disk in its own
    color with a short trail. The dashed boxes are the subspaces, and the star is the best trial so far.

    Args:
        result: the study.
        path: the file to write.
        ax: axes to draw into; the whole figure is written.
        function: the objective as a function of a point, if it is cheap.
        fps: frames per second.

    Returns:
        The axes with the last frame.

    Raises:
        InputError: the study does not have two dimensions, no trial has ended, the file's name does not end in .gif, or it
            cannot be written.
    """
    file = expanded(path, "path")
    if file.suffix.lower() != ".gif":
        raise InputError(f"an animation is written as GIF, got {str(file)!r}; name a file that ends in .gif")
    check_output(file, "the animation")
    space = result.search_space
    if space.d != 2:
        raise InputError(f"the animation shows studies of two dimensions, this one has {space.d}; see plot_partition")
    ended = sorted((t for t in result.all_trials if t.finished and t.drive >= 0), key=lambda t: (evaluation(t, 0.0).end, t.key))
    if not ended:
        raise InputError("no trial has ended yet; there is nothing to animate")
    ax = style.axes_for(ax, 5.6, 5.0, square=True)
    figure: Any = ax.figure
    for axis, dimension, name in zip((ax.xaxis, ax.yaxis), space.dimensions, space.names, strict=True):
        style.mark_axis(axis, dimension, name)
    _draw_background(ax, result, function)
    _draw_boxes(ax, result)
    frames = _Frames(ax, result, ended)
    steps = style.thinned(range(1, len(ended) + 1), _FRAMES)
    steps += [steps[-1]] * fps  # show the end for a second
    # Lay out once: a title of another length must not move the picture.
    frames.show(1)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    writer = PillowWriter(fps=fps)
    with told_as_unwritable(file, "the animation"), writer.saving(figure, os.fspath(file), dpi=90):
        for count in steps:
            frames.show(count)
            writer.grab_frame()
    return ax


def _draw_background(ax: Axes, result: Result, function: Callable[[list[Any]], float] | None) -> None:
    space = result.search_space
    if function is None and len(result.x_iters) < FEWEST:
        return
    u = (np.arange(_GRID) + 0.5) / _GRID
    U = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    if function is not None:
        values = np.array([function(list(x)) for x in space.from_unit(U)], dtype=float)
    else:
        values = result.surrogate.predict(U)[0]
    colors = style.good_colors(values, result.maximize)
    # The unit square fills the axes for all scales.
    ax.imshow(
        values.reshape(_GRID, _GRID),
        cmap=colors[0],
        norm=colors[1],
        alpha=0.55,
        origin="lower",
        extent=(0.0, 1.0, 0.0, 1.0),
        transform=ax.transAxes,
        aspect="auto",
        zorder=0,
    )
    source = "" if function is not None else ", by the surrogate at the end"
    style.colorbar(ax, colors, style.goal_name(result) + source, result.maximize)


def _draw_boxes(ax: Axes, result: Result) -> None:
    for subspace in result.partition:
        (x0, x1), (y0, y1) = (
            style.place(dimension, np.array([subspace.bounds.lower[j], subspace.bounds.upper[j]]))
            for j, dimension in enumerate(result.search_space.dimensions)
        )
        ax.add_patch(
            Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor="white", linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        )


class _Frames:
    """Frames of the state after a number of evaluations."""

    def __init__(self, ax: Axes, result: Result, ended: list[Trial]) -> None:
        self._ax, self._result, self._ended = ax, result, ended
        space = result.search_space
        self._xy: Array = np.stack([style.positions(dimension, ended, j) for j, dimension in enumerate(space.dimensions)], axis=1)
        self._ok = np.array([trial.status == OK for trial in ended])
        goals = result.goals
        self._loss = np.array(
            [goals.loss(trial.metrics) if good else np.inf for good, trial in zip(contenders(ended, goals), ended, strict=True)]
        )
        dots: dict[str, Any] = {"linewidth": 0, "zorder": 2}
        self._past = ax.scatter([], [], s=14, color="black", alpha=0.45, **dots)
        self._bad = ax.scatter([], [], s=26, marker="x", color=style.VERMILLION, linewidth=1.2, zorder=2)
        drives = sorted({trial.drive for trial in ended})
        self._rows = {drive: [row for row, trial in enumerate(ended) if trial.drive == drive] for drive in drives}
        color = {drive: style.PALETTE[number % len(style.PALETTE)] for number, drive in enumerate(drives)}
        self._trails = {drive: ax.plot([], [], color=color[drive], linewidth=1.3, alpha=0.8, zorder=3)[0] for drive in drives}
        self._heads = {
            drive: ax.plot([], [], "o", color=color[drive], markeredgecolor="white", markersize=8, zorder=4)[0]
            for drive in drives
        }
        self._star = ax.plot([], [], "*", color=style.ORANGE, markeredgecolor="black", markersize=15, zorder=5)[0]

    def show(self, count: int) -> None:
        """Show the first `count` evaluations."""
        shown = np.arange(len(self._ended)) < count
        self._past.set_offsets(self._xy[shown & self._ok])
        self._bad.set_offsets(self._xy[shown & ~self._ok])
        for drive, rows in self._rows.items():
            recent = [row for row in rows if row < count][-_RECENT:]
            self._trails[drive].set_data(*self._xy[recent].T)
            self._heads[drive].set_data(*self._xy[recent[-1:]].T)
        best = int(np.argmin(self._loss[:count]))
        title = f"{count} of {len(self._ended)} evaluations"
        if np.isfinite(self._loss[best]):
            self._star.set_data(*self._xy[best : best + 1].T)
            title += f", best {labels.number(self._result.goals.sign * self._loss[best])}"
        self._ax.set_title(title, fontsize="medium", loc="left")
