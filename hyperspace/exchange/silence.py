"""What ranks do when some of them do not answer: they count who is there, tell each other what they know, and end.

Rank 0 gives up first: it calls all ranks, and those that wait answer. A rank that does not answer within some seconds is
silent. Rank 0 merges what the others know and sends it to them, point to point, since no collective operation ends any more. For
the same reason MPI cannot be finalized: the job is aborted when rank 0's program ends. If rank 0 itself is silent, there is no
merged result; the others end the job.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from hyperspace.errors import StudyError
from hyperspace.exchange.waiting import ROOT_FACTOR, Patience, RanksSilentError, naps_between_tests, naps_of_a_transfer

if TYPE_CHECKING:
    from types import ModuleType

    from mpi4py import MPI

_CALL, _HERE, _RESULT, _BYE = 11, 12, 13, 14  # tags
_ANSWER = 5.0  # seconds within which a rank that waits somewhere answers the call

_TOO_LATE = b"null"  # in the place of a result, for ranks that answer after the call
_MERGED = "the result is made of what the other ranks and the journals know; all ranks are ended with this program"
_NOT_MERGED = "all ranks are ended without a result; the journals, if the study keeps any, hold the evaluations that have ended"

_given_up: str | None = None  # why no rank of this job can be waited for any more


def refuse_after_silence() -> None:
    """Refuse a new study in a job some of whose ranks are silent.

    Raises:
        StudyError: an earlier study of this program has given them up.
    """
    if _given_up is not None:
        raise StudyError(f"{_given_up}; no other study can begin in this job, start the program again")


def has_given_up() -> bool:
    """Return whether some ranks of this job are silent, so that nothing collective ends any more."""
    return _given_up is not None


class RollCall:
    """Tells the silent ranks of a communicator from those that wait.

    Args:
        mpi: the module mpi4py.MPI.
        comm: the ranks' communicator.

    Attributes:
        patience: for how long others are waited for.
        hosts: name of each rank's machine, as far as known.
    """

    def __init__(self, mpi: ModuleType, comm: MPI.Intracomm) -> None:
        self._mpi = mpi
        self._comm = comm
        self._rank, self._size = comm.Get_rank(), comm.Get_size()
        self.patience = Patience()
        self.hosts: Sequence[str] = []
        self._has_told = False
        self._posted: list[Any] = []  # requests, and what has to live as long

    def check(self, begun: float) -> None:
        """Do what there is to do in a wait that began at time.monotonic() `begun`.

        Raises:
            RanksSilentError: rank 0 has called all ranks, or it is time that it does so.
        """
        if self._rank == 0:
            if self._comm.Iprobe(tag=_HERE):
                self.patience.tell()  # received when the ranks are called
            if self.patience.is_over(begun):
                raise RanksSilentError("some ranks do not answer")
            return
        if self._comm.Iprobe(source=0, tag=_CALL):
            raise RanksSilentError("some ranks do not answer")
        if not self._has_told and self.patience.is_over(begun):
            self._has_told = True  # without files a signal may have reached this rank alone
            self._send(b"", 0, _HERE)
        if self._has_told and self.patience.is_over(begun, ROOT_FACTOR):
            self._give_up([0], _NOT_MERGED)
            self.end()

    def merge(self, records: Any, conclude: Callable[[dict[int, Any]], Any]) -> tuple[Any, list[str]]:
        """Merge on rank 0 what the ranks know that answer.

        Args:
            records: what this rank knows (plain JSON).
            conclude: returns the outcome (plain JSON), given the records by rank. Called on rank 0.

        Returns:
            The outcome, and the names of the silent ranks.
        """
        if self._rank == 0:
            known = {0: records} | self._call()
            silent = [rank for rank in range(self._size) if rank not in known]
            names = self._give_up(silent, _MERGED)
            answer = json.dumps([conclude(known), names]).encode()
            for rank in known.keys() - {0}:
                self._send(answer, rank, _RESULT)
            for rank in silent:
                self._send(_TOO_LATE, rank, _RESULT)
            self._until_sent()
            outcome = json.loads(answer)
            _at_exit(partial(self._leave, sorted(known.keys() - {0})))
        else:
            self._send(json.dumps(records).encode(), 0, _HERE)
            outcome = self._await_result()
            if outcome is None:
                sys.stderr.write(f"hyperspace: rank {self._rank} has answered too late, and waits until the job is aborted\n")
                self._follow()
            self._note(outcome[1])
            _at_exit(self._follow)
        return outcome[0], outcome[1]

    def end(self) -> NoReturn:
        """End all ranks, after the reason was told."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(1)
        raise AssertionError("Abort does not return")

    def end_naming(self) -> NoReturn:
        """Name the silent ranks, as rank 0, and end all; other ranks answer, and wait for that."""
        if self._rank == 0:
            present = self._call()
            self._give_up([rank for rank in range(1, self._size) if rank not in present], _NOT_MERGED)
            self.end()
        self._send(b"null", 0, _HERE)
        self._await_result()
        self.end()

    def _call(self) -> dict[int, Any]:
        """Call all ranks; return what those tell that answer, by rank."""
        for rank in range(1, self._size):
            self._send(b"", rank, _CALL)
        known: dict[int, Any] = {}
        begun = time.monotonic()
        status = self._mpi.Status()
        naps = naps_of_a_transfer()
        while len(known) < self._size - 1 and time.monotonic() < begun + _ANSWER:
            data = self._receive(_HERE, status)
            if data is None:
                time.sleep(next(naps))
            elif data:  # an empty one was sent before the call
                known[status.Get_source()] = json.loads(data)
        return known

    def _await_result(self) -> Any:
        begun = time.monotonic()
        naps = naps_between_tests()
        while (data := self._receive(_RESULT)) is None:
            if time.monotonic() > begun + ROOT_FACTOR * self.patience.grace:
                self._give_up([0], _NOT_MERGED)
                self.end()
            time.sleep(next(naps))
        return json.loads(data)

    def _receive(self, tag: int, status: MPI.Status | None = None) -> bytearray | None:
        status = self._mpi.Status() if status is None else status
        message = self._comm.Improbe(tag=tag, status=status)
        if message is None:
            return None
        data = bytearray(status.Get_count(self._mpi.BYTE))
        message.Recv([data, self._mpi.BYTE])
        return data

    def _send(self, data: bytes, rank: int, tag: int) -> None:
        self._posted.append((self._comm.Isend([data, self._mpi.BYTE], dest=rank, tag=tag), data))

    def _until_sent(self) -> None:
        """Push on what is being sent to ranks that answer; what is sent to silent ones need not end."""
        begun = time.monotonic()
        naps = naps_of_a_transfer()
        while time.monotonic() < begun + self.patience.grace:
            if all(request.Test() for request, data in self._posted if len(data) > len(_TOO_LATE)):
                return
            time.sleep(next(naps))

    def _give_up(self, silent: Sequence[int], rest: str) -> list[str]:
        """Say who is silent and what follows from it, and note it; return their names."""
        names = [f"rank {rank} on {self.hosts[rank]}" if self.hosts else f"rank {rank}" for rank in silent]
        self._note(names)
        sys.stderr.write(f"hyperspace: {_given_up}; {rest}\n")
        sys.stderr.flush()
        return names

    def _note(self, names: Sequence[str]) -> None:
        global _given_up
        have = "has" if len(names) == 1 else "have"
        _given_up = f"{', '.join(names) or 'a rank'} {have} not answered after the study was asked to end"

    def _leave(self, present: Sequence[int]) -> None:
        """End the job when rank 0's program has ended, and those of the ranks that answered."""
        begun = time.monotonic()
        missing = set(present)
        status = self._mpi.Status()
        naps = naps_between_tests()
        while missing and time.monotonic() < begun + ROOT_FACTOR * self.patience.grace:
            if self._receive(_BYE, status) is None:
                time.sleep(next(naps))
            else:
                missing.discard(status.Get_source())
        sys.stderr.write(f"hyperspace: the job is aborted with exit code 1, since {_given_up}\n")
        self.end()

    def _follow(self) -> NoReturn:
        """Wait for rank 0 to end the job: its program may still work with the result."""
        sys.stdout.flush()
        self._send(b"", 0, _BYE)
        naps = naps_between_tests()
        while True:
            self._comm.Iprobe(source=0, tag=_CALL)  # lets messages move
            time.sleep(next(naps))


def _at_exit(action: Callable[[], object]) -> None:
    """Do `action` when this program ends; a child that it forks is no rank, and ends without."""
    process = os.getpid()
    atexit.register(lambda: action() if os.getpid() == process else None)
