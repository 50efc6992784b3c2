"""Pictures as SVG within a page, in the page's colors for light and dark paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from hyperspace.errors import StudyError
from hyperspace.plots import style
from hyperspace.report.html import Html, join, tag
from hyperspace.system.terminal import printable

# Unique colors, and their replacements.
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
# The other colors of the pictures, by the name of a CSS variable, on light and on dark paper. A scale of values starts with the
# best one at the strongest contrast, so it is reversed on dark paper.
_DARK_SHADES = [to_hex(color) for color in colormaps["viridis"](np.linspace(0.98, 0.42, len(style.SHADES)))]
_COLORS = {
    "blue": (style.BLUE, "#4a9fdb"),
    "sky": (style.SKY, "#a6d8f5"),
    "grey": (style.GRAY, "#9a9a9a"),
    **{f"g{i}": pair for i, pair in enumerate(zip(style.SHADES, _DARK_SHADES, strict=True))},
}
ROW, NARROW_ROW = (8.4, 4.0), (4.3, 3.4)  # inches of a picture in its own row, on wide and on narrow pages
_MOST_BYTES = 400_000  # size of a vector graphic above which its marks become an image


def colors() -> Html:
    """Return the style sheet of the pictures' colors, light and dark."""
    light, dark = ("".join(f"--{name}:{pair[i]};" for name, pair in _COLORS.items()) for i in (0, 1))
    return Html(f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}")


def picture(
    name: str,
    label: str,
    draw: Callable[..., object],
    width: float = 5.4,
    height: float = 3.5,
    scrolled: bool = False,
    narrow: tuple[float, float] | None = None,
) -> Html:
    """Return a picture as a figure of the page; a sentence if the study has too little data.

    Args:
        name: prefix that distinguishes its elements from those of other pictures.
        label: description for the alternative text and the caption.
        draw: draws into ax=.
        width: in inches.
        height: in inches.
        scrolled: whether it keeps its size on a narrow page and is scrolled sideways.
        narrow: width and height in inches of a second drawing for narrow pages.
    """
    try:
        drawn = tag(
            "div", _themed(_draw(name, draw, width, height), label, scrolled), class_="scroll wide" if scrolled else "scroll"
        )
        if narrow is not None:
            small = _themed(_draw(f"{name}-narrow", draw, *narrow), label, scrolled=False)
            drawn = join([tag("div", drawn, class_="for-wide"), tag("div", small, class_="for-narrow")])
    except StudyError as error:
        return tag("p", f"{label}: {error}.", class_="missing")
    return tag("figure", drawn, tag("figcaption", label))


def _draw(name: str, draw: Callable[..., object], width: float, height: float) -> str:
    """Return a picture as matplotlib's SVG.

    Raises:
        StudyError: the study has too little data.
    """
    settings: Any = _SETTINGS | {"svg.hashsalt": f"hyperspace-{name}"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(ax=figure.subplots())
        written = _svg(figure)
        if len(written) > _MOST_BYTES:
            for marks in (each for ax in figure.axes for each in ax.collections):
                marks.set_rasterized(True)
            written = _svg(figure)
    return written


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=110, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()


def _themed(svg: str, label: str, scrolled: bool) -> Html:
    """Return matplotlib's SVG for use within a page: its colors are replaced, and unused names removed."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(_INK, "currentColor").replace(_PAPER, "var(--paper)")
    variables = {light.lower(): f"var(--{name})" for name, (light, _) in _COLORS.items()}
    svg = re.sub(r"#[0-9a-f]{6}(?=[;\"])", lambda found: variables.get(found.group(0), found.group(0)), svg)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found.group(0) if found.group(1) in used else "", svg)
    size = re.match(r"<svg[^>]*", svg)
    opening = size.group(0) if size is not None else "<svg"
    width = re.search(r' width="([\d.]+)pt"', opening)
    plain = re.sub(r' (?:width|height)="[\d.]+pt"', "", opening)
    natural = f"{float(width.group(1)) if width else 400:.0f}pt"
    size_of = f"width:{natural};min-width:100%" if scrolled else ""
    named = f'{plain} role="img" aria-label="{_attribute(label)}"' + (f' style="{size_of}"' if size_of else "")
    return Html(svg.replace(opening, named, 1))


def _attribute(text: str) -> str:
    return re.sub(r'[<>&"]', " ", printable(text))
