"""Evaluates the objective in this process, at once.

What the objective prints goes where the rank prints: a redirection for the time of an evaluation would take the progress
display, MPI's messages and the output of the caller's other threads along. In a process of its own (isolate=True) each
trial's output has files of its own.
"""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable
from typing import Any

from hyperspace.evaluators.base import Evaluator, Outcome, Parameters
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.metrics import AmbiguousMetrics, Metrics
from hyperspace.pruning import Pruned
from hyperspace.trial import FAILED, PRUNED, Trial

Objective = Callable[..., Any]


class InlineEvaluator(Evaluator):
    """Calls the objective when a trial is submitted; the outcome is there at once.

    Args:
        objective: objective(parameters), or objective(parameters, trial).
        metrics: reads what it returns.
        handle: makes the handle that an objective with a second argument receives.
    """

    def __init__(self, objective: Objective, metrics: Metrics, handle: Callable[[Trial], TrialHandle]) -> None:
        self._objective = objective
        self._metrics = metrics
        self._handle = handle if takes_handle(objective) else None
        self._outcome: Outcome | None = None

    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Evaluate `trial` now."""
        handle = None if self._handle is None else self._handle(trial)
        self._outcome = evaluate(self._objective, parameters, handle, self._metrics)

    def poll(self) -> Outcome | None:
        """Return the outcome of the trial submitted last, once."""
        outcome, self._outcome = self._outcome, None
        return outcome


def evaluate(objective: Objective, parameters: Parameters, handle: TrialHandle | None, metrics: Metrics) -> Outcome:
    """Call the objective and return what came of it; nothing but an interrupt leaves this function."""
    arguments = (parameters,) if handle is None else (parameters, handle)
    start = time.perf_counter()
    fatal: AmbiguousMetrics | None = None
    read: dict[str, Any] = {}
    error = None
    status = FAILED
    try:
        read = metrics.read(objective(*arguments))
    except AmbiguousMetrics as ambiguous:
        fatal, error = ambiguous, str(ambiguous)
    except Pruned as pruned:
        status, error = PRUNED, str(pruned)
        read = {} if handle is None else dict(handle.last)
    except Exception:
        error = traceback.format_exc()
    except SystemExit as leaving:
        error = f"the objective called sys.exit({leaving.code!r})"
    seconds = time.perf_counter() - start
    if error is None:
        return Outcome(metrics=read, seconds=seconds)
    fault = "objective" if status == FAILED else None
    return Outcome(status, read, seconds, error, fault, fatal)


def takes_handle(objective: Objective, position: int = 1) -> bool:
    """Return whether the objective wants the trial's handle, as its argument at `position`: its second one."""
    try:
        parameters = list(inspect.signature(objective).parameters.values())
    except (TypeError, ValueError):  # some built-in and extension functions have no signature
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) <= position:
        return False
    return positional[position].default is inspect.Parameter.empty or positional[position].name == "trial"
