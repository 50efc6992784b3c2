"""`hyperspace export PATH`: all trials as a table for other programs."""

from __future__ import annotations

import io
import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hyperspace
from hyperspace.cli.path_arguments import StudyPath, output_file
from hyperspace.errors import InputError, how_to_install
from hyperspace.space.values import is_scalar, plain
from hyperspace.system.whole_file import check_output, write_output

if TYPE_CHECKING:
    import pandas


class Format(StrEnum):
    """Format of the trials."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


def export(
    path: StudyPath,
    format: Annotated[Format, typer.Option(help="How to write them; parquet needs pyarrow.")] = Format.csv,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=output_file,
            metavar="PATH",
            help="The file to write; left out, standard output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write all trials of a study, a row each, also while the study runs."""
    if format is Format.parquet and output is None and sys.stdout.isatty():
        raise InputError("parquet is no text for a terminal; name a file with --output, or redirect the output")
    if output is not None:
        check_output(output)
    content = _WRITERS[format](hyperspace.load_results(path).trials)
    if output is None:
        write_bytes(content)
    else:
        write_output(output, content)


def write_bytes(content: bytes) -> None:
    """Write to standard output, after earlier prints."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def csv_bytes(trials: pandas.DataFrame) -> bytes:
    """Return a table of trials as CSV."""
    return trials.to_csv(index=False).encode("utf-8", "backslashreplace")


def json_bytes(trials: pandas.DataFrame) -> bytes:
    """Return a table of trials as JSON: a list with an object for each."""
    records = [{str(name): json_value(value) for name, value in row.items()} for row in trials.to_dict("records")]
    return json.dumps(records, indent=1, allow_nan=False).encode() + b"\n"


def json_value(value: Any) -> Any:
    """Return a table's value as JSON: null for missing values, and the text of values without a JSON form."""
    value = _plain(value)
    if isinstance(value, (list, tuple)):
        return [json_value(element) for element in value]
    return value if is_scalar(value) else str(value)


def _parquet(trials: pandas.DataFrame) -> bytes:
    """Return the table as Parquet, whose columns have one type each: a column with several types becomes text."""
    for name in trials.columns:
        values = [_plain(value) for value in trials[name]]
        kinds = {type(value) for value in values} - {type(None)}
        if trials[name].dtype == object:
            mixed = len(kinds) > 1 or not kinds <= {str, bool, int, float, tuple} or not all(map(_fits_parquet, values))
            trials = trials.assign(**{name: [value if value is None or not mixed else str(value) for value in values]})
    written = io.BytesIO()
    try:
        trials.to_parquet(written, engine="pyarrow", index=False)
    except ImportError as error:
        raise InputError(f"parquet needs pyarrow, which is not installed; {how_to_install('parquet')}") from error
    return written.getvalue()


def _fits_parquet(value: Any) -> bool:
    """Return whether a column can hold `value` unchanged: integers of 64 bits, and rows of floats."""
    if isinstance(value, tuple):
        return all(type(element) is float for element in value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _plain(value: Any) -> Any:
    """Return a table's value as a plain one, None if it is missing."""
    value = plain(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


_WRITERS = {Format.csv: csv_bytes, Format.json: json_bytes, Format.parquet: _parquet}
