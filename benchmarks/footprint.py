"""What a rank costs besides its suggestions: import time, memory at work, and the processor time of waiting.

    python -m benchmarks.footprint

Every figure is measured in processes of its own. Import times are paired with `import numpy`, run by run, and told as medians.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 11

_MEMORY = """
import resource, sys
from hyperspace import hyperdrive
hyperdrive(lambda x: sum(v * v for v in x), [(-1.0, 1.0)] * 6, None, checkpoints=False, n_calls=400, strategy={strategy!r},
           n_subspaces=4, exchange={exchange!r})
sys.stdout.write(f"PEAK {{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}\\n")
"""

_WAITING = """
import os, sys, time
from mpi4py import MPI
from hyperspace import hyperdrive
def slow(x):
    time.sleep(5.0)
    return x[0]
def study():
    hyperdrive(slow, [(0.0, 1.0)], None, checkpoints=False, n_iterations=1, n_subspaces=1, n_drives=1, exchange={exchange!r})
study()
before = os.times()
study()
after = os.times()
if MPI.COMM_WORLD.Get_rank():
    used = after.user + after.system - before.user - before.system
    sys.stdout.write(f"SHARE {{used / (after.elapsed - before.elapsed)}}\\n")
"""


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}


def _seconds(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=_environment())
    return time.perf_counter() - start


def _ranks(n: int, program: str, figure: str) -> list[float]:
    mpirun = Path(sys.executable).with_name("mpirun")
    run = subprocess.run(
        [mpirun, "-n", str(n), sys.executable, "-c", program], check=True, env=_environment(), capture_output=True, text=True
    )
    return [float(value) for value in re.findall(rf"{figure} (.*)", run.stdout)]


def main() -> None:
    """Measure and print a table."""
    pairs = [(_seconds("import numpy"), _seconds("import numpy, hyperspace")) for _ in range(RUNS)]
    extra = statistics.median(ours - theirs for theirs, ours in pairs)
    print("| what | measured |\n|---|---|")
    print(f"| `import hyperspace` on top of `import numpy`, median of {RUNS} pairs | {1000 * extra:.0f} ms |")
    for strategy, exchange in [("static", "none"), ("static", "round"), ("adaptive", "round"), ("adaptive", "async")]:
        peak = max(_ranks(4, _MEMORY.format(strategy=strategy, exchange=exchange), "PEAK"))
        print(f"| peak memory of a GP rank, {strategy}, exchange {exchange}, 400 trials in 6 dimensions | {peak:.0f} MB |")
    for exchange in ("round", "async"):
        share = max(_ranks(3, _WAITING.format(exchange=exchange), "SHARE"))
        print(f"| processor time of a rank that waits, exchange {exchange}, share of a core | {100 * share:.2f} % |")


if __name__ == "__main__":
    main()
