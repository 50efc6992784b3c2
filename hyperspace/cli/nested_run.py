"""`hyperspace run` within another command line, such as that of `hyperspace slurm`: its options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from hyperspace.cli.run_command import run
from hyperspace.errors import InputError
from hyperspace.exchange.spec import has_workers


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Options of a `hyperspace run` command.

    Attributes:
        results: the folder of its study.
        through_files: whether it shares the study with other processes through its files.
        workers: processes of its own that it starts.
        restart: whether it sets an old study aside.
        options: the names of all options of `hyperspace run`.
    """

    results: str
    through_files: bool
    workers: int
    restart: bool
    options: frozenset[str]


def find_run(words: Sequence[str]) -> RunCommand | None:
    """Return the `hyperspace run` command among some words; None if there is none, or if it only asks for help.

    Raises:
        InputError: an unknown option, or an invalid value of an option.
    """
    start = _start(words)
    if start is None or {"-h", "--help"} & set(words[start:]):
        return None
    app = typer.Typer(add_completion=False)
    app.command()(run)
    parser = typer.main.get_command(app)
    try:
        asked = parser.make_context("run", list(words[start:])).params
    except Exception as error:  # click's own, of which typer may have a copy
        told = getattr(error, "format_message", None)
        if told is None:
            raise
        raise InputError(f"hyperspace run would refuse its command: {told()}") from None
    return RunCommand(
        results=str(asked["results"]),
        through_files=has_workers(asked["exchange"]) or asked["workers"] > 1,
        workers=asked["workers"],
        restart=asked["restart"],
        options=frozenset(name for parameter in parser.params for name in (*parameter.opts, *parameter.secondary_opts)),
    )


def _start(words: Sequence[str]) -> int | None:
    """Return the index of the first argument of `hyperspace run`."""
    for position in range(len(words) - 1):
        program = os.path.basename(words[position]) == "hyperspace"  # also after python -m
        if program and words[position + 1] == "run":
            return position + 2
    return None
