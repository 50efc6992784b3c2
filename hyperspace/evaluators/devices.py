"""Which GPUs a rank sees: those of its machine, dealt out evenly, before the objective looks for one the first time.

CUDA reads CUDA_VISIBLE_DEVICES when a process first uses it: numbers, or names as "GPU-5a1f..." and "MIG-...", with commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"


def share_devices(seen: Sequence[tuple[str, str | None]], rank: int, found: int) -> str | None:
    """Return what CUDA_VISIBLE_DEVICES has to be for a rank; None where it is to stay as it is.

    It stays where the rank is alone on its machine, where there is at most one GPU, and where the launcher has already told the
    ranks of the machine apart. Where there are more ranks than GPUs, ranks take them in turn.

    Args:
        seen: the machine of each rank, and CUDA_VISIBLE_DEVICES there; None where that is not set.
        rank: number of the rank.
        found: GPUs on its machine.
    """
    host, visible = seen[rank]
    mates = [number for number, (other, _) in enumerate(seen) if other == host]
    if len(mates) == 1 or any(seen[mate][1] != visible for mate in mates):
        return None
    devices = [str(number) for number in range(found)] if visible is None else [name.strip() for name in visible.split(",")]
    n, m, place = len(devices), len(mates), mates.index(rank)
    if n < 2:
        return None
    if m >= n:
        return devices[place % n]
    return ",".join(devices[place * n // m : (place + 1) * n // m])


def count_devices(folder: Path = Path("/dev")) -> int:
    """Return the number of NVIDIA GPUs on this machine, by their device files; no library is loaded for it."""
    try:
        return sum(re.fullmatch(r"nvidia\d+", entry.name) is not None for entry in folder.iterdir())
    except OSError:
        return 0
