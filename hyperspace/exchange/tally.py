"""Progress of the ranks, which rank 0 shows while a study runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hyperspace.trials.incumbent import Rank, is_infeasible, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import PRUNED, Trial


class Tally(NamedTuple):
    """Number of finished trials, of unusable ones among them, and the sort key of the best one; None before there is one."""

    finished: int = 0
    failed: int = 0
    pruned: int = 0
    infeasible: int = 0
    best: Rank | None = None

    @property
    def useless(self) -> dict[str, int]:
        """Numbers of unusable trials by status."""
        return {"failed": self.failed, "pruned": self.pruned, "infeasible": self.infeasible}


def tally(trials: Iterable[Trial], metrics: Metrics) -> Tally:
    """Return the tally of finished trials."""
    return add(_of_one(trial, metrics) for trial in trials)


def add(tallies: Iterable[Tally]) -> Tally:
    """Return the total progress of several ranks."""
    finished, failed, pruned, infeasible, bests = zip(Tally(), *tallies, strict=True)
    best = min((best for best in bests if best is not None), default=None)
    return Tally(sum(finished), sum(failed), sum(pruned), sum(infeasible), best)


def _of_one(trial: Trial, metrics: Metrics) -> Tally:
    found = rank(trial, metrics)
    return Tally(
        finished=1,
        failed=int(trial.failed),
        pruned=int(trial.status == PRUNED),
        infeasible=int(is_infeasible(trial, metrics)),
        best=found if found.is_usable and not metrics.several else None,
    )
