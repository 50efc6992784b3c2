"""Names of folders and files on the command line, with expansion of e.g. `--results=~/study`, which a shell leaves unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperspace.errors import InputError
from hyperspace.system.paths import absolute_folder, expanded


def study_folder(text: str | Path) -> Path:
    """Return the folder of a study, with the user's name for it.

    Raises:
        BadParameter: an invalid name of a folder.
    """
    try:
        absolute_folder(text, "the study's folder")
        return expanded(text, "the study's folder")
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def output_file(text: str | Path) -> Path:
    """Return a file to write, with the user's name for it.

    Raises:
        BadParameter: an invalid name of a file.
    """
    try:
        return expanded(text, "the file")
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


StudyPath = Annotated[
    Path, typer.Argument(parser=study_folder, metavar="PATH", help="Folder of a study: the results_path of hyperdrive.")
]


def as_typed(text: str) -> str:
    """Return a word of the command line that is not a path, with the characters that Python has kept as bytes (LC_ALL=C)."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text
