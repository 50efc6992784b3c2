import pytest

from hyperspace.errors import InputError, LaunchError
from hyperspace.exchange.launcher import check_communicator, check_world, launched_size, open_ranks
from hyperspace.exchange.serial_ranks import SerialRanks


@pytest.mark.parametrize(
    ("environment", "size"),
    [
        ({}, None),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, 4),
        ({"PMI_SIZE": "8", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"}, 8),  # mpirun within a Slurm job
        ({"MPI_LOCALNRANKS": "2"}, 2),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "16"}, 16),
        ({"SLURM_NTASKS": "16"}, None),  # the batch script itself, or a serial program within it
        ({"PMI_SIZE": "many"}, None),
    ],
)
def test_the_launchers_environment_tells_the_number_of_ranks(environment, size):
    assert launched_size(environment) == size


def test_a_launcher_of_another_mpi_is_refused():
    with pytest.raises(LaunchError, match="started 4 processes, but mpi4py's MPI sees each of them alone"):
        check_world(launched=4, found=1)


@pytest.mark.parametrize(("launched", "found"), [(None, 1), (1, 1), (4, 4), (2, 8)])
def test_a_launcher_that_fits_is_accepted(launched, found):
    check_world(launched, found)


def test_without_a_launcher_there_is_one_rank():
    ranks = open_ranks()
    assert isinstance(ranks, SerialRanks)
    assert (ranks.rank, ranks.size) == (0, 1)


def test_a_launcher_without_an_mpi_library_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(LaunchError, match=r'pip install "\.\[mpi\]"'):
        open_ranks()


def test_a_launcher_of_one_process_loads_no_mpi(python):
    """As in the shell of `srun --pty bash`, where MPI may not even start."""
    program = """
        import sys
        from hyperspace import hyperdrive
        sys.modules["mpi4py"] = None
        print(len(hyperdrive(lambda x: x[0], [(0.0, 1.0)], "study", model="RAND", n_calls=3).trials))
    """
    assert python(program, SLURM_STEP_ID="0", SLURM_STEP_NUM_TASKS="1").stdout == "3\n"


@pytest.mark.parametrize("comm", [5, "MPI.COMM_WORLD"])
def test_what_is_no_communicator_is_refused(comm):
    with pytest.raises(InputError, match="comm must be an mpi4py communicator"):
        check_communicator(comm)


UNUSABLE = """
    import sys
    import mpi4py
    mpi4py.rc.initialize = sys.argv[1] != "not initialized"
    from mpi4py import MPI
    from hyperspace import hyperdrive
    if sys.argv[1] == "finalized":
        MPI.Finalize()
    comm = {"null": MPI.COMM_NULL, "given": MPI.COMM_WORLD}.get(sys.argv[2])
    options = {"checkpoints": False, "model": "RAND", "n_calls": 3}
    try:
        print("RESULT", len(hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, comm=comm, **options).trials))
    except (ValueError, RuntimeError) as error:
        print("REFUSED", error)
"""


@pytest.mark.parametrize(
    ("state", "comm", "told"),
    [
        ("not initialized", "none", "RESULT 3"),
        ("finalized", "none", "RESULT 3"),
        ("not initialized", "given", "call MPI.Init() before hyperdrive"),
        ("finalized", "given", "call hyperdrive before MPI.Finalize()"),
        ("initialized", "null", "comm is MPI.COMM_NULL"),
        ("initialized", "given", "RESULT 3"),
    ],
)
def test_mpi_that_is_not_running_is_named(python, state, comm, told):
    assert told in python(UNUSABLE, state, comm).stdout


@pytest.mark.parametrize(("state", "told"), [("not initialized", "MPI.Init()"), ("finalized", "MPI.Finalize()")])
def test_ranks_whose_mpi_is_not_running_are_refused(mpirun, state, told):
    out = mpirun(2, UNUSABLE, state, "none").stdout
    assert out.count("REFUSED") == 2
    assert told in out
