"""Choice of the evaluator for an objective."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from hyperspace.evaluators.base import Evaluator
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.inline import InlineEvaluator
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.running_command import CommandEvaluator
from hyperspace.evaluators.worker import WorkerEvaluator
from hyperspace.evaluators.worker_client import Worker
from hyperspace.space.space import Space
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

MakeEvaluator = Callable[[Callable[[Trial], TrialHandle]], Evaluator]


def open_evaluators(
    objective: Objective | Command, metrics: Metrics, space: Space, timeout: float | None, isolate: bool, held: ExitStack
) -> MakeEvaluator:
    """Return a function that makes the evaluator from a function that makes a trial's handle.

    Args:
        objective: the objective; a command always runs as a separate process.
        metrics: metrics that read its answer.
        space: the search space.
        timeout: time limit of an evaluation in seconds; None without a limit.
        isolate: whether to evaluate in a separate process, which is started here with the objective loaded.
        held: closes the opened resources.

    Raises:
        InputError: the objective cannot be evaluated in another process, or the command does not fit the space.
    """
    if isinstance(objective, Command):
        objective.check(space)
        objective.check_metrics(metrics)
        return partial(CommandEvaluator, objective, space, metrics, timeout)
    if not isolate:
        return partial(InlineEvaluator, objective, metrics)
    worker = Worker(objective, metrics, space)
    held.callback(worker.close)
    worker.await_ready()
    return partial(WorkerEvaluator, worker, timeout)
