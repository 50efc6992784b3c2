"""Detection of the MPI launcher: whether this process is a rank of an MPI run, and checks of a faulty run.

An `mpirun` of another MPI than mpi4py's starts N processes that each see only themselves. Each would run the whole study. The
environment variables of the launcher give the real number of processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hyperspace.errors import InputError, LaunchError, how_to_install, shown
from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.serial_ranks import SerialRanks

# Launchers' variables for the number of ranks; the first one that is set counts. Slurm's own is last, because an mpirun in a
# Slurm job starts its helpers as a step whose size is the number of nodes.
_SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")

_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK")

_working = 0  # number of running hyperdrive calls in this process


def launched_size(environment: Mapping[str, str] | None = None) -> int | None:
    """Return the number of processes that a launcher started together with this one; None without a launcher."""
    environment = os.environ if environment is None else environment
    for name in _SIZE_VARIABLES:
        if environment.get(name, "").isdigit():
            return int(environment[name])
    if "SLURM_STEP_ID" in environment and environment.get("SLURM_STEP_NUM_TASKS", "").isdigit():
        return int(environment["SLURM_STEP_NUM_TASKS"])
    return None


def launched_rank(environment: Mapping[str, str] | None = None) -> int:
    """Return this process's rank by the environment variables of its launcher, without using MPI; 0 without a launcher.

    For messages only: with a launcher of another MPI it is not a rank of mpi4py's.
    """
    environment = os.environ if environment is None else environment
    names = (*_RANK_VARIABLES, *(["SLURM_PROCID"] if "SLURM_STEP_ID" in environment else []))
    return next((int(environment[name]) for name in names if environment.get(name, "").isdigit()), 0)


def has_other_ranks() -> bool:
    """Return whether a launcher started other processes together with this one; `srun --pty bash` starts one process."""
    return (launched_size() or 1) > 1


def is_first_rank() -> bool:
    """Return whether this process is rank 0 of its MPI run, or not part of one."""
    return not (has_other_ranks() or _mpi_is_running()) or _world().Get_rank() == 0


@contextmanager
def working() -> Iterator[None]:
    """Mark that a study runs in this process, so that a study in its objective uses this process only."""
    global _working
    _working += 1
    try:
        yield
    finally:
        _working -= 1


def open_ranks(comm: Any = None, deadline: float | None = None) -> Ranks:
    """Return the ranks that work together: those of `comm`, all of the launcher's run, or this process alone.

    A study in the objective of another one gets this process alone, unless it is given a communicator: the other ranks evaluate
    other trials at that time.

    Args:
        comm: an mpi4py communicator; None takes COMM_WORLD if a launcher, or the caller's own import of mpi4py, shows an MPI
            run. Any object that is not a communicator does too: `check_communicator` raises the error on all ranks.
        deadline: time.monotonic() after which the wait for ranks that have not called hyperdrive is limited.

    Raises:
        InputError: this rank is not in `comm`, or `comm` connects two groups.
        LaunchError: a missing or uninitialized MPI library, or an mpirun of another MPI than mpi4py's. In an MPI run of several
            ranks only this process raises it.
    """
    if not _is_communicator(comm):
        if _working:
            return SerialRanks()
        launched = launched_size()
        if not has_other_ranks() and not _mpi_is_running():
            return SerialRanks()
        comm = _world()
        check_world(launched, comm.Get_size())
    else:
        check_communicator(comm)
    if comm.Get_size() == 1:
        return SerialRanks()
    from hyperspace.exchange.mpi_ranks import MPIRanks

    return MPIRanks(comm, deadline)


def check_communicator(comm: Any) -> None:
    """Check that `comm` can be used for a study; None is valid.

    Raises:
        InputError: it is not a communicator of mpi4py, or it is one between two groups, or the null communicator.
        LaunchError: MPI is not running.
    """
    if comm is None:
        return
    if not _is_communicator(comm):
        raise InputError(
            f"comm must be an mpi4py communicator, such as MPI.COMM_WORLD, got {shown(comm)} ({type(comm).__name__})"
        )
    mpi = sys.modules["mpi4py.MPI"]
    _check_running(mpi)
    if comm == mpi.COMM_NULL:
        raise InputError("comm is MPI.COMM_NULL: it was freed, or this rank is not in it; only ranks of comm call hyperdrive")
    if not isinstance(comm, mpi.Intracomm):
        raise InputError(f"comm must be a communicator within one group of ranks, got a {type(comm).__name__}; merge it first")


def _is_communicator(comm: Any) -> bool:
    mpi = sys.modules.get("mpi4py.MPI")  # without this module there are no communicators
    return mpi is not None and isinstance(comm, mpi.Comm)


def check_world(launched: int | None, found: int) -> None:
    """Check that MPI has as many ranks as the launcher started processes.

    Raises:
        LaunchError: each process is alone, so that each would run the whole study.
    """
    if launched is not None and launched > 1 and found == 1:
        raise LaunchError(
            f"the launcher started {launched} processes, but mpi4py's MPI sees each of them alone, so that every one would "
            f"run the whole study; start them with the mpirun of mpi4py's own MPI (here {_library()}), or with srun and its "
            f"--mpi option for that MPI (srun --mpi=list)"
        )


def _mpi_is_running() -> bool:
    """Return whether the caller has imported mpi4py.MPI, and MPI is initialized and not finalized."""
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized()


def _world() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is installed, an MPI library is not
        raise LaunchError(
            "a launcher started this process as a rank of an MPI run, but mpi4py finds no MPI library; load your site's MPI "
            f"module, or install one: {how_to_install('mpi')}"
        ) from error
    _check_running(MPI)
    return MPI.COMM_WORLD


def _check_running(mpi: Any) -> None:
    if mpi.Is_finalized():
        raise LaunchError("MPI is finalized in this process; call hyperdrive before MPI.Finalize()")
    if not mpi.Is_initialized():
        raise LaunchError(
            "MPI is not initialized in this process (mpi4py.rc.initialize is False); call MPI.Init() before hyperdrive"
        )


def _library() -> str:
    from mpi4py import MPI

    return MPI.Get_library_version().split("\n")[0].rstrip("\x00").strip()
