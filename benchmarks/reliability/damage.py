"""Studies whose files are damaged, and what is read back.

Cuts, flips, doubles, swaps and overwrites parts of a real study's files, one at a time, and reads the study back. It has to end
in an error that names the file, or in the trials that stand in what is left; never in another exception, nor in a changed value.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability.kills import fingerprint_of
from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError


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

    hyperdrive(objective, [(0.0, 10.0), (0.0, 1.0), ["a", "b"]], study, n_drives=8, n_iterations=6, exchange="async")
