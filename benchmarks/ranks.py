"""What the simulation starts from, measured on real parts: times of suggestions, costs of messages, and studies on MPI ranks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import suites
from benchmarks.ours import Apart
from hyperspace.exchange.gossip import Gossip
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.async_loop import AHEAD
from hyperspace.execution.known_trials import KnownTrials
from hyperspace.optimizers.bayesian.settings import LARGEST_TEAM, Settings, Setup
from hyperspace.optimizers.bayesian.trust_regions import TrustRegionState
from hyperspace.space.space import Bounds
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.records import load_trial, shared_record
from hyperspace.trials.trial import OK, Trial

PROBLEM = "rosenbrock10:rotated"  # of the tuning split
WORKERS, ROUNDS = 16, 20
SIZES = (16, 256, 1024, 4096)  # numbers of drives among which taking up a trial is timed

_PROGRAM = """
import json, sys, time
import hyperspace.execution.async_loop
from hyperspace import hyperdrive
from hyperspace.exchange.gossip import Gossip
options = json.loads(sys.argv[1])
kept = []
class Kept(Gossip):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        kept.append(self)
hyperspace.execution.async_loop.Gossip = Kept
def brief(x):
    return sum((value - 0.3) ** 2 for value in x)
def objective(x):
    time.sleep(options["seconds"])
    return brief(x)
def study(objective, n_calls):
    return hyperdrive(objective, [(0.0, 1.0)] * 10, None, checkpoints=False, n_calls=n_calls, exchange=options["exchange"],
                      model=options["model"], isolate=options["worker"])
if __name__ == "__main__":
    from mpi4py import MPI
    if options["warm"]:
        study(brief, 4 * MPI.COMM_WORLD.Get_size())  # loads the libraries
    result = study(objective, options["n_calls"])
    mine = [kept[-1].messages, kept[-1].bytes] if kept else [0, 0]
    mine = MPI.COMM_WORLD.gather(mine)
    if MPI.COMM_WORLD.Get_rank() == 0:
        rows = result.trials[["started", "suggest_seconds", "seconds"]].to_numpy().tolist()
        sys.stdout.write("MEASURED " + json.dumps({"rows": rows, "gossip": mine}) + "\\n")
"""


def suggestions(exchange: str, seeds: int, thinks_ahead: bool = False) -> dict[str, Any]:
    """Return processor seconds of suggestions (those of the initial design too), of thinking ahead, and the last trials."""
    asked: list[float] = []
    ahead: list[float] = []
    trials: list[Trial] = []
    for seed in range(-1, seeds):  # the first study loads the libraries
        instance = suites.instance(PROBLEM, "tune", max(seed, 0))
        study, trials = Apart(instance.dimensions, WORKERS, max(seed, 0), exchange, thinks_ahead), []
        for _ in range(ROUNDS if seed >= 0 else 4):
            U = study.ask()
            study.tell(U, np.array([instance.true(u) for u in U]))
            trials += study.finished
        if seed >= 0:
            asked, ahead = asked + study.asked, ahead + study.ahead
    return {"sample": _rounded(asked), "ahead": _rounded(ahead), "trials": trials, "space": study.space}


def _rounded(sample: list[float]) -> list[float]:
    return [round(seconds, 6) for seconds in sample]


def grown(n: int, repeats: int = 3) -> dict[str, float]:
    """Return processor seconds of suggestions of drives whose archive holds n trials, spread over the cube: mean and median.

    The first round is not counted: it takes up all trials at once, and fits hyperparameters from nothing.
    """
    instance, rng = suites.instance(PROBLEM, "tune", 0), np.random.default_rng(0)
    study = Apart(instance.dimensions, WORKERS, 0)
    archive, per_drive = study.archives[0], n // WORKERS
    U = rng.random((per_drive * WORKERS, study.space.d))
    values = [instance.true(u) for u in U]
    known = [
        Trial(drive=i % WORKERS, iteration=i // WORKERS, x=x, status=OK, metrics={FLOAT_NAME: value})
        for i, (x, value) in enumerate(zip(study.space.from_unit(U), values, strict=True))
    ]
    archive.extend(known)
    sample = []
    for iteration in range(per_drive, per_drive + repeats + 1):
        finished = []
        for drive in range(WORKERS):
            begin = time.process_time()
            asked = study.strategies[drive].ask(drive, iteration, archive)
            sample += [time.process_time() - begin] if iteration > per_drive else []
            x = study.space.from_unit(asked.u[None])[0]
            metrics = {FLOAT_NAME: instance.true(asked.u)}
            finished.append(Trial(drive=drive, iteration=iteration, x=x, status=OK, metrics=metrics, **asked.kept))
        archive.extend(finished)
    return {"trials": float(len(known)), "mean": float(np.mean(sample)), "median": float(np.median(sample))}


def message_costs(trials: list[Trial], space: Any, repeats: int = 20) -> dict[str, Any]:
    """Return what messages with these trials cost (see `benchmarks.virtual.Costs`), by real messages of three kinds."""
    n_drives = 1024
    records = [shared_record(trial, space) for trial in trials][-256:]
    for drive, record in enumerate(records):
        record |= {"drive": drive, "iteration": 0}

    def cost(counts: int, n_records: int) -> tuple[float, float, float]:
        """Return processor seconds of packing and unpacking a message, and its bytes."""
        packing = unpacking = size = 0.0
        for _ in range(repeats):
            sender, receiver = Gossip(_Alone(), n_drives), Gossip(_Alone(), n_drives)
            for record in records[:n_records]:
                sender.add(record, finished=True)
            for drive in range(n_records, counts):
                sender.ledger.finish(drive, 0)
            begin = time.process_time()
            news = next(iter(sender.ledger.due(1.0)))[1]
            news = replace(news, finished=news.finished[:, :n_records])
            payload = sender.pack(news)
            middle = time.process_time()
            receiver.unpack(1, payload)
            packing, unpacking, size = packing + middle - begin, unpacking + time.process_time() - middle, float(len(payload))
        return packing / repeats, unpacking / repeats, size

    empty, counted, full = np.array(cost(1, 0)), np.array(cost(1001, 0)), np.array(cost(256, 256))
    a_count = (counted - empty) / 1000
    a_record = (full - empty - 255 * a_count) / 256
    fixed = empty - a_count
    return {
        "send": [fixed[0], a_count[0], a_record[0]],
        "receive": [fixed[1], a_count[1], a_record[1]],
        "size": [fixed[2], a_count[2], a_record[2]],
        "take": _taking(records, space),
        "know": [[n_drives, _knowing(records, space, n_drives)] for n_drives in SIZES],
    }


class _Alone(SerialRanks):
    """Rank 0 of two."""

    size = 2


def _taking(records: list[Any], space: Any, repeats: int = 20) -> float:
    """Return processor seconds of reading a record and making a trial of it."""
    lines = json.dumps(records)
    begin = time.process_time()
    for _ in range(repeats):
        for record in json.loads(lines):
            load_trial(record, space)
    return (time.process_time() - begin) / len(records) / repeats


def _knowing(records: list[Any], space: Any, n_drives: int) -> float:
    """Return processor seconds for which a drive takes up a trial, in batches of a size at which a rank thinks ahead.

    Points are spread over the cube, so that many regions move: in a study that converges fewer do.
    """
    rng = np.random.default_rng(0)
    trials: list[list[Trial]] = [[] for _ in range(n_drives)]
    running: list[Trial | None] = [None] * n_drives
    known = KnownTrials(Archive(space.to_unit, Metrics(), space.d), n_drives)
    settings = Settings()
    setup = Setup(space, settings, "GP", "EI", 0, Bounds.whole(space.d))
    region_state = TrustRegionState(setup, settings.regions * -(-n_drives // LARGEST_TEAM), n_drives)
    spent = []
    batch = round(AHEAD * n_drives)
    for number in range(round(5 / AHEAD)):
        for drive, x in enumerate(space.from_unit(rng.random((batch, space.d))), start=number * batch):
            record = records[drive % len(records)]
            drive, iteration = drive % n_drives, drive // n_drives
            trial = load_trial(record | {"drive": drive, "iteration": iteration, "x": space.dump(x)}, space)
            trials[drive].append(trial.finish(OK, metrics={FLOAT_NAME: float(rng.random())}))
        begin = time.process_time()
        known.update(trials, running)
        region_state.update(known.archive)
        spent.append(time.process_time() - begin)
    return float(np.median(spent)) / batch  # without a collection of garbage, which may fall into any of them


def real(
    ranks: int, exchange: str, rounds: int, seconds: float, model: str = "GP", warm: bool = True, worker: bool = False
) -> dict[str, Any]:
    """Run a study on MPI ranks whose evaluations sleep, in the rank or in a worker of its own, and return its figures."""
    options = {"exchange": exchange, "n_calls": ranks * rounds, "seconds": seconds, "model": model}
    options |= {"warm": warm, "worker": worker}
    mpirun = Path(sys.executable).with_name("mpirun")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "study.py"
        program.write_text(_PROGRAM)
        done = subprocess.run(
            [mpirun, "-n", str(ranks), sys.executable, program, json.dumps(options)],
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)},
            check=True,
            capture_output=True,
            text=True,
            timeout=60 + 4 * rounds * (seconds + 0.1 * ranks),
        )
    measured = json.loads(re.findall("MEASURED (.*)", done.stdout)[0])
    starts, thought, lasted = np.array(measured["rows"], dtype=float).T
    ends, begin, last = starts + lasted, (starts - thought).min(), starts.max()
    busy = float((np.minimum(ends, last) - starts).sum())
    whole = ranks * float(ends.max() - begin)
    messages, sent = np.array(measured["gossip"]).sum(axis=0)
    return {
        "ranks": ranks,
        "evaluations": len(starts),
        "utilization": busy / (ranks * float(last - begin)),
        "seconds": float(last - begin),
        "tail": float(ends.max() - last),
        "suggestion": float(thought.mean()),
        "messages": float(messages) / whole,
        "bytes": float(sent) / whole,
    }
