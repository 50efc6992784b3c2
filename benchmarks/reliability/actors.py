"""The runs of a schedule: how each is started, which processes it has, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.reliability.evidence import Evidence
from benchmarks.reliability.schedule import MPICH, OPENMPI, OTHER, SLURM, Launch

ROOT = Path(__file__).parents[2]
_PROGRAM = Path(__file__).with_name("program.py")
_LAUNCHERS = ("PMI", "PMIX", "PRTE", "OMPI", "MPI_", "MPIR", "MV2", "HYD", "SLURM", "HYPERSPACE")
_AS_ROOT = {  # what an mpirun of Open MPI wants to hear before it starts processes for root, and more of them than processors
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_ALLOW_RUN_AS_ROOT": "1",
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


@dataclass(frozen=True)
class Installed:
    """Where the programs are.

    Attributes:
        bins: for "mpich" and "openmpi", the folder with a python whose mpi4py uses that library, and its mpirun.
        cluster: a running Slurm, of tests/slurm/cluster.py; None without one.
    """

    bins: dict[str, Path]
    cluster: Any = None

    def python(self, kind: str) -> Path:
        """Return the python that runs the program."""
        return self.bins[kind] / "python" if kind in self.bins else Path(sys.executable)

    def mpirun(self, kind: str) -> list[str]:
        """Return the words that start an mpirun."""
        return [str(self.bins[kind if kind in self.bins else MPICH] / "mpirun")]


def library_of(bin_folder: Path) -> str | None:
    """Return the kind of MPI whose mpirun stands in a folder; None without one that is known."""
    try:
        done = subprocess.run([bin_folder / "mpirun", "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return None
    if "Open MPI" in done.stdout:
        return OPENMPI
    return MPICH if "HYDRA" in done.stdout or "MPICH" in done.stdout else None


@dataclass
class Run:
    """A run that was started.

    Attributes:
        letter: its name in the schedule.
        launch: how it was started.
        settings: the file that tells the program its study; marks all processes of the schedule.
        output: the file with what its processes printed.
        signals: names of the signals that the schedule sent to its ranks or its launcher.
        hung: whether it had to be ended because its time was up.
    """

    letter: str
    launch: Launch
    settings: Path
    output: Path
    evidence: Evidence
    signals: set[str] = field(default_factory=set)
    hung: bool = False

    def ranks(self) -> dict[int, int]:
        """Return the ranks that have started, and their processes."""
        return {
            event.more["rank"]: event.pid
            for event in self.evidence.read()
            if event.run == self.letter and event.name == "start" and _lives(event.pid)
        }

    def evaluator(self) -> int | None:
        """Return a process that evaluates now."""
        begun: dict[Any, int] = {}
        for event in self.evidence.read():
            if event.run == self.letter and event.name == "begin":
                begun[event.key] = event.pid
            elif event.run == self.letter and event.name == "return":
                begun.pop(event.key, None)
        return next((pid for pid in begun.values() if _lives(pid)), None)

    def processes(self) -> list[int]:
        """Return all that belong to it, by a mark in their environment."""
        return marked(self.settings, self.letter)

    @property
    def launcher(self) -> int | None:
        """The process that started its ranks, or the only rank; None if it is not of this machine."""
        return None

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        raise NotImplementedError

    @property
    def code(self) -> int | None:
        """Its exit code; None for one that was ended by others."""
        raise NotImplementedError

    def signal_all(self, name: str) -> None:
        """Send a signal to its launcher, which ends the others if the signal ends it."""
        raise NotImplementedError


@dataclass
class ProcessRun(Run):
    """A process of its own, or an mpirun."""

    process: subprocess.Popen[bytes] = field(kw_only=True)
    _over: bool = False

    @property
    def launcher(self) -> int | None:
        """The process that started its ranks, or the only rank."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether one of its processes lives."""
        if not self._over and self.process.poll() is not None:
            self._over = not self.processes()
        return not self._over

    @property
    def code(self) -> int | None:
        """Exit code of the launcher."""
        return self.process.poll()

    def signal_all(self, name: str) -> None:
        """Send a signal to the launcher."""
        send(self.process.pid, name)


@dataclass
class JobRun(Run):
    """A job of Slurm, or an array of jobs."""

    cluster: Any = field(kw_only=True)
    job: str = field(kw_only=True)
    _ended: list[dict[str, str]] = field(default_factory=list)
    _next_look: float = 0.0

    _FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL")

    @property
    def alive(self) -> bool:
        """Whether a task of it is waiting or running; asked at most every half second."""
        if not self._ended and time.monotonic() > self._next_look:
            tasks = self._describe()
            if tasks and all(task.get("JobState") in self._FINAL for task in tasks):
                self._ended = tasks
            self._next_look = time.monotonic() + 0.5
        return not self._ended

    @property
    def code(self) -> int | None:
        """The first exit code of its tasks that is not 0; None if Slurm has ended one."""
        codes = [int(task["ExitCode"].partition(":")[0]) for task in self._ended]
        if not codes or any(task["JobState"] not in ("COMPLETED", "FAILED") for task in self._ended):
            return None
        return next((code for code in codes if code), 0)

    def signal_all(self, name: str) -> None:
        """Send a signal to all processes of the job; TERM cancels it, as a user or the time limit does."""
        if name == "TERM":
            self.cluster.run("scancel", self.job, check=False)
        else:
            self.cluster.run("scancel", f"--signal={name}", "--full", self.job, check=False)

    def requeue(self) -> None:
        """Let Slurm end the job and start it again."""
        self.cluster.run("scontrol", "requeue", self.job, check=False)

    def _describe(self) -> list[dict[str, str]]:
        text = self.cluster.run("scontrol", "--oneliner", "show", "job", self.job, check=False)
        rows = [dict(word.partition("=")[::2] for word in line.split()) for line in text.splitlines()]
        return [row for row in rows if "JobState" in row]


def start(kind: str, letter: str, launch: Launch, settings: Path, installed: Installed, evidence: Evidence, pause: float) -> Run:
    """Start a run of a schedule of this kind; its evaluations take `pause` seconds."""
    about = {
        "name": letter,
        "pause": pause,
        "exchange": launch.exchange,
        "deadline": launch.deadline,
        "slow": launch.slow,
        "halts": launch.halts,
    }
    marks = {"HYPERSPACE_SCHEDULE": str(settings), "HYPERSPACE_RUN": json.dumps(about)}
    command = [str(installed.python(kind)), str(_PROGRAM)]
    if launch.host == OTHER:
        command = ["unshare", "--uts", "sh", "-c", 'hostname other; exec "$@"', "sh", *command]
    output = settings.with_name(f"{letter}.out")
    shared: dict[str, Any] = {"letter": letter, "launch": launch, "settings": settings, "output": output, "evidence": evidence}
    if kind == SLURM and not launch.by_hand:
        script = _job(command, launch, output, marks)
        return JobRun(**shared, cluster=installed.cluster, job=installed.cluster.submit(script, settings.parent))
    if kind in (MPICH, OPENMPI) and launch.ranks > 1:
        command = [*installed.mpirun(kind), "-n", str(launch.ranks), *command]
    with open(output, "ab") as file:
        process = subprocess.Popen(
            command,
            cwd=settings.parent,
            env=clean_environment() | _AS_ROOT | marks,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return ProcessRun(**shared, process=process)


def _job(command: list[str], launch: Launch, output: Path, marks: dict[str, str]) -> str:
    """Return a script for Slurm: an array of workers, or ranks behind mpirun or srun."""
    words = subprocess.list2cmdline(command)  # no word has a quote or a blank
    array = launch.exchange == "files"
    ranks = f"--array=0-{launch.ranks - 1}" if array else f"--ntasks={launch.ranks}"
    options = [ranks, f"--output={output}", "--open-mode=append", "--time=10", "--requeue"]
    if not array:
        mpirun = Path(sys.executable).with_name("mpirun")
        words = f"{mpirun} -n {launch.ranks} {words}" if launch.mpirun else f"srun --mpi=pmi2 --kill-on-bad-exit=1 {words}"
    exports = [f"export {name}='{value}'" for name, value in (clean_variables() | marks).items()]
    return "\n".join(["#!/bin/bash", *(f"#SBATCH {option}" for option in options), *exports, words, ""])


def clean_environment() -> dict[str, str]:
    """Return this process's environment without any launcher's variables, and with what the program needs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_LAUNCHERS)} | clean_variables()


def clean_variables() -> dict[str, str]:
    """Return the variables that the program needs: one thread, this copy of the package, and a short grace for silent ranks."""
    return {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HYPERSPACE_GRACE": "2"}


def marked(settings: Path, letter: str | None = None) -> list[int]:
    """Return the live processes of a schedule, or of one run of it, by a mark in their environment."""
    marks = [f"HYPERSPACE_SCHEDULE={settings}\0".encode()]
    if letter is not None:
        marks.append(b'HYPERSPACE_RUN={"name": "%s"' % letter.encode())
    return [pid for pid, environment in _environments() if all(mark in environment for mark in marks) and _lives(pid)]


def _environments() -> Iterator[tuple[int, bytes]]:
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            yield int(file.parent.name), file.read_bytes()


def state_of(pid: int) -> str:
    """Return the state of a process as ps shows it: R, S, T (stopped), ...; "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    return state_of(pid) not in ("", "Z", "X")


def send(pid: int, name: str) -> None:
    """Send a signal to a process, unless it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, f"SIG{name}"))
