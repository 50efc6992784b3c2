"""Child processes of an objective, and the effect on them of a signal that ends the study.

A signal to a whole job or terminal also reaches these processes. Most programs notice the end of a child process. A
`multiprocessing.Pool` waits forever for the result of that process.
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

from hyperspace.evaluators import interrupts, processes, supervisor

_PATIENCE = 5.0  # seconds without work after which an evaluation with a lost process is ended
_NOTICED_WITHIN = 2.0  # seconds within which a process ends after the signal
_NAP = 0.1  # seconds
_IDLE = 0.1  # largest share of one processor that waiting threads use
_STARTED = 19  # index of a process's start time in /proc/PID/stat, after its name

_ending = False  # whether this process kills its children, to end itself
_giving_up: object | None = None  # the call of the objective that `_watch` wants to end


def now() -> float:
    """Return the current time for `end_children`; 0 if the system does not provide start times of processes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else 0.0


def end_children(since: float) -> None:
    """Kill descendants of this process that started after a given time, and all workers of pools.

    Processes with a supervisor end with this process.

    Args:
        since: result of `now`.
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
    """Prevent other threads from forking while children are killed: a pool's thread replaces each missing worker."""
    while _ending and threading.current_thread() is not threading.main_thread():
        time.sleep(_NAP)


os.register_at_fork(before=_fork_no_more)


def _started(number: int) -> float:
    """Return the start time of a process, in seconds since boot; infinity if the system does not provide it."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return float("inf")
    return (ticks + 1) / os.sysconf("SC_CLK_TCK")


def watch_call(number: int) -> None:
    """End the objective's call if a signal has ended a process of multiprocessing and this one only waits after that.

    The handler of the signal calls this function. To end the call, the main thread receives the signal again, and its handler
    calls `give_up_if_asked`.

    Args:
        number: number of the signal.
    """
    call = interrupts.under_way()
    workers = _workers()
    if call is not None and workers:
        # Not a threading.Thread: the signal may have interrupted the start of one, which holds a lock.
        _thread.start_new_thread(_watch, (call, workers, number))


def give_up_if_asked() -> bool:
    """Return whether a signal comes from `watch_call`.

    Raises:
        GivenUp: it does, and the call to end is running.
    """
    global _giving_up
    call, _giving_up = _giving_up, None
    if call is None:
        return False
    if call is interrupts.under_way():
        raise interrupts.GivenUp("a process that it waits for was ended by the signal, too")
    return True


def _workers() -> list[Any]:
    """Return the processes that multiprocessing has started here and that have not been seen to end."""
    module = sys.modules.get("multiprocessing.process")
    return list(getattr(module, "_children", ()))


def _watch(call: object, workers: list[Any], number: int) -> None:
    global _giving_up
    until = time.monotonic() + _NOTICED_WITHIN
    while not _have_lost_one(workers):
        if time.monotonic() > until or interrupts.under_way() is not call:
            return
        time.sleep(_NAP)
    while _waits(call):
        _giving_up = call
        # Repeatedly: an objective may catch all exceptions and retry.
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _waits(call: object) -> bool:
    """Return True once this process has been idle for a while, or False when the call has ended."""
    until, used = time.monotonic() + _PATIENCE, time.process_time()
    while interrupts.under_way() is call:
        if time.monotonic() > until:
            if time.process_time() - used < _IDLE * _PATIENCE:
                return True
            until, used = time.monotonic() + _PATIENCE, time.process_time()
        time.sleep(_NAP)
    return False


def _have_lost_one(workers: Iterable[Any]) -> bool:
    for worker in workers:
        with suppress(ValueError, AssertionError):  # closed by the objective, which knows that it has ended
            if worker.exitcode not in (None, 0):
                return True
    return False
