"""Evaluates the objective in this process, at once.

What the objective prints goes where the rank prints: a redirection for the time of an evaluation would take the progress
display, MPI's messages and the output of the caller's other threads along. In a process of its own (isolate=True) each
trial's output has files of its own.
"""

from __future__ import annotations

import functools
import inspect
import time
import traceback
import types
from collections.abc import Callable
from typing import Any, cast

from hyperspace.evaluators.base import Evaluator, Outcome, Parameters
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.metrics import AmbiguousMetrics, Metrics
from hyperspace.pruning import Pruned
from hyperspace.trial import FAILED, PRUNED, Trial

Objective = Callable[..., Any]
_MOST_WRAPPED = 50  # decorators around one another that are looked through


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
    """Return whether the objective wants the trial's handle, as its argument at `position`: its second one.

    Its own signature decides, and not that of what it wraps: a decorator may add arguments of its own. One that takes any
    arguments (*args) passes on what it gets; the handle is then wanted if what it wraps calls its argument at `position`
    "trial".
    """
    for depth in range(_MOST_WRAPPED):
        parameters = _parameters(objective)
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len(positional) > position:
            wanted = positional[position]
            return wanted.name == "trial" or (depth == 0 and wanted.default is inspect.Parameter.empty)
        if parameters and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return False
        inner = _wrapped(objective)
        if inner is None:
            return False
        objective = inner
    return False


def _parameters(objective: Objective) -> list[inspect.Parameter]:
    """Return the parameters of the objective itself; none for a built-in or extension function without a signature."""
    try:
        return list(inspect.signature(objective, follow_wrapped=False).parameters.values())
    except (TypeError, ValueError):
        return []


def _wrapped(objective: Objective) -> Objective | None:
    """Return what a decorated function, method, partial or object with __call__ hands its arguments to, if it says so."""
    if isinstance(objective, functools.partial):
        inner = _wrapped(objective.func)
        return None if inner is None else functools.partial(inner, *objective.args, **objective.keywords)
    if inspect.ismethod(objective):
        inner = getattr(objective.__func__, "__wrapped__", None)
        return types.MethodType(inner, objective.__self__) if callable(inner) else None
    inner = getattr(objective, "__wrapped__", None)
    if callable(inner):
        return cast("Objective", inner)
    call = getattr(objective, "__call__", None)  # noqa: B004 - the bound method is what is wanted
    return _wrapped(call) if inspect.ismethod(call) else None
