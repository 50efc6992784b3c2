"""Environment of the processes that evaluate: the rank's, without variables that identify it as a rank.

With the launcher's variables, a child process that loads MPI would act as that rank. So would a program that it starts. Other
settings of the MPI library are the user's, and kept.
"""

from __future__ import annotations

from collections.abc import Mapping

# Prefixes of variables that launchers set for each rank.
_OF_A_RANK = (
    "HYDI_",  # Hydra, the launcher of MPICH and Intel MPI
    "MPIRUN_",  # MVAPICH2's mpirun_rsh
    "MPISPAWN_",
    "MPI_LOCAL",
    "MV2_COMM_WORLD_",
    "OMPI_APP_CTX_",
    "OMPI_ARGV",
    "OMPI_COMMAND",
    "OMPI_COMM_WORLD_",
    "OMPI_FILE_LOCATION",
    "OMPI_FIRST_RANKS",
    "OMPI_NUM_APP_CTX",
    "OMPI_TOOL_NAME",
    "OMPI_UNIVERSE_SIZE",
    "OMPI_VERSION",
    "OMPI_WORLD_",
    "OPAL_USER_PARAMS_GIVEN",
    "PALS_",  # HPE Cray
    "PMI_",
    "PMI2_",
    "PMIX_",
    "PRTE_LAUNCHED",
    "PRTE_SHARED_FS",
    "SLURM_GTIDS",
    "SLURM_LOCALID",
    "SLURM_PMI",
    "SLURM_PROCID",
    "SLURM_SRUN_COMM",
    "SLURM_STEP",
)
# Open MPI's launchers pass these on as settings; any other OMPI_MCA_ and PRTE_MCA_ variable is the user's.
_PARAMETERS_OF_A_RANK = (
    "OMPI_MCA_PREFIXES",
    "OMPI_MCA_cpu_type",
    "OMPI_MCA_ess",
    "OMPI_MCA_initial_wdir",
    "OMPI_MCA_num_procs",
    "OMPI_MCA_orte_app_num",
    "OMPI_MCA_orte_bound_at_launch",
    "OMPI_MCA_orte_cpu_type",
    "OMPI_MCA_orte_ess_",
    "OMPI_MCA_orte_hnp_uri",
    "OMPI_MCA_orte_jobfam_session_dir",
    "OMPI_MCA_orte_jobid",
    "OMPI_MCA_orte_launch",
    "OMPI_MCA_orte_local_daemon_uri",
    "OMPI_MCA_orte_node_regex",
    "OMPI_MCA_orte_num_nodes",
    "OMPI_MCA_orte_num_restarts",
    "OMPI_MCA_orte_parent_uri",
    "OMPI_MCA_orte_precondition_transports",
    "OMPI_MCA_orte_top_session_dir",
    "OMPI_MCA_shmem_RUNTIME_QUERY_hint",
    "PRTE_MCA_ess",
)
_REMOVED = (*_OF_A_RANK, *_PARAMETERS_OF_A_RANK)
_REMOVED_NAMES = {"OMPI_MCA_pmix"}  # Open MPI 4 sets it for its ranks; OMPI_MCA_pmix_... is the user's
# The user's settings among the names above.
_KEPT = (
    "PMIX_DEBUG",
    "PMIX_INSTALL_PREFIX",
    "PMIX_MCA_",
    "PMIX_PREFIX",
    "PMI_DEBUG",
    "PMI_MAX_",
    "PMI_MMAP_",
    "PMI_NO_",
)


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that identify a rank."""
    return {name: value for name, value in environment.items() if not _makes_a_rank(name)}


def _makes_a_rank(name: str) -> bool:
    return name in _REMOVED_NAMES or (name.startswith(_REMOVED) and not name.startswith(_KEPT))
