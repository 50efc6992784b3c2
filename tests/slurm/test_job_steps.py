"""Simulations that are job steps of a real Slurm, as docs/mpi-simulations.md has them."""

import re
import shutil
import sys
from pathlib import Path

from launch import ROOT

from hyperspace import load_results

PAGE = (ROOT / "docs" / "mpi-simulations.md").read_text()


def test_workers_of_one_job_start_steps_of_several_tasks(cluster, tmp_path):
    assert shutil.which("hyperspace", path=Path(sys.executable).parent) is not None
    (tmp_path / "simulate.py").write_text(re.search(r'```python title="simulate.py"\n(.*?)```', PAGE, re.DOTALL)[1])
    (tmp_path / "space.toml").write_text("viscosity = [0.0, 1.0]\nsteps = [100, 1000]\n")
    script = re.search(r"```bash\n(#!/bin/bash\n#SBATCH.*?)```", PAGE, re.DOTALL)[1]
    script = script.replace("4:00:00", "10:00\n#SBATCH --output=out.txt").replace("--n-calls 200", "--n-calls 8")
    script = script.replace("--ntasks=2 python", "--ntasks=2 --mpi=pmi2 python")  # the MPICH of these tests
    path = f'export PATH={Path(sys.executable).parent}:"$PATH" PYTHONPATH={ROOT} OMP_NUM_THREADS=1\n'
    job = cluster.submit(script.replace("\nhyperspace run", f"\n{path}hyperspace run"), tmp_path)
    ended = cluster.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT", timeout=400)
    out = (tmp_path / "out.txt").read_text()
    assert ended["JobState"] == "COMPLETED", out
    trials = load_results(tmp_path / "results").trials
    assert list(trials["status"]) == ["ok"] * 8, out
    assert set(trials["ranks"]) == {2.0}
