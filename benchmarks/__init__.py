"""Benchmarks of HyperSpace against other optimizers: `python -m benchmarks.run --help`."""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # one thread a run: the runs themselves are spread over the cores
