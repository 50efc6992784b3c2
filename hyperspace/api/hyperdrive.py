"""hyperdrive(): checks the input, opens or creates the study, works its drives, and merges the result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from hyperspace.cluster.walltime import seconds_left
from hyperspace.errors import InputError, shown
from hyperspace.evaluators.command import Command
from hyperspace.evaluators.devices import VARIABLE, count_devices, share_devices
from hyperspace.evaluators.exits import exits_are_told
from hyperspace.evaluators.importing import refuse_while_importing
from hyperspace.evaluators.inline import takes_handle
from hyperspace.evaluators.opening import open_evaluators
from hyperspace.exchange.base import Exchange
from hyperspace.exchange.files import SILENT_VARIABLE, FilesExchange
from hyperspace.exchange.launcher import check_communicator, open_exchange, working
from hyperspace.exchange.waiting import Patience, grace
from hyperspace.execution.groups import work_in_groups
from hyperspace.execution.loop import Callback
from hyperspace.execution.run import Session
from hyperspace.execution.signals import leave_if_interrupted, received, signals_end_the_study
from hyperspace.journal import StudyFolder
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.pruning import PruningRule, check_pruner
from hyperspace.results.result import Result
from hyperspace.space.parsing import describe_doubtful_lists
from hyperspace.space.space import check_space
from hyperspace.space.values import is_finite, is_true
from hyperspace.stopping import StoppingRule, check_rules, time_limit
from hyperspace.study.call import describe_call, with_deadline_of
from hyperspace.study.checks import check_budgeted, check_choice, check_count, check_flag, check_goals, check_seconds, name_of
from hyperspace.study.config import check_alike
from hyperspace.study.planning import EXCHANGES, Wanted
from hyperspace.system.forks import children_end
from hyperspace.system.paths import absolute_folder
from hyperspace.system.terminal import tell
from hyperspace.trials.callbacks import as_one
from hyperspace.trials.metrics import Metric


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
    verbose: bool = False,
    comm: Any = None,
    callback: Callback | Sequence[Callback] | None = None,
) -> Result:
    """Find the global optimum of an expensive function on all ranks of an MPI run, or in this process.

    Splits each dimension into two overlapping halves; their combinations are the subspaces, each the home of a drive with a
    surrogate optimizer of its own. Every rank calls this with the same arguments and gets the same Result; ranks with other
    arguments are refused, and ranks that do not call are named on standard error. The same call again goes on where the study
    in `results_path` ends, on any number of ranks. A call within an objective works in this process alone.

    SIGTERM, SIGUSR1 and `hyperspace stop` end the study before its budget is spent: evaluations under way come to their end, no
    other begins, and every rank returns what there is so far. A process that got such a signal begins no evaluation of a later
    call either. Ctrl-C does the same, and then ends the program with exit code 130; at a prompt or in a notebook the result is
    returned. A second SIGTERM or Ctrl-C ends the process at once.

    Args:
        objective: objective(parameters) -> float, or a dict of named metrics. With a second argument it also gets the
            trial's handle: id, seed, scratch folder, report(step, value). What it raises is recorded as a failed trial.
        hyperparameters: a list of dimensions, e.g. [(2, 10), (1e-2, 1.0, "log-uniform"), ["relu", "tanh"]], and the objective
            receives a list; or a dict {name: dimension, or a constant}, and it receives a dict. A tuple of two ints is an
            Integer, of floats a Real; a list is a Categorical (see `hyperspace.space.parsing` for lists of two numbers);
            scikit-optimize's dimension objects are taken as they are.
        results_path: folder of the study.
        model: surrogate ("GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT"); "RAND"; "CMA", "GA", "PSO", "DE", "ES", "SA", "EDA",
            "NSGA2", "ACO", "PAES", "BITGA", "GRID", or one of these with options from hyperspace.optimizers; "HYPERBAND", for
            objectives that spend trial.budget (see `hyperspace.api.hyperbelt`); an object with fit and predict, or with ask and
            tell; or a list of such, which drives take in turn.
        n_iterations: evaluations a drive.
        n_calls: evaluations in all, instead of n_iterations; the first n_calls mod n_drives drives do one more.
        strategy: "adaptive"; "static", the published method: every drive stays in its subspace; "generations": the drives of a
            subspace evaluate the points of one optimizer, a generation a round; or "halving" (see `hyperspace.api.hyperbelt`),
            where n_iterations counts loops. With "adaptive" an evolutionary model such as "DE" chooses "generations", or over MPI
            the same without waiting for a generation.
        n_subspaces: a power of two; None: 2^D for "static" and "halving", 1 for "generations"; for "adaptive" the largest
            power of two that divides n_drives, and at most 2^min(D, max(4, ceil(log2 ranks))).
        n_drives: a multiple of n_subspaces. None: with "adaptive" one for each rank that creates the study, one in one process;
            ranks that join the study later with exchange="async" get drives of their own. One for each of
            2^min(D, max(4, ceil(log2 ranks))) subspaces at least with more than 16 ranks, with exchange="round" or "none", with
            "files" where the number of workers is not known, and with models that are no surrogates. Other strategies: enough for
            the subspaces and the ranks, and 16 at least for "generations".
        overlap: how much the halves overlap, in [0, 1]: each is (1 + overlap)/2 of its dimension.
        acquisition: "EI", "PI", "LCB", "TS" or "gp_hedge".
        sampler: initial design: "sobol", "lhs" or "random".
        n_samples: points of the initial design, a drive; None: what the number of dimensions and of drives asks for.
        exchange: "round": drives learn of each other's trials after every round, and make the same trials on any number of
            ranks; "async": ranks gossip, nobody waits, a fast rank does more; "none": nothing is shared; "files": processes
            without MPI share through results_path, any of them may die or join at any time. None: "none" for
            "static", else "async" under MPI and "round" in one process; "round" for "generations" and "ES".
        metrics: what is to be done with each named metric; None: the one named "loss" in the study's first answer, or its only
            one, is minimized, and an evaluation without it fails.
        maximize: for an objective that returns one number.
        x0: without y0: a point, or a list of points, to be evaluated before a model chooses any, such as settings that are known
            to work. They count towards the budget and the initial design, and are dealt out to the drives in turn. With y0:
            points evaluated already; they inform the surrogates, count towards the initial design, and not towards the budget.
        y0: what the objective returned at x0. A study that goes on needs neither again: both are part of it.
        warm_start: the results_path of another study, or a list of them: those of its evaluations that fit this search space
            count as known, as x0 and y0 do. Only read, and only when this study is created.
        deadline: seconds; no evaluation is started that would not end in time, by the durations seen. None: what is left of the
            Slurm job that this process belongs to, if it does; math.inf: none in any case.
        timeout: seconds that one evaluation may take; a longer one is ended, and counts as failed. Implies isolate=True.
        isolate: evaluate in a process of its own, which this rank outlives whatever happens there; with exchange="async" the rank
            thinks ahead meanwhile. Any function will do, also a lambda or one of a notebook; what it uses of the program's own
            is copied to that process (docs/failures.md).
        retries: how often an evaluation is repeated that was no fault of the objective's: its process was killed from outside,
            or memory ran out. Implies isolate=True.
        ranks_per_trial: ranks that evaluate one trial together, for an objective that is an MPI program itself: all of them call
            it with the same parameters, and find their communicator in trial.comm.
        checkpoints: write journals, and go on where they end.
        restart: set aside what results_path holds, and begin anew.
        retry_failed: first evaluate the recorded trials that failed or took too long again, at the same points; a new end
            replaces the failure. What was asked for after the failure stays as it is.
        stopping: rules that end the study before its budget is spent, from `hyperspace.stopping`: TargetValue(value),
            NoProgress(evaluations, tolerance), TimeLimit(seconds).
        pruner: ends evaluations early by what they report, such as `hyperspace.pruning.MedianRule()`.
        noisy: whether evaluations of one point differ. Without that a study ends when every point of a discrete space was
            evaluated; with exchange="none" each drive does when it has evaluated every point of its box.
        random_state: seed of all that is random; None draws one.
        verbose: show the progress, on rank 0. The only argument that may differ between ranks.
        comm: an mpi4py communicator; None: all ranks of the mpirun that started this process, if one did; this process alone
            within the objective of another study.
        callback: called as callback(trial) on the rank that finished it; returning True (Python's or numpy's) ends the study;
            or a list of such functions.

    Returns:
        The merged result, the same on every rank.

    Raises:
        InputError: an argument is not what it has to be.
        NotBuiltError: several metrics to optimize, which this version cannot do yet.
        StudyError: results_path holds another study, is damaged or cannot be written; or the first trials all failed.
        StudyInterrupted: Ctrl-C has ended the study, whose files are in order; it is a SystemExit, and has the `result`.
        LaunchError: the processes are not the ranks of one MPI run.
    """
    call = describe_call(locals())
    refuse_while_importing()
    started = time.monotonic()
    through_files = isinstance(exchange, str) and exchange == "files"
    ranks = FilesExchange() if through_files else open_exchange(comm, _own_end(started, deadline))
    folder = _folder(results_path) if is_true(checkpoints) or (isinstance(checkpoints, int) and checkpoints == 1) else None

    def check() -> Wanted:
        for name, value in {
            "isolate": isolate,
            "checkpoints": checkpoints,
            "restart": restart,
            "verbose": verbose,
            "retry_failed": retry_failed,
            "noisy": noisy,
        }.items():
            check_flag(name, value)
        _check_call(objective, results_path, checkpoints)
        _check_comm(comm, through_files)
        as_one(callback)
        check_budgeted(model, _learns_budget(objective), check_pruner(pruner))
        grace()
        check_seconds("deadline", deadline)
        check_seconds("timeout", timeout)
        check_rules(stopping)
        check_count("retries", retries, least=0)
        _check_ways(objective, timeout, isolate, retries, ranks_per_trial)
        return Wanted(
            objective_name=name_of(objective),
            space=check_space(hyperparameters),
            metrics=check_goals(metrics, maximize),
            model=model,
            n_iterations=n_iterations,
            n_calls=n_calls,
            strategy=strategy,
            n_subspaces=n_subspaces,
            n_drives=n_drives,
            overlap=overlap,
            acquisition=acquisition,
            sampler=sampler,
            n_samples=n_samples,
            exchange=None if exchange is None else check_choice("exchange", exchange, EXCHANGES),
            x0=x0,
            y0=y0,
            warm_start=_check_others(warm_start),
            random_state=random_state,
        )

    def until(ranks: Exchange) -> float | None:
        # Rank 0's: ranks that work a deadline out by their own clocks differ a little.
        limit = time_limit(check_rules(stopping))
        told = ranks.first(lambda: float(deadline) if deadline is not None else seconds_left())
        seconds = told if limit is None else limit if told is None else min(told, limit)
        return None if seconds is None else started + seconds

    speaks = ranks.rank == 0 and SILENT_VARIABLE not in os.environ

    def work(ranks: Exchange, objective: Callable[..., Any] | Command) -> Result:
        with ExitStack() as held:
            wanted = ranks.each(check)
            for doubt in describe_doubtful_lists(hyperparameters) if speaks else ():
                tell(doubt)
            apart = isolate or timeout is not None or retries > 0
            make_evaluator = ranks.each(lambda: open_evaluators(objective, wanted.metrics, wanted.space, timeout, apart, held))
            session = Session(
                wanted,
                ranks,
                folder=folder,
                restart=restart,
                deadline=until(ranks),
                retries=retries,
                verbose=verbose,
                callback=as_one(callback),
                pruner=check_pruner(pruner),
                retry_failed=retry_failed,
                rules=check_rules(stopping),
                noisy=noisy,
            )
            return session.run(make_evaluator)

    stoppable = None if through_files else folder  # a worker ends alone
    with working(), exits_are_told(ranks), ranks.ends_together(), signals_end_the_study(stoppable, speaks), children_end():
        ranks.bound(Patience(lambda: received() is not None, deadline=_own_end(started, deadline)))
        _check_same_call(ranks, call)
        ranks.each(lambda: check_count("ranks_per_trial", ranks_per_trial))
        _take_devices(ranks)
        if ranks_per_trial == 1 or isinstance(objective, Command):
            result = work(ranks, objective)
        else:
            result = work_in_groups(ranks, ranks_per_trial, objective, work, check)
        ranks.close()
    leave_if_interrupted(result)
    return result


def _check_same_call(ranks: Exchange, call: Mapping[str, Any]) -> None:
    """Refuse ranks that were called with different arguments, before these lead them different ways."""
    first = ranks.agree(call)
    ranks.each(lambda: check_alike(first, with_deadline_of(first, call)))


def _own_end(started: float, deadline: Any) -> float | None:
    """Return this rank's time.monotonic() after which no evaluation may run, before ranks have agreed on one and checked it."""
    seconds: Any = deadline if deadline is not None else seconds_left()
    return started + float(seconds) if is_finite(seconds) else None


def _folder(results_path: Any) -> StudyFolder | None:
    """Return the study's files, under their absolute name; None where there is none: `_check_call` says what is wrong."""
    try:
        return StudyFolder(results_path)
    except InputError:
        return None


def _take_devices(ranks: Exchange) -> None:
    """Let this process, and those that it starts, see the GPUs that fall to this rank."""
    if ranks.size == 1:
        return
    seen = [(host, visible) for host, visible in ranks.gather([[ranks.host, os.environ.get(VARIABLE)]])]
    own = share_devices(seen, ranks.rank, count_devices())
    if own is not None:
        os.environ[VARIABLE] = own


def _check_call(objective: Any, results_path: Any, checkpoints: bool) -> None:
    if not callable(objective) and not isinstance(objective, Command):
        raise InputError(f"objective must be a function of the parameters, got {shown(objective)}")
    if results_path is None and checkpoints:
        raise InputError("results_path must be a folder for the study, got None; or pass checkpoints=False")
    if results_path is not None:
        absolute_folder(results_path)


def _check_others(warm_start: Any) -> tuple[str, ...]:
    """Return the absolute paths of the studies that a new one takes evaluations over from."""
    paths = (warm_start,) if isinstance(warm_start, (str, os.PathLike)) else warm_start
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise InputError(f"warm_start must be the folder of another study, or a list of folders; got {shown(warm_start)}")
    return tuple(str(absolute_folder(path, "warm_start")) for path in paths)


def _learns_budget(objective: Any) -> bool:
    if isinstance(objective, Command):
        return objective.uses_budget
    return callable(objective) and takes_handle(objective)


def _check_comm(comm: Any, through_files: bool) -> None:
    check_communicator(comm)
    if comm is not None and through_files:
        raise InputError('exchange="files" shares through the study\'s files, and uses no communicator; leave comm= out')


def _check_ways(objective: Any, timeout: Any, isolate: bool, retries: int, ranks_per_trial: int) -> None:
    if ranks_per_trial != 1 and (isolate or timeout is not None or retries or isinstance(objective, Command)):
        raise InputError(
            f"ranks_per_trial={ranks_per_trial} evaluates within the ranks of the MPI run; a command, timeout=, isolate= and "
            f"retries= need processes of their own"
        )
