"""Objects and settings of a run that all loops use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperspace.evaluators.base import Evaluator
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.exchange.files import SharedFolder
from hyperspace.exchange.ranks import Ranks
from hyperspace.execution.options import RunOptions
from hyperspace.execution.progress import Progress
from hyperspace.journal import Journal
from hyperspace.journal.stop_request import StopRequest
from hyperspace.stopping import StoppingRule
from hyperspace.strategies.base import Strategy
from hyperspace.trials.trial import Trial, TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Objects and settings that a loop uses.

    Attributes:
        ranks: the ranks of this run.
        make_strategy: makes a new strategy.
        make_evaluator: makes the evaluator, from a function that makes a trial's handle.
        journals: the open journals of the carried drives; empty if none are kept.
        shared: the journals of all workers, and the leases of the drives; None if this run has the whole study.
        recorded: the trials of earlier runs: of all drives if trials are shared, else of the carried drives.
        scratch: returns the scratch folder of (drive, iteration); None if no files are kept.
        options: options of this run.
        stop: whether the study was asked to end, and why.
        progress: display of the progress; None without a display.
        claim_goal: makes a metric the study's goal, unless one is declared or fixed, and returns the goal.
        rules: rules that can end the study before its budget is spent: those of the options, and those that always hold.
        repeats: whether repeated evaluations of a point are useful: the objective is noisy, or evaluations have budgets.
    """

    ranks: Ranks
    make_strategy: Callable[[], Strategy]
    make_evaluator: Callable[[Callable[[Trial], TrialHandle]], Evaluator]
    journals: Mapping[int, Journal]
    shared: SharedFolder | None
    recorded: Mapping[TrialKey, Trial]
    scratch: Callable[[int, int], Path] | None
    options: RunOptions
    stop: StopRequest
    progress: Progress | None
    claim_goal: Callable[[str], str]
    rules: Sequence[StoppingRule]
    repeats: bool
