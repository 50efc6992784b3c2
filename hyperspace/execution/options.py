"""Options of a run: settings that are not part of the study, and may be different in its next run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hyperspace.pruning import PruningRule
from hyperspace.stopping import StoppingRule
from hyperspace.trials.callbacks import Callback


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of a run.

    Attributes:
        restart: whether to set the study's folder aside first.
        deadline: time.monotonic() after which no evaluation may run; None without one.
        retries: number of repetitions of an evaluation after infrastructure failures.
        retry_failed: whether to evaluate recorded failures again.
        verbose: whether to show the progress on rank 0.
        callback: called with every trial that this rank finishes; returning True ends the study.
        pruner: called after every report of an evaluation, and may end it; None without pruning.
        rules: rules that can end the study before its budget is spent.
        noisy: whether evaluations of one point differ, so that repetitions are useful.
    """

    restart: bool = False
    deadline: float | None = None
    retries: int = 0
    retry_failed: bool = False
    verbose: bool = False
    callback: Callback | None = None
    pruner: PruningRule | None = None
    rules: Sequence[StoppingRule] = ()
    noisy: bool = False
