"""Table rows as points: Series and DataFrame of pandas, read by their labels. pandas itself is not imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperspace.errors import InputError, shown_all


def table_class(value: Any) -> str | None:
    """Return "DataFrame" or "Series" if `value` is one of pandas', else None."""
    names = ("DataFrame", "Series")
    return next(
        (cls.__name__ for cls in type(value).__mro__ if cls.__module__.partition(".")[0] == "pandas" and cls.__name__ in names),
        None,
    )


def rows_of(values: Any) -> list[Any]:
    """Return the elements of a sequence; for a DataFrame its rows, each a dict by column."""
    if table_class(values) != "DataFrame":
        return list(values)
    if not values.columns.is_unique:
        raise InputError(f"the columns of a table of points must differ, got {shown_all(values.columns)}")
    rows: list[Any] = values.to_dict("records")  # plain values, each with the type of its column
    return [TableRow(row) for row in rows]


def _labels_of_record(row: Any) -> tuple[str, ...] | None:
    """Return the labels of a named tuple (as from DataFrame.itertuples) or of a row of a structured array; else None."""
    labels = getattr(row, "_fields", None) if isinstance(row, tuple) else getattr(getattr(row, "dtype", None), "names", None)
    return labels if isinstance(labels, tuple) else None


class TableRow(dict[Any, Any]):
    """Table row by label, which may hold more than a point's parameters."""


def by_label(row: Any, names: Sequence[str]) -> Any:
    """Return a table row as a dict of `names`, and a row numbered from 0 as a list; any other value unchanged.

    A named tuple without any of the names as label is treated as a sequence.

    Raises:
        InputError: the labels are neither names nor numbers from 0.
    """
    if table_class(row) == "Series":
        if not row.index.is_unique:
            raise InputError(f"the labels of a point must differ, got {shown_all(row.index)}")
        row = TableRow(zip(row.index.tolist(), row.tolist(), strict=True))
    labels = _labels_of_record(row)
    if labels is not None and not set(names).isdisjoint(labels):
        row = TableRow({label: row[position] for position, label in enumerate(labels)})
    if not isinstance(row, TableRow) or set(names) <= row.keys():
        return row
    if list(row) == list(range(len(names))):
        return list(row.values())
    raise InputError(
        f"a row of a table is read by its labels, which must name the parameters {', '.join(names)}; got {shown_all(row)}; "
        f"rename the columns, or pass the values alone as lists, in the order of the parameters"
    )
