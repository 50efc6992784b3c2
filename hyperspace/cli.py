"""The command line: `hyperspace demo`, `hyperspace best PATH`, `hyperspace export PATH`."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import hyperspace
from hyperspace.errors import HyperSpaceError
from hyperspace.trial import FAILED, OK, PRUNED, RUNNING, TIMEOUT

if TYPE_CHECKING:
    from hyperspace.results import Result

_DEMO_CALLS = 128
_STATUSES = (OK, FAILED, TIMEOUT, PRUNED, RUNNING)

app = typer.Typer(
    help="Distributed Bayesian optimization of expensive functions over MPI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
StudyPath = Annotated[Path, typer.Argument(help="Folder of a study: the results_path of hyperdrive.")]


class Format(StrEnum):
    """How trials are written."""

    csv = "csv"
    json = "json"


def main() -> None:
    """Run the command line; an error of HyperSpace's own is one sentence, no traceback."""
    try:
        app()
    except HyperSpaceError as error:
        print(f"hyperspace: {error}", file=sys.stderr)
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"hyperspace {hyperspace.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    path: Annotated[
        Path | None,
        typer.Argument(help="Where to keep the study; left out, it is not kept.", show_default=False),
    ] = None,
) -> None:
    """Minimize a test function in this process, against random search."""
    from hyperspace.problems import problem

    function = problem("hartmann6")
    names = [f"x{number}" for number in range(1, function.d + 1)]
    space = dict(zip(names, function.dimensions, strict=True))

    def hartmann6(parameters: dict[str, float]) -> float:
        return function([parameters[name] for name in names])

    print(f"Minimizing hartmann6, a function of {function.d} variables with several local minima.")
    with tempfile.TemporaryDirectory(prefix="hyperspace-demo-") as temporary:
        kept = path or Path(temporary)
        result = hyperspace.hyperdrive(hartmann6, space, kept, n_calls=_DEMO_CALLS, random_state=0, verbose=True)
        rand = hyperspace.hyperdrive(hartmann6, space, None, model="RAND", n_calls=_DEMO_CALLS, random_state=0, checkpoints=False)
        print()
        _show_best(result)
    print()
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column(f"after {_DEMO_CALLS} evaluations")
    table.add_column("best value", justify="right")
    table.add_column("above the minimum", justify="right")
    for name, value in [("HyperSpace", result.fun), ("random search", rand.fun)]:
        table.add_row(name, f"{value:.6f}", f"{value - function.minimum:.1e}")
    table.add_row("true minimum", f"{function.minimum:.6f}", "")
    Console(highlight=False).print(table)
    if path is not None:
        print(f"\nThe study is kept: hyperspace best {path}; hyperspace export {path}")


@app.command()
def best(path: StudyPath) -> None:
    """Show the best trial of a study, also while the study runs."""
    _show_best(hyperspace.load_results(path))


@app.command()
def export(
    path: StudyPath,
    format: Annotated[Format, typer.Option(help="How to write them.")] = Format.csv,
) -> None:
    """Write all trials of a study to standard output."""
    trials = hyperspace.load_results(path).trials
    if format is Format.csv:
        trials.to_csv(sys.stdout, index=False)
        return
    records = [{str(name): _plain(value) for name, value in row.items()} for row in trials.to_dict("records")]
    json.dump(records, sys.stdout, indent=1, allow_nan=False)
    print()


def _plain(value: Any) -> Any:
    """Return a table's value as JSON has it: null for what is missing."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _show_best(result: Result) -> None:
    """Print how many trials there are, what the best one reached, and its parameters."""
    counts = result.trials["status"].value_counts()
    told = ", ".join(f"{counts[status]} {status}" for status in _STATUSES if status in counts)
    print(f"{len(result.trials)} trials: {told}" if told else "no trials yet")
    if result.x is None:
        print("no trial has ended well so far")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("best", _brief(result.fun), style="bold")
    if len(result.metrics) > 1:
        for name, value in result.metrics.items():
            table.add_row(Text(name), _brief(value))
    parameters = result.parameters
    items = parameters.items() if isinstance(parameters, dict) else zip(result.names, parameters, strict=True)
    for name, value in items:
        table.add_row(Text(name), _brief(value))
    Console(highlight=False).print(table)


def _brief(value: Any) -> Text:
    return Text(f"{value:.6g}" if isinstance(value, float) else str(value))
