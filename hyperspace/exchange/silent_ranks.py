"""Handling of silent ranks: the others are counted, merge their records, and end.

Rank 0 gives up first: it calls all ranks, and waiting ranks answer. A rank that does not answer within some seconds is silent.
Rank 0 merges the records of the others and sends the result to them, point to point, since collective operations no longer
complete. For the same reason MPI cannot be finalized: the job is aborted when rank 0's program ends. If rank 0 itself is silent,
there is no merged result, and the others end the job.
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
_ANSWER = 5.0  # seconds within which a waiting rank answers the call

_TOO_LATE = b"null"  # instead of a result, for ranks that answer too late
_MERGED = "the result is made of what the other ranks and the journals know; all ranks are ended with this program"
_NOT_MERGED = "all ranks are ended without a result; the journals, if the study keeps any, hold the evaluations that have ended"

_given_up: str | None = None  # reason why ranks of this job are no longer waited for


def refuse_after_silence() -> None:
    """Check that no rank of this job is silent before a new study.

    Raises:
        StudyError: an earlier study of this program has given up silent ranks.
    """
    if _given_up is not None:
        raise StudyError(f"{_given_up}; no other study can begin in this job, start the program again")


def has_given_up() -> bool:
    """Return whether some ranks of this job are silent, so that collective operations no longer complete."""
    return _given_up is not None


class RollCall:
    """Roll call that separates the silent ranks of a communicator from waiting ones.

    Args:
        mpi: the module mpi4py.MPI.
        comm: the ranks' communicator.

    Attributes:
        patience: limit of the waits for others.
        hosts: name of each rank's machine, as far as known.
    """

    def __init__(self, mpi: ModuleType, comm: MPI.Intracomm) -> None:
        self._mpi = mpi
        self._comm = comm
        self._rank, self._size = comm.Get_rank(), comm.Get_size()
        self.patience = Patience()
        self.hosts: Sequence[str] = []
        self._has_told = False
        self._posted: list[Any] = []  # requests and their buffers

    def check(self, begun: float) -> None:
        """Do periodic work in a wait that began at time.monotonic() `begun`.

        Raises:
            RanksSilentError: rank 0 has called all ranks, or it is time to do so.
        """
        if self._rank == 0:
            if self._comm.Iprobe(tag=_HERE):
                self.patience.tell()  # received at the call of the ranks
            if self.patience.is_over(begun):
                raise RanksSilentError("some ranks do not answer")
            return
        if self._comm.Iprobe(source=0, tag=_CALL):
            raise RanksSilentError("some ranks do not answer")
        if not self._has_told and self.patience.is_over(begun):
            self._has_told = True  # without files only this rank may have received the signal
            self._send(b"", 0, _HERE)
        if self._has_told and self.patience.is_over(begun, ROOT_FACTOR):
            self._give_up([0], _NOT_MERGED)
            self.end()

    def merge(self, records: Any, conclude: Callable[[dict[int, Any]], Any]) -> tuple[Any, list[str]]:
        """Merge the records of the ranks that answer, on rank 0.

        Args:
            records: records of this rank (plain JSON).
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
        """End all ranks, after the reason was printed."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(1)
        raise AssertionError("Abort does not return")

    def end_naming(self) -> NoReturn:
        """Name the silent ranks and end all, on rank 0; other ranks answer and wait for that."""
        if self._rank == 0:
            present = self._call()
            self._give_up([rank for rank in range(1, self._size) if rank not in present], _NOT_MERGED)
            self.end()
        self._send(b"null", 0, _HERE)
        self._await_result()
        self.end()

    def _call(self) -> dict[int, Any]:
        """Call all ranks; return the records of those that answer, by rank."""
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
            elif data:  # an empty answer was sent before the call
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
        """Complete the sends to ranks that answer; those to silent ranks need not complete."""
        begun = time.monotonic()
        naps = naps_of_a_transfer()
        while time.monotonic() < begun + self.patience.grace:
            if all(request.Test() for request, data in self._posted if len(data) > len(_TOO_LATE)):
                return
            time.sleep(next(naps))

    def _give_up(self, silent: Sequence[int], rest: str) -> list[str]:
        """Report the silent ranks and the consequences, and record it; return their names."""
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
        """End the job when the programs of rank 0 and of the ranks that answered have ended."""
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
        """Wait for rank 0 to end the job: its program may still use the result."""
        sys.stdout.flush()
        self._send(b"", 0, _BYE)
        naps = naps_between_tests()
        while True:
            self._comm.Iprobe(source=0, tag=_CALL)  # makes MPI progress
            time.sleep(next(naps))


def _at_exit(action: Callable[[], object]) -> None:
    """Call `action` at the end of this program, but not in a forked child, which is not a rank."""
    process = os.getpid()
    atexit.register(lambda: action() if os.getpid() == process else None)
