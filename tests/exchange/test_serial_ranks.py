import socket

import pytest

from hyperspace.errors import InputError
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.exchange.tally import Tally


def test_a_process_is_the_only_rank():
    alone = SerialRanks()
    assert (alone.rank, alone.size, alone.worker, alone.host) == (0, 1, 0, socket.gethostname())
    assert not alone.has_given_up


def test_what_is_gathered_is_a_list_of_its_own():
    records = [{"drive": 0}]
    gathered = SerialRanks().gather(records)
    gathered.append({"drive": 1})
    assert records == [{"drive": 0}]


def test_an_abort_raises_the_error_itself():
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as caught, SerialRanks().ends_together():
        raise error
    assert caught.value is error


def test_the_last_report_is_the_progress():
    alone = SerialRanks()
    assert alone.progress() == Tally()
    alone.report(Tally(3, failed=1))
    alone.report(Tally(4, failed=1))
    assert alone.progress() == Tally(4, failed=1)


def test_the_answers_of_one_process_are_merged_without_others():
    told = []
    assert SerialRanks().merge_answers(["mine"], lambda known: told.append(known) or "merged") == ("merged", [])
    assert told == [{0: ["mine"]}]


def test_an_error_of_all_is_that_of_this_one():
    def fail():
        raise error

    error = InputError("no")
    for way in ("first", "each"):
        with pytest.raises(InputError) as caught:
            getattr(SerialRanks(), way)(fail)
        assert caught.value is error
        assert not error.told_by_rank_0


TWINS = """
from mpi4py import MPI
from hyperspace.errors import HyperSpaceError, InputError
from hyperspace.exchange.mpi_ranks import MPIRanks
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.exchange.tally import Tally
from hyperspace.exchange.waiting import Patience
def fail():
    raise InputError("no")
def calls(ranks):
    ranks.bound(Patience())
    ranks.check(0.0)
    told = [ranks.rank, ranks.size, ranks.worker, ranks.host, ranks.has_given_up, ranks.progress()]
    told += [ranks.agree({"x": [1, None, 0.1]}), ranks.gather([]), ranks.gather(["a", {"b": []}]), ranks.first(lambda: [3])]
    told += [ranks.each(lambda: {3})]
    ranks.report(Tally(1, failed=1))
    ranks.report(Tally(2, failed=1))
    told += [ranks.progress()]
    for way in (ranks.first, ranks.each):
        try:
            with ranks.ends_together():
                way(fail)
        except HyperSpaceError as error:
            told += [type(error), str(error), error.told_by_rank_0, error.raised_by_all is ranks]
    ranks.close()
    return told
serial, parallel = calls(SerialRanks()), calls(MPIRanks(MPI.COMM_WORLD))
assert serial == parallel, f"{serial}, {parallel}"
print(len(serial))
"""


def test_one_process_behaves_as_one_rank_does(python):
    assert python(TWINS).stdout == "20\n"
