"""`hyperspace demo`: a test function against random search."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import hyperspace
from hyperspace.cli.path_arguments import study_folder
from hyperspace.cli.printing import show_best
from hyperspace.system.terminal import printable

_CALLS = 128


def demo(
    path: Annotated[
        Path | None,
        typer.Argument(
            parser=study_folder, metavar="PATH", help="Where to keep the study; left out, it is not kept.", show_default=False
        ),
    ] = None,
) -> None:
    """Minimize a test function in this process, against random search."""
    from hyperspace.testing.problems import problem

    function = problem("hartmann6")
    names = [f"x{number}" for number in range(1, function.d + 1)]
    space = dict(zip(names, function.dimensions, strict=True))

    def hartmann6(parameters: dict[str, float]) -> float:
        return function([parameters[name] for name in names])

    print(f"Minimizing hartmann6, a function of {function.d} variables with several local minima.")
    with tempfile.TemporaryDirectory(prefix="hyperspace-demo-") as temporary:
        kept = path or Path(temporary)
        result = hyperspace.hyperdrive(hartmann6, space, kept, n_calls=_CALLS, random_state=0, verbose=True)
        rand = hyperspace.hyperdrive(hartmann6, space, None, model="RAND", n_calls=_CALLS, random_state=0, checkpoints=False)
        print()
        show_best(result)
    print()
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column(f"after {_CALLS} evaluations")
    table.add_column("best value", justify="right")
    table.add_column("above the minimum", justify="right")
    for name, value in [("HyperSpace", result.fun), ("random search", rand.fun)]:
        table.add_row(name, f"{value:.6f}", f"{value - function.minimum:.1e}")
    table.add_row("true minimum", f"{function.minimum:.6f}", "")
    Console(highlight=False).print(table)
    if path is not None:
        print(f"\nThe study is kept: hyperspace best {printable(path)}; hyperspace export {printable(path)}")
