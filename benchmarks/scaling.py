"""How well many ranks are used: utilization, lag of information and messages, simulated up to 4,096 ranks and real up to 16.

    python -m benchmarks.scaling measure     # times of suggestions and messages -> benchmarks/results/scaling/costs.json
    python -m benchmarks.scaling simulate    # -> simulated.jsonl, a line a study; what is on file is not simulated again
    python -m benchmarks.scaling real        # studies on MPI ranks whose evaluations sleep -> real.jsonl
    python -m benchmarks.scaling             # tables of what is on file

Utilization is the share of the ranks' time that goes into evaluations until the last one starts; what comes after is the tail.
`benchmarks.virtual` says what is simulated, `benchmarks.ranks` what is measured.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ranks, virtual
from benchmarks.run import RESULTS, load

FOLDER = RESULTS / "scaling"
GROWN = (512, 10_000)  # trials in an archive beside which a suggestion is timed
MODES = ("async", "async, worker", "round")
COLUMNS = {
    "utilization": lambda r: f"{100 * r['utilization']:.1f} %",
    "tail": lambda r: f"{r['tail']:.1f} s",
    "lag, mean": lambda r: f"{r['lag']:.2f} s",
    "lag, 95 %": lambda r: f"{r['lag_95']:.1f} s",
    "behind": lambda r: f"{r['behind']:.2f}",
    "messages/s": lambda r: f"{r['messages']:.0f}",
    "kB/s": lambda r: f"{r['bytes'] / 1000:.0f}",
    "doubles": lambda r: f"{r['doubles']:.1f}",
}


def measure(folder: Path, seeds: int) -> None:
    """Measure suggestions and messages, and store them."""
    asynchronous, rounds = ranks.suggestions("async", seeds), ranks.suggestions("round", seeds)
    ahead = ranks.suggestions("async", seeds, thinks_ahead=True)
    costs = ranks.message_costs(asynchronous["trials"], asynchronous["space"])
    folder.mkdir(parents=True, exist_ok=True)
    content = {"messages": costs, "async": asynchronous["sample"], "round": rounds["sample"]}
    content |= {"async, worker": ahead["sample"], "ahead": ahead["ahead"]}
    content["grown"] = [ranks.grown(n) for n in GROWN for _ in range(3)]
    (folder / "costs.json").write_text(json.dumps(content) + "\n")


def simulate(folder: Path, sizes: list[int], kinds: list[str], modes: list[str], seconds: float, rounds: int) -> None:
    """Simulate what is not on file yet."""
    measured = json.loads((folder / "costs.json").read_text())
    costs = virtual.Costs(**measured["messages"])
    known = {_key(record) for record in load(folder / "simulated.jsonl")}
    for size, mode, kind in product(sizes, modes, kinds):
        study = {"ranks": size, "mode": mode, "kind": kind, "mean": seconds, "rounds": rounds}
        if _key(study) in known:
            continue
        suggest, unit = _drawn_from(measured[mode]), virtual.EVALUATIONS[kind]

        def evaluate(rng: np.random.Generator, unit: Any = unit) -> float:
            return seconds * float(unit(rng))

        begin = time.perf_counter()
        if mode == "round":
            outcome = virtual.rounds(size, size * rounds, suggest, evaluate, costs)
        else:
            fit_ahead = _drawn_from(measured["ahead"]) if mode.endswith("worker") else None
            outcome = virtual.gossip(size, size * rounds, suggest, evaluate, costs, fit_ahead=fit_ahead)
        _append(folder / "simulated.jsonl", study | virtual.describe(outcome))
        print(
            f"{size} ranks, {mode}, {kind}: {100 * outcome.utilization:.1f} % in {time.perf_counter() - begin:.0f} s", flush=True
        )


def _drawn_from(sample: list[float]) -> virtual.Drawn:
    return lambda rng: sample[rng.integers(len(sample))]


def real(folder: Path, sizes: list[int], modes: list[str], seconds: float, rounds: int) -> None:
    """Run studies on real ranks."""
    for size, mode in product(sizes, modes):
        worker = mode.endswith("worker")
        measured = ranks.real(size, mode.split(",")[0], rounds, seconds, worker=worker)
        record = {"mode": mode, "mean": seconds, "rounds": rounds} | measured
        _append(folder / "real.jsonl", record)
        print(f"{size} ranks, {mode}: {100 * record['utilization']:.1f} %", flush=True)


def tables(folder: Path) -> str:
    """Return the tables of what is on file as Markdown."""
    simulated = {_key(record): record for record in load(folder / "simulated.jsonl")}
    lines = []
    for mean, rounds in sorted({(key[3], key[4]) for key in simulated}):
        lines += [f"Simulated, evaluations of {mean:g} s, {rounds} a rank:", ""]
        lines += ["| ranks | exchange | evaluations | " + " | ".join(COLUMNS) + " |", "|---|---|---|" + "---|" * len(COLUMNS)]
        for key, record in sorted(simulated.items(), key=lambda item: (MODES.index(item[0][1]), item[0][2], item[0][0])):
            if key[3:] == (mean, rounds):
                cells = " | ".join(column(record) for column in COLUMNS.values())
                lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {cells} |")
        lines.append("")
    lines += ["What ranks did in the rest of the time, in the simulation:", ""]
    lines += ["| ranks | exchange | evaluations | a rank | " + " | ".join(virtual.LOSSES) + " |"]
    lines += ["|---|---|---|---|" + "---|" * len(virtual.LOSSES)]
    for key, record in sorted(simulated.items(), key=lambda item: (item[0][4], item[0][1], item[0][2], item[0][0])):
        if key[1] == "async, worker" and "lost" in record:
            cells = " | ".join(f"{100 * record['lost'][name]:.1f} %" for name in virtual.LOSSES)
            lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {key[4]} | {cells} |")
    lines.append("")
    costs = json.loads((folder / "costs.json").read_text()) if (folder / "costs.json").exists() else {}
    for mode in sorted({*MODES} & costs.keys()):
        lines.append(f"A suggestion with {mode}, of a study of 16 drives: {1000 * np.mean(costs[mode]):.1f} ms.")
    if "ahead" in costs:
        lines.append(f"Thinking ahead of one, beside an evaluation: {1000 * np.mean(costs['ahead']):.1f} ms.")
    by_size: dict[float, list[float]] = {}
    for row in costs.get("grown", []):
        by_size.setdefault(row["trials"], []).append(1000 * row["mean"])
    for trials, means in by_size.items():
        lines.append(f"In an archive of {trials:,.0f} trials: {np.median(means):.1f} ms ({min(means):.1f} to {max(means):.1f}).")
    lines.append("")
    measured: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for record in load(folder / "real.jsonl"):
        measured.setdefault((MODES.index(record["mode"]), record["ranks"]), []).append(record)
    if measured:
        lines += [
            "| real ranks | exchange | runs | utilization | tail | a suggestion | messages/s | kB/s |",
            "|---|---|---|---|---|---|---|---|",
        ]
    for (mode, size), runs in sorted(measured.items()):
        r = {name: float(np.median([run[name] for run in runs])) for name in runs[0] if name != "mode"}
        lines.append(
            f"| {size} | {MODES[mode]} | {len(runs)} | {100 * r['utilization']:.1f} % | {r['tail']:.1f} s | "
            f"{1000 * r['suggestion']:.0f} ms | {r['messages']:.1f} | {r['bytes'] / 1000:.1f} |"
        )
    return "\n".join(lines)


def _key(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("ranks", "mode", "kind", "mean", "rounds"))


def _append(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def main() -> None:
    """Parse the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="tables", choices=["measure", "simulate", "real", "tables"])
    parser.add_argument("--ranks", type=int, nargs="+", default=None, help="4 16 64 256 1024 4096, or real ones: 1 2 4 8 16")
    parser.add_argument("--modes", nargs="+", default=None, choices=MODES)
    parser.add_argument("--kinds", nargs="+", default=list(virtual.EVALUATIONS), choices=list(virtual.EVALUATIONS))
    parser.add_argument("--seconds", type=float, default=1.0, help="of an evaluation")
    parser.add_argument("--rounds", type=int, default=20, help="evaluations a rank")
    parser.add_argument("--seeds", type=int, default=3, help="studies that suggestions are timed in")
    parser.add_argument("--results", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if arguments.part == "measure":
        measure(arguments.results, arguments.seeds)
    elif arguments.part == "simulate":
        sizes, modes = arguments.ranks or [4, 16, 64, 256, 1024, 4096], arguments.modes or list(MODES)
        simulate(arguments.results, sizes, arguments.kinds, modes, arguments.seconds, arguments.rounds)
    elif arguments.part == "real":
        sizes, modes = arguments.ranks or [1, 2, 4, 8, 16], arguments.modes or list(MODES)
        real(arguments.results, sizes, modes, arguments.seconds, arguments.rounds)
    else:
        print(tables(arguments.results))


if __name__ == "__main__":
    main()
