"""hyperdrive(): check the input, open or create the study, run its drives, and merge the result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Literal

from hyperspace.cluster.walltime import seconds_left
from hyperspace.errors import InputError
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.devices import VARIABLE, count_devices, share_devices
from hyperspace.evaluators.exits import exits_are_told
from hyperspace.evaluators.importing import refuse_while_importing
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.selection import open_evaluators
from hyperspace.exchange.files import WorkerRanks, is_silent_worker
from hyperspace.exchange.launcher import check_communicator, open_ranks, working
from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.spec import has_workers
from hyperspace.exchange.waiting import Patience, grace
from hyperspace.execution.options import RunOptions
from hyperspace.execution.ranks_per_trial import work_in_groups
from hyperspace.execution.session import Session
from hyperspace.execution.signals import leave_if_interrupted, received, signals_end_the_study
from hyperspace.journal import StudyFolder
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.pruning import PruningRule, check_pruner
from hyperspace.results.result import Result
from hyperspace.space.parsing import describe_doubtful_lists
from hyperspace.space.values import is_finite, is_true
from hyperspace.stopping import StoppingRule, check_rules, time_limit
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.checks import (
    SILENT,
    check_budgeted,
    check_count,
    check_flag,
    check_seconds,
    check_several_goals,
    check_verbose,
)
from hyperspace.study.same_call import check_alike, describe_call, with_deadline_of
from hyperspace.system.arguments import check_names
from hyperspace.system.forks import children_end
from hyperspace.system.paths import absolute_folder
from hyperspace.system.terminal import silence, tell
from hyperspace.trials.callbacks import Callback, as_one
from hyperspace.trials.metrics import Metric

_FLAGS = ("isolate", "checkpoints", "restart", "retry_failed", "noisy")


@check_names()
@own_numerics()
def hyperdrive(
    objective: Callable[..., Any] | Command,
    hyperparameters: Sequence[Any] | Mapping[str, Any],
    results_path: str | os.PathLike[str] | None,
    model: Any = "GP",
    n_iterations: int = 50,
    n_calls: int | None = None,
    strategy: str = "adaptive",
    n_subspaces: int | None = None,
    n_drives: int | None = None,
    overlap: float = 0.25,
    acquisition: str = "EI",
    sampler: str = "sobol",
    n_samples: int | None = None,
    exchange: str | None = None,
    metrics: Sequence[Metric] | None = None,
    maximize: bool = False,
    x0: Any = None,
    y0: Any = None,
    warm_start: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    deadline: float | None = None,
    timeout: float | None = None,
    isolate: bool = False,
    retries: int = 0,
    ranks_per_trial: int = 1,
    checkpoints: bool = True,
    restart: bool = False,
    retry_failed: bool = False,
    stopping: StoppingRule | Sequence[StoppingRule] = (),
    pruner: PruningRule | None = None,
    noisy: bool = False,
    random_state: int | None = 0,
    verbose: bool | Literal["silent"] = False,
    comm: Any = None,
    callback: Callback | Sequence[Callback] | None = None,
) -> Result:
    """Find the global optimum of an expensive function on all ranks of an MPI run, or in this process.

    Each dimension is split into two overlapping halves. Their combinations are the subspaces, and each of them is the home of a
    drive with its own surrogate optimizer. Every rank calls this function with the same arguments and gets the same Result.
    Different arguments are an error, and ranks that do not call are named on standard error. The same call again resumes the
    study in `results_path`, on any number of ranks. A call within an objective uses only this process.

    SIGTERM, SIGUSR1 and `hyperspace stop` end the study before its budget is spent: running evaluations are completed, no other
    starts, and every rank returns the result so far. After such a signal the process starts no evaluation in a later call either.
    Ctrl-C does the same, and then ends the program with exit code 130; at a prompt or in a notebook the result is returned. A
    second SIGTERM or Ctrl-C ends the process at once.

    Args:
        objective: objective(parameters) -> float, or a dict of named metrics. With a second argument it also gets the
            trial's handle: id, seed, scratch folder, report(step, value), fail(reason). An exception is recorded as a failed
            trial.
        hyperparameters: a list of dimensions, e.g. [(2, 10), (1e-2, 1.0, "log-uniform"), ["relu", "tanh"]], and the objective
            receives a list; or a dict {name: dimension, or a constant}, and it receives a dict. A tuple of two ints is an
            Integer, of floats a Real. A list is a Categorical (see `hyperspace.space.parsing` for lists of two numbers).
            scikit-optimize's dimension objects are accepted too.
        results_path: folder of the study.
        model: surrogate ("GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT"); "RAND"; "CMA", "GA", "PSO", "DE", "ES", "SA", "EDA",
            "NSGA2", "ACO", "PAES", "BITGA", "GRID", or one of these with options from hyperspace.optimizers. "HYPERBAND" is for
            objectives that use trial.budget (see `hyperspace.api.hyperbelt`). Also an object with fit and predict, or with ask
            and tell; or a list of these, which the drives use in turn.
        n_iterations: number of evaluations of each drive.
        n_calls: total number of evaluations, instead of n_iterations; the first n_calls mod n_drives drives make one more.
        strategy: "adaptive"; "static", the published method: every drive stays in its subspace; "generations": the drives of a
            subspace evaluate one optimizer's points, one generation per round; or "halving" (see `hyperspace.api.hyperbelt`),
            where n_iterations counts loops. With "adaptive" an evolutionary model such as "DE" selects "generations", or over MPI
            the same without waiting for a generation.
        n_subspaces: a power of two; None: 2^D for "static" and "halving", 1 for "generations"; for "adaptive" the largest
            power of two that divides n_drives, and at most 2^min(D, max(4, ceil(log2 ranks))).
        n_drives: a multiple of n_subspaces. None: with "adaptive" one for each rank that creates the study, one in one process;
            ranks that join the study later with exchange="async" get additional drives. In some cases "adaptive" has at least one
            for each of 2^min(D, max(4, ceil(log2 ranks))) subspaces: with more than 16 ranks, with exchange="round" or "none",
            with "files" and an unknown number of workers, and with models that are not surrogates. Other strategies: enough for
            the subspaces and the ranks, and at least 16 for "generations".
        overlap: overlap of the halves, in [0, 1]: each has a share of (1 + overlap)/2 of its dimension.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        sampler: sampler of the initial design: "sobol", "lhs" or "random".
        n_samples: number of points of the initial design for each drive; None chooses it by the numbers of dimensions and drives.
        exchange: "round": drives share their trials after every round, and make the same trials on any number of ranks; "async":
            ranks gossip without waiting, and a fast rank makes more evaluations; "none": nothing is shared; "files": processes
            without MPI share trials through results_path, and may join or die at any time. None: "none" for "static", else
            "async" under MPI and "round" in one process; "round" for "generations" and "ES".
        metrics: the named metrics and their goals; several goals need model="RAND" so far. None: the metric "loss" of the study's
            first answer, or its only one, is minimized, and an evaluation without it fails.
        maximize: for an objective that returns one number.
        x0: without y0: a point, or a list of points, to evaluate before a model chooses any, such as settings that are known to
            work. They count toward the budget and the initial design, and are assigned to the drives in turn. With y0: points
            that were already evaluated; they inform the surrogates, and count toward the initial design but not the budget.
        y0: the objective's values at x0. A resumed study needs neither again: both are part of it.
        warm_start: the results_path of another study, or a list of them. Their evaluations that fit this search space count as
            known, as x0 and y0 do. They are only read, and only when this study is created.
        deadline: seconds; no evaluation is started that would not end in time, by the durations so far. None: the remaining time
            of the Slurm job that this process belongs to, if any; math.inf: no deadline.
        timeout: time limit of one evaluation in seconds; a longer one is ended, and counts as failed. Implies isolate=True.
        isolate: evaluate in a separate process, so that this rank survives any failure there; with exchange="async" the rank
            fits models meanwhile. Any function is possible, also a lambda or one of a notebook. The objects of the program that
            it uses are copied to that process (docs/isolation.md).
        retries: number of repetitions of an evaluation after a failure that the objective did not cause: its process was killed
            from outside, or memory was exhausted. Implies isolate=True.
        ranks_per_trial: number of ranks that evaluate one trial together, for an objective that is an MPI program: all of them
            call it with the same parameters, and get their communicator as trial.comm.
        checkpoints: write journals, and resume from them.
        restart: set aside the content of results_path, and start a new study.
        retry_failed: first repeat the recorded trials that failed or timed out, at the same points; a new end replaces the
            failure. Later trials are not changed.
        stopping: rules that end the study before its budget is spent, from `hyperspace.stopping`: TargetValue(value),
            NoProgress(evaluations, tolerance), TimeLimit(seconds).
        pruner: rule that ends evaluations early by their reports, such as `hyperspace.pruning.MedianRule()`.
        noisy: whether evaluations of one point differ. If not, a study ends when every point of a discrete space was
            evaluated. With exchange="none" each drive ends after every point of its box.
        random_state: seed of all random streams; None draws one.
        verbose: show the progress, on rank 0. False: only messages on standard error, such as the planned number of evaluations
            and the first failure. "silent": no messages; errors are still raised, and failures are in the result. Only this
            argument may differ between ranks.
        comm: an mpi4py communicator; None: all ranks of the mpirun that started this process, if one did; only this process
            within the objective of another study.
        callback: called as callback(trial) on the rank that finished it; returning True (Python's or numpy's) ends the study;
            or a list of such functions.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an invalid argument.
        NotBuiltError: several metrics to optimize with another model than "RAND", which this version does not support.
        StudyError: results_path holds another study, is damaged or cannot be written; or the first trials all failed.
        StudyInterrupted: Ctrl-C has ended the study, whose files are in order; it is a SystemExit, and has the `result`.
        LaunchError: the processes are not the ranks of one MPI run.
    """
    call = dict(locals())
    described = describe_call(call)
    target = objective if isinstance(objective, Command) else Objective(objective)
    refuse_while_importing()
    started = time.monotonic()
    is_worker = has_workers(exchange)
    ranks = WorkerRanks() if is_worker else open_ranks(comm, _own_end(started, deadline))
    folder = _folder(results_path) if is_true(checkpoints) or (isinstance(checkpoints, int) and checkpoints == 1) else None

    speaks = ranks.rank == 0 and not is_silent_worker()

    def check() -> tuple[StudyArguments, RunOptions]:
        return _check(call, target, is_worker)

    def work(leaders: Ranks, evaluated: Objective | Command) -> Result:
        with ExitStack() as held:
            arguments, options = leaders.each(check)
            for doubt in describe_doubtful_lists(hyperparameters) if speaks else ():
                tell(doubt)
            apart = _needs_processes(isolate, timeout, options.retries)
            make_evaluator = leaders.each(
                lambda: open_evaluators(evaluated, arguments.metrics, arguments.space, timeout, apart, held)
            )
            options = replace(options, deadline=_agreed_end(leaders, started, deadline, options.rules))
            return Session(arguments, leaders, folder, options).run(make_evaluator)

    stoppable = None if is_worker else folder  # a worker ends alone
    messages = silence(isinstance(verbose, str) and verbose == SILENT)
    signals = signals_end_the_study(stoppable, speaks)
    with messages, working(), exits_are_told(ranks), ranks.ends_together(), signals, children_end():
        ranks.bound(Patience(lambda: received() is not None, deadline=_own_end(started, deadline)))
        _check_same_call(ranks, described)
        size = ranks.each(lambda: check_count("ranks_per_trial", ranks_per_trial))
        _take_devices(ranks)
        if size == 1 or isinstance(target, Command):
            result = work(ranks, target)
        else:
            result = work_in_groups(ranks, size, target, work, lambda: check()[0])
        ranks.close()
    leave_if_interrupted(result)
    return result


def _check_same_call(ranks: Ranks, call: Mapping[str, Any]) -> None:
    """Check that the ranks were called with the same arguments, before differences lead to different operations."""
    first = ranks.agree(call)
    ranks.each(lambda: check_alike(first, with_deadline_of(first, call)))


def _own_end(started: float, deadline: Any) -> float | None:
    """Return this rank's time.monotonic() after which no evaluation may run, before ranks have agreed on one."""
    seconds: Any = deadline if deadline is not None else seconds_left()
    return started + float(seconds) if is_finite(seconds) else None


def _agreed_end(ranks: Ranks, started: float, deadline: float | None, rules: Sequence[StoppingRule]) -> float | None:
    """Return the time.monotonic() after which no evaluation may run, by rank 0's clock; None without one. Collective."""
    limit = time_limit(rules)
    told = ranks.first(lambda: float(deadline) if deadline is not None else seconds_left())
    seconds = told if limit is None else limit if told is None else min(told, limit)
    return None if seconds is None else started + seconds


def _folder(results_path: Any) -> StudyFolder | None:
    """Return the study's files, with their absolute name; None if the path is invalid, which `_check_place` reports."""
    try:
        return StudyFolder(results_path)
    except InputError:
        return None


def _take_devices(ranks: Ranks) -> None:
    """Make the GPUs of this rank visible to this process and its child processes."""
    if ranks.size == 1:
        return
    seen = [(host, visible) for host, visible in ranks.gather([[ranks.host, os.environ.get(VARIABLE)]])]
    own = share_devices(seen, ranks.rank, count_devices())
    if own is not None:
        os.environ[VARIABLE] = own


def _check(call: Mapping[str, Any], target: Objective | Command, is_worker: bool) -> tuple[StudyArguments, RunOptions]:
    """Check all arguments of a call; return those that define the study, and the options of the run without its deadline."""
    for name in _FLAGS:
        check_flag(name, call[name])
    check_verbose(call["verbose"])
    if isinstance(target, Objective):
        target.check()
    _check_place(call["results_path"], call["checkpoints"])
    _check_comm(call["comm"], is_worker)
    grace()
    check_seconds("deadline", call["deadline"])
    check_seconds("timeout", call["timeout"])
    options = RunOptions(
        restart=call["restart"],
        retries=check_count("retries", call["retries"], least=0),
        retry_failed=call["retry_failed"],
        verbose=call["verbose"] not in (False, SILENT),
        callback=as_one(call["callback"]),
        pruner=check_pruner(call["pruner"]),
        rules=check_rules(call["stopping"]),
        noisy=call["noisy"],
    )
    check_budgeted(call["model"], target.learns_budget, options.pruner)
    _check_ways(target, call["timeout"], call["isolate"], options.retries, call["ranks_per_trial"])
    arguments = StudyArguments.check(call, target.name)
    check_several_goals(arguments.metrics, arguments.model, options.pruner, options.rules)
    return arguments, options


def _check_place(results_path: Any, checkpoints: bool) -> None:
    if results_path is None and checkpoints:
        raise InputError("results_path must be a folder for the study, got None; or pass checkpoints=False")
    if results_path is not None:
        absolute_folder(results_path)


def _check_comm(comm: Any, is_worker: bool) -> None:
    check_communicator(comm)
    if comm is not None and is_worker:
        raise InputError('exchange="files" shares through the study\'s files, and uses no communicator; leave comm= out')


def _needs_processes(isolate: bool, timeout: Any, retries: int) -> bool:
    """Return whether evaluations run in processes of their own."""
    return isolate or timeout is not None or retries > 0


def _check_ways(target: Objective | Command, timeout: Any, isolate: bool, retries: int, ranks_per_trial: int) -> None:
    if ranks_per_trial != 1 and (_needs_processes(isolate, timeout, retries) or isinstance(target, Command)):
        raise InputError(
            f"ranks_per_trial={ranks_per_trial} evaluates within the ranks of the MPI run; a command, timeout=, isolate= and "
            f"retries= need processes of their own"
        )
