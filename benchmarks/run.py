"""Runs methods on suites, in rounds, in parallel over the cores, and goes on where an earlier call was stopped.

    python -m benchmarks.run --suite synthetic --workers 16 --rounds 20 --seeds 10 --methods adaptive turbo1 cma tpe random

Every run is one line of benchmarks/results/SPLIT/METHOD.jsonl: problem, seed, method, version, and the best value so
far after every round (of noisy problems: the true value of the point that looks best). What is on file is not run again;
delete the lines to do so. Tables: `python -m benchmarks.tables`; plots: `python -m benchmarks.plots`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import methods, suites

RESULTS = Path(__file__).parent / "results"


def run_one(task: dict[str, Any]) -> dict[str, Any]:
    """Run one method once on one instance and return its record."""
    warnings.simplefilter("ignore")
    instance = suites.instance(task["problem"], task["split"], task["seed"])
    workers, rounds = task["workers"], task["rounds"]
    method = methods.make(task["method"], instance.dimensions, workers, task["seed"])
    best, seen, incumbent, evaluation, thinking = [], np.inf, np.inf, 0, 0.0
    for _ in range(rounds):
        begin = time.process_time()
        U = np.clip(np.asarray(method.ask(), dtype=float), 0.0, 1.0)
        thinking += time.process_time() - begin
        if U.shape != (workers, instance.d):
            raise ValueError(f"{task['method']} gave {U.shape}, not a round of {workers} points")
        y = np.empty(workers)
        for row, u in enumerate(U):
            y[row] = instance.observe(u, evaluation)
            evaluation += 1
            if y[row] < seen:
                seen, incumbent = y[row], instance.true(u)
        begin = time.process_time()
        method.tell(U, y)
        thinking += time.process_time() - begin
        best.append(float(incumbent))
    return {
        **task,
        "version": method.version,
        "d": instance.d,
        "optimum": instance.optimum,
        "scale": instance.scale,
        "best": best,
        "seconds": round(thinking, 3),
    }


def key(record: dict[str, Any]) -> tuple[Any, ...]:
    """Return what makes a run unique."""
    return tuple(record[name] for name in ("problem", "seed", "method", "workers", "rounds", "split"))


def path_of(results: Path, split: str, method: str) -> Path:
    """Return the file that holds a method's runs."""
    return results / split / (method.replace("(", "_").replace(")", "").replace(",", "_").replace(" ", "") + ".jsonl")


def load(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file; a torn last line is left out."""
    records = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return records


def main() -> None:
    """Parse the command line and run what is not on file yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", nargs="+", default=["synthetic"], help=f"{', '.join(suites.SUITES)}, or problem:variant")
    parser.add_argument("--split", default="tune", choices=sorted(suites.SPLITS), help="which instances; report only to report")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--methods", nargs="+", default=["adaptive"], help=", ".join(methods.MODULES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()

    problems = [name for suite in arguments.suite for name in suites.SUITES.get(suite, [suite])]
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    done = {key(r) for m in arguments.methods for r in load(path_of(arguments.results, arguments.split, m))}
    tasks = []
    for seed, name, method in product(seeds, dict.fromkeys(problems), arguments.methods):
        if methods.parse(method)[0] in methods.SLOW and name not in suites.SUITES["core"]:
            continue
        task = {"problem": name, "seed": seed, "method": method, "workers": arguments.workers}
        task |= {"rounds": arguments.rounds, "split": arguments.split}
        if key(task) not in done:
            tasks.append(task)
    print(f"{len(tasks)} runs to do, {len(done)} on file", flush=True)
    if arguments.jobs == 1:
        for number, task in enumerate(tasks, start=1):
            _store(run_one(task), arguments.results, number, len(tasks))
        return
    with ProcessPoolExecutor(max_workers=arguments.jobs) as pool:
        futures = [pool.submit(run_one, task) for task in tasks]
        for number, future in enumerate(as_completed(futures), start=1):
            _store(future.result(), arguments.results, number, len(tasks))


def _store(record: dict[str, Any], results: Path, number: int, total: int) -> None:
    path = path_of(results, record["split"], record["method"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    regret = record["best"][-1] - record["optimum"]
    print(f"{number}/{total} {record['problem']} seed {record['seed']} {record['method']}: {regret:.3g}"
          f" in {record['seconds']:.1f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
