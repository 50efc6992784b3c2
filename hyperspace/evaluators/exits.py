"""Detection of C's exit() in the objective's process, which a library may call on an error.

No Python code runs then: no `finally`, no exception. Inside exit() the MPI library may wait for the other ranks, which wait for
this one. So a function is registered with the C library for this case, and removed when the study ends.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hyperspace.evaluators import interrupts
from hyperspace.exchange.ranks import Ranks


@contextmanager
def exits_are_told(ranks: Ranks) -> Iterator[None]:
    """Report an exit() of the objective within the block, then end the other ranks too."""

    def tell() -> None:
        if not interrupts.is_under_way():  # MPI itself calls exit() when another rank ends the run
            return
        where = f"rank {ranks.rank} on {ranks.host} ends all ranks" if ranks.size > 1 else "the study ends"
        with suppress(OSError, ValueError):
            sys.stderr.write(
                f"hyperspace: {where}: the objective, or a library of its, called exit() during an evaluation; with isolate=True "
                f"that is a failed trial\n"
            )
            sys.stderr.flush()
        if ranks.size > 1:  # every launcher ends a run with a killed process, and MPI_Abort could wait for a lock here
            os.kill(os.getpid(), signal.SIGKILL)

    with at_exit_of_c(tell):
        yield


@contextmanager
def at_exit_of_c(action: Callable[[], object]) -> Iterator[None]:
    """Call `action` if C's exit() is called within the block, in this process and not in a forked child.

    Does nothing unless the C library is glibc, since only glibc can remove such a function.
    """
    try:
        library = ctypes.CDLL("libc.so.6")
        register, take_back = library.__cxa_atexit, library.__cxa_finalize
    except (OSError, AttributeError):
        yield
        return
    process = os.getpid()
    active = True

    def at_exit(_: int | None) -> None:
        if active and os.getpid() == process:
            action()

    called = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(at_exit)
    key = ctypes.create_string_buffer(1)  # its address identifies this function
    register.argtypes = [ctypes.c_void_p] * 3
    take_back.argtypes = [ctypes.c_void_p]
    take_back.restype = None

    def forget() -> None:
        nonlocal active
        active = False
        take_back(ctypes.addressof(key))

    register(ctypes.cast(called, ctypes.c_void_p), None, ctypes.addressof(key))
    atexit.register(forget)  # Python must still be running when the function is called
    try:
        yield
    finally:
        forget()
        atexit.unregister(forget)
