"""Assignment of GPUs to ranks: those of a machine are divided evenly before the objective first uses one.

CUDA reads CUDA_VISIBLE_DEVICES at the first use in a process: numbers, or names such as "GPU-5a1f..." and "MIG-...", with commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"


def share_devices(seen: Sequence[tuple[str, str | None]], rank: int, found: int) -> str | None:
    """Return the value of CUDA_VISIBLE_DEVICES for a rank; None if it should not change.

    It does not change if the rank is alone on its machine, or if there is at most one GPU. Nor does it if the launcher has
    already set different values for the ranks of the machine. If there are more ranks than GPUs, ranks share them in turn.

    Args:
        seen: the machine of each rank, and its CUDA_VISIBLE_DEVICES; None if that is not set.
        rank: number of the rank.
        found: number of GPUs on its machine.
    """
    host, visible = seen[rank]
    neighbors = [number for number, (other, _) in enumerate(seen) if other == host]
    if len(neighbors) == 1 or any(seen[neighbor][1] != visible for neighbor in neighbors):
        return None
    devices = [str(number) for number in range(found)] if visible is None else [name.strip() for name in visible.split(",")]
    n, m, place = len(devices), len(neighbors), neighbors.index(rank)
    if n < 2:
        return None
    if m >= n:
        return devices[place % n]
    return ",".join(devices[place * n // m : (place + 1) * n // m])


def count_devices(folder: Path = Path("/dev")) -> int:
    """Return the number of NVIDIA GPUs on this machine by their device files, without loading a library."""
    try:
        return sum(re.fullmatch(r"nvidia\d+", entry.name) is not None for entry in folder.iterdir())
    except OSError:
        return 0
