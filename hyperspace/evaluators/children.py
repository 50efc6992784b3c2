"""Processes that an objective has started from this one, and what a signal that ends the study does to them.

A signal to a whole job or terminal reaches these processes, too. Most programs notice that a process of theirs has ended; a
`multiprocessing.Pool` waits for ever for what that process was to return.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from hyperspace.evaluators import calls, processes, supervisor

_PATIENCE = 5.0  # seconds without work, after which an evaluation that has lost a process is given up
_NOTICED_WITHIN = 2.0  # seconds in which a process ends that the signal has reached
_NAP = 0.1  # seconds
_IDLE = 0.1  # share of one processor that threads use which only wait
_STARTED = 19  # place of a process's start in /proc/PID/stat, behind its name

_ending = False  # whether this process kills its children, to end itself
_giving_up: object | None = None  # the call of the objective that `Watch` wants to end


def now() -> float:
    """Return this moment as `end_children` takes it; 0 where the system does not tell when processes have started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else 0.0


def end_children(since: float) -> None:
    """Kill what descends from this process and has started after a moment, and the workers of pools whenever they have started.

    What has a supervisor ends with this process.

    Args:
        since: what `now` returned.
    """
    global _ending
    _ending = True
    supervised = processes.supervisors()
    pools = {worker.pid for worker in _workers() if worker.daemon}

    def find() -> list[int]:
        children = supervisor.children_by_parent()
        found, generation = [], [os.getpid()]
        while generation:
            generation = [child for parent in generation for child in children[parent] if child not in supervised]
            found += generation
        return [number for number in found if number in pools or _started(number) >= since]

    supervisor.end_found(find)


def _fork_no_more() -> None:
    """Keep other threads from forking while children are killed: a pool's thread replaces each worker that it misses."""
    while _ending and threading.current_thread() is not threading.main_thread():
        time.sleep(_NAP)


os.register_at_fork(before=_fork_no_more)


def _started(number: int) -> float:
    """Return when a process has started, in seconds since the machine has; infinity where the system does not tell."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return float("inf")
    return (ticks + 1) / os.sysconf("SC_CLK_TCK")


def watch_call(number: int) -> None:
    """Give the objective's call up if a signal ends a process of multiprocessing, too, and this one only waits from then on.

    To be called by the handler of the signal. The main thread gets the signal once more when it is to give up: its handler then
    calls `give_up_if_asked`.

    Args:
        number: the signal's.
    """
    call = calls.under_way()
    workers = _workers()
    if call is not None and workers:
        # Not a threading.Thread: the signal may have interrupted one that starts, with the lock for that.
        _thread.start_new_thread(_watch, (call, workers, number))


def give_up_if_asked() -> bool:
    """Return whether a signal comes from `watch_call`.

    Raises:
        GivenUp: it does, and the call that is to be given up is under way.
    """
    global _giving_up
    call, _giving_up = _giving_up, None
    if call is None:
        return False
    if call is calls.under_way():
        raise calls.GivenUp("a process that it waits for was ended by the signal, too")
    return True


def _workers() -> list[Any]:
    """Return the processes that multiprocessing has started from here and not seen end."""
    module = sys.modules.get("multiprocessing.process")
    return list(getattr(module, "_children", ()))


def _watch(call: object, workers: list[Any], number: int) -> None:
    global _giving_up
    until = time.monotonic() + _NOTICED_WITHIN
    while not _have_lost_one(workers):
        if time.monotonic() > until or calls.under_way() is not call:
            return
        time.sleep(_NAP)
    while _waits(call):
        _giving_up = call
        # Again and again: an objective may catch everything, and try again.
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _waits(call: object) -> bool:
    """Return True once this process has done nothing for a while, or False when the call has ended."""
    until, used = time.monotonic() + _PATIENCE, time.process_time()
    while calls.under_way() is call:
        if time.monotonic() > until:
            if time.process_time() - used < _IDLE * _PATIENCE:
                return True
            until, used = time.monotonic() + _PATIENCE, time.process_time()
        time.sleep(_NAP)
    return False


def _have_lost_one(workers: Iterable[Any]) -> bool:
    for worker in workers:
        with suppress(ValueError, AssertionError):  # the objective has closed it, and so knows that it has ended
            if worker.exitcode not in (None, 0):
                return True
    return False
