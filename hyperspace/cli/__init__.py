"""Command line. Each module holds the commands of one kind; this one defines their names and order."""

from __future__ import annotations

import errno
import sys
import time
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import hyperspace
from hyperspace.cli import cluster, demonstration, plot_command, run_command, studies, watching
from hyperspace.cli.export import export
from hyperspace.cli.front import front
from hyperspace.errors import HyperSpaceError
from hyperspace.exchange.launcher import launched_rank
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.system.terminal import lose_output, take_any_text, tell, write_out

_OF_AN_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # errors of a standard output that is a file

_FOR_RANK_0 = 1.0  # seconds: a launcher that sees a failed rank ends the others, and rank 0 has yet to print the reason


class _Commands(TyperGroup):
    """Command group; only one of the processes of a launcher reports a wrong option."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command in the arguments."""
        try:
            return super().invoke(ctx)
        except Exception as error:  # click's own, of which typer may have a copy
            if launched_rank() and hasattr(error, "format_message"):
                time.sleep(_FOR_RANK_0)
                sys.exit(getattr(error, "exit_code", 2))
            raise


app = typer.Typer(
    cls=_Commands,
    help="Distributed Bayesian optimization of expensive functions over MPI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demonstration.demo)
app.command()(run_command.run)
app.command()(watching.status)
app.command()(studies.best)
app.command()(studies.failures)
app.command()(front)
app.command()(export)
app.command()(plot_command.plot)
app.command()(plot_command.report)
app.command()(cluster.stop)
app.command(context_settings={"allow_interspersed_args": False})(cluster.slurm)


def main() -> None:
    """Run the command line; an error of HyperSpace is printed in one sentence, without a traceback."""
    take_any_text()
    try:
        with own_numerics():
            app()
    except HyperSpaceError as error:
        if error.told_by_rank_0:
            time.sleep(_FOR_RANK_0)
        else:
            tell(error)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _OF_AN_OUTPUT or error.filename is not None:
            raise
        lose_output(error)
        sys.exit(1)
    except SystemExit as leaving:
        if not write_out() and leaving.code in (None, 0):
            sys.exit(1)
        raise


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
