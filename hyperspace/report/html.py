"""HTML that is escaped by construction: any value other than `Html` is escaped text."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hyperspace.trials.metrics import Metric

_EMPTY = ("br", "meta")
_LONG = 20  # number of rows from which a table scrolls by itself


class Html(str):
    """HTML text. Only this module makes it, from this package's own files and pictures."""

    __slots__ = ()


def escape(value: object) -> Html:
    """Return any value as HTML that shows it."""
    if isinstance(value, Html):
        return value
    return Html(html.escape("".join(c if c.isprintable() or c in "\n\t" else "�" for c in str(value)), quote=True))


def join(parts: Iterable[object]) -> Html:
    """Return the parts one after the other."""
    return Html("".join(escape(part) for part in parts if part is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element. An attribute of None is left out; `class_` stands for class, data_value for data-value."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value is not None
    )
    return Html(f"<{name}{shown}>" if name in _EMPTY else f"<{name}{shown}>{join(children)}</{name}>")


class Cell:
    """Cell of a table, with its display and sort key.

    Args:
        value: a number is shown with six digits and sorted as a number; nan and None are empty and come last; others are text.
        shown: text to show instead.
    """

    def __init__(self, value: object, shown: object = None) -> None:
        self.value = None if isinstance(value, float) and math.isnan(value) else value
        self.shown = show(self.value) if shown is None else shown

    @property
    def numeric(self) -> bool:
        """Whether it is sorted as a number."""
        return isinstance(self.value, (int, float)) and not isinstance(self.value, bool)

    def html(self, right: bool = False) -> Html:
        """Return the element; `right` for a cell in a column of numbers, which may itself be nan."""
        side = "number" if right or self.numeric else None
        return tag("td", self.shown, class_=side, data_value=repr(self.value) if self.numeric else None)


def show(value: object) -> str:
    """Return a readable value: a float with six digits, an empty text for None."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def percent(value: float) -> Cell:
    """Return a share as a cell."""
    return Cell(value, "" if math.isnan(value) else f"{value:.0%}")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], notes: Sequence[str] | None = None) -> Html:
    """Return a table that is sorted by a click on a head.

    Args:
        caption: title of the table.
        heads: heads of the columns.
        rows: rows of cells; other values are converted to cells.
        notes: tooltips of the rows.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    numeric = [any(row[j].numeric for row in cells) for j in range(len(heads))]
    head = [
        tag("th", tag("button", name, type="button"), scope="col", class_="number" if numeric[j] else None)
        for j, name in enumerate(heads)
    ]
    body = []
    for i, row in enumerate(cells):
        elements = [cell.html(right) for cell, right in zip(row, numeric, strict=True)]
        body.append(tag("tr", *elements, data_note=notes[i] if notes else None, tabindex="0" if notes else None))
    whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="sortable", aria_label=caption)
    # The caption stays visible if the table is scrolled sideways.
    return together(
        tag("p", caption, class_="caption"), tag("div", whole, class_="tall scroll" if len(cells) > _LONG else "scroll")
    )


def numbers(*items: tuple[object, str]) -> Html:
    """Return a row of large numbers with their names."""
    return tag("div", *(tag("div", tag("strong", value), tag("span", name)) for value, name in items), class_="numbers")


def pairs(items: Iterable[Sequence[object]]) -> Html:
    """Return names and values, a line each; a third element of an item is a remark."""
    rows = []
    for name, value, *remark in items:
        cells = [
            tag("td", value if isinstance(value, Html) else show(value)),
            *(tag("td", word, class_="quiet") for word in remark),
        ]
        rows.append(tag("tr", tag("th", name, scope="row"), *cells))
    return tag("div", tag("table", tag("tbody", *rows), class_="pairs"), class_="scroll")


def together(*children: object) -> Html:
    """Return the children one after the other."""
    return join(children)


def section(identity: str, title: str, content: Html) -> Html:
    """Return a section with a heading that can be linked to."""
    return tag("section", tag("h2", title), content, id=identity)


def metric(value: Any) -> Any:
    """Return a metric as a cell: for several numbers their count; a nan of the objective is shown."""
    if isinstance(value, float) and math.isnan(value):
        return Cell(None, "nan")
    return value if not isinstance(value, tuple) else Cell(counted(len(value), "value"))


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, as in 1 trial, 2 trials."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def limits(metric: Metric) -> str:
    """Return the limits of a constrained metric in words."""
    low, high = (None if end is None else show(float(end)) for end in (metric.lower, metric.upper))
    if low is None or high is None:
        return f"limit: at least {low}" if high is None else f"limit: at most {high}"
    return f"limit: {low} to {high}"


def moment(when: float) -> str:
    """Return seconds since the epoch as a date and a time."""
    return datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M:%S") if when else "an unknown time"
