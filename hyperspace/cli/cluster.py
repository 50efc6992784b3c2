"""Commands for studies on a cluster: `hyperspace slurm COMMAND`, `hyperspace stop PATH`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from hyperspace.cli.nested_run import RunCommand, find_run
from hyperspace.cli.path_arguments import StudyPath
from hyperspace.errors import InputError
from hyperspace.system.paths import absolute_folder
from hyperspace.system.terminal import printable, tell


class Kind(StrEnum):
    """Kind of a job."""

    mpi = "mpi"
    array = "array"
    requeue = "requeue"


class Launcher(StrEnum):
    """Program that starts the ranks."""

    mpirun = "mpirun"
    pmi2 = "pmi2"
    pmix = "pmix"


def slurm(
    context: typer.Context,
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, e.g. python train.py.")],
    kind: Annotated[
        Kind, typer.Option(help="An MPI job; a job array of workers without MPI; or an MPI job that requeues itself.")
    ] = Kind.mpi,
    study: Annotated[
        str | None,
        typer.Option(
            help="The program's results_path; a requeueing job needs it.",
            show_default="the --results of a hyperspace run command",
        ),
    ] = None,
    ranks: Annotated[int, typer.Option("--ranks", "-n", help="MPI ranks, or tasks of the array.")] = 16,
    throttle: Annotated[
        int | None, typer.Option(help="How many of an array's tasks run at the same time at most.", show_default="no limit")
    ] = None,
    time: Annotated[str, typer.Option("--time", "-t", help="Limit of one job, as Slurm writes it.")] = "4:00:00",
    name: Annotated[str, typer.Option(help="Name of the job and of its output.")] = "hyperspace",
    nodes: Annotated[int | None, typer.Option(help="Nodes; left out, Slurm decides.", show_default=False)] = None,
    cpus_per_rank: Annotated[int, typer.Option(help="Processors of a rank, and threads of its libraries.")] = 1,
    memory_per_cpu: Annotated[str | None, typer.Option(help="For example 2G.", show_default="the site's")] = None,
    gpus_per_rank: Annotated[int, typer.Option(help="GPUs of a rank.")] = 0,
    partition: Annotated[str | None, typer.Option("--partition", "-p", show_default="the site's")] = None,
    account: Annotated[str | None, typer.Option("--account", "-A", show_default="the site's")] = None,
    launcher: Annotated[Launcher, typer.Option(help="mpirun, or srun with this interface of the MPI library.")] = Launcher.mpirun,
    setup: Annotated[
        list[str] | None, typer.Option(help='A line of shell before the program, e.g. "module load openmpi"; may be repeated.')
    ] = None,
    venv: Annotated[str | None, typer.Option(help="A virtual environment to activate.", show_default=False)] = None,
    requeues: Annotated[int, typer.Option(help="How often a requeueing job starts again at most.")] = 20,
    warning: Annotated[int, typer.Option(help="Seconds before its limit at which a requeueing job ends the study.")] = 120,
    option: Annotated[list[str] | None, typer.Option(help="Another option of sbatch, e.g. --qos=long; may be repeated.")] = None,
) -> None:
    """Print a script for sbatch. Options stand before the program: hyperspace slurm -n 64 python train.py."""
    from hyperspace.cluster.slurm import SlurmJob, sbatch_script

    inner = find_run(command)
    _warn_of_options(context, command, inner)
    job = SlurmJob(
        command=command,
        kind=kind,
        study=study if inner is None else _study_of(inner, kind, study, ranks),
        ranks=ranks,
        throttle=throttle,
        time=time,
        name=name,
        nodes=nodes,
        cpus_per_rank=cpus_per_rank,
        memory_per_cpu=memory_per_cpu,
        gpus_per_rank=gpus_per_rank,
        partition=partition,
        account=account,
        launcher=launcher,
        setup=setup or (),
        venv=venv,
        requeues=requeues,
        warning=warning,
        options=option or (),
    )
    print(sbatch_script(job), end="")


def _study_of(inner: RunCommand, kind: Kind, study: str | None, ranks: int) -> str:
    """Return the folder of the study of a `hyperspace run` command.

    Raises:
        InputError: the command and the job are incompatible.
    """
    if kind is Kind.array and not inner.through_files:
        raise InputError(
            "the tasks of an array share a study through its files; add --exchange files to the hyperspace run command, or all "
            "tasks but one are refused"
        )
    if inner.workers > 1 and ranks > 1 and kind is not Kind.array:
        raise InputError(
            f"the job starts {ranks} ranks, which refuse --workers {inner.workers}; leave --workers out of the hyperspace run "
            f"command, or take --ranks 1"
        )
    if kind is Kind.requeue and inner.restart:
        raise InputError("each requeue would set the study aside; leave --restart out of the hyperspace run command")
    if study is not None and absolute_folder(study, "--study") != absolute_folder(inner.results, "--results"):
        raise InputError(
            f"--study is {study!r}, and the hyperspace run command works the study in {inner.results!r} (--results); leave "
            f"--study out"
        )
    return study or inner.results


def _warn_of_options(context: typer.Context, command: list[str], inner: RunCommand | None) -> None:
    """Warn of options of this command that come after the program, and are passed to it."""
    own = {name for parameter in context.command.params for name in parameter.opts if name.startswith("--")}
    own -= frozenset() if inner is None else inner.options
    late = [word for word in command if word.partition("=")[0] in own]
    if late:
        tell(
            f"{', '.join(late)} after the program {command[0]!r} is passed on to it; an option of hyperspace slurm stands before "
            f"the program"
        )


def stop(path: StudyPath) -> None:
    """End the running study: its evaluations are completed, and the result is merged. To resume it, run its program again."""
    from hyperspace.journal import Leases, StudyFolder
    from hyperspace.journal.stop_request import request_stop

    request_stop(path)
    if all(held.expired for held in Leases(StudyFolder(path).leases).holders().values()):
        print(f"Nothing works on the study in {printable(path)}, so there is nothing to stop. To go on, run its program again.")
        return
    print(f"The runs of the study in {printable(path)} begin no further evaluation, and end when those under way have.")
