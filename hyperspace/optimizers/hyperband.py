"""Hyperband: many configurations with a small budget, few with a large one.

Notation, after Li et al. (2017):
    R           max_budget                        eta     one of eta evaluations of a rung is promoted to the next
    s           bracket, from s_max down to 0     s_max   floor(log_eta(R / min_budget))
    n_i, r_i    evaluations and budget of rung i of a bracket, i = 0 to s

A bracket is a successive halving: n_0 random configurations with budget r_0, the best n_1 of them with r_1 = eta r_0, and so
on to R. All brackets together form a loop. Loops follow each other.

Sources: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2017), "Hyperband: A Novel Bandit-Based Approach to Hyperparameter
Optimization", JMLR 18; Li et al. (2020), "A System for Massively Parallel Hyperparameter Tuning", MLSys (ASHA).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.optimizers.design import Design
from hyperspace.space.partition import Subspace
from hyperspace.space.space import Space
from hyperspace.space.values import is_number
from hyperspace.system.arguments import check_names
from hyperspace.trials.trial import OK, Trial
from hyperspace.typing import Array


class Rung(NamedTuple):
    """Number and budget of the evaluations of a rung: (n_i, r_i)."""

    size: int
    budget: float


@check_names()
@dataclass(frozen=True, slots=True)
class Hyperband:
    """Brackets of Hyperband, for strategy="halving".

    Args:
        max_budget: R, the budget of a complete evaluation, in the objective's own unit (epochs, samples, seconds).
        eta: one of eta evaluations is promoted.
        min_budget: least budget with an informative result. If it and R are integers, all budgets are rounded to integers.

    Raises:
        InputError: eta is not an integer of at least 2, or not 0 < min_budget <= max_budget.
    """

    max_budget: float = 81
    eta: int = 3
    min_budget: float = 1

    def __post_init__(self) -> None:
        if isinstance(self.eta, bool) or not isinstance(self.eta, int) or self.eta < 2:
            raise InputError(f"eta must be a whole number of at least 2, got {shown(self.eta)}")
        numbers = is_number(self.min_budget) and is_number(self.max_budget)
        if not numbers or not 0 < self.min_budget <= self.max_budget < math.inf:
            raise InputError(
                f"0 < min_budget <= max_budget was expected, got min_budget={shown(self.min_budget)}, "
                f"max_budget={shown(self.max_budget)}"
            )

    @property
    def label(self) -> str:
        """Its text in the study's fingerprint."""
        return f"Hyperband(max_budget={self.max_budget}, eta={self.eta}, min_budget={self.min_budget})"

    def brackets(self) -> dict[int, list[Rung]]:
        """Return the rungs of the brackets, s_max first.

        The sizes are n_0 = floor((s_max + 1) / (s + 1)) eta^s, as in Table 1 of the paper. Algorithm 1 of the paper rounds
        differently, and starts up to twice as many configurations in the middle brackets.
        """
        s_max = 0
        while self.min_budget * self.eta ** (s_max + 1) <= self.max_budget:
            s_max += 1
        return {
            s: [Rung((s_max + 1) // (s + 1) * self.eta ** (s - i), self._budget(s - i)) for i in range(s + 1)]
            for s in range(s_max, -1, -1)
        }

    def evaluations(self) -> int:
        """Return the number of evaluations of a loop."""
        return sum(rung.size for rungs in self.brackets().values() for rung in rungs)

    def rounds(self, hands: int, loops: int) -> int:
        """Return the number of rounds of `hands` evaluations each that complete the loops, if none fails."""
        ladder = Ladder(self)
        for count in itertools.count(1):
            jobs = [ladder.take(ladder.next_in_rounds(), f"{count}-{hand}") for hand in range(hands)]
            for job in jobs:
                ladder.finish(job, 0, np.empty(0), 0.0)
            if ladder.complete(loops):
                return count
        raise AssertionError("itertools.count does not end")

    def optimizer(
        self, space: Space, subspace: Subspace, design: Design, random_state: int, together: int | None
    ) -> HyperbandOptimizer:
        """Return the optimizer of a subspace: for all its drives in rounds, or for one of them without `together`."""
        return HyperbandOptimizer(Ladder(self), space, subspace, asynchronous=together is None)

    def _budget(self, steps_below: int) -> float:
        budget = float(self.max_budget / self.eta**steps_below)
        whole = isinstance(self.max_budget, int) and isinstance(self.min_budget, int)
        return max(round(budget), self.min_budget) if whole else budget


@dataclass(frozen=True, slots=True)
class Job:
    """Evaluation to make: `config` in a rung of a bracket. An empty `config` stands for a new configuration."""

    loop: int
    bracket: int
    rung: int
    budget: float
    config: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Configuration in a rung. Its loss is None while it is evaluated, and inf if the evaluation failed."""

    loop: int
    drive: int = 0
    u: Array | None = None
    loss: float | None = None


class Ladder:
    """State of the rungs and the next job, derived from the trials of one subspace.

    Args:
        hyperband: the brackets.
    """

    def __init__(self, hyperband: Hyperband) -> None:
        self.brackets = hyperband.brackets()
        self._eta = hyperband.eta
        self._runs: dict[tuple[int, int], dict[str, _Run]] = {
            (s, i): {} for s, rungs in self.brackets.items() for i in range(len(rungs))
        }

    def take(self, job: Job, config: str) -> Job:
        """Start a job; `config` names a new configuration. Return the job with its name."""
        job = job if job.config else replace(job, config=config)
        self._runs[job.bracket, job.rung].setdefault(job.config, _Run(job.loop))
        return job

    def finish(self, job: Job, drive: int, u: Array, loss: float) -> None:
        """Record the result of an evaluation."""
        self._runs[job.bracket, job.rung][job.config] = _Run(job.loop, drive, u, loss)

    def point(self, job: Job) -> Array:
        """Return the point of a promoted configuration in the unit cube."""
        u = self._runs[job.bracket, job.rung - 1][job.config].u
        assert u is not None  # only finished runs are promoted
        return u

    def next_in_rounds(self) -> Job:
        """Return the next job if a rung has to be complete before its best runs are promoted.

        Instead of waiting, a drive works on the next brackets.
        """
        for loop in itertools.count():
            for s, rungs in self.brackets.items():
                for i in range(len(rungs) - 2, -1, -1):
                    if self._room(loop, s, i + 1) and self._closed(loop, s, i) and (best := self._promotable(loop, s, i)):
                        return self._job(loop, s, i + 1, best[0])
                if self._room(loop, s, 0):
                    return self._job(loop, s, 0)
        raise AssertionError("itertools.count does not end")

    def next_at_once(self, drive: int) -> Job:
        """Return the next job of a drive without waiting (ASHA, Algorithm 2, over all brackets).

        A drive promotes only its own runs, compared with all known results. So two drives never promote the same configuration,
        without messages, and the objective finds its files on the same machine.
        """
        rungs = [(s, i) for s in self.brackets for i in range(s)]
        for s, i in sorted(rungs, key=lambda rung: rung[0] - rung[1]):  # the largest budget first
            finished = {config: run for config, run in self._runs[s, i].items() if run.loss is not None}
            best = sorted(finished, key=lambda config: _loss(finished[config]))[: len(finished) // self._eta]
            for config in best:
                run = finished[config]
                if run.drive == drive and math.isfinite(_loss(run)) and config not in self._runs[s, i + 1]:
                    return self._job(run.loop, s, i + 1, config)
        for loop in itertools.count():
            for s in self.brackets:
                if self._room(loop, s, 0):
                    return self._job(loop, s, 0)
        raise AssertionError("itertools.count does not end")

    def complete(self, loops: int) -> bool:
        """Return whether all evaluations of the first `loops` loops have ended."""
        return all(self._closed(loop, s, s) for loop in range(loops) for s in self.brackets)

    def _job(self, loop: int, s: int, i: int, config: str = "") -> Job:
        return Job(loop, s, i, self.brackets[s][i].budget, config)

    def _in_loop(self, loop: int, s: int, i: int) -> dict[str, _Run]:
        return {config: run for config, run in self._runs[s, i].items() if run.loop == loop}

    def _room(self, loop: int, s: int, i: int) -> bool:
        return len(self._in_loop(loop, s, i)) < self.brackets[s][i].size

    def _closed(self, loop: int, s: int, i: int) -> bool:
        """Return whether a rung is full and all its evaluations have ended."""
        if any(run.loss is None for run in self._in_loop(loop, s, i).values()):
            return False
        if not self._room(loop, s, i):
            return True
        return i > 0 and self._closed(loop, s, i - 1) and not self._promotable(loop, s, i - 1)

    def _promotable(self, loop: int, s: int, i: int) -> list[str]:
        """Return successful runs of a rung that are not in the next one, best first; ties in the order of their start."""
        above = self._runs[s, i + 1]
        runs = {c: run for c, run in self._in_loop(loop, s, i).items() if c not in above and math.isfinite(_loss(run))}
        return sorted(runs, key=lambda config: _loss(runs[config]))


class HyperbandOptimizer(AskTell):
    """Optimizer that asks for the jobs of a subspace's ladder. A trial records its budget in the suggestion's model.

    Args:
        ladder: an empty ladder.
        space: the whole space.
        subspace: the subspace to search.
        asynchronous: promote without waiting for a complete rung.
    """

    def __init__(self, ladder: Ladder, space: Space, subspace: Subspace, asynchronous: bool) -> None:
        self._ladder, self._space, self._subspace = ladder, space, subspace
        self._asynchronous = asynchronous

    def ask(self, key: Key, pending: Array) -> Suggestion:
        """Return a promotion, or a new configuration, uniform in the subspace."""
        ladder = self._ladder
        if self._asynchronous:
            job = ladder.take(ladder.next_at_once(key.drive), f"{key.drive}-{key.iteration}")
        else:
            job = ladder.take(ladder.next_in_rounds(), str(key.iteration))
        if job.rung > 0:
            return Suggestion(ladder.point(job), "promotion", _dump(job))
        lower, upper = self._subspace.bounds
        u = lower + (upper - lower) * key.rng().random(self._space.d)
        return Suggestion(self._space.snap(u[None])[0], "random", _dump(job))

    def tell(self, trials: Sequence[Trial], U: Array, y: Array) -> None:
        """Process the trials of this subspace that have a budget."""
        for trial, u, loss in zip(trials, U, y, strict=True):
            if trial.subspace == self._subspace.index and trial.budget is not None:
                ended_well = trial.status == OK and math.isfinite(loss)
                self._ladder.finish(_load(trial), trial.drive, u.copy(), float(loss) if ended_well else math.inf)

    def recall(self, trial: Trial, u: Array, key: Key, pending: Array) -> None:
        """Restore the job of a recorded point."""
        if trial.budget is not None:
            self._ladder.take(_load(trial), "")


def _dump(job: Job) -> dict[str, Any]:
    return {"budget": job.budget, "loop": job.loop, "bracket": job.bracket, "rung": job.rung, "config": job.config}


def _load(trial: Trial) -> Job:
    model = trial.model or {}
    return Job(**{name: model[name] for name in ("loop", "bracket", "rung", "budget", "config")})


def _loss(run: _Run) -> float:
    return math.inf if run.loss is None else run.loss
