"""The exchange over the ranks of an MPI communicator, by itself."""

import os
import re


def test_what_ranks_gather_comes_whole_and_in_order_however_it_is_spread(mpirun):
    program = """
import sys
from mpi4py import MPI
from hyperspace.exchange.mpi_ranks import MPIRanks
ranks = MPIRanks(MPI.COMM_WORLD)
for sizes in ([0, 0, 0], [3, 0, 1], [0, 0, 3000], [9000, 1, 2], [500, 500, 500], [0, 5000, 1]):
    parts = [[f"{rank}-{number}-" + "x" * 100 for number in range(size)] for rank, size in enumerate(sizes)]
    assert ranks.gather(parts[ranks.rank]) == sum(parts, []), sizes
    assert ranks.agree(parts[0] if ranks.rank == 0 else None) == parts[0]
ranks.close()
sys.stdout.write("ALIKE\\n")
"""
    assert mpirun(3, program).stdout.count("ALIKE") == 3


def test_rank_0_is_told_the_latest_tally_by_one_message_at_a_time(mpirun):
    program = """
import sys, time
from mpi4py import MPI
from hyperspace.exchange.tally import Tally
from hyperspace.exchange.mpi_ranks import MPIRanks
ranks = MPIRanks(MPI.COMM_WORLD)
for finished in range(20_000):
    ranks.report(Tally(finished + 1, best=-float(finished)))
if ranks.rank == 0:
    while ranks.progress() != Tally(60_000, best=-19_999.0):
        time.sleep(0.001)
ranks.gather([])
ranks.close()
sys.stdout.write(f"SENT {ranks._sent}\\n")
"""
    sent = sorted(int(number) for number in re.findall(r"SENT (\d+)", mpirun(3, program).stdout))
    assert sent[0] == 0  # rank 0
    assert 1 <= sent[1] <= sent[2] < 10_000


def test_messages_in_transit_are_received_at_the_end(mpirun):
    program = """
import sys
from mpi4py import MPI
from hyperspace.exchange.tally import Tally
from hyperspace.exchange.mpi_ranks import MPIRanks
ranks = MPIRanks(MPI.COMM_WORLD)
for finished in range(3):
    ranks.report(Tally(finished))
sent = ranks.gather([ranks._sent])
ranks.close()
sys.stdout.write(f"RANK {ranks.rank} {sent} {ranks._received}\\n")
again = MPIRanks(MPI.COMM_WORLD)  # the duplicate was freed, and not the caller's
assert again.gather([again.rank]) == [0, 1, 2]
again.close()
"""
    lines = sorted(mpirun(3, program).stdout.splitlines())
    counts = re.fullmatch(r"RANK 0 \[0, (\d+), (\d+)\] (\d+)", lines[0])
    assert int(counts[3]) == int(counts[1]) + int(counts[2]) >= 2
    assert len(lines) == 3


def test_of_an_end_that_all_ranks_reach_rank_0_speaks_and_a_bug_shows_where_it_is(mpirun):
    program = """
import sys, time
from mpi4py import MPI
from hyperspace.errors import StudyError
from hyperspace.exchange.mpi_ranks import MPIRanks
ranks = MPIRanks(MPI.COMM_WORLD)
with ranks.ends_together():
    if sys.argv[1] == "all":
        raise StudyError("the disk is gone")
    if ranks.rank == 1:
        def broken():
            raise ZeroDivisionError("a bug")
        broken()
    time.sleep(60)
"""
    host = os.uname().nodename
    done = mpirun(2, program, "all", check=False, timeout=60)
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if "ends all ranks" in line] == [
        f"hyperspace: rank 0 on {host} ends all ranks: the disk is gone"
    ]
    assert "Traceback" not in done.stderr
    done = mpirun(2, program, "one", check=False, timeout=60)
    assert done.returncode != 0
    assert "in broken" in done.stderr
    assert f"hyperspace: rank 1 on {host} ends all ranks: a bug" in done.stderr
