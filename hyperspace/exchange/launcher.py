"""Finds out whether this process is a rank of an MPI run, and refuses a run that is not what it seems.

An `mpirun` of another MPI than mpi4py's starts N processes that each believe to be alone. Each would run the whole study.
The launcher's environment tells how many there are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from hyperspace.errors import LaunchError
from hyperspace.exchange.base import Exchange
from hyperspace.exchange.serial import SerialExchange

# A launcher's variable for the number of ranks; the first that is set counts. Slurm's own comes last, because an mpirun
# within a Slurm job starts its helpers as a step whose size is the number of nodes.
_SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")


def launched_size(environment: Mapping[str, str] | None = None) -> int | None:
    """Return how many processes a launcher started together with this one; None without a launcher."""
    environment = os.environ if environment is None else environment
    for name in _SIZE_VARIABLES:
        if environment.get(name, "").isdigit():
            return int(environment[name])
    if "SLURM_STEP_ID" in environment and environment.get("SLURM_STEP_NUM_TASKS", "").isdigit():
        return int(environment["SLURM_STEP_NUM_TASKS"])
    return None


def open_exchange(comm: Any = None) -> Exchange:
    """Return the exchange of this process: over `comm`, over all ranks of the launcher's run, or with nobody.

    Args:
        comm: an mpi4py communicator; None takes COMM_WORLD where a launcher or the caller's own import of mpi4py shows that
            this is an MPI run.

    Raises:
        LaunchError: no MPI library, or an mpirun of another MPI than mpi4py's.
    """
    launched = launched_size()
    if comm is None:
        if launched is None and "mpi4py.MPI" not in sys.modules:
            return SerialExchange()
        comm = _world()
        check_world(launched, comm.Get_size())
        if comm.Get_size() == 1:
            return SerialExchange()
    from hyperspace.exchange.rounds import MPIExchange

    return MPIExchange(comm)


def check_world(launched: int | None, found: int) -> None:
    """Refuse a run whose launcher started more processes than MPI has ranks.

    Raises:
        LaunchError: each process is alone, so that each would run the whole study.
    """
    if launched is not None and launched > 1 and found == 1:
        raise LaunchError(
            f"the launcher started {launched} processes, but mpi4py's MPI sees each of them alone, so that every one would "
            f"run the whole study; start them with the mpirun of mpi4py's own MPI (here {_library()}), or with srun and its "
            f"--mpi option for that MPI (srun --mpi=list)"
        )


def _world() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is there, an MPI library is not
        raise LaunchError(
            "a launcher started this process as a rank of an MPI run, but mpi4py finds no MPI library; load your site's MPI "
            "module, or install one with: pip install 'hyperspace[mpi]'"
        ) from error
    return MPI.COMM_WORLD


def _library() -> str:
    from mpi4py import MPI

    return MPI.Get_library_version().split("\n")[0].rstrip("\x00").strip()
