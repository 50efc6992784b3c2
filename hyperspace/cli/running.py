"""`hyperspace run`: a study of a Python function, or of any program, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

import hyperspace
from hyperspace.cli.arguments import study_folder
from hyperspace.cli.output import show_best
from hyperspace.cli.targets import load_target
from hyperspace.cli.workers import end_with_parent, run_workers
from hyperspace.errors import InputError
from hyperspace.evaluators.command import Command
from hyperspace.exchange.launcher import has_other_ranks, is_first_rank
from hyperspace.metrics import Metric
from hyperspace.paths import expanded
from hyperspace.space import check_space
from hyperspace.study.space_file import read_space


def run(
    target: Annotated[
        str | None,
        typer.Argument(help="FILE.py:FUNCTION or MODULE:FUNCTION, the objective; left out with --command.", show_default=False),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(help='A program that is the objective, such as "python sim.py --x {x}"; runs without a shell.'),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(help="The search space: a TOML file, or the name of a variable beside the function, by default space."),
    ] = None,
    results: Annotated[
        Path, typer.Option(parser=study_folder, metavar="PATH", help="Folder of the study; the same command again goes on there.")
    ] = Path("results"),
    metric_regex: Annotated[
        str | None,
        typer.Option(help="Finds the value in what the program prints; left out, the last line that is JSON tells it."),
    ] = None,
    goal: Annotated[str | None, typer.Option(help="Which metric to optimise, where there are several.")] = None,
    maximize: Annotated[bool, typer.Option("--maximize/--minimize", help="What to do with it.")] = False,
    n_calls: Annotated[int | None, typer.Option(help="Evaluations in all.")] = None,
    n_iterations: Annotated[int, typer.Option(help="Evaluations a drive, without --n-calls.")] = 50,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine that work the study together.")] = 1,
    model: Annotated[str, typer.Option(help="Surrogate or optimizer, as in hyperdrive.")] = "GP",
    strategy: Annotated[str, typer.Option(help="As in hyperdrive.")] = "adaptive",
    exchange: Annotated[str | None, typer.Option(help="As in hyperdrive.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    timeout: Annotated[float | None, typer.Option(help="Seconds that an evaluation may take.")] = None,
    retries: Annotated[int, typer.Option(help="Repeats of an evaluation that was killed from outside.")] = 0,
    isolate: Annotated[bool, typer.Option("--isolate/--no-isolate", help="Evaluate the function in another process.")] = False,
    deadline: Annotated[float | None, typer.Option(help="Seconds after which nothing may run any more.")] = None,
    restart: Annotated[bool, typer.Option("--restart/--no-restart", help="Set an old study aside, and begin anew.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed/--no-retry-failed", help="First evaluate recorded failures again, at the same points.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet/--no-quiet", help="Show nothing.")] = False,
) -> None:
    """Optimise a Python function or any program; over MPI when started by mpirun."""
    end_with_parent()
    objective, variables = _objective(target, command, metric_regex)
    searched = _space(space, variables)
    if isinstance(objective, Command):
        objective.check(searched)
    if workers > 1:
        if has_other_ranks():
            raise InputError("--workers starts processes of its own; leave it out under mpirun, whose ranks are the workers")
        raise typer.Exit(run_workers(workers, results, restart))
    result = hyperspace.hyperdrive(
        objective,
        searched,
        results,
        model=model,
        n_iterations=n_iterations,
        n_calls=n_calls,
        strategy=strategy,
        exchange=exchange,
        metrics=None if goal is None else [Metric(goal, goal="maximize" if maximize else "minimize")],
        maximize=maximize and goal is None,
        random_state=seed,
        timeout=timeout,
        retries=retries,
        isolate=isolate,
        deadline=deadline,
        restart=restart,
        retry_failed=retry_failed,
        verbose=not quiet,
    )
    if not quiet and is_first_rank():
        show_best(result)


def _objective(
    target: str | None, command: str | None, metric_regex: str | None
) -> tuple[Callable[..., Any] | Command, dict[str, Any]]:
    """Return the objective, and what is defined beside it."""
    if (target is None) == (command is None):
        raise InputError("expected either FILE.py:FUNCTION or --command, such as: hyperspace run train.py:objective")
    if command is not None:
        return Command(command, metric_regex), {}
    if metric_regex is not None:
        raise InputError("--metric-regex reads what a --command prints; a function returns its metrics")
    return load_target(str(target))


def _space(name: str | None, variables: dict[str, Any]) -> Any:
    if name is not None and (name.endswith(".toml") or name not in variables):
        return read_space(expanded(name, "--space"))
    if (name or "space") not in variables:
        raise InputError('expected --space FILE.toml, or a variable "space" beside the function')
    return check_space(variables[name or "space"])
