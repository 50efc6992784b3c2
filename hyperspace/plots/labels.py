"""Labels of pictures: short, distinct, and no more of them than the room holds.

Room is estimated from the size of the figure, and nothing is drawn to measure it, so that a picture is laid out once.
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
_MEAN_WIDTH = 0.58  # of a character of DejaVu Sans, in units of the font's size
_SMALL = 0.833  # size of "small" text, in units of the font's size
_FEWEST = 4  # characters that are left of a label, at least
_LEGEND_KEY = 4.6  # width of a legend's key with the gaps around it, in units of its font's size


def text(value: object, longest: int = LONGEST) -> str:
    """Return a label for any value: short, and no part of it taken for a formula."""
    words = printable(" ".join(str(value).split()))
    words = words if len(words) <= longest else words[: longest - 1] + "…"
    return words.replace("$", r"\$")


def wrapped(value: object, width: int = 30, lines: int = 2) -> str:
    """Return a label in at most so many lines of so many characters; a name is broken at a blank or behind an underscore."""
    words = printable(" ".join(str(value).split()))
    pieces = [""]
    for part in re.findall(r"\s*[^\s_]*_*", words):
        if pieces[-1] and len(pieces) < lines and len(pieces[-1] + part) > width:
            pieces.append("")
        pieces[-1] += part if pieces[-1] else part.lstrip()
    return "\n".join(text(piece, width) for piece in pieces)


def distinct(values: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return labels for values that differ: what the long ones have in common is left out, or else they are numbered."""
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
    """Return with how many characters all words begin."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*words, strict=False)))


def number(value: float) -> str:
    """Return a number for a person, three digits of it or all before the point."""
    shown = f"{value:.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"
    mantissa, e, exponent = shown.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else shown


class Plain(Formatter):
    """Ticks of values: as many digits as tell them apart, all with the same decimals, and no offset beside the axis."""

    def __init__(self) -> None:
        self._digits, self._decimals, self._tiny = 3, 0, 0.0

    def set_locs(self, locs: Any) -> None:
        """Take note of where the ticks are."""
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
    """Return about how many points long an axis is."""
    figure: Any = ax.figure
    box = ax.get_position()
    size = figure.bbox.height if vertical else figure.bbox.width
    return float((box.height if vertical else box.width) * size * 72.0 / figure.dpi)


def width_of(label: str, size: float) -> float:
    """Return how many points wide a label is."""
    font = FontProperties(size=size)
    return max(float(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]) for line in label.split("\n"))


def characters(room: float, size: str) -> int:
    """Return about how many characters of a size, such as "small", fit into so many points."""
    return int(room / (_MEAN_WIDTH * font_scalings[size] * float(rcParams["font.size"])))


def legend_columns(labels: Sequence[str], room: float, most: int, size: float) -> int:
    """Return in how many columns labels fit into so many points: matplotlib fills one column after the other."""
    for columns in range(min(most, len(labels)), 1, -1):
        parts = np.array_split(np.array([width_of(label, size) for label in labels]), columns)
        if sum(float(part.max()) + _LEGEND_KEY * size for part in parts) <= room:
            return columns
    return 1


def small() -> float:
    """Return the size of small text, in points."""
    return _SMALL * float(rcParams["font.size"])


def fitting_ticks(labels: Sequence[str], room: float, size: float) -> tuple[int, int, float]:
    """Return how labels of a horizontal axis stay apart: the step between them, their longest length, and an angle.

    Args:
        labels: of all ticks, evenly spaced.
        room: length of the axis in points.
        size: of the font in points.
    """
    each = room / max(len(labels), 1)
    if all(width_of(label, size) + size <= each for label in labels):
        return 1, LONGEST, 0.0
    if each >= 2.2 * size:
        return 1, LONGEST - 4, 35.0
    return max(1, int(np.ceil(1.3 * size / each))), max(LONGEST - 4, _FEWEST), 90.0
