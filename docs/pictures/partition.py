"""Draw the pictures of the partition, beside this file: real partitions, and real studies of a test function.

    python docs/pictures/partition.py            # into docs/pictures; another folder may be named

halves.svg     dimensions of three kinds, and the two halves of each
boxes.svg      the four subspaces of two dimensions
study.png      where the published and the adaptive strategy evaluated the Styblinski-Tang function
share.svg      how many subspaces hold the optimum
hypercube.svg  which subspaces are neighbors
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

from hyperspace import hyperdrive
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.testing.problems import problem

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

INK, FAINT = "#22292f", "#b8c2cc"
COLORS = ["#2563a8", "#d1495b", "#2f9e6e", "#d98f1f"]  # one a subspace
EVALUATIONS = 64
mpl.rcParams.update(
    {
        "font.size": 11,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": INK,
        "ytick.color": INK,
        "svg.hashsalt": "hyperspace",  # the same picture is the same file
        "figure.facecolor": "white",
    }
)


def halves():
    """Draw what becomes of a dimension: each half in its own scale, and what the halves share."""
    dimensions = {
        "momentum": ((0.0, 1.0), "real numbers"),
        "learning_rate": ((1e-5, 1e-1, "log-uniform"), "real numbers, logarithmic"),
        "layers": ((1, 8), "integers"),
        "optimizer": (["sgd", "adam", "rmsprop", "lion"], "categories, in the order given"),
    }
    figure, panels = plt.subplots(4, 1, figsize=(9, 5.6), layout="constrained")
    for axes, (name, (given, kind)) in zip(panels, dimensions.items(), strict=True):
        partition = Partition(check_space({name: given}))
        lower, upper = (subspace.space.dimensions[0] for subspace in partition)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.1, 2.3), yticks=[], xticks=[])
        axes.set_title(f"{name}  ({kind})", loc="left", fontsize=11, weight="bold")
        axes.spines[:].set_visible(False)
        for row, (part, subspace, color) in enumerate(zip((lower, upper), partition, COLORS, strict=False)):
            start, end = subspace.bounds.lower[0], subspace.bounds.upper[0]
            axes.add_patch(Rectangle((start, row + 0.1), end - start, 0.85, color=color, alpha=0.85, lw=0))
            axes.text((start + end) / 2, row + 0.5, label(part), color="white", ha="center", va="center")
    figure.savefig(FOLDER / "halves.svg", metadata={"Date": None})


def label(part):
    """Return the values of one half as text."""
    if hasattr(part, "categories"):
        return ", ".join(part.categories)
    low, high = part.low, part.high
    return f"{low} to {high}" if isinstance(low, int) else f"{low:.3g} to {high:.3g}"


def boxes():
    """Draw the four subspaces of two dimensions apart, and together."""
    partition = Partition(check_space([(0.0, 1.0), (0.0, 1.0)]))
    figure, panels = plt.subplots(1, 5, figsize=(12, 2.9), layout="constrained")
    for axes in panels:
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
    for subspace, axes in zip(partition, panels, strict=False):
        for panel, alpha in ((axes, 0.85), (panels[4], 0.3)):
            panel.add_patch(box(subspace, color=COLORS[subspace.index], alpha=alpha, lw=0))
        axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, ec=FAINT, lw=1.2))
        axes.set_title(f"subspace {subspace.index}")
    panels[4].set_title("all: the middle is in each")
    figure.savefig(FOLDER / "boxes.svg", metadata={"Date": None})


def box(subspace, lower=(0, 0), side=(1, 1), **style):
    """Return a subspace of two dimensions as a rectangle."""
    corner = np.asarray(lower) + np.asarray(side) * subspace.bounds.lower
    width, height = np.asarray(side) * (subspace.bounds.upper - subspace.bounds.lower)
    return Rectangle(corner, width, height, **style)


def study():
    """Run both strategies with the same number of evaluations, and draw where these were made."""
    function = problem("styblinski_tang", 2)
    partition = Partition(check_space(function.dimensions))
    grid = np.linspace(-5, 5, 201)
    values = np.array([[function([x, y]) for x in grid] for y in grid])
    figure, panels = plt.subplots(1, 2, figsize=(10, 5.5), layout="constrained", sharey=True)
    ways = {
        "static": "static: four searches that share nothing",
        "adaptive": "adaptive: all learn from all",
    }
    for axes, (strategy, title) in zip(panels, ways.items(), strict=True):
        result = hyperdrive(
            function, function.dimensions, None, strategy=strategy, n_calls=EVALUATIONS, exchange=None, checkpoints=False
        )
        print(f"{strategy}: regret {result.fun - function.minimum:.2g} after {EVALUATIONS} evaluations")
        axes.contourf(grid, grid, values, levels=24, cmap="Greys_r", alpha=0.55)
        for subspace in partition:
            color = COLORS[subspace.index]
            inset = 0.07 * subspace.index  # edges of several boxes in one place stay apart
            axes.add_patch(box(subspace, (-5 + inset, -5 + inset), (10 - 2 * inset,) * 2, fill=False, ec=color, lw=2.0))
            trials = result.trials[result.trials["subspace"] == subspace.index]
            axes.plot(trials["x0"], trials["x1"], "o", ms=6, color=color, mec="white", mew=0.8, clip_on=False, zorder=3)
        axes.plot(*result.x, "*", ms=20, color="#ffd43b", mec=INK, mew=1.2, zorder=4)
        inside = np.all(np.abs(result.trials[["x0", "x1"]] - function.optimum) < 1.0, axis=1).mean()
        axes.set_title(title, loc="left", weight="bold")
        axes.set_xlabel(f"{inside:.0%} of the evaluations near the optimum;  regret {result.fun - function.minimum:.0e}")
        axes.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal")
        axes.spines[:].set_visible(False)
    figure.savefig(FOLDER / "study.png", dpi=120)


def share():
    """Draw the share of the subspaces that hold an optimum drawn at random: ((1 + overlap) / 2)^D."""
    d = np.arange(1, 11)
    part = 0.625**d
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.bar(d, part, color=COLORS[0], width=0.7)
    for number, value in zip(d, part, strict=True):
        axes.text(number, value + 0.015, f"{value:.1%}" if value < 0.1 else f"{value:.0%}", ha="center")
    axes.set(xticks=d, yticks=[], ylim=(0, 0.72), xlabel="dimensions, all of them split")
    axes.set_title("Subspaces that hold the optimum, overlap 0.25", loc="left", weight="bold")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(FOLDER / "share.svg", metadata={"Date": None})


def hypercube():
    """Draw the eight subspaces of three dimensions as the corners of a cube, and its edges."""
    partition = Partition(check_space([(0.0, 1.0)] * 3))
    places = {i: np.array([2.2 * (i & 1) + 1.0 * (i >> 2), 1.6 * (i >> 1 & 1) + 0.75 * (i >> 2)]) for i in range(8)}
    figure, axes = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
    for index, place in places.items():
        for neighbor in partition.neighbors(index):
            axes.plot(*zip(place, places[neighbor], strict=True), color=FAINT, lw=2, zorder=1)
        axes.plot(*place, "o", ms=34, color=COLORS[0], mec="white", mew=2, zorder=2)
        halves = "".join("upper"[0] if index >> bit & 1 else "lower"[0] for bit in range(3))
        axes.text(*place, f"{index}\n{halves}", color="white", ha="center", va="center", fontsize=10, zorder=3)
    axes.set(xlim=(-0.4, 3.6), ylim=(-0.4, 2.75), aspect="equal")
    axes.axis("off")
    figure.savefig(FOLDER / "hypercube.svg", metadata={"Date": None})


FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent

if __name__ == "__main__":
    for draw in (halves, boxes, study, share, hypercube):
        draw()
