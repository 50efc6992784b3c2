"""`hyperspace run`: a study of a Python function, or of any program, from the command line."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

import hyperspace
from hyperspace.cli.path_arguments import as_typed, output_file, study_folder
from hyperspace.cli.points import Points, read_points
from hyperspace.cli.printing import show_best
from hyperspace.cli.targets import load_target
from hyperspace.cli.workers import end_with_parent, run_workers
from hyperspace.errors import HyperSpaceError, InputError
from hyperspace.evaluators.command import Command
from hyperspace.exchange.files import is_silent_worker
from hyperspace.exchange.launcher import has_other_ranks, is_first_rank, launched_rank, open_ranks
from hyperspace.exchange.spec import has_workers
from hyperspace.space.space import check_space
from hyperspace.stopping import NoProgress, StoppingRule, TargetValue
from hyperspace.study.space_file import read_space
from hyperspace.system.paths import expanded
from hyperspace.system.terminal import tell
from hyperspace.trials.metrics import Metric

T = TypeVar("T")

_MODELS = (
    "Surrogate: GP, DNN, ENSEMBLE, RF, ET or GBRT; or CMA, GA, PSO, DE, ES, SA, EDA, NSGA2, ACO, PAES, BITGA (evolution), GRID, "
    "RAND, HYPERBAND."
)
_QUIET = "Show nothing but errors: no progress, no result, no messages. Failed evaluations are recorded in the study."


def run(
    function: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="FILE.py:FUNCTION or MODULE:FUNCTION, the objective; left out with --command.",
            show_default=False,
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            parser=as_typed,
            metavar="TEXT",
            help='A program that is the objective, such as "python sim.py --x {x}"; runs without a shell.',
            show_default=False,
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(help="The search space: a TOML file, or the name of a variable beside the function, by default space."),
    ] = None,
    results: Annotated[
        Path, typer.Option(parser=study_folder, metavar="PATH", help="Folder of the study; the same command again goes on there.")
    ] = Path("results"),
    metric_regex: Annotated[
        list[str] | None,
        typer.Option(
            parser=as_typed,
            metavar="TEXT",
            help="Finds the value in what the program prints, or metrics as named groups; may be repeated with named groups. "
            "Left out, the last line that is JSON tells it.",
            show_default=False,
        ),
    ] = None,
    goal: Annotated[
        str | None, typer.Option(parser=as_typed, metavar="TEXT", help="Which metric to optimize, where there are several.")
    ] = None,
    maximize: Annotated[bool, typer.Option("--maximize/--minimize", help="What to do with it.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            parser=as_typed,
            metavar="TEXT",
            help='A constraint on another metric, such as "size<=0.5" or "0.1<=size<=0.5"; needs --goal; may be repeated.',
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        list[Path] | None,
        typer.Option(
            parser=output_file,
            metavar="PATH",
            help="An input file with {name} where values belong; written to the trial's folder, which the command reaches by "
            "--in-folder or {trial.folder}; may be repeated.",
            show_default=False,
        ),
    ] = None,
    in_folder: Annotated[
        bool,
        typer.Option(
            "--in-folder/--no-in-folder",
            help="Run the --command inside the trial's folder; its words that name files of this folder become absolute.",
        ),
    ] = False,
    metrics_file: Annotated[
        str | None,
        typer.Option(help="A file in the trial's folder that the --command writes its results to.", show_default=False),
    ] = None,
    n_calls: Annotated[int | None, typer.Option(help="Evaluations in all.")] = None,
    n_iterations: Annotated[int, typer.Option(help="Evaluations a drive, without --n-calls.")] = 50,
    n_drives: Annotated[
        int | None,
        typer.Option(help="Logical workers, which ranks or --workers carry.", show_default="one for each rank or worker"),
    ] = None,
    x0: Annotated[
        list[str] | None,
        typer.Option(
            parser=as_typed,
            metavar="TEXT",
            help="A point to evaluate first, such as rate=0.1,depth=3; or a .csv or .json file of points; may be repeated.",
            show_default=False,
        ),
    ] = None,
    y0: Annotated[
        list[str] | None,
        typer.Option(
            parser=as_typed,
            metavar="NAME",
            help="The column of the --x0 file with results that are known already; the points are then not evaluated; may be "
            "repeated for further metrics.",
            show_default=False,
        ),
    ] = None,
    warm_start: Annotated[
        list[Path] | None,
        typer.Option(
            parser=study_folder,
            metavar="PATH",
            help="Another study, whose evaluations are known from the start where they fit; may be repeated.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine that work the study together.")] = 1,
    model: Annotated[str, typer.Option(help=_MODELS)] = "GP",
    strategy: Annotated[
        str,
        typer.Option(help="adaptive; static, the published method; generations (evolutionary models); halving (HYPERBAND)."),
    ] = "adaptive",
    exchange: Annotated[
        str | None,
        typer.Option(
            help="How drives share trials: round (the same trials on any number of ranks), async (nobody waits), none, or files "
            "(processes without MPI that may join or leave).",
            show_default="async under MPI, files with --workers, else round; none for static",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    timeout: Annotated[float | None, typer.Option(help="Seconds that an evaluation may take.")] = None,
    retries: Annotated[int, typer.Option(help="Repeats of an evaluation that was killed from outside.")] = 0,
    isolate: Annotated[bool, typer.Option("--isolate/--no-isolate", help="Evaluate the function in another process.")] = False,
    deadline: Annotated[
        float | None,
        typer.Option(help="Seconds after which nothing may run any more.", show_default="the end of the Slurm job, if in one"),
    ] = None,
    target: Annotated[
        float | None, typer.Option("--target", help="End the study when a trial is at least this good.", show_default=False)
    ] = None,
    no_progress: Annotated[
        int | None,
        typer.Option(
            "--no-progress",
            metavar="N",
            help="End the study after N evaluations in a row without a better trial.",
            show_default=False,
        ),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart/--no-restart", help="Set an old study aside, and begin anew.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed/--no-retry-failed", help="First evaluate recorded failures again, at the same points.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet/--no-quiet", help=_QUIET)] = False,
) -> None:
    """Optimize a Python function or any program; over MPI when started by mpirun."""
    end_with_parent()
    if workers > 1 and has_other_ranks():
        error = InputError("--workers starts processes of its own; leave it out under mpirun, whose ranks are the workers")
        error.told_by_rank_0 = launched_rank() > 0
        raise error

    def prepare() -> tuple[Callable[..., Any] | Command, Any, Points, list[Metric] | None, list[StoppingRule]]:
        of_command = {"template": template or [], "in_folder": in_folder, "metrics_file": metrics_file}
        objective, variables = _objective(function, command, metric_regex, of_command)
        searched = _space(space, variables)
        if isinstance(objective, Command):
            objective.check(searched)
        wanted = _metrics(goal, maximize, limit or [])
        if missing := [metric.name for metric in wanted or [] if y0 and metric.name not in y0]:
            raise InputError(f"--y0 has no {missing[0]!r}, which --goal or --limit names; add --y0 {missing[0]}")
        points = read_points(x0 or [], searched, y0 or [])
        return objective, searched, points, wanted, _rules(target, no_progress)

    if workers > 1 and exchange is not None and not has_workers(exchange):
        raise InputError(f"--workers share a study through its files; leave out --exchange {exchange}")
    objective, searched, first, metrics, rules = prepare() if has_workers(exchange) else _together(prepare, deadline)
    if not quiet and is_first_rank() and not is_silent_worker():
        doubts = objective.describe_doubts(searched) if isinstance(objective, Command) else []
        for note in [*first.notes, *doubts]:
            tell(note)
    if workers > 1:
        raise typer.Exit(run_workers(workers, results, restart))
    result = hyperspace.hyperdrive(
        objective,
        searched,
        results,
        model=model,
        n_iterations=n_iterations,
        n_calls=n_calls,
        n_drives=n_drives,
        x0=first.points,
        y0=first.answers,
        warm_start=warm_start or (),
        strategy=strategy,
        exchange=exchange,
        metrics=metrics,
        maximize=maximize and goal is None,
        random_state=seed,
        timeout=timeout,
        retries=retries,
        isolate=isolate,
        deadline=deadline,
        restart=restart,
        retry_failed=retry_failed,
        stopping=rules,
        verbose="silent" if quiet else not is_silent_worker(),
    )
    if not quiet and not is_silent_worker() and is_first_rank():
        show_best(result)


def _together(prepare: Callable[[], T], deadline: float | None) -> T:
    """Call `prepare` on each rank and return this rank's result; an error is reported once, and ends all ranks.

    Raises:
        HyperSpaceError: the exception of `prepare` here or on another rank.
    """
    if not has_other_ranks():
        return prepare()
    ranks = open_ranks(deadline=None if deadline is None else time.monotonic() + deadline)
    try:
        prepared = ranks.each(prepare)
    except HyperSpaceError:
        raise
    except BaseException as error:  # of the user's module, during its import
        traceback.print_exc()
        ranks.abort(error)
    ranks.close()
    return prepared


def _objective(
    target: str | None, command: str | None, metric_regex: list[str] | None, of_command: Mapping[str, Any]
) -> tuple[Callable[..., Any] | Command, dict[str, Any]]:
    """Return the objective, and the variables of its module."""
    if (target is None) == (command is None):
        raise InputError("expected either FILE.py:FUNCTION or --command, such as: hyperspace run train.py:objective")
    if command is not None:
        return Command(command, metric_regex, of_command["template"], of_command["in_folder"], of_command["metrics_file"]), {}
    for name, value in of_command.items():
        if value:
            raise InputError(f"--{name.replace('_', '-')} goes with --command; a function writes and reads its own files")
    if metric_regex:
        raise InputError("--metric-regex reads what a --command prints; a function returns its metrics")
    return load_target(str(target))


def _metrics(goal: str | None, maximize: bool, limits: list[str]) -> list[Metric] | None:
    """Return the metrics of the study; None if the objective's answer determines the goal."""
    if goal is None:
        if limits:
            raise InputError("--limit needs --goal NAME, the metric to optimize beside those that are limited")
        return None
    limited = [_limit(text) for text in limits]
    names = [goal, *(metric.name for metric in limited)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"--goal and --limit name {', '.join(map(repr, sorted(twice)))} twice; the goal takes no limit (--target NUMBER ends "
            f"the study there), and both limits of a metric stand in one --limit, such as 1<=size<=5"
        )
    return [Metric(goal, goal="maximize" if maximize else "minimize"), *limited]


def _rules(target: float | None, no_progress: int | None) -> list[StoppingRule]:
    """Return the rules that can end the study before its budget is spent."""
    wanted: list[tuple[type[TargetValue | NoProgress], Any]] = [(TargetValue, target), (NoProgress, no_progress)]
    return [kind(value) for kind, value in wanted if value is not None]


def _limit(text: str) -> Metric:
    """Return the constraint in a word such as size<=0.5."""
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    found = re.fullmatch(rf"\s*(?:({number})\s*<=\s*)?([^<>=]*?[^<>=\s])\s*(?:(<=|>=)\s*({number}))?\s*", text)
    if found is None or (found[1] is None and found[3] is None) or (found[1] is not None and found[3] == ">="):
        raise InputError(f'--limit takes NAME<=NUMBER, NAME>=NUMBER or NUMBER<=NAME<=NUMBER, such as "size<=0.5"; got {text!r}')
    lower = found[1] if found[3] != ">=" else found[4]
    upper = found[4] if found[3] == "<=" else None
    return Metric(found[2], "constrain", None if lower is None else float(lower), None if upper is None else float(upper))


def _space(name: str | None, variables: dict[str, Any]) -> Any:
    if name is not None and (name.endswith(".toml") or name not in variables):
        return read_space(expanded(name, "--space"))
    if (name or "space") not in variables:
        raise InputError('expected --space FILE.toml, or a variable "space" beside the function')
    return check_space(variables[name or "space"])
