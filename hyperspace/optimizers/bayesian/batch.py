"""The batch of a team: the points that its drives evaluate next, chosen one after the other, each by the arm of its turn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hyperspace.acquisition.optimize import is_taken
from hyperspace.optimizers.base import Suggestion
from hyperspace.optimizers.bayesian.arms import ARMS, FEASIBILITY, Arm, Turn
from hyperspace.optimizers.bayesian.knowledge import Knowledge


class Batch:
    """Batch of a team for one state of the trials. Points are computed on request, in the order of turns, and kept.

    Args:
        knowledge: what the team knows.
        first_turn: number of the batch's first turn, counted from the start of the study.
        size: number of turns.
        synchronous: whether all members ask with these trials, so that each can compute the others' points.
        wanted: points that are given in advance, by member.

    Attributes:
        knowledge: what the team knows.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        first_turn: int,
        size: int,
        synchronous: bool = True,
        wanted: Mapping[int, Suggestion] | None = None,
    ) -> None:
        self.knowledge, self._first_turn, self._size, self._synchronous = knowledge, first_turn, size, synchronous
        self._is_sequential = not len(knowledge.pending) and (size == 1 or not synchronous)
        self._turns: dict[int, Turn] = {}
        self._answers: dict[int, Suggestion] = dict(wanted or {})

    def answer(self, member: int) -> Suggestion:
        """Return the point of a member, counted from 0."""
        if member not in self._answers:
            turn = self.turn(member)
            turn.earlier = [self.answer(other) for other in range(member) if self._depends_on(member, other)]
            answer = turn.arm.propose(turn)
            if self._synchronous and turn.in_corner and len(turn.earlier) < member:
                earlier = [self.answer(other) for other in range(member)]
                if is_taken(answer.u, np.array([other.u for other in earlier])):
                    turn.restart()
                    turn.earlier = earlier
                    answer = turn.arm.propose(turn)
            self._answers[member] = answer
        return self._answers[member]

    def turn(self, member: int) -> Turn:
        """Return the turn of a member."""
        if member not in self._turns:
            self._turns[member] = Turn(self.knowledge, self._arm(member), member, self._first_turn, self._size)
        return self._turns[member]

    def _arm(self, member: int) -> Arm:
        know = self.knowledge
        if not know.is_informed:
            return FEASIBILITY
        setup = know.setup
        return ARMS[setup.settings.letter(self._first_turn + member, setup.space.d, self._is_sequential)]

    def _depends_on(self, member: int, other: int) -> bool:
        """Return whether a member needs the point of an earlier member.

        Turns without posterior samples of their own condition on the earlier points of the same arm. Turns with them can
        coincide only in a corner of the searched box, and `answer` tests for that. Turns that choose among the same candidates
        or levels can coincide anywhere. This keeps a suggestion cheap when every drive has its own rank.
        """
        if not self._synchronous:
            return False
        turn = self.turn(member)
        if turn.arm is FEASIBILITY or (self.knowledge.setup.space.levels > 0).all() or not turn.has_paths:
            return True
        return turn.arm is self.turn(other).arm and not turn.arm.draws
