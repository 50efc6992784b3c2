"""Draw the figure of docs/architecture.md: the way of one call through the rooms of the package.

    python docs/pictures/architecture.py [FOLDER]

architecture.svg    rooms as boxes, data as arrows
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

INK, GRAY, PURE, EFFECT, OUTSIDE = "#1b1f24", "#6b7280", "#dbe7fb", "#fde7cf", "#eceff3"
LEGEND = [
    (PURE, "never sees files, MPI or the objective"),
    (EFFECT, "may use files, MPI, processes"),
    (OUTSIDE, "outside of the package"),
]


def main(folder):
    """Write the figure into a folder."""
    mpl.rcParams |= {"font.size": 10, "svg.hashsalt": "architecture", "font.family": "DejaVu Sans"}
    figure, ax = pyplot.subplots(figsize=(7.2, 7.6))
    ax.set(xlim=(0, 107), ylim=(1, 106))
    ax.axis("off")

    box(ax, 16, 97, 52, 8, "api/hyperdrive", "one call, on every rank", EFFECT)
    box(ax, 16, 84, 52, 8, "space", "check the space; split it (partition)", PURE)
    box(ax, 16, 71, 52, 8, "study", "plan drives, budget, initial design", EFFECT)
    ax.add_patch(FancyBboxPatch((1, 14.5), 72, 50.5, boxstyle="round,pad=0,rounding_size=2", fill=False, ec=GRAY, ls=(0, (4, 3))))
    ax.text(71, 62.2, "execution: a loop for each drive", color=GRAY, va="center", ha="right", size=9)
    box(ax, 4, 49.5, 42, 9, "strategies, optimizers", "ask: where to evaluate next", PURE)
    box(ax, 4, 38.5, 42, 8, "journal", "event: started", EFFECT)
    box(ax, 4, 27.5, 42, 8, "evaluators", "call the objective", EFFECT)
    box(ax, 4, 16.5, 42, 8, "journal", "event: finished (on disk)", EFFECT)
    box(ax, 51, 16.5, 20, 8, "exchange", "share, receive", EFFECT)
    box(ax, 51, 49.5, 20, 9, "trials", "the archive", PURE)
    box(ax, 16, 2.5, 52, 8, "results", "merge: one Result on every rank", EFFECT)
    box(ax, 80, 36, 22, 15, "study folder", "study.json\njournals/*.jsonl\nleases/*", OUTSIDE)
    box(ax, 80, 16.5, 22, 8, "other ranks", "", OUTSIDE)
    box(ax, 75, 2.5, 27, 8, "plots, report, cli", "show a study", EFFECT)

    arrow(ax, (42, 97), (42, 92))
    arrow(ax, (42, 84), (42, 79))
    arrow(ax, (25, 71), (25, 58.5))
    arrow(ax, (25, 49.5), (25, 46.5), "x")
    arrow(ax, (25, 38.5), (25, 35.5))
    arrow(ax, (25, 27.5), (25, 24.5), "metrics")
    arrow(ax, (46, 20.5), (51, 20.5))
    arrow(ax, (61, 24.5), (61, 49.5), "trials")
    arrow(ax, (51, 54), (46, 54))
    arrow(ax, (71, 20.5), (80, 20.5), both=True)
    arrow(ax, (46, 43.5), (80, 43.5))
    arrow(ax, (46, 23.5), (80, 38.5))
    arrow(ax, (25, 16.5), (25, 10.5))
    arrow(ax, (68, 6.5), (75, 6.5))
    ax.plot([102, 106, 106], [43.5, 43.5, 6.5], color=INK, lw=1)
    arrow(ax, (106, 6.5), (102, 6.5))
    for number, (color, text) in enumerate(LEGEND):
        y = 102.5 - 4.5 * number
        ax.add_patch(FancyBboxPatch((71, y - 1.2), 3, 2.4, boxstyle="round,pad=0,rounding_size=0.6", fc=color, ec=INK, lw=0.8))
        ax.text(75.3, y, text, va="center", size=7.6, color=INK)
    figure.savefig(Path(folder) / "architecture.svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})


def box(ax, x, y, width, height, title, text, color):
    """Draw a room: its name, and below it what it does."""
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=1.2", fc=color, ec=INK, lw=1))
    lines = text.count("\n") + 1 if text else 0
    middle = x + width / 2
    if not lines:
        ax.text(middle, y + height / 2, title, ha="center", va="center", weight="bold", color=INK, size=10)
        return
    ax.text(middle, y + height - 2.5, title, ha="center", va="center", weight="bold", color=INK, size=10)
    ax.text(middle, y + (height - 3.6) / 2, text, ha="center", va="center", color=INK, size=9, linespacing=1.25)


def arrow(ax, start, end, text="", both=False):
    """Draw the way of data between two rooms."""
    style = "<|-|>" if both else "-|>"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle=style, mutation_scale=11, color=INK, lw=1, shrinkA=0, shrinkB=0))
    if text:
        ax.text((start[0] + end[0]) / 2 + 1, (start[1] + end[1]) / 2, text, va="center", size=8.5, style="italic", color=GRAY)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
