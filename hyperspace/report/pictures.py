"""Pictures as SVG within a page, in the page's own colours, so that they are right on light and on dark paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from hyperspace.errors import StudyError
from hyperspace.report.html import Html, tag
from hyperspace.terminal import printable

# Colours that occur nowhere else, and what they become.
_INK, _PAPER = "#0a0b0d", "#fdfbfa"
_SETTINGS: dict[str, Any] = {
    **{f"{name}.color": _INK for name in ("text", "xtick", "ytick")},
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.facecolor": _PAPER,
    "figure.facecolor": _PAPER,
    "legend.facecolor": _PAPER,
    "font.size": 10.0,
    "svg.fonttype": "none",  # text stays text: small, sharp, and in the page's font
}
_GRID = 6.0  # inches: what is wider stands alone in its row, and is not made smaller than can be read
_MOST_BYTES = 400_000  # of a vector graphic; beyond that its marks are an image


def picture(
    name: str, label: str, draw: Callable[..., object], width: float = 5.4, height: float = 3.5, wide: bool = False
) -> Html:
    """Return a picture as a figure of the page; a sentence where the study does not have enough for it.

    Args:
        name: what tells its parts from those of other pictures in the page.
        label: what it shows, for those who cannot see it, and below it.
        draw: draws into ax=.
        width: in inches.
        height: in inches.
        wide: on a narrow page it keeps its size and is scrolled sideways.
    """
    settings: Any = _SETTINGS | {"svg.hashsalt": f"hyperspace-{name}"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        try:
            draw(ax=figure.subplots())
        except StudyError as error:
            return tag("p", f"{label}: {error}.", class_="missing")
        written = _svg(figure)
        if len(written) > _MOST_BYTES:
            for marks in (each for ax in figure.axes for each in ax.collections):
                marks.set_rasterized(True)
            written = _svg(figure)
    around = "scroll wide" if wide else "scroll single" if width > _GRID else "scroll"
    return tag("figure", tag("div", _themed(written, label, wide), class_=around), tag("figcaption", label))


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=110, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()


def _themed(svg: str, label: str, wide: bool) -> Html:
    """Return matplotlib's SVG for use within a page: its own colours replaced, and names left out that nothing refers to."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(_INK, "currentColor").replace(_PAPER, "var(--paper)")
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found.group(0) if found.group(1) in used else "", svg)
    size = re.match(r"<svg[^>]*", svg)
    opening = size.group(0) if size is not None else "<svg"
    width = re.search(r' width="([\d.]+)pt"', opening)
    plain = re.sub(r' (?:width|height)="[\d.]+pt"', "", opening)
    natural = f"{float(width.group(1)) if width else 400:.0f}pt"
    size_of = f"width:{natural};min-width:100%" if wide else ""
    named = f'{plain} role="img" aria-label="{_attribute(label)}"' + (f' style="{size_of}"' if size_of else "")
    return Html(svg.replace(opening, named, 1))


def _attribute(text: str) -> str:
    return re.sub(r'[<>&"]', " ", printable(text))
