"""Evaluation of the objective in this process, immediately.

The objective's output goes to that of the rank. A redirection during an evaluation would also affect the progress display, MPI's
messages and the output of the caller's other threads. In a separate process (isolate=True) each trial's output has its own files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hyperspace.errors import HyperSpaceError, shown, traceback_of
from hyperspace.evaluators.base import Evaluator, Outcome, Parameters
from hyperspace.evaluators.handle import TrialFailed, TrialHandle
from hyperspace.evaluators.importing import Unguarded
from hyperspace.evaluators.interrupts import calling
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.starting import Repeats, Start
from hyperspace.numerics.floating_point import users_numerics
from hyperspace.pruning import Pruned
from hyperspace.system.disk import is_full
from hyperspace.system.forks import call
from hyperspace.trials.metrics import AmbiguousMetrics, Metrics
from hyperspace.trials.trial import FAILED, PRUNED, Trial

_PACKAGE = str(Path(__file__).parent.parent) + os.sep


class InlineEvaluator(Evaluator):
    """Evaluator that calls the objective when a trial is submitted.

    Args:
        objective: the objective.
        metrics: metrics that read its answer.
        handle: makes the handle that an objective with a second argument receives.
    """

    def __init__(self, objective: Objective, metrics: Metrics, handle: Callable[[Trial], TrialHandle]) -> None:
        self._objective = objective
        self._metrics = metrics
        self._make_handle = handle
        self._outcome: Outcome | None = None
        self._start: Start | None = None  # of a trial that has not ended
        self._repeats = Repeats()
        self._folder: Path | None = None  # of the running trial

    def submit(self, trial: Trial, parameters: Parameters) -> None:
        """Evaluate `trial` now, unless an earlier attempt found a full disk."""
        handle = self._make_handle(trial)
        self._folder = handle.facts["folder"]
        self._start = self._repeats.start(partial(self._evaluate, trial.attempt, parameters, handle), trial, self._folder)
        self._start.advance()

    def _evaluate(self, attempt: int, parameters: Parameters, handle: TrialHandle) -> None:
        self._outcome = evaluate(self._objective, parameters, handle, self._metrics, attempt)

    def poll(self) -> Outcome | None:
        """Return the outcome of the trial submitted last, once."""
        if self._start is None:
            return None
        outcome = self._start.advance() or self._outcome
        if outcome is not None:
            outcome = self._repeats.judge(outcome, self._folder) if outcome.again else outcome
            self.cancel()
        return outcome

    @property
    def held_up_by(self) -> str | None:
        """Reason why the objective was not called yet."""
        return None if self._start is None else self._start.held_up_by

    def cancel(self) -> None:
        """Forget the trial."""
        self._outcome = self._start = None


def evaluate(objective: Objective, parameters: Parameters, handle: TrialHandle, metrics: Metrics, attempt: int = 0) -> Outcome:
    """Call the objective and return the outcome; only an interrupt leaves this function.

    A KeyboardInterrupt of the objective itself, without a SIGINT, ends the program as Ctrl-C does, but only in the trial's first
    attempt (`attempt` 0): otherwise it would end every later run too. After a SIGINT that asked the study to end, it may be due
    to the objective's child processes.
    """
    start = time.perf_counter()
    fatal: HyperSpaceError | None = None
    read: dict[str, Any] = {}
    error = note = None
    status = FAILED
    again = False
    try:
        with calling() as interrupts, users_numerics():
            returned = call(objective, parameters, handle=handle)
        read, note = metrics.read_with_note(returned)
    except AmbiguousMetrics as ambiguous:
        fatal, error = ambiguous, str(ambiguous)
    except Unguarded as unguarded:
        fatal, error = unguarded, str(unguarded)
    except Pruned as pruned:
        status, error = PRUNED, str(pruned)
        read = dict(handle.last)
    except TrialFailed as failed:
        error = str(failed)
    except Exception as raised:
        error = describe_raised(raised)
        again = _is_about_a_full_disk(raised)
    except SystemExit as leaving:
        error = f"the objective called sys.exit({shown(leaving.code)})"
    except BaseException as raised:  # a Rust panic, or a canceled task
        own = isinstance(raised, KeyboardInterrupt) and attempt == 0 and not interrupts.came_as_request
        if own or interrupts.caused(raised):
            raise
        error = describe_raised(raised)
    seconds = time.perf_counter() - start
    if error is None:
        return Outcome(metrics=read, seconds=seconds, note=note)
    elsewhere = again or isinstance(fatal, Unguarded)  # independent of the point, which the next run evaluates again
    fault = None if status != FAILED else "infrastructure" if elsewhere else "objective"
    return Outcome(status, read, seconds, error, fault, fatal, again)


def describe_raised(error: BaseException) -> str:
    """Return an exception's traceback from the user's code on, without the frames of HyperSpace."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    return traceback_of(error, frames)


def _is_about_a_full_disk(error: BaseException | None) -> bool:
    """Return whether an error is about a full disk, or was raised because of one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if is_full(error):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
