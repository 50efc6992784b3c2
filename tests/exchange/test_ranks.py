"""What all exchanges have in common, tried with ranks that are threads, and once with real ones."""

import sys

import pytest
from rank_threads import Aborted, on_ranks

from hyperspace.errors import HyperSpaceError, InputError, LaunchError, NotBuiltError, StudyError
from hyperspace.exchange import ranks as module
from hyperspace.exchange.ranks import describe_error
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.journal import LeaseLostError


@pytest.fixture(autouse=True)
def _hook(monkeypatch):
    """Errors that all ranks raise set the hook of this process; it gets its own back."""
    monkeypatch.setattr(sys, "excepthook", lambda *arguments: None)
    module._tell_in_a_sentence.cache_clear()
    yield
    module._tell_in_a_sentence.cache_clear()


def test_rank_0_acts_for_all():
    acted = []
    assert on_ranks(3, lambda ranks: ranks.first(lambda: acted.append(ranks.rank) or {"by": ranks.rank})) == [{"by": 0}] * 3
    assert acted == [0]


def test_each_rank_keeps_its_own_result():
    assert on_ranks(3, lambda ranks: ranks.each(lambda: {ranks.rank})) == [{0}, {1}, {2}]  # no JSON


@pytest.mark.parametrize("kind", [HyperSpaceError, InputError, NotBuiltError, StudyError, LaunchError])
@pytest.mark.parametrize("way", ["first", "each"])
def test_an_error_is_raised_on_all_ranks_in_its_own_class(kind, way):
    def fail():
        raise kind("it does not work")

    errors = on_ranks(3, lambda ranks: getattr(ranks, way)(fail))
    assert [type(error) for error in errors] == [kind] * 3
    assert [str(error) for error in errors] == ["it does not work"] * 3
    assert [error.told_by_rank_0 for error in errors] == [False, True, True]


@pytest.mark.parametrize("way", ["first", "each"])
def test_an_error_of_a_class_that_other_ranks_may_not_know_is_of_the_nearest_one_that_they_do(way):
    class StudyErrorOfMine(StudyError):
        pass

    def act(ranks):
        if ranks.rank == 0:
            raise (LeaseLostError if kind is None else kind)("taken over")

    for kind in (None, StudyErrorOfMine):
        own, *others = on_ranks(3, lambda ranks: getattr(ranks, way)(lambda: act(ranks)))
        assert type(own) is (kind or LeaseLostError)
        assert [type(error) for error in others] == [StudyError] * 2


def test_rank_0_raises_its_own_error_with_all_that_it_carries():
    failure = StudyError("lost")
    failure.result = "what is known"

    def fail():
        raise failure from OSError(5, "Input/output error")

    own, other = on_ranks(2, lambda ranks: ranks.first(fail))
    assert own is failure
    assert (own.result, type(own.__cause__)) == ("what is known", OSError)
    assert (str(other), other.result) == ("lost", None)


def test_a_rank_without_an_error_names_the_first_one_that_has_one():
    def act(ranks):
        if ranks.rank in (1, 3):
            raise InputError(f"bad {ranks.rank}")
        return "fine"

    errors = on_ranks(4, lambda ranks: ranks.each(lambda: act(ranks)))
    told = f"rank 1 on {SerialRanks().host} and 1 more: bad 1"
    assert [str(error) for error in errors] == [told, "bad 1", told, "bad 3"]
    assert {type(error) for error in errors} == {InputError}


def test_one_failing_rank_is_named_without_a_count():
    def act(ranks):
        if ranks.rank == 1:
            raise InputError("bad")

    assert str(on_ranks(2, lambda ranks: ranks.each(lambda: act(ranks)))[0]) == f"rank 1 on {SerialRanks().host}: bad"


def test_an_error_that_all_ranks_raise_aborts_none():
    def program(ranks):
        with ranks.ends_together():
            ranks.first(fail)

    def fail():
        raise InputError("no")

    assert [type(error) for error in on_ranks(3, program)] == [InputError] * 3


@pytest.mark.parametrize("error", [InputError("of this rank alone"), ValueError("bug"), KeyboardInterrupt(), SystemExit(2)])
def test_whatever_one_rank_raises_alone_ends_all(error):
    def program(ranks):
        with ranks.ends_together():
            if ranks.rank == 1:
                raise error
        return "went on"

    first, second = on_ranks(2, program)
    assert first == "went on"
    assert isinstance(second, Aborted)
    assert second.__cause__ is error


def test_an_error_that_the_ranks_of_another_run_raise_together_is_ours_alone():
    """A study within a study: its ranks are not those of the outer one."""

    def fail():
        raise InputError("no")

    def program(ranks):
        with ranks.ends_together():
            SerialRanks().first(fail)

    assert [type(error) for error in on_ranks(2, program)] == [Aborted] * 2


def test_no_error_is_no_end():
    def program(ranks):
        with ranks.ends_together():
            return ranks.agree(ranks.rank)

    assert on_ranks(2, program) == [0, 0]


def test_an_error_of_all_ranks_is_one_sentence_of_rank_0(capsys):
    def fail():
        raise InputError("no")

    former = []
    sys.excepthook = lambda *arguments: former.append(arguments)
    own, other = on_ranks(2, lambda ranks: ranks.first(fail))
    for error in (own, other):
        sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err == "hyperspace: InputError: no\n"
    assert former == []
    alone = InputError("of one rank")
    sys.excepthook(InputError, alone, None)
    sys.excepthook(ValueError, ValueError("bug"), None)
    assert [kind for kind, _, _ in former] == [InputError, ValueError]
    assert capsys.readouterr().err == ""


def test_one_process_keeps_its_traceback():
    hook = sys.excepthook

    def fail():
        raise InputError("no")

    with pytest.raises(InputError):
        SerialRanks().first(fail)
    assert sys.excepthook is hook


class Mute(Exception):
    def __str__(self):
        raise ValueError("this error has no message")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("too large"), "too large"),
        (ValueError(), "ValueError"),
        (KeyboardInterrupt(), "it was interrupted (SIGINT, KeyboardInterrupt)"),
        (SystemExit(), "sys.exit(None) was called during the study"),
        (SystemExit("done"), "sys.exit('done') was called during the study"),
        (Mute(), "<its message cannot be shown>"),
    ],
)
def test_the_exception_that_ends_a_process_is_described_in_a_line(error, told):
    assert describe_error(error) == told


def test_real_ranks_raise_the_same_error(mpirun):
    program = """
import sys
from mpi4py import MPI
from hyperspace.errors import HyperSpaceError
from hyperspace.exchange.mpi_ranks import MPIRanks
from hyperspace.journal import LeaseLostError
ranks = MPIRanks(MPI.COMM_WORLD)
def fail(on):
    if ranks.rank in on:
        raise LeaseLostError(f"taken over from {ranks.rank}")
for act in (ranks.first, ranks.each):
    try:
        act(lambda: fail([0]))
    except HyperSpaceError as error:
        sys.stdout.write(f"{type(error).__name__} {error.told_by_rank_0}\\n")
with ranks.ends_together():
    ranks.each(lambda: fail([1, 2]))
"""
    done = mpirun(3, program, check=False, timeout=60)
    assert done.returncode != 0
    assert sorted(done.stdout.splitlines()) == ["LeaseLostError False"] * 2 + ["StudyError True"] * 4
    assert [line for line in done.stderr.splitlines() if "taken over" in line] == [
        f"hyperspace: StudyError: rank 1 on {SerialRanks().host} and 1 more: taken over from 1"
    ]
    assert "Traceback" not in done.stderr
