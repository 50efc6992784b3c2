"""Contributions: trials, failures, best values and improvements by arm, model, drive, or any other grouping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hyperspace.results.activity import evaluation
from hyperspace.targets.losses import Goals
from hyperspace.trials.incumbent import contenders, is_infeasible
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import PRUNED, Trial


@dataclass(frozen=True, slots=True)
class Contribution:
    """Contribution of a group of a study's trials.

    Attributes:
        label: common value of the group.
        trials: number of finished trials.
        failed: number of failed or timed-out ones.
        pruned: number of pruned ones.
        infeasible: number of those that ended well and violated a constraint.
        best: the best value, as the objective returned it; nan without one, and with several goals.
        improvements: number of those that were better than all trials that had ended before; with several goals, that raised the
            hypervolume.
        gain: their share of the total improvement of the best value after the first usable trial, from 0 to 1; nan without one.
            With several goals, their share of the growth of the hypervolume.
        seconds: total duration of the evaluations.
    """

    label: Any
    trials: int
    failed: int
    pruned: int
    infeasible: int
    best: float
    improvements: int
    gain: float
    seconds: float


def contributions(trials: Iterable[Trial], metrics: Metrics, key: Callable[[Trial], Any]) -> list[Contribution]:
    """Return the contribution of each group of trials, the one with the best value first; with several goals by gain.

    Trials count in the order of their ends. Given ones come first and are in no group, but an improvement has to be better than
    they are. Only feasible trials with the largest budget can be improvements.

    Args:
        trials: trials of a study.
        metrics: metrics of the study.
        key: returns the group of a trial.
    """
    ended = sorted((t for t in trials if t.finished), key=lambda t: (t.drive >= 0, evaluation(t, 0.0).end, t.key))
    losses = {trial.key: loss for trial, loss in zip(ended, _progress(ended, metrics), strict=True)}
    groups: dict[Any, list[Trial]] = {}
    improvements: dict[Any, int] = {}
    gains: dict[Any, float] = {}
    best = math.inf
    for trial in ended:
        label = key(trial)
        if trial.drive >= 0:
            groups.setdefault(label, []).append(trial)
        loss = losses[trial.key]
        if loss < best:
            if trial.drive >= 0:
                improvements[label] = improvements.get(label, 0) + 1
                if best < math.inf:
                    gains[label] = gains.get(label, 0.0) + best - loss
            best = loss
    total = sum(gains.values())
    found = [
        Contribution(
            label=label,
            trials=len(own),
            failed=sum(trial.failed for trial in own),
            pruned=sum(trial.status == PRUNED for trial in own),
            infeasible=sum(is_infeasible(trial, metrics) for trial in own),
            best=metrics.sign * min(losses[trial.key] for trial in own),
            improvements=improvements.get(label, 0),
            gain=gains.get(label, 0.0) / total if total > 0 else math.nan,
            seconds=sum(trial.seconds or 0.0 for trial in own),
        )
        for label, own in groups.items()
    ]
    if metrics.several:
        found = [replace(group, best=math.nan) for group in found]
        return sorted(found, key=lambda group: (-group.gain if group.gain == group.gain else 0.0, str(group.label)))
    ordered = sorted(found, key=lambda group: (metrics.sign * group.best, str(group.label)))
    return [group if math.isfinite(group.best) else replace(group, best=math.nan) for group in ordered]


def _progress(ended: Sequence[Trial], metrics: Metrics) -> list[float]:
    """Return a number for each trial that is less than all before it if the trial is an improvement; inf if it cannot be one."""
    if not metrics.several:
        return [
            metrics.loss(trial.metrics) if contends else math.inf
            for trial, contends in zip(ended, contenders(ended, metrics), strict=True)
        ]
    goals = Goals(metrics)
    goals.tell(ended)
    return [-volume if volume > 0.0 else math.inf for volume in goals.hypervolumes(range(len(ended)), goals.reference()).tolist()]
