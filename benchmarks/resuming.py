"""What it takes to go on with a large study: until the first evaluation begins, and from the last one to the merged result.

    python -m benchmarks.resuming --trials 1000 20000 200000 --ranks 1 4 16

A small study (model "RAND", 16 drives, one evaluation each) is made and its journals are lengthened, line by line as a run would
have written them. Then the study goes on with one more evaluation a drive, on that number of ranks. Seconds are those of the rank
that took most, without the start of the processes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from hyperspace import hyperdrive
from hyperspace.journal import StudyFolder
from hyperspace.journal.lines import decode_line, encode_line

DRIVES = 16
_SPACE = [(0.0, 1.0), (1, 100), (1e-4, 1e-1, "log-uniform"), ["relu", "tanh"]]

_GOING_ON = """
import json, os, sys, time
from hyperspace import hyperdrive
calls = []
def objective(x):
    calls.append((time.monotonic(), time.process_time()))
    return x[0]
options = json.loads(sys.argv[1])
begun = time.monotonic(), time.process_time()
result = hyperdrive(objective, {space!r}, sys.argv[2], model="RAND", n_drives={drives}, n_subspaces=4, **options)
ended = time.monotonic(), time.process_time()
spans = [later - earlier for pair in ((calls[0], begun), (ended, calls[-1])) for later, earlier in zip(*pair)]
sys.stdout.write(f"SECONDS {{' '.join(map(str, spans))}} {{result.nfev}}\\n")
"""


def objective(x: list[object]) -> float:
    """Cheap, and named as in the program that goes on: its name is part of the study."""
    return float(x[0])  # type: ignore[arg-type]


def make_study(path: Path, trials: int, exchange: str) -> None:
    """Make a study with `trials` finished trials on record."""
    options = {"model": "RAND", "n_drives": DRIVES, "n_subspaces": 4, "n_iterations": 1, "exchange": exchange}
    hyperdrive(objective, _SPACE, path, **options)  # type: ignore[arg-type]
    for drive in range(DRIVES):
        _lengthen(StudyFolder(path).journal_file(drive), trials // DRIVES, exchange)


def _lengthen(file: Path, trials: int, exchange: str) -> None:
    """Repeat a journal's trial until there are `trials`."""
    head, started, finished = map(decode_line, file.read_bytes().splitlines())
    lines, sequence = [encode_line(head)], 1
    for iteration in range(trials):
        begun = started | {"iteration": iteration, "sequence": sequence}
        if exchange == "async":
            begun |= {"known": [{str(drive): 1 for drive in range(DRIVES)} if iteration else {}], "pending": []}
        lines += [encode_line(begun), encode_line(finished | {"iteration": iteration, "sequence": sequence + 1})]
        sequence += 2
    file.write_bytes(b"".join(lines))


def go_on(path: Path, trials: int, ranks: int, exchange: str, timeout: float) -> list[float] | None:
    """Go on with one more evaluation a drive.

    Returns:
        Seconds until the first evaluation begins, of them processor time, and the same from the last one to the result; each of
        the rank that took most. None after `timeout` seconds.
    """
    rounds = trials // DRIVES + 1
    program = _GOING_ON.format(space=_SPACE, drives=DRIVES)
    launcher = [Path(sys.executable).with_name("mpirun"), "-n", str(ranks)] if ranks > 1 else []
    words = [*launcher, sys.executable, "-c", program, json.dumps({"n_iterations": rounds, "exchange": exchange}), path]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
    try:
        run = subprocess.run(words, check=True, capture_output=True, text=True, timeout=timeout, env=environment)
    except subprocess.TimeoutExpired:
        return None
    rows = [[float(word) for word in row.split()] for row in re.findall(r"SECONDS (.*)", run.stdout)]
    assert len(rows) == ranks, run.stdout + run.stderr
    assert all(row[-1] == rounds * DRIVES for row in rows)
    return [max(column) for column in zip(*rows, strict=True)][:-1]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 20_000, 200_000])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--exchanges", nargs="+", default=["round", "async"])
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds that a run may take")
    arguments = parser.parse_args()
    print("| trials | exchange | ranks | resume | of it processor | merge | of it processor |\n|---|---|---|---|---|---|---|")
    for trials in arguments.trials:
        for exchange in arguments.exchanges:
            for ranks in arguments.ranks:
                with tempfile.TemporaryDirectory() as folder:
                    make_study(Path(folder) / "study", trials, exchange)
                    taken = go_on(Path(folder) / "study", trials, ranks, exchange, arguments.timeout)
                told = " | ".join("-" * 4 if taken is None else [f"{seconds:.1f} s" for seconds in taken])
                print(f"| {trials:,} | {exchange} | {ranks} | {told} |", flush=True)


if __name__ == "__main__":
    main()
