"""Scripts for Slurm: the text of an sbatch file from settings, without side effects.

There are three kinds: an MPI job; a job array, whose tasks share a study through its files; and an MPI job that requeues itself
until its study is finished. `docs/slurm.md` explains them; the folder slurm/ has one of each.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from hyperspace.cluster.walltime import parse_duration
from hyperspace.errors import InputError
from hyperspace.journal import StudyFolder
from hyperspace.journal.stop_request import BY_COMMAND
from hyperspace.system.arguments import check_names

KINDS = ("mpi", "array", "requeue")
LAUNCHERS = {"mpirun": 'mpirun -n "$SLURM_NTASKS"', "pmi2": "srun --mpi=pmi2", "pmix": "srun --mpi=pmix"}
_SAFE = re.compile(r"[\w.,:@%/+=\-\[\]()*|&!<>^]+", re.ASCII)  # characters of an #SBATCH line that need no quotes
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=[\w.,:@%/+=\-\[\]()*|&!<>^]*)?", re.ASCII)
_OUTPUT = {"mpi": "%x-%j.out", "array": "%x-%A-%a.out", "requeue": "%x-%j.out"}


@check_names()
@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """Settings of a Slurm job.

    Attributes:
        command: the program and its arguments, e.g. ("python", "train.py").
        kind: "mpi"; "array", for a program with exchange="files"; or "requeue".
        study: the program's results_path; the requeueing job needs it.
        ranks: number of MPI ranks, or of the array's tasks.
        throttle: largest number of simultaneous tasks of the array; None for no limit.
        time: limit of one job, in Slurm's form: "4:00:00", "1-12" (days-hours), "90" (minutes).
        name: name of the job; its output goes to NAME-JOB.out.
        nodes: number of nodes; None leaves it to Slurm.
        cpus_per_rank: number of processors of a rank, and of threads of its numerical libraries.
        memory_per_cpu: e.g. "2G"; None for the site's default.
        gpus_per_rank: number of GPUs of a rank.
        partition, account: None for the site's default.
        launcher: "mpirun", or srun with "pmi2" or "pmix"; the choice depends on the MPI library.
        setup: shell lines before the program, e.g. "module load openmpi".
        venv: a virtual environment to activate.
        requeues: largest number of restarts of a requeueing job.
        warning: seconds before the time limit at which a requeueing job starts to end the study.
        options: further options of sbatch, e.g. "--qos=long".
    """

    command: Sequence[str]
    kind: str = "mpi"
    study: str | None = None
    ranks: int = 16
    throttle: int | None = None
    time: str = "4:00:00"
    name: str = "hyperspace"
    nodes: int | None = None
    cpus_per_rank: int = 1
    memory_per_cpu: str | None = None
    gpus_per_rank: int = 0
    partition: str | None = None
    account: str | None = None
    launcher: str = "mpirun"
    setup: Sequence[str] = ()
    venv: str | None = None
    requeues: int = 20
    warning: int = 120
    options: Sequence[str] = ()


def sbatch_script(job: SlurmJob) -> str:
    """Return the text of the sbatch file.

    Raises:
        InputError: an invalid setting.
    """
    _check(job)
    body: Callable[[SlurmJob], list[str]] = {"mpi": _mpi, "array": _array, "requeue": _requeue}[job.kind]
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in _directives(job)), "", *_environment(job), "", *body(job)]
    return "\n".join(lines) + "\n"


def _directives(job: SlurmJob) -> list[str]:
    array = job.kind == "array"
    values = {
        "--job-name": job.name,
        "--output": _OUTPUT[job.kind],
        "--time": job.time,
        "--array": f"0-{job.ranks - 1}" + (f"%{job.throttle}" if job.throttle else "") if array else None,
        "--ntasks": 1 if array else job.ranks,
        "--nodes": 1 if array else job.nodes,
        "--cpus-per-task": job.cpus_per_rank,
        "--mem-per-cpu": job.memory_per_cpu,
        "--gpus-per-task": job.gpus_per_rank or None,
        "--partition": job.partition,
        "--account": job.account,
        "--signal": f"B:USR1@{job.warning}" if job.kind == "requeue" else None,
    }
    more = ["--requeue", "--open-mode=append"] if job.kind == "requeue" else []
    return [f"{name}={value}" for name, value in values.items() if value is not None] + more + list(job.options)


def _environment(job: SlurmJob) -> list[str]:
    lines = ["set -e  # without its modules and its environment the study does not start", *job.setup]
    if job.venv is not None:
        lines.append(f"source {shlex.quote(job.venv.rstrip('/') + '/bin/activate')}")
    lines += [f'export {library}_NUM_THREADS="$SLURM_CPUS_PER_TASK"' for library in ("OMP", "OPENBLAS", "MKL")]
    if job.launcher != "mpirun" and job.kind != "array":
        lines.append('export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"  # since Slurm 22.05 srun does not take it over')
    if job.kind == "requeue":
        lines.append("set +e")
    return lines


def _launch(job: SlurmJob) -> str:
    if job.kind == "array":
        return shlex.join(job.command)
    # A killed rank must not leave the others waiting; mpirun ensures that without an option.
    ending = "" if job.launcher == "mpirun" else " --kill-on-bad-exit=1"
    return f"{LAUNCHERS[job.launcher]}{ending} {shlex.join(job.command)}"


def _mpi(job: SlurmJob) -> list[str]:
    return ["# The ranks read the job's time limit and end the study before it. Submit the file again to go on.", _launch(job)]


def _array(job: SlurmJob) -> list[str]:
    return [
        '# Each task is a worker of one study, with exchange="files" in the program. Any of them may die, or start later.',
        _launch(job),
    ]


def _requeue(job: SlurmJob) -> list[str]:
    assert job.study is not None  # by `_check`
    study, folder = PurePath(job.study), StudyFolder(job.study)  # unchanged: the job may have another working folder
    journals, stop_file = study / folder.journals.name, study / folder.stop_file.name
    return f"""\
study={shlex.quote(job.study)}
most={job.requeues}  # requeues

ended() {{ cat {shlex.quote(str(journals))}/*.jsonl 2>/dev/null | grep -c '"event":"finished"'; }}

# Slurm sends USR1 to this shell, {job.warning} s before the time limit: the ranks then begin no further evaluation.
# A trap runs only while the shell waits, so that the program runs in the background.
warned=
trap 'warned=yes; hyperspace stop "$study"' USR1
before=$(ended)
{_launch(job)} &
program=$!
code=0
while kill -0 "$program" 2>/dev/null; do
    wait "$program"
    code=$?
done
trap '' USR1

if hyperspace status "$study" --exit-code; then
    exit 0
elif [ -z "$warned" ] && grep -qs "^{BY_COMMAND}" {shlex.quote(str(stop_file))}; then
    echo "not requeued: somebody has stopped the study" >&2
elif [ "$(ended)" -le "$before" ]; then
    echo "not requeued: no evaluation has ended in this run" >&2
elif [ "${{SLURM_RESTART_COUNT:-0}}" -ge "$most" ]; then
    echo "not requeued: it was $most times, and the study is not finished" >&2
else
    exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$((code > 0 ? code : 3))"
""".splitlines()


def _check(job: SlurmJob) -> None:
    if job.kind not in KINDS:
        raise InputError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {job.kind!r}")
    if job.launcher not in LAUNCHERS:
        raise InputError(f"launcher must be one of {', '.join(map(repr, LAUNCHERS))}, got {job.launcher!r}")
    if not job.command:
        raise InputError("a command was expected, e.g. python train.py, got none")
    if job.kind == "requeue" and not job.study:
        raise InputError(
            "a requeueing job asks its study whether it is finished; name the study, the program's results_path, by --study PATH "
            "(study= in Python)"
        )
    for name, least in (("ranks", 1), ("nodes", 1), ("cpus_per_rank", 1), ("gpus_per_rank", 0), ("requeues", 0), ("warning", 1)):
        _check_count(name, getattr(job, name), least)
    for name in ("name", "memory_per_cpu", "partition", "account"):
        value = getattr(job, name)
        if value is not None and not _SAFE.fullmatch(value):
            raise InputError(f"{name} must be one word of letters, digits and .,:@%/+=-, got {value!r}")
    for option in job.options:
        if not _OPTION.fullmatch(option):
            raise InputError(f"an option of sbatch was expected, as one word such as --qos=long, got {option!r}")
    for text in (*job.setup, *job.command, job.venv or "", job.study or ""):
        if "\n" in text or "\r" in text or "\0" in text:
            raise InputError(f"one line was expected, got {text!r}")
    if job.throttle is not None:
        if job.kind != "array":
            raise InputError('throttle= limits the tasks of a job array; take kind="array", or leave it out')
        _check_count("throttle", job.throttle, 1)
    limit = _time_limit(job.time)
    if job.kind == "requeue" and limit is not None and limit <= job.warning:
        raise InputError(f"warning must be less than the time limit, {limit:.0f} s, got {job.warning}")


def _check_count(name: str, value: Any, least: int) -> None:
    if name == "nodes" and value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")


def _time_limit(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValueError:
        raise InputError(f'time must be a limit as Slurm writes it, e.g. "4:00:00" or "1-12", got {text!r}') from None
