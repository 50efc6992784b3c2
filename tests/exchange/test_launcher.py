import pytest

from hyperspace.errors import LaunchError
from hyperspace.exchange.launcher import check_world, launched_size, open_exchange
from hyperspace.exchange.serial import SerialExchange


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
    exchange = open_exchange()
    assert isinstance(exchange, SerialExchange)
    assert (exchange.rank, exchange.size) == (0, 1)


def test_a_launcher_without_an_mpi_library_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(LaunchError, match=r"pip install 'hyperspace\[mpi\]'"):
        open_exchange()
