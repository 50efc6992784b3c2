"""Evaluation of one trial on several ranks: for objectives that are MPI programs, such as simulations or distributed training.

The ranks of a run form groups of equal size. The first rank of each group is the leader: it carries drives, asks and records. The
others are followers: they wait for a trial, call the objective with the same parameters, and get the group's communicator as
`trial.comm`. The leader's return value is the result; an exception on any member fails the trial. If the objective reports, all
members of the group report, and each of them learns whether the trial is pruned.

If a member fails while the others wait for it in the objective's own communication, they keep waiting, as in any MPI program.
Such an objective should catch its errors and inform the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hyperspace.errors import InputError
from hyperspace.evaluators.base import Parameters
from hyperspace.evaluators.handle import TrialFailed, TrialHandle
from hyperspace.evaluators.inline import describe_raised
from hyperspace.evaluators.interrupts import calling
from hyperspace.evaluators.objective import Objective
from hyperspace.exchange.mpi_ranks import MPIRanks
from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.waiting import Patience, RanksSilentError
from hyperspace.numerics.floating_point import users_numerics
from hyperspace.pruning import Pruned
from hyperspace.system.forks import call

if TYPE_CHECKING:
    from mpi4py import MPI


class MemberFailed(RuntimeError):
    """Failure of the objective on another rank of the group, raised on the leader."""


class TrialGroups:
    """Ranks of a run in groups that evaluate one trial at a time each. Collective.

    Args:
        world: all ranks of the run.
        size: number of ranks in a group.
        objective: an objective that takes the handle.

    Attributes:
        leaders: the ranks that are leaders; None on a follower.

    Raises:
        InputError: not an MPI run, a number of ranks that is not a multiple of `size`, or an objective without a second argument.
    """

    def __init__(self, world: Ranks, size: int, objective: Objective) -> None:
        world.each(lambda: _check(world, size, objective))
        assert isinstance(world, MPIRanks)  # by `_check`
        self._objective = objective
        number, place = divmod(world.rank, size)
        communicator = cast("MPI.Intracomm", world.comm.Split(number, place))
        leaders = cast("MPI.Intracomm", world.comm.Split(0 if place == 0 else world.mpi.UNDEFINED, number))
        self._group = MPIRanks(communicator)
        self._group.bound(Patience())
        self._comm = communicator  # for the user; ours is a duplicate
        self._leaders_comm = leaders
        self.leaders = MPIRanks(leaders) if place == 0 else None

    def lead(self, parameters: Parameters, trial: TrialHandle) -> Any:
        """Call the objective on all ranks of the group, on its leader; return its value here.

        Raises:
            MemberFailed: it failed on another rank.
            TrialFailed: another rank has called trial.fail.
            Exception: the objective's exception here.
        """
        if self.leaders is not None:
            self._group.share_patience(self.leaders)
        self._group.agree(True)  # waits without a busy loop; all ranks are present for the broadcast
        self._comm.bcast((parameters, trial.facts))

        def report(step: int, metrics: Mapping[str, Any]) -> None:
            pruned = None
            try:
                trial.report(step, metrics)
            except Pruned as error:
                pruned = str(error)
            self._group.gather([{"pruned": pruned}])
            if pruned is not None:
                raise Pruned(pruned)

        failure: BaseException | None = None
        value = None
        with calling() as interrupts:
            try:
                handle = TrialHandle(report=report, comm=self._comm, **trial.facts)
                value = call(self._objective, parameters, handle=handle)
            except BaseException as error:
                if interrupts.caused(error):
                    raise
                failure = error
        try:
            while not _all_done(answers := self._group.gather([{"end": True}])):
                pass  # a member has reported again
        except RanksSilentError as error:
            self._group.abort(error)
        if failure is not None:
            raise failure
        for answer in answers[1:]:
            if answer["reason"] is not None:
                raise TrialFailed(answer["reason"])
            if answer["error"] is not None:
                raise MemberFailed(answer["error"])
        return value

    def follow(self) -> None:
        """Evaluate the leader's trials until it dismisses the group."""

        def report(step: int, metrics: Mapping[str, Any]) -> None:
            answer = self._group.gather([{"done": False}])[0]
            if answer.get("pruned") is not None:
                raise Pruned(answer["pruned"])

        while self._group.agree(None):
            parameters, facts = self._comm.bcast(None)
            failure = reason = None
            with calling() as interrupts, users_numerics():
                try:
                    handle = TrialHandle(report=report, comm=self._comm, **facts)
                    call(self._objective, parameters, handle=handle)
                except Pruned:
                    pass  # the leader's own call reports it
                except TrialFailed as failed:
                    reason = str(failed)
                except BaseException as error:
                    if interrupts.caused(error):
                        raise
                    failure = f"on rank {self._group.rank} of the group:\n{describe_raised(error)}"
            while not _all_done(self._group.gather([{"done": True, "error": failure, "reason": reason}])):
                pass  # reported by the leader or another member

    def dismiss(self) -> None:
        """Release the followers, on the leader."""
        self._group.agree(False)

    def close(self) -> None:
        """Free the communicators. Collective."""
        self._group.close()
        self._comm.Free()
        if self.leaders is not None:
            self.leaders.close()
            self._leaders_comm.Free()


def _all_done(answers: list[Any]) -> bool:
    return "end" in answers[0] and all(answer.get("done") for answer in answers[1:])


def _check(world: Ranks, size: int, objective: Objective) -> None:
    if not isinstance(world, MPIRanks) or world.size % size:
        raise InputError(
            f"ranks_per_trial={size} needs an MPI run of a multiple of {size} ranks, got {world.size}; "
            f"start it with mpirun -n {size * max(world.size // size, 1)}"
        )
    if not objective.takes_handle:
        raise InputError(
            f"ranks_per_trial={size} hands the ranks' communicator over as trial.comm: the objective must take the trial as "
            f"its second argument"
        )
