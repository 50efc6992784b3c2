"""Plays and judges schedules, one after the other, and keeps a line of JSON of each."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.reliability import disks
from benchmarks.reliability.actors import ROOT, Installed, library_of
from benchmarks.reliability.judge import RULES, judge
from benchmarks.reliability.play import PATIENCE, Player
from benchmarks.reliability.schedule import FAULTS, MPICH, OPENMPI, SLURM, Schedule

RESULTS = ROOT / "benchmarks" / "results" / "reliability" / "schedules.jsonl"
HELD, FAULT, SKIPPED, BROKEN = "held", "fault", "skipped", "broken"  # the last one: the schedule itself could not be played


def find_mpi(*folders: Path) -> dict[str, Path]:
    """Return the MPI libraries whose programs stand in these folders, or beside this python."""
    found: dict[str, Path] = {}
    for folder in (*folders, Path(sys.executable).parent):
        library = library_of(folder)
        if library is not None:
            found.setdefault(library, folder)
    return found


def reason_to_skip(schedule: Schedule, installed: Installed) -> str | None:
    """Return why a schedule cannot be played here; None if it can."""
    kind = schedule.setting.kind
    if kind in (MPICH, OPENMPI) and kind not in installed.bins:
        return f"no mpirun of {kind}; name its folder with --bin"
    if kind == SLURM and installed.cluster is None:
        return "no Slurm"
    if schedule.needs_root and os.geteuid() != 0:
        return "a disk or another host of its own needs root"
    return disks.missing(schedule.setting.disk)


def play_one(schedule: Schedule, installed: Installed, patience: float = PATIENCE, keep: Path | None = None) -> dict[str, Any]:
    """Play and judge one schedule; return what is kept of it.

    Args:
        schedule: what is to be done.
        installed: where the programs are.
        patience: seconds that a run may take to its end.
        keep: a folder for what the runs of schedules with faults printed and wrote; None keeps nothing.
    """
    row: dict[str, Any] = {"seed": schedule.seed, "number": schedule.number, "kind": schedule.setting.kind}
    row |= {"schedule": str(schedule), "tried": schedule.tried}
    reason = reason_to_skip(schedule, installed)
    if reason is not None:
        return row | {"verdict": SKIPPED, "why": reason}
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="schedule-"))
    try:
        with Player(schedule, folder, installed, patience) as player:
            played = player.play()
            verdict = judge(played)
            if keep is not None and verdict.faults:
                _keep(folder, keep / f"{schedule.seed}-{schedule.number}")
    except Exception:
        return row | {"verdict": BROKEN, "why": traceback.format_exc()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row |= {"verdict": FAULT if verdict.faults else HELD, "faults": verdict.faults} | verdict.counts
    row |= {"runs": len(played.runs), "notes": played.notes, "seconds": round(time.monotonic() - begun, 1)}
    return row


def _keep(folder: Path, where: Path) -> None:
    shutil.rmtree(where, ignore_errors=True)
    ignored = shutil.ignore_patterns("image", "ballast", "many")
    shutil.copytree(folder, where, ignore=ignored, symlinks=True)


@contextmanager
def installed_here(folders: Iterable[Path], kinds: Iterable[str]) -> Iterator[Installed]:
    """Find the MPI libraries, and run a Slurm meanwhile if one is wanted and can be started."""
    installed = Installed(find_mpi(*folders))
    if SLURM not in kinds:
        yield installed
        return
    from tests.slurm.cluster import Cluster, missing

    if (reason := missing()) is not None:
        print(f"the schedules of Slurm are skipped: {reason}", flush=True)
        yield installed
        return
    with Cluster(nodes=2, cpus=4) as cluster:
        yield replace(installed, cluster=cluster)


def play(
    wanted: Iterable[Schedule], installed: Installed, patience: float, results: Path | None, keep: Path | None
) -> list[dict[str, Any]]:
    """Play schedules, print a line of each, and append it to the results; return all."""
    rows = []
    for schedule in wanted:
        print(schedule, flush=True)
        row = play_one(schedule, installed, patience, keep)
        told = [f"{rule}: {seen}" for rule, seen in row.get("faults", {}).items()] or [row.get("why", "")]
        print(f"    {row['verdict']} in {row.get('seconds', 0)} s  " + "\n    ".join(told), flush=True)
        rows.append(row)
        if results is not None:
            results.parent.mkdir(parents=True, exist_ok=True)
            with open(results, "a") as file:
                file.write(json.dumps(row) + "\n")
    return rows


def load(results: Path) -> list[dict[str, Any]]:
    """Return the stored rows, of each schedule the last one."""
    latest: dict[tuple[int, int], dict[str, Any]] = {}
    for line in results.read_text().splitlines():
        row = json.loads(line)
        latest[row["seed"], row["number"]] = row
    return [latest[key] for key in sorted(latest)]


def summary(rows: Iterable[dict[str, Any]]) -> list[dict[str, object]]:
    """Return a row for each kind: how many schedules were played and held, and how many broke each rule."""
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        counts = table.setdefault(row["kind"], {"kind": row["kind"], "schedules": 0, HELD: 0})
        counts["schedules"] += 1
        counts[row["verdict"]] = counts.get(row["verdict"], 0) + (row["verdict"] != FAULT)
        for name in ("runs", "acknowledged"):
            counts[name] = counts.get(name, 0) + row.get(name, 0)
        for rule in RULES:
            counts[rule] = counts.get(rule, 0) + (rule in row.get("faults", {}))
    return list(table.values())


def tried(rows: Iterable[dict[str, Any]]) -> list[dict[str, object]]:
    """Return a row for each fault: what it is, and how often the schedules of each kind that were played had it."""
    played = [row for row in rows if row["verdict"] in (HELD, FAULT)]
    kinds = list(dict.fromkeys(row["kind"] for row in played))
    return [
        {"step": fault, "what is done": what}
        | {kind: sum(row["tried"].get(fault, 0) for row in played if row["kind"] == kind) for kind in kinds}
        for fault, what in FAULTS.items()
    ]
