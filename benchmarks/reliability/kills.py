"""Studies whose processes are killed, and what is lost.

Runs a study and kills it with SIGKILL at random moments, one rank of an MPI run, a process that works alone, or a worker of
exchange="files", and starts it again on another number of ranks, until it has been killed as often as asked. Every evaluation is
written to a diary beside the study's files when it is on record: it has to stay there, unchanged; and under exchange="round" all
trials have to be those of a run that was not killed. An evaluation that is killed in the millisecond between its return and the
disk is made again; these are counted too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hyperspace import load_results
from hyperspace.errors import StudyError
from hyperspace.trials.trial import Trial

PROGRAM = """
import json, os, sys, time
from hyperspace import hyperdrive
folder, exchange, n_iterations = sys.argv[1], sys.argv[2], int(sys.argv[3])
def write(name, text):
    file = os.open(folder + name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (text + "\\n").encode())
    os.close(file)
def objective(x, trial):
    time.sleep(0.02 + 0.03 * (x[0] % 1.0))
    write(".returned", trial.id)
    if x[2] == "b" and x[1] > 0.8:
        raise ValueError("a region that fails")
    return {"loss": (x[0] - 3.3) ** 2 + (x[1] - 0.6) ** 2 + (x[2] == "a"), "cost": x[0]}
def diary(trial):  # called when the trial is on record
    write(".diary", json.dumps([trial.drive, trial.iteration, trial.status, dict(trial.metrics)]))
space = [(0.0, 10.0), (0.0, 1.0), ["a", "b"]]
hyperdrive(objective, space, folder, n_drives=8, n_iterations=n_iterations, exchange=exchange, callback=diary)
"""

KINDS = ("one process, round", "MPI, round", "MPI, async", "workers, files")
_EXCHANGES = {"one process, round": "round", "MPI, round": "round", "MPI, async": "async", "workers, files": "files"}
_WORKERS = 3


def fingerprint_of(trials: Sequence[Trial]) -> dict[tuple[int, int], str]:
    """Return what must never change of each finished trial."""
    return {
        (trial.drive, trial.iteration): json.dumps([list(trial.x), trial.status, dict(trial.metrics)], sort_keys=True)
        for trial in trials
        if trial.finished
    }


def start(kind: str, folder: Path, n_iterations: int, rng: random.Random) -> list[subprocess.Popen[bytes]]:
    """Start the processes of a run; each leads a process group of its own."""
    program = [sys.executable, "-c", PROGRAM, str(folder), _EXCHANGES[kind], str(n_iterations)]
    mpirun = [str(Path(sys.executable).with_name("mpirun")), "-n", str(rng.choice([2, 3, 4]))] if kind.startswith("MPI") else []
    count = _WORKERS if kind.startswith("workers") else 1
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return [subprocess.Popen([*mpirun, *program], start_new_session=True, **silent) for _ in range(count)]


def ranks_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes that evaluate: the descendants of a launcher that have none themselves, or the process itself."""
    tree: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        tree.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    leaves, queue = [], [process.pid]
    while queue:
        number = queue.pop()
        queue += tree.get(number, [])
        if number not in tree:
            leaves.append(number)
    return leaves


def kill_one(processes: Sequence[subprocess.Popen[bytes]], rng: random.Random) -> str:
    """Kill a random rank, or all of a random process group at once; return what was killed."""
    process = rng.choice([each for each in processes if each.poll() is None])
    try:
        if rng.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
            return "all"
        os.kill(rng.choice(ranks_of(process)), signal.SIGKILL)
    except ProcessLookupError:  # it ended this moment
        return "none"
    return "one"


def finish_off(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End what a kill has left of a run, and wait for it."""
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def kills(times: int, n_iterations: int, seed: int, folder: Path) -> list[dict[str, object]]:
    """Kill each kind of run `times` / 4 times; return a row a kind."""
    rng = random.Random(seed)
    whole = folder / "whole"
    (process,) = start("one process, round", whole, n_iterations, rng)
    process.wait()
    expected = fingerprint_of(load_results(whole).all_trials)
    return [kill_kind(kind, times // len(KINDS), n_iterations, expected, rng, folder) for kind in KINDS]


def kill_kind(
    kind: str,
    times: int,
    n_iterations: int,
    expected: dict[tuple[int, int], str],
    rng: random.Random,
    folder: Path,
    patience: float = 6.0,
) -> dict[str, object]:
    """Kill runs of one kind, each within `patience` seconds, `times` times in all; return what became of their studies."""
    row: Counter[str] = Counter()
    while row["kills"] < times:
        study = folder / f"{kind.replace(', ', '-').replace(' ', '-')}-{row['studies']}"
        row["studies"] += 1
        complete = False
        while not complete:
            processes = start(kind, study, n_iterations, rng)
            deadline = time.monotonic() + rng.uniform(0.6, patience)
            while time.monotonic() < deadline and any(process.poll() is None for process in processes):
                time.sleep(0.01)
            if row["kills"] < times and any(process.poll() is None for process in processes):
                row["kills"] += kill_one(processes, rng) != "none"
                time.sleep(0.3)
            else:
                for process in processes:
                    process.wait()
            if not kind.startswith("workers") or not any(process.poll() is None for process in processes):
                finish_off(processes)
            else:  # the others go on; the killed one is missed by nobody
                for process in processes:
                    process.wait()
            row["runs"] += 1
            complete = judge(study, row, n_iterations)
        trials = fingerprint_of(load_results(study).all_trials)
        row["trials"] += len(trials)
        returned = Counter(Path(f"{study}.returned").read_text().splitlines())
        row["returned while being killed, and repeated"] += sum(count - 1 for count in returned.values())
        if _EXCHANGES[kind] == "round":
            row["differ from an unkilled run"] += sum(trials.get(key) != value for key, value in expected.items())
    return {"kind": kind, **row}


def judge(study: Path, row: Counter[str], n_iterations: int) -> bool:
    """Compare a study's records with the diary; return whether it is complete."""
    try:
        result = load_results(study)
    except StudyError as error:
        if "holds no study" in str(error):  # killed before the study began
            return False
        row["unreadable"] += 1
        raise
    trials = fingerprint_of(result.all_trials)
    diary = Path(f"{study}.diary")
    for line in diary.read_text().splitlines() if diary.exists() else []:
        drive, iteration, status, metrics = json.loads(line)
        kept = trials.get((drive, iteration))
        row["lost"] += kept is None or json.loads(kept)[1:] != [status, metrics]
    return len(trials) >= n_iterations * result.partition.n_subspaces
