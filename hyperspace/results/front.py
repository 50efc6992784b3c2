"""The part of a Result about its front: the trials on it, their hypervolume, and the choice of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.results.choosing import Condition, choose
from hyperspace.results.trial_table import free_label
from hyperspace.system.terminal import well_formed
from hyperspace.targets.directions import estimated_hypervolume
from hyperspace.targets.hypervolume import hypervolume
from hyperspace.targets.losses import MOST_EXACT, Goals
from hyperspace.trials.incumbent import closest_trial, is_infeasible, rank, why_none
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.trial import Trial
from hyperspace.typing import Array

if TYPE_CHECKING:
    import pandas

    from hyperspace.space.space import Space

OF_ONE_GOAL = ("x", "fun", "parameters", "metrics")  # entries that a study with several goals does not have


class SeveralGoalsError(InputError, AttributeError):
    """Request for the optimum of one goal, in a study with several."""


class FrontOfResult:
    """Front of a study. With one goal it is the best trial."""

    _trials: Sequence[Trial]
    _study_space: Space
    _metrics: Metrics

    def __missing__(self, name: str) -> Any:
        """Raise the error for a missing entry; with several goals, that of the optimum of one."""
        if name in OF_ONE_GOAL:
            raise SeveralGoalsError(
                f"this study has several goals, so that result.{name} is not one value: result.front has the trials on the "
                f'front, and result.choose("knee") chooses one of them'
            )
        raise KeyError(name)

    @cached_property
    def goals_reached(self) -> Goals:
        """Losses, violations, front and order of the finished trials, without a table (see `hyperspace.targets.losses.Goals`)."""
        reached = Goals(self._metrics)
        reached.tell([trial for trial in self._trials if trial.finished])
        return reached

    @property
    @own_numerics()
    def front(self) -> pandas.DataFrame:
        """The trials on the front, one per row, by the first goal, best first. With one goal, the best trial.

        No other feasible trial is at least as good in all goals and better in one. Trials beyond a threshold are not on the
        front.

        Columns: drive (-1 for given evaluations), iteration. Then one for each dimension, constant and metric, and the budget if
        there are budgets.
        """
        frame = self._best_first(self._front_rows(), {"drive": "drive", "iteration": "iteration"}, [], ordered=True)
        names = {well_formed(name) for trial in self._trials for name in trial.metrics}
        # The table of all trials has columns of other meanings, such as seconds, whose names are free here.
        frame = frame.drop(columns="feasible") if self._metrics.constraints else frame
        return frame.rename(columns={f"metric.{name}": name for name in names if name not in frame.columns})

    @property
    @own_numerics()
    def front_trials(self) -> Sequence[Trial]:
        """The trials on the front as objects, in the order of `front`."""
        space = self._study_space
        return [self._trials[row].copied(space) for row in self._front_rows()]

    @property
    @own_numerics()
    def hypervolume(self) -> float:
        """Volume of the values between the front and `reference`, in the product of the goals' units; nan without trials.

        With more than four goals it is an estimate. Studies can be compared if their goals have the same thresholds.
        """
        goals = self.goals_reached
        r = goals.reference()
        if not goals.complete.any():
            return float("nan")
        P = goals.Y[goals.front]
        return hypervolume(P, r) if goals.m <= MOST_EXACT else estimated_hypervolume(P, r)

    @property
    @own_numerics()
    def reference(self) -> dict[str, float]:
        """Reference point: the worst value of interest of each goal, in its own unit.

        It is the goal's threshold. Without one, it is the worst value in the initial design, or just beyond the front if the
        front has a worse one.
        """
        goals = self.goals_reached
        return self._in_units(goals.reference()) if goals.complete.any() else {}

    @property
    @own_numerics()
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The best and the worst value of each goal on the front, in its own unit; empty without a front."""
        goals = self.goals_reached
        P = goals.Y[goals.front]
        if len(P) == 0:
            return {}
        best, worst = self._in_units(P.min(axis=0)), self._in_units(P.max(axis=0))
        return {name: (best[name], worst[name]) for name in best}

    @property
    def nearest(self) -> Trial | None:
        """The infeasible trial with the least violation, while no trial is feasible; else None."""
        space = self._study_space
        if self.goals_reached.usable.any():
            return None
        closest = closest_trial(self._trials, self._metrics)
        return None if closest is None else closest.copied(space)

    def _sorted(self, rows: Iterable[int]) -> list[int]:
        """Return rows of all trials, best first (see `table`)."""
        trials, metrics = self._trials, self._metrics
        order = sorted(rows, key=lambda row: rank(trials[row], metrics))
        if metrics.several:
            finished = self._finished_rows()
            place = {finished[row]: number for number, row in enumerate(self.goals_reached.order())}
            order.sort(key=lambda row: place.get(row, len(finished)))
        return order

    @property
    def finished_trials(self) -> Sequence[Trial]:
        """Every trial that has ended, best first, in the order of `table`."""
        return [self._trials[row].copied(self._study_space) for row in self._sorted(self._finished_rows())]

    @own_numerics()
    def least_violating(self, n: int = 10) -> pandas.DataFrame:
        """The n infeasible trials with the least violation, one per row, while no trial is feasible; else none.

        Columns: those of `top`. Then infeasible, which is true, and violation, the sum of the excesses over the limits.
        """
        trials, metrics = self._trials, self._metrics
        broken = [row for row, trial in enumerate(trials) if trial.drive >= 0 and is_infeasible(trial, metrics)]
        if any(rank(trial, metrics).is_usable for trial in trials):
            broken = []
        violations = {row: metrics.violation(trials[row].metrics) for row in broken}
        rows = sorted(broken, key=lambda row: (violations[row], rank(trials[row], metrics)))[:n]
        frame = self._best_first(rows, {"drive": "drive", "iteration": "iteration"}, ["seconds"], ordered=True)
        more: dict[str, Any] = {"infeasible": True, "violation": [violations[row] for row in rows]}
        return frame.assign(**{free_label(name, "study", set(frame.columns)): value for name, value in more.items()})

    @own_numerics()
    def choose(
        self,
        rule: str | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        then: str | None = None,
        where: Mapping[str, Condition] | None = None,
        **conditions: Condition,
    ) -> Trial:
        """Choose one trial from the front. Equal choices are decided by iteration and drive.

            result.choose("knee")
            result.choose(weights={"accuracy": 2, "seconds": 1})
            result.choose(seconds=at_most(100), then="accuracy")

        The values of each goal are scaled from 0, the best on the front, to 1, the worst on it.

        Args:
            rule: "knee": the trial with the least distance from the best value of all goals. This is the default.
            weights: for each goal that counts a weight: the trial with the least weighted sum.
            then: name of a goal: the trial that is best in it.
            where: conditions by name, for a metric whose name is not a Python name, or is that of another argument.
            **conditions: metric=at_most(limit) or metric=at_least(limit): only these trials of the front are considered. Any
                metric of the trials is possible.

        Raises:
            InputError: an empty front, an unknown name, or conditions that no trial on the front satisfies.
        """
        rows = sorted(self._front_rows())
        if not rows:
            raise InputError(f"there is no trial to choose: {self.why_no_optimum()}")
        goals = self.goals_reached
        position = {row: place for place, row in enumerate(self._finished_rows())}
        trials = [self._trials[row] for row in rows]
        Y = goals.Y[[position[row] for row in rows]]
        if where is not None and not isinstance(where, Mapping):
            raise InputError(f"where= must be a dict of conditions by metric, got {shown(where)}")
        chosen = choose(trials, Y, self._metrics, rule, weights, then, {**(where or {}), **conditions})
        space = self._study_space
        return trials[chosen].copied(space)

    def why_no_optimum(self) -> str:
        """Return the reason why there is no trial on the front, or no best one, yet."""
        if self.goals_reached.usable.any():
            return "no trial is within the thresholds so far"
        if any(trial.ended_well for trial in self._trials) and not self.goals_reached.complete.any():
            return "no trial has a value of every goal so far"
        return why_none(self._trials)

    def _finished_rows(self) -> list[int]:
        """Return the rows of the finished trials among all, in their order."""
        return [row for row, trial in enumerate(self._trials) if trial.finished]

    def _front_rows(self) -> list[int]:
        """Return the rows of the trials on the front, the best in the first goal first."""
        goals = self.goals_reached
        finished, front = self._finished_rows(), goals.front
        return [finished[row] for row in front[np.lexsort(goals.Y[front].T[::-1])]]

    def _in_units(self, losses: Array) -> dict[str, float]:
        """Return losses (m,) as values by name."""
        metrics = self._metrics
        if not metrics.goals:
            return {metrics.goal or FLOAT_NAME: metrics.sign * float(losses[0])}
        return {goal.name: goal.sign * float(loss) for goal, loss in zip(metrics.goals, losses, strict=True)}

    def _best_first(
        self, rows: Sequence[int], head: Mapping[str, str], tail: Sequence[str], ordered: bool = False
    ) -> pandas.DataFrame:
        """Return rows of the table of trials."""
        raise NotImplementedError
