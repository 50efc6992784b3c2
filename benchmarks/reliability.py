"""What is done to a study, and what is lost: killed processes, damaged files.

    python -m benchmarks.reliability kills --times 100
    python -m benchmarks.reliability damage --times 10000

`kills` runs a study and kills it with SIGKILL at random moments, one rank of an MPI run, a process that works alone, or a worker
of exchange="files", and starts it again on another number of ranks, until it has been killed so many times. Every evaluation
is written to a diary beside the study's files when it is on record: it has to stay there for ever, unchanged; and under
exchange="round" all trials have to be those of a run that nobody kills. An evaluation that is killed in the millisecond between
its return and the disk is made again; these are counted too.

`damage` cuts, flips, doubles, swaps and overwrites parts of a real study's files, one at a time, and reads the study back: it has
to end in an error that names the file, or in the trials that stand in what is left; never in another exception, nor in a changed
value.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.trial import Trial

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
hyperdrive(objective, space, folder, n_iterations=n_iterations, exchange=exchange, callback=diary)
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


def damages(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return a kind of damage and what it makes of a file's content."""
    lines = data.splitlines(keepends=True)
    position = rng.randrange(len(data))
    line = rng.randrange(len(lines))

    def cut_at_a_lines_end() -> bytes:
        return b"".join(lines[:line])

    def flip() -> bytes:
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 8])):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(damaged)

    def zero() -> bytes:
        size = min(rng.choice([1, 16, 512, 4096]), len(data) - position)
        return data[:position] + bytes(size) + data[position + size :]

    def swap() -> bytes:
        other = rng.randrange(len(lines))
        moved = list(lines)
        moved[line], moved[other] = moved[other], moved[line]
        return b"".join(moved)

    ways: dict[str, Callable[[], bytes]] = {
        "cut anywhere": lambda: data[:position],
        "cut at a line's end": cut_at_a_lines_end,
        "bits flipped": flip,
        "overwritten with zeros": zero,
        "overwritten with noise": lambda: data[:position] + rng.randbytes(16) + data[position + 16 :],
        "a line left out": lambda: b"".join(lines[:line] + lines[line + 1 :]),
        "a line doubled": lambda: b"".join(lines[: line + 1] + lines[line:]),
        "two lines swapped": swap,
        "noise put in": lambda: data[:position] + rng.randbytes(rng.choice([1, 7, 64])) + data[position:],
    }
    name = rng.choice(list(ways))
    return name, ways[name]()


def damage(times: int, seed: int, folder: Path) -> list[dict[str, object]]:
    """Damage the files of a study `times` times, one at a time; return a row a kind of damage."""
    rng = random.Random(seed)
    study = folder / "study"
    _make_study(study)
    originals = {path: path.read_bytes() for path in [study / "study.json", *sorted((study / "journals").iterdir())]}
    whole = fingerprint_of(load_results(study).all_trials)
    rows: dict[str, Counter[str]] = {}
    for _ in range(times):
        path = rng.choice(list(originals))
        name, content = damages(originals[path], rng)
        row = rows.setdefault(name, Counter())
        row["times"] += 1
        path.write_bytes(content)
        try:
            left = fingerprint_of(load_results(study).all_trials)
        except StudyError as error:
            row["named in an error"] += path.name in str(error)
            row["errors that name another file"] += path.name not in str(error)
        else:
            same = content == originals[path]
            row["read whole: nothing was changed"] += same
            row["read whole all the same"] += not same and left == whole
            row["read up to the cut"] += not same and left.items() < whole.items()
            row["read with changed values"] += not left.items() <= whole.items()
        path.write_bytes(originals[path])
    return [{"damage": name, **row} for name, row in sorted(rows.items())]


def _make_study(study: Path) -> None:
    """Make a study with failures, categories, several metrics, and counts of what drives knew of each other."""

    def objective(x: list[float | str]) -> dict[str, float]:
        if x[2] == "b" and float(x[1]) > 0.8:
            raise ValueError("a region that fails")
        return {"loss": (float(x[0]) - 3.3) ** 2 + (float(x[1]) - 0.6) ** 2, "cost": float(x[0])}

    hyperdrive(objective, [(0.0, 10.0), (0.0, 1.0), ["a", "b"]], study, n_iterations=6, exchange="async")


def table(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as a Markdown table; what did not happen is 0."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(name, 0)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    killing = commands.add_parser("kills", help="kill running studies")
    killing.add_argument("--times", type=int, default=100)
    killing.add_argument("--iterations", type=int, default=12, help="evaluations a drive, of 8 drives")
    damaging = commands.add_parser("damage", help="damage a study's files")
    damaging.add_argument("--times", type=int, default=10_000)
    for command in (killing, damaging):
        command.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.command == "kills":
            rows = kills(options.times, options.iterations, options.seed, Path(folder))
        else:
            rows = damage(options.times, options.seed, Path(folder))
    print(table(rows))


if __name__ == "__main__":
    main()
