"""What the processes that evaluate inherit of a rank's environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from launch import clean_environment as without_launcher

from hyperspace.evaluators.environment import clean_environment

KEPT = [
    "HYDRA_IFACE",
    "HYDRA_LAUNCHER",
    "I_MPI_PIN",
    "MPICH_VERSION",
    "MPIR_CVAR_CH4_NETMOD",
    "MV2_ENABLE_AFFINITY",
    "MV2_IBA_HCA",
    "OMPI_ALLOW_RUN_AS_ROOT",
    "OMPI_CC",
    "OMPI_MCA_btl",
    "OMPI_MCA_orte_keep_fqdn_hostnames",
    "OMPI_MCA_pmix_base_verbose",
    "OPAL_PREFIX",
    "PMIX_MCA_gds",
    "PMI_NO_FORK",
    "PRTE_MCA_rmaps_default_mapping_policy",
    "SLURM_CPUS_PER_TASK",
    "SLURM_JOB_ID",
    "PATH",
]
REMOVED = [
    "HYDI_CONTROL_FD",
    "MPIRUN_RANK",
    "MPI_LOCALNRANKS",
    "MPI_LOCALRANKID",
    "MV2_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_MCA_ess_base_jobid",
    "OMPI_MCA_orte_ess_node_rank",
    "OMPI_MCA_orte_hnp_uri",
    "OMPI_MCA_pmix",
    "OMPI_UNIVERSE_SIZE",
    "PALS_RANKID",
    "PMI_FD",
    "PMI_RANK",
    "PMI_SIZE",
    "PMIX_NAMESPACE",
    "PMIX_RANK",
    "PMIX_SERVER_URI41",
    "PRTE_LAUNCHED",
    "SLURM_LOCALID",
    "SLURM_PROCID",
    "SLURM_STEP_ID",
]


def test_the_users_settings_stay_and_what_makes_a_rank_goes():
    environment = dict.fromkeys([*KEPT, *REMOVED], "1")
    assert sorted(clean_environment(environment)) == sorted(KEPT)


OUTER = '''
import os, subprocess, sys
from mpi4py import MPI
from hyperspace.evaluators.environment import clean_environment
inner = """
from mpi4py import MPI
import os
if MPI.COMM_WORLD.Get_rank() == 0:
    print(MPI.COMM_WORLD.Get_size(), os.environ.get("OMPI_MCA_btl"))
"""
if MPI.COMM_WORLD.Get_rank() == 0:
    words = [sys.executable, "-c", inner]
    print(subprocess.run(words, env=clean_environment(os.environ), capture_output=True, text=True).stdout.strip(), flush=True)
    print(subprocess.run([*sys.argv[1:], *words], env=clean_environment(os.environ), capture_output=True, text=True).stdout)
'''


def test_a_program_below_a_rank_is_no_rank_and_can_have_ranks_of_its_own(mpirun):
    launcher = str(Path(sys.executable).with_name("mpirun"))
    assert mpirun(2, OUTER, launcher, "-n", "3", OMPI_MCA_btl="self,sm").stdout.split("\n")[:2] == ["1 self,sm", "3 self,sm"]


@pytest.mark.skipif("OPENMPI_PYTHON" not in os.environ, reason="OPENMPI_PYTHON names no python with mpi4py over Open MPI")
def test_so_it_is_under_open_mpi(tmp_path):
    python = os.environ["OPENMPI_PYTHON"]
    launcher = shutil.which("mpirun", path=str(Path(python).parent))
    settings = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_btl": "self,sm"}
    settings |= {"PRTE_ALLOW_RUN_AS_ROOT": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    (tmp_path / "outer.py").write_text(OUTER)
    words = [launcher, "-n", "2", python, "outer.py", launcher, "--oversubscribe", "-n", "3"]
    environment = without_launcher() | settings
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == ["1 self,sm", "3 self,sm"]
