"""Labels of plots: short, distinct, and as many as fit.

The room is estimated from the size of the figure without drawing, so that a plot is laid out once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, font_scalings
from matplotlib.textpath import text_to_path
from matplotlib.ticker import Formatter

from hyperspace.system.terminal import printable

LONGEST = 18  # characters of a label
_MEAN_WIDTH = 0.58  # mean width of a character of DejaVu Sans, in units of the font's size
_SMALL = 0.833  # size of "small" text, in units of the font's size
_FEWEST = 4  # least number of characters of a label
_LEGEND_KEY = 4.6  # width of a legend's key with its gaps, in units of its font's size


def text(value: object, longest: int = LONGEST) -> str:
    """Return a label for any value: short, and never read as a formula."""
    words = printable(" ".join(str(value).split()))
    words = words if len(words) <= longest else words[: longest - 1] + "…"
    return words.replace("$", r"\$")


def wrapped(value: object, width: int = 30, lines: int = 2) -> str:
    """Return a label in at most `lines` lines of `width` characters; a name is broken at a blank or after an underscore."""
    words = printable(" ".join(str(value).split()))
    pieces = [""]
    for part in re.findall(r"\s*[^\s_]+_*|\s*_+", words):
        if pieces[-1] and len(pieces) < lines and len(pieces[-1] + part) > width:
            pieces.append("")
        pieces[-1] += part if pieces[-1] else part.lstrip()
    return "\n".join(text(piece, width) for piece in pieces)


def distinct(values: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return distinct labels for different values: a common part of long ones is removed, or they are numbered."""
    words = [printable(" ".join(str(value).split())) for value in values]
    labels = [text(word, longest) for word in words]
    if len(set(labels)) == len(set(words)):
        return labels
    start = _shared(words)
    end = _shared([word[start:][::-1] for word in words])
    cut = [word[start : len(word) - end] for word in words]
    labels = [text("…" + word if start else word, longest) for word in cut]
    if len(set(labels)) == len(set(words)) and all(cut):
        return labels
    return [text(f"{number}: {word}", longest) for number, word in enumerate(words)]


def _shared(words: Sequence[str]) -> int:
    """Return the length of the common beginning of all words."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*words, strict=False)))


def number(value: float) -> str:
    """Return a readable number: three digits, or all before the point."""
    shown = f"{value:.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"
    mantissa, e, exponent = shown.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else shown


class Plain(Formatter):
    """Tick labels: enough digits to distinguish them, the same number of decimals, and no offset beside the axis."""

    def __init__(self) -> None:
        self._digits, self._decimals, self._tiny = 3, 0, 0.0

    def set_locs(self, locs: Any) -> None:
        """Record the positions of the ticks."""
        super().set_locs(locs)
        values = np.asarray(locs, dtype=float)
        if len(values) == 0:
            return
        self._tiny = 1e-9 * float(np.abs(values).max())
        values = values[np.abs(values) > self._tiny]
        for self._digits in range(3, 16):
            shown = [f"{value:.{self._digits}g}" for value in values]
            if len(set(shown)) == len(set(values.tolist())):
                break
        exponents = any("e" in word for word in shown) if len(values) else False
        self._decimals = -1 if exponents else max((len(word.partition(".")[2]) for word in shown), default=0)

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the label of a tick."""
        value = 0.0 if abs(value) <= self._tiny else value
        if self._decimals >= 0 or value == 0.0:
            return f"{value:.{max(self._decimals, 0)}f}".replace("-", "−")
        mantissa, e, exponent = f"{value:.{self._digits}g}".partition("e")
        return (f"{mantissa}e{int(exponent)}" if e else mantissa).replace("-", "−")


def breadth(ax: Axes, vertical: bool = False) -> float:
    """Return the approximate length of an axis in points."""
    figure: Any = ax.figure
    box = ax.get_position()
    size = figure.bbox.height if vertical else figure.bbox.width
    return float((box.height if vertical else box.width) * size * 72.0 / figure.dpi)


def width_of(label: str, size: float) -> float:
    """Return the width of a label in points."""
    font = FontProperties(size=size)
    return max(float(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]) for line in label.split("\n"))


def characters(room: float, size: str) -> int:
    """Return the approximate number of characters of a size, such as "small", that fit into `room` points."""
    return int(room / (_MEAN_WIDTH * font_scalings[size] * float(rcParams["font.size"])))


def legend_columns(labels: Sequence[str], room: float, most: int, size: float) -> int:
    """Return the number of columns in which labels fit into `room` points: matplotlib fills one column after the other."""
    for columns in range(min(most, len(labels)), 1, -1):
        parts = np.array_split(np.array([width_of(label, size) for label in labels]), columns)
        if sum(float(part.max()) + _LEGEND_KEY * size for part in parts) <= room:
            return columns
    return 1


def small() -> float:
    """Return the size of small text, in points."""
    return _SMALL * float(rcParams["font.size"])


def fitting_ticks(labels: Sequence[str], room: float, size: float) -> tuple[int, int, float]:
    """Return a layout of non-overlapping labels of a horizontal axis: their step, their longest length, and an angle.

    Args:
        labels: labels of all ticks, evenly spaced.
        room: length of the axis in points.
        size: size of the font in points.
    """
    each = room / max(len(labels), 1)
    if all(width_of(label, size) + size <= each for label in labels):
        return 1, LONGEST, 0.0
    if each >= 2.2 * size:
        return 1, LONGEST - 4, 35.0
    return max(1, int(np.ceil(1.3 * size / each))), max(LONGEST - 4, _FEWEST), 90.0
