"""Evaluates one trial on several ranks: for objectives that are MPI programs themselves, simulations or distributed training.

The ranks of a run form groups of equal size. The first rank of each group leads it: it carries drives, asks and records. The
others follow: they wait for a trial, call the objective with the same parameters, and find the group's communicator in
`trial.comm`. What the leader's call returns is the result; what any member's call raises makes the trial a failed one. Where the
objective reports, all members of the group do, and each of them hears whether it is pruned.

A member that fails while the others wait for it inside the objective's own communication leaves them waiting, as in any MPI
program; let such an objective catch its errors and tell the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hyperspace.errors import InputError, shown
from hyperspace.evaluators.base import Parameters
from hyperspace.evaluators.calls import calling
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import Objective, describe_raised, takes_handle
from hyperspace.exchange.base import Exchange
from hyperspace.exchange.rounds import MPIExchange
from hyperspace.exchange.waiting import Patience, RanksSilentError
from hyperspace.numerics.floating_point import users_numerics
from hyperspace.pruning import Pruned
from hyperspace.system.forks import call

if TYPE_CHECKING:
    from mpi4py import MPI


class MemberFailed(RuntimeError):
    """Raised on the leader: the objective failed on another rank of the group."""


class TrialGroups:
    """The ranks of a run in groups that each evaluate one trial at a time. Collective.

    Args:
        world: all ranks of the run.
        size: ranks a group.
        objective: objective(parameters, trial).

    Attributes:
        leaders: the exchange among the leaders; None on a rank that follows.

    Raises:
        InputError: no MPI run, a number of ranks that is no multiple of `size`, or an objective without a second argument.
    """

    def __init__(self, world: Exchange, size: Any, objective: Objective) -> None:
        world.each(lambda: _check(world, size, objective))
        assert isinstance(world, MPIExchange)  # checked
        self._objective = objective
        number, place = divmod(world.rank, size)
        communicator = cast("MPI.Intracomm", world.comm.Split(number, place))
        leaders = cast("MPI.Intracomm", world.comm.Split(0 if place == 0 else world.mpi.UNDEFINED, number))
        self._group = MPIExchange(communicator)
        self._group.bound(Patience())
        self._comm = communicator  # the user's; ours is a duplicate
        self._leaders_comm = leaders
        self.leaders = MPIExchange(leaders) if place == 0 else None

    def lead(self, parameters: Parameters, trial: TrialHandle) -> Any:
        """Call the objective on all ranks of the group, as its leader; return what it returned here.

        Raises:
            MemberFailed: it failed on another rank.
            Exception: what it raised here.
        """
        if self.leaders is not None:
            self._group.share_patience(self.leaders)
        self._group.agree(True)  # waits without spinning; the broadcast finds everybody there
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
                value = call(self._objective, parameters, TrialHandle(report=report, comm=self._comm, **trial.facts))
            except BaseException as error:
                if interrupts.caused(error):
                    raise
                failure = error
        try:
            while not _all_done(answers := self._group.gather([{"end": True}])):
                pass  # a member has reported once more
        except RanksSilentError as error:
            self._group.abort(error)
        if failure is not None:
            raise failure
        for answer in answers[1:]:
            if answer["error"] is not None:
                raise MemberFailed(answer["error"])
        return value

    def follow(self) -> None:
        """Evaluate what the leader asks for, until it dismisses the group."""

        def report(step: int, metrics: Mapping[str, Any]) -> None:
            answer = self._group.gather([{"done": False}])[0]
            if answer.get("pruned") is not None:
                raise Pruned(answer["pruned"])

        while self._group.agree(None):
            parameters, facts = self._comm.bcast(None)
            failure = None
            with calling() as interrupts, users_numerics():
                try:
                    call(self._objective, parameters, TrialHandle(report=report, comm=self._comm, **facts))
                except Pruned:
                    pass  # the leader's own call tells
                except BaseException as error:
                    if interrupts.caused(error):
                        raise
                    failure = f"on rank {self._group.rank} of the group:\n{describe_raised(error)}"
            while not _all_done(self._group.gather([{"done": True, "error": failure}])):
                pass  # the leader, or another member, reports

    def dismiss(self) -> None:
        """Let the followers go, as a leader."""
        self._group.agree(False)

    def close(self) -> None:
        """Give the communicators back. Collective."""
        self._group.close()
        self._comm.Free()
        if self.leaders is not None:
            self.leaders.close()
            self._leaders_comm.Free()


def _all_done(answers: list[Any]) -> bool:
    return "end" in answers[0] and all(answer.get("done") for answer in answers[1:])


def _check(world: Exchange, size: Any, objective: Objective) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InputError(f"ranks_per_trial must be a whole number of at least 1, got {shown(size)}")
    if not isinstance(world, MPIExchange) or world.size % size:
        raise InputError(
            f"ranks_per_trial={size} needs an MPI run of a multiple of {size} ranks, got {world.size}; "
            f"start it with mpirun -n {size * max(world.size // size, 1)}"
        )
    if not takes_handle(objective):
        raise InputError(
            f"ranks_per_trial={size} hands the ranks' communicator over as trial.comm: the objective must take the trial as "
            f"its second argument"
        )
